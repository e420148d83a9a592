"""What goes: entries older than 90 days, and the oldest where room is short.

Numbers are in the order of recording, stamps need not be: after a commit under a wrong clock an
entry may be stamped with a time to come. It goes with the first one after it that is old.

Before they go, a checkpoint entry takes their place: how many were dropped and why, and the
frontier of the tree over them, from which the rest can still be checked up to the signed heads.
What the dropped ones said that is still true is recorded again behind it: the configuration, model
and privacy level in force, and the messages that are still in the outbox.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from edge.ledger.ageing import KEPT_FOR
from edge.ledger.checkpoint import SPARED, Checkpoint, is_full
from edge.ledger.entry import IN_FORCE, Draft, Entry, EntryKind
from edge.ledger.tables import (
    DROPPED,
    Row,
    frontier_bytes,
    frontier_of,
    ledger_bytes,
    make_room,
    rows,
)
from edge.outbox_file import keep_meta, meta

_DROPPED_AT_ONCE = 5000
_PASSED_OVER = 500  # so many in a row may have a time to come: some days under a wrong clock
_RESTATED = (*IN_FORCE, EntryKind.WINDOW)  # may keep a stamp from before they were recorded


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was dropped.

    Attributes:
        checkpoint: to be recorded in its place.
        again: entries that are to be recorded again, with their stored texts.
    """

    checkpoint: Draft
    again: tuple[tuple[Entry, bytes | None], ...]


def prune(
    database: sqlite3.Connection, ledger: str, limit: datetime | None, window: datetime
) -> Pruned | None:
    """Drop what is due; None if nothing is.

    Args:
        database: within a transaction.
        ledger: ledger id.
        limit: entries from before it are old; None: none is.
        window: start of the present window.
    """
    base = frontier_of(meta(database, DROPPED))
    held_bytes = ledger_bytes(database)
    if is_full(held_bytes):
        due = _oldest(database, base.size)
    elif limit is None:
        due = []
    else:
        due = _due(database, base.size, min(limit, window - KEPT_FOR))
    if not due:
        return None
    after = base.extend(row.entry.leaf(ledger) for row in due)
    again = tuple((row.entry, row.stored) for row in _still_true(database, due))
    database.execute("DELETE FROM ledger WHERE number <= ?", (after.size,))
    keep_meta(database, **{DROPPED: frontier_bytes(after)})
    make_room(database, -sum(row.room_bytes for row in due))
    text = Checkpoint.of(after, due, window, held_bytes).text()
    return Pruned(Draft(EntryKind.CHECKPOINT, text, window), again)


def oldest_stamp(database: sqlite3.Connection) -> datetime | None:
    """The oldest stamp among the first entries; None in an empty ledger."""
    (oldest,) = database.execute(
        "SELECT min(window) FROM (SELECT window, kind FROM ledger ORDER BY number LIMIT ?)"
        " WHERE kind NOT IN (?, ?, ?, ?)",
        (_PASSED_OVER + 1, *_RESTATED),
    ).fetchone()
    return None if oldest is None else datetime.fromtimestamp(oldest, UTC)


def _oldest(database: sqlite3.Connection, dropped: int) -> list[Row]:
    """The oldest entries, without a gap."""
    return [row for row, _ in _in_order(database, dropped)]


def _due(database: sqlite3.Connection, dropped: int, limit: datetime) -> list[Row]:
    """The entries that are old, and what stands before one of them; without a gap."""
    oldest = oldest_stamp(database)
    if oldest is None or oldest >= limit:
        return []
    due: list[Row] = []
    passed: list[Row] = []
    spared = (limit + SPARED).timestamp()
    for row, restated in _in_order(database, dropped):
        passed.append(row)
        if row.entry.window < spared and not (restated and len(passed) > 1):
            due += passed
            passed = []
        elif len(passed) > _PASSED_OVER:
            break
    return due


def _in_order(database: sqlite3.Connection, dropped: int) -> Iterator[tuple[Row, bool]]:
    """The oldest entries without a gap, and whether their stamps may be from before them."""
    for count, (number, row) in enumerate(
        rows(database, dropped + 1, dropped + _DROPPED_AT_ONCE), start=1
    ):
        if row is None or number != dropped + count:
            return
        yield row, row.entry.kind in _RESTATED


def _still_true(database: sqlite3.Connection, due: list[Row]) -> list[Row]:
    """Of the entries that go, those that say what still holds."""
    last = due[-1].entry.number
    kept = []
    for row in due:
        entry = row.entry
        if entry.kind in IN_FORCE:
            newer = "SELECT 1 FROM ledger WHERE kind = ? AND kind != 'health' AND number > ?"
            if database.execute(newer, (entry.kind, entry.number)).fetchone() is None:
                kept.append(row)
        elif entry.kind == EntryKind.WINDOW:
            here = "SELECT 1 FROM message WHERE seq = ?"
            newer = "SELECT 1 FROM ledger WHERE sha256 = ? AND kind != 'health' AND number > ?"
            if (
                database.execute(here, (entry.sequence,)).fetchone() is not None
                and database.execute(newer, (entry.sha256, last)).fetchone() is None
            ):
                kept.append(row)
    return kept
