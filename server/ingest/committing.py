"""One batch, one transaction: what came is kept, and the acknowledgements follow from it.

| what came | what becomes of it | settled at the device |
|---|---|---|
| a new window of a claimed device | stored; cells that cannot stand are kept aside | yes |
| the same again | nothing | yes, once more |
| the same key with another hash | kept aside: `same_key_other_content` | the first one is |
| a window of a device that nobody claimed | kept aside: `unknown_device` | yes |
| a window of more than a day ahead, or 13 months ago | kept aside: `implausible_time` | yes |
| a newer version, a malformed one, with a key | rejected with the reason, kept raw | as rejected |
| the same without a key; another device's message; a wrong topic | kept raw, with the reason | no |
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine

from firmware_cfg.messages import State
from server.database import writer
from server.ingest import acks, heads, keeping, signs
from server.ingest.acks import AckDraft
from server.ingest.directory import Devices, Directory, org_of
from server.ingest.fates import Aside, Came, Fates, device_of, fates_of
from server.ingest.known import Stream, forgotten_keys, known_messages
from server.ingest.reading import Nothing, Reading, Refusal, StatusReading, WindowReading
from server.ingest.signs import Signs
from server.logs import event
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


def commit(
    engine: Engine,
    readings: Sequence[Reading],
    now: datetime,
    directory: Directory | None = None,
) -> Committed:
    """Keep a batch of readings in one transaction, and draw up its acknowledgements.

    Args:
        engine: the database.
        readings: the batch.
        now: when it came.
        directory: remembers who devices are; none: they are asked about.
    """
    said = [one for one in readings if isinstance(one, StatusReading)]
    came = [one for one in readings if not isinstance(one, StatusReading | Nothing)]
    names = {one.device for one in said} | {device_of(one) for one in came}
    if not names:
        return Committed((), Tally())
    with writer(engine).begin() as connection:
        devices = (directory or Directory()).find(connection, names, now)
        fates, asides = _keep(connection, came, devices, now)
        found = _signs(said, came, devices, now)
        signs.keep_signs(connection, found)
        heads.keep_heads(connection, found.heads, now)
        born = _born(said, devices)
        firsts = {one: first for one, first in born.items() if first is not None and first > 1}
        drafts = acks.advance(connection, fates.touched, now, firsts)
        unanswered = born.keys() - {*fates.touched, *firsts}
        drafts += acks.answer_births(connection, unanswered)
    for one in asides:
        _say(one)
    return Committed(tuple(drafts), _tally(fates, asides))


def _keep(
    connection: Connection, came: Sequence[Came], devices: Devices, now: datetime
) -> tuple[Fates, list[Aside]]:
    """Keep the messages; what becomes of them, and all that is kept aside."""
    keyed = ((org_of(devices, device_of(o)), o.key) for o in came if o.key is not None)
    known = known_messages(connection, keyed)
    windows = ((org_of(devices, o.key.device), o) for o in came if isinstance(o, WindowReading))
    forgotten = forgotten_keys(connection, known, windows)
    fates = fates_of(came, devices, known, forgotten, now)
    asides = fates.asides + keeping.keep_windows(connection, fates.stored, devices, now)
    keeping.keep_messages(connection, fates.messages, now)
    keeping.keep_asides(connection, asides, now)
    return fates, asides


def _signs(
    said: Iterable[StatusReading], came: Iterable[Came], devices: Devices, now: datetime
) -> Signs:
    """What the batch says of devices."""
    found = Signs()
    for one in came:
        if not _astray(one):
            found.alive(org_of(devices, device_of(one)), device_of(one), now)
    for each in said:
        org_id = org_of(devices, each.device)
        found.take(org_id, each.device, each.message, now, retained=each.retained)
    return found


def _born(said: Iterable[StatusReading], devices: Devices) -> dict[Stream, int | None]:
    """Streams of devices that have just connected, with the oldest sequence that they still have.

    Also of one whose birth the broker had retained: what was gone then is still gone.
    """
    return {
        Stream(org_of(devices, one.device), one.device, one.message.epoch): one.message.first
        for one in said
        if isinstance(one.message, State) and one.message.online
    }


def _astray(came: Came) -> bool:
    """Whether it is no sign of life of any device: on a wrong topic, or retained."""
    if not isinstance(came, Refusal):
        return False
    return came.retained or came.reason is AsideReason.WRONG_TOPIC


def _tally(fates: Fates, asides: Sequence[Aside]) -> Tally:
    rejected = sum(one.status is MessageStatus.REJECTED for one in fates.messages)
    return Tally(
        stored=len(fates.stored),
        repeated=fates.repeated,
        rejected=rejected,
        aside=len(asides) - rejected,
    )


def _say(one: Aside) -> None:
    key = one.what.key
    event(
        log,
        logging.WARNING,
        "ingest.kept_aside",
        reason=one.reason.value,
        device=one.device,
        epoch=None if key is None else key.epoch,
        sequence=None if key is None else key.sequence,
    )
