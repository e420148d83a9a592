"""The ledger as the device keeps it: recorded before it is sent, each entry signed.

All that is recorded together is one commit: entries, the tree's frontier and a signed head. A
kill or a power cut leaves the ledger before or after it, never between.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.ledger.ageing import Ageing
from edge.ledger.entry import NOTED_IF_NEW, SENT_AS, Draft, Entry, EntryKind, canonical, deflate
from edge.ledger.errors import LedgerError, UnledgeredError
from edge.ledger.head import Head
from edge.ledger.pruning import oldest_stamp, prune
from edge.ledger.tables import (
    FRONTIER,
    HEAD,
    PUBLIC_KEY,
    Row,
    frontier_bytes,
    frontier_of,
    insert,
    latest,
    make_room,
    number_of,
)
from edge.ledger.tree import Frontier
from edge.outbox_file import StateDatabase, keep_meta, meta
from firmware_cfg.codec import decode
from firmware_cfg.errors import MessageError
from firmware_cfg.messages import LedgerHead
from firmware_cfg.sealing import opened
from firmware_cfg.topics import Kind

_REMEMBERED = 256


class Ledger:
    """The ledger of one device. Safe to use from several threads.

    Args:
        database: where it stands.
        key: signs entries and heads.
        ledger: ledger id: the epoch of the database.
        window_s: no stamp is finer than this.
        monotonic_s: this machine's monotonic clock: age drops entries no faster than that goes.

    Raises:
        LedgerError: the database was signed with another key.
    """

    def __init__(
        self,
        database: StateDatabase,
        key: Ed25519PrivateKey,
        ledger: str,
        window_s: int = 1800,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.id = ledger
        self.window_s = window_s
        self.monotonic_s = monotonic_s
        self._ageing = Ageing()
        self.public_key = key.public_key().public_bytes_raw()
        self._key = key
        self._database = database
        self._fresh: OrderedDict[tuple[str, bytes], Entry] = OrderedDict()
        known = database.meta(PUBLIC_KEY)
        if known and known != self.public_key:
            raise LedgerError(
                f"{database.path}: signed with the key {known.hex()[:16]}…, found the key"
                f" {self.public_key.hex()[:16]}… beside it: bring that key back, or move this"
                " file away to begin a new ledger"
            )

    def window_of(self, at_utc: datetime) -> datetime:
        """Start of the window that holds `at_utc`."""
        seconds = int(at_utc.timestamp())
        return datetime.fromtimestamp(seconds - seconds % self.window_s, UTC)

    def record(self, at_utc: datetime, *payloads: tuple[EntryKind, bytes]) -> list[int]:
        """Record what is about to be sent, in one commit; the entries' numbers.

        The same payload again in the same window has its entry already.

        Raises:
            OutboxFullError: no room; nothing was recorded.
            OutboxError: the database failed.
        """
        window = self.window_of(at_utc)
        numbers: dict[int, int] = {}
        drafts: list[tuple[int, Draft]] = []
        for place, (kind, payload) in enumerate(payloads):
            known = self._fresh.get((kind, hashlib.sha256(payload).digest()))
            if known is not None and known.window == int(window.timestamp()):
                numbers[place] = known.number
            else:
                drafts.append((place, Draft(kind, payload, window)))
        if drafts:
            with self._database.transaction() as database:
                entries = self._append(database, [draft for _, draft in drafts], at_utc)
            numbers |= {place: one.number for (place, _), one in zip(drafts, entries, strict=True)}
            self._remember(entries)
        return [numbers[place] for place in range(len(payloads))]

    def note(self, at_utc: datetime, *notes: tuple[EntryKind, object]) -> int:
        """Record what happened, in one commit; how many entries that made.

        Of what is in force, and of wishes, only what differs from the latest entry of its kind.

        Raises:
            OutboxFullError: no room; nothing was recorded.
            OutboxError: the database failed.
        """
        window = self.window_of(at_utc)
        drafts = [Draft(kind, canonical(details), window) for kind, details in notes]
        with self._database.transaction() as database:
            new = [one for one in drafts if self._is_new(database, one)]
            if new:
                self._append(database, new, at_utc)
        return len(new)

    def append_within(self, database: sqlite3.Connection, payload: bytes, sequence: int) -> None:
        """Record a window message within the transaction that stores it."""
        window = _start_of(payload) or self.window_of(datetime.fromtimestamp(0, UTC))
        self._append(database, [Draft(EntryKind.WINDOW, payload, window, sequence)], None)

    def demand(self, kind: Kind, payload: bytes) -> int:
        """The entry of what is about to be sent.

        Raises:
            UnledgeredError: it has none: it must not be sent.
        """
        sha256 = hashlib.sha256(payload).digest()
        kinds = tuple(one for one, sent_as in SENT_AS.items() if sent_as is kind)
        for one in kinds:
            if (entry := self._fresh.get((one, sha256))) is not None:
                return entry.number
        with self._database.transaction() as database:
            number = number_of(database, kinds, sha256)
        if number is None:
            raise UnledgeredError(
                f"{kind}: {len(payload)} bytes with sha256 {sha256.hex()} have no entry in the"
                " ledger; not sent"
            )
        return number

    def head(self) -> LedgerHead | None:
        """The latest signed head, as it travels; None before the first entry."""
        kept = self._database.meta(HEAD)
        return decode(LedgerHead, kept) if kept else None

    def _is_new(self, database: sqlite3.Connection, draft: Draft) -> bool:
        if draft.kind not in NOTED_IF_NEW:
            return True
        known = latest(database, draft.kind)
        return known is None or known.entry.sha256 != hashlib.sha256(draft.text).digest()

    def _append(
        self, database: sqlite3.Connection, drafts: Sequence[Draft], at_utc: datetime | None
    ) -> list[Entry]:
        """Add entries and sign; those of `drafts`. Prunes where the present is known."""
        frontier = frontier_of(meta(database, FRONTIER))
        if not frontier.size:
            frontier = self._begin(database, frontier, drafts[0].window)
        if at_utc is not None:
            frontier = self._prune(database, frontier, at_utc)
        entries = []
        for draft in drafts:
            frontier, entry = self._add(database, frontier, draft)
            entries.append(entry)
        self._sign(database, frontier, drafts[-1])
        return entries

    def _prune(
        self, database: sqlite3.Connection, frontier: Frontier, at_utc: datetime
    ) -> Frontier:
        oldest = oldest_stamp(database)
        limit = None
        if oldest is not None:
            limit = self._ageing.limit(at_utc, self.monotonic_s(), oldest)
            self._database.forget_corrupt(limit)
        pruned = prune(database, self.id, limit, self.window_of(at_utc))
        if pruned is None:
            return frontier
        frontier, _ = self._add(database, frontier, pruned.checkpoint)
        for entry, stored in pruned.again:
            moved = replace(entry, number=frontier.size + 1)
            frontier = self._insert(database, frontier, moved, stored)
        return frontier

    def _begin(
        self, database: sqlite3.Connection, frontier: Frontier, window: datetime
    ) -> Frontier:
        """The first entries: the key, why a ledger begins, and what waits from before it."""
        why = "database_corrupt" if self._database.rebuilt else "first_start"
        waiting = database.execute(
            "SELECT seq, length(payload), sha256 FROM message ORDER BY seq"
        ).fetchall()
        if waiting:
            why = "no_ledger_before"
        text = canonical({"public_key": self.public_key.hex(), "why": why})
        frontier, _ = self._add(database, frontier, Draft(EntryKind.BEGUN, text, window))
        for seq, size, sha256 in waiting:
            number, stamp = frontier.size + 1, int(window.timestamp())
            kind, digest = EntryKind.WINDOW.value, bytes.fromhex(sha256)
            frontier = self._insert(
                database, frontier, Entry(number, kind, stamp, digest, size, seq), None
            )
        keep_meta(database, **{PUBLIC_KEY: self.public_key})
        return frontier

    def _add(
        self, database: sqlite3.Connection, frontier: Frontier, draft: Draft
    ) -> tuple[Frontier, Entry]:
        entry = Entry.of(frontier.size + 1, draft)
        stored = None if draft.kind is EntryKind.WINDOW else deflate(draft.text)
        return self._insert(database, frontier, entry, stored), entry

    def _insert(
        self, database: sqlite3.Connection, frontier: Frontier, entry: Entry, stored: bytes | None
    ) -> Frontier:
        leaf = entry.leaf(self.id)
        row = Row(entry, self._key.sign(leaf), stored)
        insert(database, row)
        make_room(database, row.room_bytes)
        return frontier.append(leaf)

    def _sign(self, database: sqlite3.Connection, frontier: Frontier, last: Draft) -> None:
        kept = meta(database, HEAD)
        window = int(last.window.timestamp())
        if last.kind is EntryKind.WINDOW and kept:  # its window is over
            window = int(decode(LedgerHead, kept).window.timestamp())
        head = Head(self.id, frontier.size, frontier.root(), window).signed(self._key)
        keep_meta(
            database,
            **{
                FRONTIER: frontier_bytes(frontier),
                HEAD: head.on_the_wire().model_dump_json().encode(),
            },
        )

    def _remember(self, entries: Sequence[Entry]) -> None:
        """Committed a moment ago: known without a look into the database."""
        for entry in entries:
            self._fresh[entry.kind, entry.sha256] = entry
        while len(self._fresh) > _REMEMBERED:
            self._fresh.popitem(last=False)


def _start_of(payload: bytes) -> datetime | None:
    """Start of the window that a message is about; None if it does not say."""
    try:
        return datetime.fromisoformat(json.loads(opened(payload))["start"])
    except (MessageError, ValueError, KeyError, TypeError):
        return None
