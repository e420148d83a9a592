"""What goes: entries older than 90 days, and the oldest where room is short.

Before they go, a checkpoint entry takes their place: how many were dropped, and the frontier of
the tree over them, from which the rest can still be checked up to the signed heads. What the
dropped ones said that is still true is recorded again behind it: the configuration, model and
privacy level in force, and the messages that are still in the outbox.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta

from edge.ledger.entry import IN_FORCE, Draft, Entry, EntryKind, canonical
from edge.ledger.tables import (
    DROPPED,
    LEDGER_BYTES,
    Row,
    frontier_bytes,
    frontier_of,
    ledger_bytes,
    make_room,
    rows,
)
from edge.ledger.tree import Frontier
from edge.outbox_file import keep_meta, meta

KEPT_FOR = timedelta(days=90)
_SPARED = timedelta(days=1)  # so that this is done once a day, not once a minute
_ROOM_BYTES = LEDGER_BYTES * 5 // 6  # what `Row.room_bytes` does not see has the rest
_DROPPED_AT_ONCE = 5000


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
    database: sqlite3.Connection, ledger: str, at_utc: datetime, window: datetime
) -> Pruned | None:
    """Drop what is due; None if nothing is.

    Args:
        database: within a transaction.
        ledger: ledger id.
        at_utc: the present.
        window: start of the present window.
    """
    base = frontier_of(meta(database, DROPPED))
    due = _due(database, base.size, at_utc, short_of_room=ledger_bytes(database) > _ROOM_BYTES)
    if not due:
        return None
    after = base.extend(row.entry.leaf(ledger) for row in due)
    again = tuple((row.entry, row.stored) for row in _still_true(database, due))
    database.execute("DELETE FROM ledger WHERE number <= ?", (after.size,))
    keep_meta(database, **{DROPPED: frontier_bytes(after)})
    make_room(database, -sum(row.room_bytes for row in due))
    return Pruned(Draft(EntryKind.CHECKPOINT, checkpoint_text(after), window), again)


def checkpoint_text(dropped: Frontier) -> bytes:
    """What a checkpoint states: how many entries went, and the tree over them."""
    return canonical(
        {
            "dropped": dropped.size,
            "frontier": [node.hex() for node in dropped.nodes],
            "root": dropped.root().hex(),
        }
    )


def _due(
    database: sqlite3.Connection, dropped: int, at_utc: datetime, *, short_of_room: bool
) -> list[Row]:
    """The oldest entries that are to go, without a gap."""
    oldest = database.execute("SELECT window FROM ledger ORDER BY number LIMIT 1").fetchone()
    limit = (at_utc - KEPT_FOR).timestamp()
    if oldest is None or not (short_of_room or oldest[0] < limit):
        return []
    due: list[Row] = []
    spared = (at_utc - KEPT_FOR + _SPARED).timestamp()
    for number, row in rows(database, dropped + 1, dropped + _DROPPED_AT_ONCE):
        whole = row is not None and number == dropped + len(due) + 1
        if row is None or not whole or not (short_of_room or row.entry.window < spared):
            break
        due.append(row)
    return due


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
