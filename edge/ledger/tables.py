"""The ledger's tables in the edge's database, and how rows become entries and back.

An entry's row has its fields, the signature over its leaf, and its text where that is kept here.
What is known of the whole stands in `meta`: the frontier of the tree and of what was dropped, the
latest signed head, the public key, the room taken.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from edge.ledger.entry import Entry, EntryKind, inflate
from edge.ledger.tree import HASH_BYTES, Frontier

LEDGER_BYTES = 64_000_000
ROW_BYTES = 160  # an entry without its text, its share of the index included
LEDGER_SCHEMA = """
CREATE TABLE IF NOT EXISTS ledger (
    number INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    window INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    size INTEGER NOT NULL,
    sequence INTEGER,
    signature BLOB NOT NULL,
    text BLOB
);
CREATE INDEX IF NOT EXISTS ledger_sha256 ON ledger (sha256) WHERE kind != 'health';
CREATE INDEX IF NOT EXISTS ledger_kind ON ledger (kind) WHERE kind != 'health';
"""  # heartbeats are in no index: a minute's commit writes no more pages than it must
FRONTIER, DROPPED, HEAD = "ledger_frontier", "ledger_dropped", "ledger_head"
PUBLIC_KEY, ROOM = "ledger_public_key", "ledger_bytes"
_COLUMNS = "number, kind, window, sha256, size, sequence, signature, text"
_TYPES = (int, str, int, bytes, int, int | None, bytes, bytes | None)


@dataclass(frozen=True, slots=True)
class Row:
    """An entry as it stands in the database.

    Attributes:
        entry: its fields.
        signature: Ed25519 over its leaf.
        stored: its text, deflated; None of a window message, whose text is in the outbox.
    """

    entry: Entry
    signature: bytes
    stored: bytes | None

    def text(self) -> bytes | None:
        """Its text, if it is kept beside it.

        Raises:
            ValueError: it cannot be read.
        """
        return None if self.stored is None else inflate(self.stored, self.entry.size_bytes)

    @property
    def room_bytes(self) -> int:
        """About how much room it takes."""
        return ROW_BYTES + len(self.stored or b"")


def insert(database: sqlite3.Connection, row: Row) -> None:
    """Add a row."""
    entry = row.entry
    database.execute(
        f"INSERT INTO ledger ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 -- names
        (
            *(entry.number, entry.kind, entry.window, entry.sha256, entry.size_bytes),
            *(entry.sequence, row.signature, row.stored),
        ),
    )


def rows(
    database: sqlite3.Connection, first: int = 0, last: int = 2**62
) -> Iterator[tuple[int, Row | None]]:
    """Number and row of each entry from `first` to `last`; None for a row that is no entry."""
    found = database.execute(
        f"SELECT {_COLUMNS} FROM ledger"  # noqa: S608 -- names
        " WHERE number BETWEEN ? AND ? ORDER BY number",
        (first, last),
    )
    for values in found:
        yield int(values[0]), _row(values)


def latest(database: sqlite3.Connection, kind: EntryKind) -> Row | None:
    """The latest entry of a kind that is not dropped, not of heartbeats."""
    found = database.execute(
        f"SELECT {_COLUMNS} FROM ledger"  # noqa: S608 -- names
        " WHERE kind = ? AND kind != 'health' ORDER BY number DESC LIMIT 1",
        (kind.value,),
    ).fetchone()
    return None if found is None else _row(found)


def number_of(database: sqlite3.Connection, kinds: tuple[str, ...], sha256: bytes) -> int | None:
    """The latest entry of one of `kinds` with that hash, not of heartbeats; None without one."""
    found = database.execute(
        "SELECT number, kind FROM ledger WHERE sha256 = ? AND kind != 'health'"
        " ORDER BY number DESC",
        (sha256,),
    )
    return next((int(number) for number, kind in found if kind in kinds), None)


def ledger_bytes(database: sqlite3.Connection) -> int:
    """About how much room the ledger takes."""
    found = database.execute("SELECT value FROM meta WHERE key = ?", (ROOM,)).fetchone()
    return 0 if found is None else int(found[0])


def make_room(database: sqlite3.Connection, more_bytes: int) -> None:
    """Count room that was taken, or given back if negative."""
    room = str(ledger_bytes(database) + more_bytes).encode()
    database.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (ROOM, room))


def frontier_bytes(frontier: Frontier) -> bytes:
    """A frontier as it is kept."""
    return frontier.size.to_bytes(8) + b"".join(frontier.nodes)


def frontier_of(kept: bytes) -> Frontier:
    """A frontier that was kept; an empty one if none was.

    Raises:
        ValueError: it is none.
    """
    if not kept:
        return Frontier()
    nodes = range(8, len(kept), HASH_BYTES)
    return Frontier(
        int.from_bytes(kept[:8]), tuple(kept[start : start + HASH_BYTES] for start in nodes)
    )


def _row(values: tuple[object, ...]) -> Row | None:
    if not all(isinstance(value, kind) for value, kind in zip(values, _TYPES, strict=True)):
        return None
    number, kind, window, sha256, size, sequence, signature, stored = values
    entry = Entry(number, kind, window, sha256, size, sequence)  # type: ignore[arg-type] # checked
    return Row(entry, signature, stored)  # type: ignore[arg-type] # checked above
