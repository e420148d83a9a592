"""One batch, one transaction: what came is kept, and the acknowledgements follow from it.

| what came | what becomes of it | settled at the device |
|---|---|---|
| a new window of a claimed device | stored; cells that cannot stand are kept aside | yes |
| the same again | nothing | yes, once more |
| the same key with another hash | kept aside: `same_key_other_content` | the first one is |
| a window of a device that nobody claimed | kept aside: `unknown_device` | yes |
| a newer version, a malformed one, with a key | rejected with the reason, kept raw | as rejected |
| the same without a key; another device's message; a wrong topic | kept raw, with the reason | no |
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, Engine

from firmware_cfg.messages import Health, State
from server.database import writer
from server.identity import owner_of
from server.ingest import acks, heads, keeping
from server.ingest.acks import AckDraft, Stream
from server.ingest.reading import Nothing, Reading, Refusal, StatusReading, WindowReading
from server.logs import event
from server.schema.columns import NO_ORGANISATION
from server.schema.messages import AsideReason, MessageStatus

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tally:
    """What a batch did."""

    stored: int = 0
    repeated: int = 0
    rejected: int = 0
    aside: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.stored + other.stored,
            self.repeated + other.repeated,
            self.rejected + other.rejected,
            self.aside + other.aside,
        )


@dataclass(frozen=True, slots=True)
class Committed:
    """The outcome of a batch, after its commit."""

    acks: tuple[AckDraft, ...]
    tally: Tally


def commit(engine: Engine, readings: Sequence[Reading], now: datetime) -> Committed:
    """Keep a batch of readings in one transaction, and draw up its acknowledgements."""
    tally = Tally()
    touched: dict[Stream, None] = {}
    born: dict[Stream, None] = {}
    orgs: dict[str, UUID] = {}
    with writer(engine).begin() as connection:
        for reading in readings:
            if isinstance(reading, Nothing):
                continue
            name = reading.key.device if isinstance(reading, WindowReading) else reading.device
            if name not in orgs:
                owner = owner_of(connection, name)
                orgs[name] = NO_ORGANISATION if owner is None else owner.org_id
            org_id = orgs[name]
            if isinstance(reading, StatusReading):
                said, retained = reading.message, reading.retained
                keeping.keep_status(connection, org_id, name, now, said, retained=retained)
                if isinstance(said, Health) and said.ledger is not None and not retained:
                    heads.keep_head(connection, org_id, name, said.ledger, now)
                if isinstance(reading.message, State) and reading.message.online:
                    born[Stream(org_id, name, reading.message.epoch)] = None
                continue
            if not _astray(reading):
                keeping.keep_status(connection, org_id, name, now)
            tally += _keep(connection, org_id, reading, now)
            if reading.key is not None:
                touched[Stream(org_id, name, reading.key.epoch)] = None
        drafts = [one for stream in touched for one in acks.advance(connection, stream, now)]
        drafts += [
            one
            for stream in born
            if stream not in touched
            for one in acks.repeat(connection, stream)
        ]
    return Committed(tuple(drafts), tally)


def _astray(reading: Reading) -> bool:
    """Whether it is no sign of life of any device: on a wrong topic, or retained."""
    if not isinstance(reading, Refusal):
        return False
    return reading.retained or reading.reason is AsideReason.WRONG_TOPIC


def _keep(
    connection: Connection, org_id: UUID, reading: WindowReading | Refusal, now: datetime
) -> Tally:
    known = None if reading.key is None else keeping.known_hash(connection, org_id, reading.key)
    if known == reading.sha256:
        return Tally(repeated=1)
    if known is not None:
        reason = AsideReason.SAME_KEY_OTHER_CONTENT
        keeping.keep_aside(connection, org_id, reading, reason, now)
        _say(reading, reason)
        return Tally(aside=1)
    if isinstance(reading, Refusal):
        return _refuse(connection, org_id, reading, now)
    if org_id == NO_ORGANISATION:
        reason = AsideReason.UNKNOWN_DEVICE
        status = MessageStatus.ASIDE
        keeping.keep_message(
            connection, org_id, reading.key, reading.sha256, now, status=status, reason=reason
        )
        keeping.keep_aside(connection, org_id, reading, reason, now)
        _say(reading, reason)
        return Tally(aside=1)
    status = MessageStatus.STORED
    keeping.keep_message(connection, org_id, reading.key, reading.sha256, now, status=status)
    reasons = keeping.keep_window(connection, org_id, reading, now)
    for reason in reasons:
        _say(reading, reason)
    return Tally(stored=1, aside=len(reasons))


def _refuse(connection: Connection, org_id: UUID, refusal: Refusal, now: datetime) -> Tally:
    reason, detail = refusal.reason, refusal.detail
    keeping.keep_aside(connection, org_id, refusal, reason, now, detail=detail)
    _say(refusal, reason)
    if refusal.key is None:
        return Tally(aside=1)
    status = MessageStatus.REJECTED
    keeping.keep_message(
        connection, org_id, refusal.key, refusal.sha256, now, status=status, reason=detail or reason
    )
    return Tally(rejected=1)


def _say(reading: WindowReading | Refusal, reason: AsideReason) -> None:
    key = reading.key
    event(
        log,
        logging.WARNING,
        "ingest.kept_aside",
        reason=reason.value,
        device=reading.device if isinstance(reading, Refusal) else reading.key.device,
        epoch=None if key is None else key.epoch,
        sequence=None if key is None else key.sequence,
    )
