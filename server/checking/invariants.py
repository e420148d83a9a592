"""What must be true of messages, windows and cells at every moment."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, Table, exists, func, select

from server.checking.database import organisations
from server.checking.findings import Finding, none_of
from server.ingest.acks import NOTHING
from server.retention import KEYS
from server.schema.cells import cell, store_week, window
from server.schema.messages import MessageStatus, message, progress

MESSAGES = "each stored message has its window"
THRESHOLD = "each cell has at least its k"
DISJOINT = "cells of a point are disjoint"
WEEKS = "a device's weeks are disjoint"
SETTLED = "what is settled was received"
Find = Callable[[Connection, UUID], Iterator[str]]
MARGIN = timedelta(days=1)
"""What is about to be let go is not missed."""


def invariants(now: datetime) -> dict[str, Callable[[Connection], Finding]]:
    """What is looked at, by its name."""

    def settled(connection: Connection, org_id: UUID) -> Iterator[str]:
        return _settled(connection, org_id, now)

    return {
        MESSAGES: _of_all(MESSAGES, _without_window, "none without"),
        THRESHOLD: _of_all(THRESHOLD, _below_k, "no smaller one"),
        DISJOINT: _of_all(DISJOINT, _overlapping_cells, "no two overlap"),
        WEEKS: _of_all(WEEKS, _overlapping_weeks, "no two overlap"),
        SETTLED: _of_all(SETTLED, settled, "each stream's last message is there"),
    }


def _of_all(what: str, find: Find, said: str) -> Callable[[Connection], Finding]:
    """Look at one organisation after another."""

    def look(connection: Connection) -> Finding:
        orgs = organisations(connection)
        return none_of(what, (one for org_id in orgs for one in find(connection, org_id)), said)

    return look


def _without_window(connection: Connection, org_id: UUID) -> Iterator[str]:
    """Stored messages that left no window, device by device: an index has both by device."""
    names = select(message.c.device).where(message.c.org_id == org_id).distinct()
    for name in connection.execute(names).scalars().all():
        kept = select(message.c.epoch, message.c.sequence).where(
            message.c.org_id == org_id,
            message.c.device == name,
            message.c.status == MessageStatus.STORED.value,
        )
        there = select(window.c.epoch, window.c.sequence).where(
            window.c.org_id == org_id, window.c.device == name
        )
        for row in connection.execute(kept.except_(there)):
            yield f"{name} {row.epoch}/{row.sequence}"


def _below_k(connection: Connection, org_id: UUID) -> Iterator[str]:
    for table, whose in ((cell, cell.c.point_id), (store_week, store_week.c.store_id)):
        few = select(whose.label("whose"), table.c.start_at).where(
            table.c.org_id == org_id, table.c.visits < table.c.k
        )
        for row in connection.execute(few):
            yield f"{table.name} of {row.whose} from {row.start_at:%Y-%m-%dT%H:%MZ}"


def _overlapping_cells(connection: Connection, org_id: UUID) -> Iterator[str]:
    return _overlapping(connection, org_id, cell, "point_id")


def _overlapping_weeks(connection: Connection, org_id: UUID) -> Iterator[str]:
    return _overlapping(connection, org_id, store_week, "device")


def _overlapping(connection: Connection, org_id: UUID, table: Table, owner: str) -> Iterator[str]:
    """Cells that begin before the one before them, of the same owner, has ended."""
    of = table.c[owner]
    ends = func.max(table.c.end_at).over(
        partition_by=of, order_by=(table.c.start_at, table.c.end_at), rows=(None, -1)
    )
    rows = (
        select(of.label("owner"), table.c.start_at, ends.label("before"))
        .where(table.c.org_id == org_id)
        .subquery()
    )
    found = select(rows.c.owner, rows.c.start_at).where(rows.c.before > rows.c.start_at)
    for row in connection.execute(found):
        yield f"{row.owner} from {row.start_at:%Y-%m-%dT%H:%MZ}"


def _settled(connection: Connection, org_id: UUID, now: datetime) -> Iterator[str]:
    """Streams that were moved on lately to a message that is not there, or is another one.

    Where a server begins in the middle of a stream, the hash of nothing stands for the message.
    """
    there = exists().where(
        message.c.org_id == progress.c.org_id,
        message.c.device == progress.c.device,
        message.c.epoch == progress.c.epoch,
        message.c.sequence == progress.c.up_to,
        message.c.sha256 == progress.c.sha256,
    )
    found = select(progress.c.device, progress.c.epoch, progress.c.up_to).where(
        progress.c.org_id == org_id,
        progress.c.changed_at > now - KEYS + MARGIN,
        progress.c.sha256 != NOTHING,
        ~there,
    )
    for row in connection.execute(found):
        yield f"{row.device} {row.epoch} up to {row.up_to}"
