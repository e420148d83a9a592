"""Writing what was read: messages, windows, cells, and what has to be kept aside.

Everything here happens inside the caller's transaction. Where a cell belongs, and whether it
can stand there, says `server.ingest.placing`.
"""

import zlib
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import Connection, delete, func, insert, select, update

from firmware_cfg.messages import Health, Reported, State
from server.ingest.placing import place_cell
from server.ingest.reading import MAX_REASON, MessageKey, Refusal, WindowReading
from server.schema.cells import window
from server.schema.fleet import NEVER, device_status
from server.schema.messages import AsideReason, MessageStatus, aside, message

KEPT_RAW_FOR = timedelta(days=30)
MAX_UNREADABLE = 1000
UNREADABLE = (AsideReason.MALFORMED, AsideReason.WRONG_DEVICE, AsideReason.WRONG_TOPIC)
EXPIRING = (*UNREADABLE, AsideReason.NEWER_VERSION)


def known_hash(connection: Connection, org_id: UUID, key: MessageKey) -> str | None:
    """The hash of the message that is kept under `key`; none if there is none."""
    found: str | None = connection.execute(
        select(message.c.sha256).where(
            message.c.org_id == org_id,
            message.c.device == key.device,
            message.c.epoch == key.epoch,
            message.c.sequence == key.sequence,
        )
    ).scalar()
    return found


def keep_message(
    connection: Connection,
    org_id: UUID,
    key: MessageKey,
    digest: str,
    now: datetime,
    *,
    status: MessageStatus,
    reason: str | None = None,
) -> None:
    """Write down that a message came, and what became of it."""
    row = {"org_id": org_id, "device": key.device, "epoch": key.epoch, "sequence": key.sequence}
    row |= {"sha256": digest, "status": status.value, "reason": reason, "received_at": now}
    connection.execute(insert(message).values(row))


def settle_message(connection: Connection, org_id: UUID, key: MessageKey) -> None:
    """A message that was kept aside or rejected has been read after all."""
    here = [message.c.org_id == org_id, message.c.device == key.device]
    here += [message.c.epoch == key.epoch, message.c.sequence == key.sequence]
    stored = MessageStatus.STORED.value
    connection.execute(update(message).where(*here).values(status=stored, reason=None))


def keep_window(
    connection: Connection, org_id: UUID, reading: WindowReading, now: datetime
) -> list[AsideReason]:
    """Write a window and its cells; the reasons of cells that had to be kept aside."""
    key, one = reading.key, reading.window
    connection.execute(
        insert(window).values(
            org_id=org_id,
            device=key.device,
            epoch=key.epoch,
            sequence=key.sequence,
            start_at=one.start,
            end_at=one.end,
            coverage=one.coverage.value,
            clock=one.clock,
            invalid=[part.model_dump(mode="json") for part in one.invalid],
        )
    )
    reasons = []
    for index in range(len(one.cells)):
        reason = place_cell(connection, org_id, reading, index)
        if reason is not None:
            keep_aside(connection, org_id, reading, reason, now, cell_index=index)
            reasons.append(reason)
    return reasons


def keep_aside(
    connection: Connection,
    org_id: UUID,
    what: WindowReading | Refusal,
    reason: AsideReason,
    now: datetime,
    *,
    detail: str = "",
    cell_index: int | None = None,
) -> bool:
    """Keep something raw, once; false if it is there already or the device sent too much."""
    name = what.key.device if isinstance(what, WindowReading) else what.device
    mine = [aside.c.org_id == org_id, aside.c.device == name, aside.c.reason == reason.value]
    same = select(aside.c.aside_id).where(*mine, aside.c.sha256 == what.sha256)
    if cell_index is not None:
        same = same.where(aside.c.cell_index == cell_index)
    if connection.execute(same.limit(1)).first():
        return False
    if reason in UNREADABLE:
        count = connection.execute(select(func.count()).select_from(aside).where(*mine)).scalar()
        if (count or 0) >= MAX_UNREADABLE:
            return False
    connection.execute(
        insert(aside).values(
            org_id=org_id,
            aside_id=uuid4(),
            device=name,
            epoch=None if what.key is None else what.key.epoch,
            sequence=None if what.key is None else what.key.sequence,
            cell_index=cell_index,
            sha256=what.sha256,
            reason=reason.value,
            detail=detail[:MAX_REASON],
            kept_at=now,
            payload=zlib.compress(what.payload),
        )
    )
    return True


def purge(connection: Connection, now: datetime) -> int:
    """Delete raw messages that nobody could read for 30 days; how many."""
    old = aside.c.kept_at < now - KEPT_RAW_FOR
    reasons = aside.c.reason.in_([reason.value for reason in EXPIRING])
    return connection.execute(delete(aside).where(old, reasons)).rowcount


def keep_status(
    connection: Connection,
    org_id: UUID,
    name: str,
    now: datetime,
    said: State | Health | Reported | None = None,
    *,
    retained: bool = False,
) -> None:
    """A sign of life, with what it says.

    A last will is none, nor is what the broker had retained: nobody knows from when it is.
    """
    values: dict[str, object] = {}
    gone = isinstance(said, State) and not said.online
    if not gone and not retained:
        values["last_sign_at"] = now
    if isinstance(said, State):
        values |= {"online": said.online}
        values |= {"software": said.software} if said.software else {}
    elif isinstance(said, Health):
        values |= {"software": said.software, "faults": list(said.faults)}
        values |= {} if retained else {"online": True}
        values |= {"clock": said.clock, "health_at": said.at}
    elif isinstance(said, Reported):
        values |= {"reported": said.model_dump(mode="json")}
    here = (device_status.c.org_id == org_id) & (device_status.c.device == name)
    if not values:
        return
    if connection.execute(update(device_status).where(here).values(values)).rowcount == 0:
        row = {"org_id": org_id, "device": name, "last_sign_at": NEVER} | values
        connection.execute(insert(device_status).values(row))
