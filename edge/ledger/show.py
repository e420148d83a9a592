"""The ledger in plain language: what left, when, how large, and what it said.

A line an entry; heartbeats of one window that said the same are one line.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from edge.ledger.entry import SENT_AS, EntryKind
from edge.ledger.sentences import name_of, said
from edge.ledger.tables import Row, latest, rows
from edge.words import Language, Words

_OUTGOING = Words("outgoing", "外发")
_NOTED = Words("noted   ", "记录")
_NOT_READ = Words("not an entry; see `ledger verify`", "不是条目，请运行 `ledger verify`")


@dataclass(frozen=True, slots=True)
class Line:
    """One line.

    Attributes:
        first, last: the entries it is about.
        at: start of their window, in the store's zone.
        kind: what they are.
        size_bytes: of all of them.
        words: what they said.
    """

    first: int
    last: int
    at: datetime
    kind: str
    size_bytes: int
    words: Words

    def text(self, language: Language) -> str:
        """In one language: numbers, window, whether it was to leave, size, what it is and said."""
        number = str(self.first) if self.first == self.last else f"{self.first}-{self.last}"
        left = (_OUTGOING if self.kind in SENT_AS else _NOTED).say(language)
        count = self.last - self.first + 1
        name = name_of(self.kind).say(language) + (f" x{count}" if count > 1 else "")
        unit = "bytes" if language == "en" else "字节"
        colon = ": " if language == "en" else "："
        return (
            f"{number:>13}  {self.at:%Y-%m-%d %H:%M}  {left}  {self.size_bytes:>9,} {unit}"
            f"  {name}{colon}{self.words.say(language)}"
        )


def lines(
    database: sqlite3.Connection, since: datetime | None = None, kind: EntryKind | None = None
) -> Iterator[Line]:
    """The entries from `since` on, of one kind or of all."""
    zone = zone_of(database)
    held: Line | None = None
    for number, row in rows(database):
        if row is not None and (
            (since is not None and row.entry.at_utc < since)
            or (kind is not None and row.entry.kind != kind)
        ):
            continue
        line = _line(database, number, row, zone)
        if held is not None and _continues(held, line):
            size = held.size_bytes + line.size_bytes
            held = replace(held, last=line.last, size_bytes=size)
            continue
        if held is not None:
            yield held
        held = line
    if held is not None:
        yield held


def zone_of(database: sqlite3.Connection) -> tzinfo:
    """The store's zone, by the latest configuration; UTC if none is known."""
    row = latest(database, EntryKind.CONFIGURATION)
    try:
        return ZoneInfo(json.loads(row.text() or b"{}")["timezone"]) if row is not None else UTC
    except (ValueError, KeyError, TypeError, ZoneInfoNotFoundError):
        return UTC


def _line(database: sqlite3.Connection, number: int, row: Row | None, zone: tzinfo) -> Line:
    if row is None:
        return Line(number, number, datetime.fromtimestamp(0, UTC), "?", 0, _NOT_READ)
    entry = row.entry
    words = said(entry.kind, _text(database, row), zone)
    at = entry.at_utc.astimezone(zone)
    return Line(number, number, at, entry.kind, entry.size_bytes, words)


def _text(database: sqlite3.Connection, row: Row) -> bytes | None:
    """The text that an entry is about, if it is kept and is that one."""
    if row.entry.kind == EntryKind.WINDOW:
        found = database.execute(
            "SELECT payload FROM message WHERE seq = ?", (row.entry.sequence,)
        ).fetchone()
        text = None if found is None else found[0]
    else:
        try:
            text = row.text()
        except ValueError:
            return b""
    if isinstance(text, bytes) and hashlib.sha256(text).digest() != row.entry.sha256:
        return b""
    return text


def _continues(held: Line, line: Line) -> bool:
    return (
        line.kind == EntryKind.HEALTH == held.kind
        and line.first == held.last + 1
        and (line.at, line.words) == (held.at, held.words)
    )
