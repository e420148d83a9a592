"""Writing what was read: messages, windows, cells, and what has to be kept aside.

Everything here happens inside the caller's transaction, a statement for all rows of a table.
Several workers write at the same time: whatever is updated is locked in the order of its key,
and a table after the other in the order of this module.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, and_, func, select, update

from server.at_once import encoded, given, insert_all, types_of, upsert_all
from server.ingest.directory import Devices
from server.ingest.fates import Aside, NewMessage
from server.ingest.known import taken_times
from server.ingest.placing import Placed, place
from server.ingest.reading import MessageKey, WindowReading
from server.ingest.rows import aside_row, cell_row, message_row, raw_row, week_row, window_row
from server.schema.cells import cell, store_week, window
from server.schema.messages import AsideReason, MessageStatus, aside, message, raw_message
from server.schema.rollups import rollup_due

MAX_UNREADABLE = 1000
UNREADABLE = (AsideReason.MALFORMED, AsideReason.WRONG_DEVICE, AsideReason.WRONG_TOPIC)
Stored = Sequence[tuple[UUID, WindowReading]]


def keep_messages(connection: Connection, messages: Iterable[NewMessage], now: datetime) -> None:
    """Write down that messages came, and what became of them."""
    rows = [message_row(one, now) for one in messages]
    rows.sort(key=lambda row: (row["org_id"].int, row["device"], row["epoch"], row["sequence"]))
    insert_all(connection, message, rows)


def settle_message(connection: Connection, org_id: UUID, key: MessageKey) -> None:
    """A message that was kept aside or rejected has been read after all."""
    here = [message.c.org_id == org_id, message.c.device == key.device]
    here += [message.c.epoch == key.epoch, message.c.sequence == key.sequence]
    stored = MessageStatus.STORED.value
    connection.execute(update(message).where(*here).values(status=stored, reason=None))


def keep_windows(
    connection: Connection, stored: Stored, devices: Devices, now: datetime
) -> list[Aside]:
    """Write windows and their cells; the cells that have to be kept aside."""
    wanted = [
        (org_id, reading, index)
        for org_id, reading in stored
        for index in range(len(reading.window.cells))
    ]
    asides = keep_cells(connection, wanted, devices, now)
    insert_all(connection, window, [window_row(org_id, reading) for org_id, reading in stored])
    insert_all(
        connection, raw_message, [raw_row(org_id, reading, now) for org_id, reading in stored]
    )
    return asides


def keep_cells(
    connection: Connection,
    wanted: Sequence[tuple[UUID, WindowReading, int]],
    devices: Devices,
    now: datetime,
) -> list[Aside]:
    """Write cells of windows, given their places in there; those that have to be kept aside."""
    placed: list[Placed] = []
    asides: list[Aside] = []
    for org_id, reading, index in wanted:
        claimed = devices.get(reading.key.device)
        found = AsideReason.UNKNOWN_DEVICE
        at = found if claimed is None else place(claimed, reading, index, now)
        if isinstance(at, Placed):
            placed.append(at)
        else:
            asides.append(Aside(org_id, reading, at, cell_index=index))
    weeks = [one for one in placed if one.point_id is None]
    cells = [one for one in placed if one.point_id is not None]
    mark_due(connection, cells, now)
    standing, overlapping = _free(connection, cells, of_points=True)
    insert_all(connection, cell, [cell_row(one, encoded) for one in standing])
    standing, others = _free(connection, weeks, of_points=False)
    insert_all(connection, store_week, [week_row(one, encoded) for one in standing])
    why = AsideReason.OVERLAPPING_CELL
    asides += [Aside(o.org_id, o.reading, why, cell_index=o.index) for o in overlapping + others]
    return asides


def mark_due(connection: Connection, cells: Iterable[Placed], now: datetime) -> None:
    """Mark the trading days that cells meet, so that their roll-ups are made anew.

    The marks are written before anybody looks whether the cells' time is free: whoever else
    would write a cell that overlaps waits here, and sees these then. They also lock the days
    against the roll-up job, which deletes a mark before it reads.
    """
    # As numbers: Python compares and hashes those of a UUID by a method of its own.
    marks = {(o.org_id.int, o.point_id.int, day) for o in cells if o.point_id for day in o.days()}
    rows = [
        {"org_id": UUID(int=org_id), "point_id": UUID(int=point_id), "day": day, "marked_at": now}
        for org_id, point_id, day in sorted(marks)
    ]
    upsert_all(connection, rollup_due, rows, ["marked_at"])


def _free(
    connection: Connection, placed: Sequence[Placed], *, of_points: bool
) -> tuple[list[Placed], list[Placed]]:
    """Those whose time is free, and the others; the first one that comes has it."""
    table, owner = (cell, "point_id") if of_points else (store_week, "device")
    taken = taken_times(connection, table, owner, [one.span for one in placed])
    free: list[Placed] = []
    others: list[Placed] = []
    for one in placed:
        (free if taken.add(one.span) else others).append(one)
    return free, others


def keep_asides(connection: Connection, asides: Sequence[Aside], now: datetime) -> None:
    """Keep each raw, once, and of a device at most so many that nobody can read or name."""
    if not asides:
        return
    there = _kept_already(connection, asides)
    counts = _unreadable(connection, asides)
    rows = []
    for one in asides:
        of, what = (one.org_id, one.device, one.reason.value), (one.what.sha256, one.cell_index)
        if (*of, *what) in there:
            continue
        if _is_bounded(one):
            counts[of] = counts.get(of, 0) + 1
            if counts[of] > MAX_UNREADABLE:
                continue
        there.add((*of, *what))
        rows.append(aside_row(one, now))
    insert_all(connection, aside, rows)


def _kept_already(connection: Connection, asides: Sequence[Aside]) -> set[tuple[object, ...]]:
    wanted = {(o.org_id, o.device, o.reason.value, o.what.sha256) for o in asides}
    types = types_of(aside, "org_id", "device", "reason", "sha256")
    rows = given(connection, types, sorted(wanted))
    same = and_(*(aside.c[name] == rows.c[name] for name in types))
    found = connection.execute(
        select(*aside.c[(*types, "cell_index")]).select_from(rows.table).join(aside, same),
        rows.values,
    )
    return {tuple(row) for row in found}


def _unreadable(
    connection: Connection, asides: Sequence[Aside]
) -> dict[tuple[UUID, str, str], int]:
    """How many each device has already of each reason, of those that are bounded."""
    wanted = {(one.org_id, one.device, one.reason.value) for one in asides if _is_bounded(one)}
    if not wanted:
        return {}
    types = types_of(aside, "org_id", "device", "reason")
    rows = given(connection, types, sorted(wanted))
    same = and_(*(aside.c[name] == rows.c[name] for name in types))
    columns = aside.c[tuple(types)]
    query = select(*columns, func.count()).select_from(rows.table).join(aside, same)
    bounded = aside.c.epoch.is_(None) | aside.c.reason.in_(UNREADABLE)
    found = connection.execute(query.where(bounded).group_by(*columns), rows.values)
    return {(row.org_id, row.device, row.reason): row[3] for row in found}


def _is_bounded(one: Aside) -> bool:
    """Whether a device may leave only so many: it sends what has no key again and again."""
    return one.reason in UNREADABLE or one.what.key is None
