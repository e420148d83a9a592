"""Each entry by itself: is it there, in its place, signed, and is its text the one it states?"""

from __future__ import annotations

import hashlib
import sqlite3
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge.ledger.checkpoint import Checkpoint
from edge.ledger.entry import Entry, EntryKind
from edge.ledger.head import Head
from edge.ledger.problems import Problem, ProblemKind, numbers, runs
from edge.ledger.tables import Row, rows
from edge.ledger.tree import Frontier
from edge.words import Words

_NEAR = 8
_MOST_TRIED = 2000


@dataclass(frozen=True, slots=True)
class Signatures:
    """Checks entries' signatures.

    Attributes:
        ledger: ledger id.
        key: the device's public key.
    """

    ledger: str
    key: Ed25519PublicKey

    def hold(self, row: Row, number: int) -> bool:
        """Whether `row` was signed as entry `number`."""
        try:
            self.key.verify(row.signature, row.entry.leaf(self.ledger, number))
        except InvalidSignature:
            return False
        return True


@dataclass(slots=True)
class Walked:
    """What a walk over the entries found.

    Attributes:
        ledger: ledger id.
        dropped: the tree over the entries that were dropped.
        last: number of the last entry that should be there.
        good: entries that are what was signed, by number.
        moved: entries that are what was signed, in other places.
        texts: their texts, without those of heartbeats and window messages.
        heads: carried by heartbeats, by the heartbeat's number.
        stray: numbers of rows after the last entry.
        problems: what is wrong.
    """

    ledger: str
    dropped: Frontier
    last: int
    good: dict[int, Entry] = field(default_factory=dict)
    moved: list[Entry] = field(default_factory=list)
    texts: dict[int, bytes] = field(default_factory=dict)
    heads: dict[int, Head] = field(default_factory=dict)
    stray: list[int] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def signed(self) -> list[Entry]:
        """All that is what was signed, wherever it stands."""
        return [*self.good.values(), *self.moved]

    @property
    def first(self) -> int:
        """The first entry that should be there."""
        return self.dropped.size + 1

    @property
    def whole_up_to(self) -> int:
        """The last entry before the first one that is not as it was signed."""
        number = self.first
        while number in self.good:
            number += 1
        return number - 1

    def leaf(self, number: int) -> bytes:
        """The leaf of an entry that is as it was signed."""
        return self.good[number].leaf(self.ledger)


def walk(database: sqlite3.Connection, signatures: Signatures, size: int) -> Walked:
    """Look at every entry of a ledger whose signed head states `size` of them."""
    walked = Walked(signatures.ledger, _dropped(database, signatures), size)
    bad: dict[int, Row | None] = {}
    for number, row in rows(database):
        if not walked.first <= number <= size:
            walked.stray.append(number)
        elif row is not None and signatures.hold(row, number):
            walked.good[number] = row.entry
            _read_text(database, row, walked)
        else:
            bad[number] = row
    if walked.good:  # else all of it is another key's, and no place is worth a try
        _name(bad, signatures, walked)
    return walked


def _dropped(database: sqlite3.Connection, signatures: Signatures) -> Frontier:
    """The tree over what was dropped, by the latest checkpoint that is signed."""
    found = Frontier()
    checkpoints = database.execute(
        "SELECT number FROM ledger WHERE kind = ? ORDER BY number", (EntryKind.CHECKPOINT.value,)
    ).fetchall()
    for (number,) in checkpoints:
        for _, row in rows(database, number, number):
            if row is None or not signatures.hold(row, number):
                continue
            try:
                found = Checkpoint.of_text(_text_of(row)).dropped
            except ValueError:
                continue  # `check_checkpoints` calls it a problem
    return found


def _text_of(row: Row) -> bytes:
    """The text that lies beside an entry.

    Raises:
        ValueError: it is not the one that the entry states.
    """
    text = row.text()
    if text is None or len(text) != row.entry.size_bytes:
        raise ValueError("expected a text of the stated size")
    if hashlib.sha256(text).digest() != row.entry.sha256:
        raise ValueError("expected a text with the stated hash")
    return text


def _read_text(database: sqlite3.Connection, row: Row, walked: Walked) -> None:
    entry = row.entry
    if entry.kind == EntryKind.WINDOW:
        _check_message(database, entry, walked)
        return
    try:
        text = _text_of(row)
    except ValueError:
        said = Words("'s text is not the one it states", " 的内容与其记载不符")
        _add(walked, ProblemKind.ALTERED, entry.number, said)
        return
    if entry.kind != EntryKind.HEALTH:
        walked.texts[entry.number] = text
        return
    try:
        head = Head.in_heartbeat(text)
    except ValueError:
        said = Words(" carries something that is no signed head", " 所带内容不是已签名的账本头")
        _add(walked, ProblemKind.UNSIGNED, entry.number, said)
        return
    if head is not None:
        walked.heads[entry.number] = head


def _check_message(database: sqlite3.Connection, entry: Entry, walked: Walked) -> None:
    found = database.execute(
        "SELECT payload, sha256 FROM message WHERE seq = ?", (entry.sequence,)
    ).fetchone()
    if found is None:
        return  # aged out of the outbox
    payload, stated = found
    same = isinstance(payload, bytes) and hashlib.sha256(payload).digest() == entry.sha256
    if not same or stated != entry.sha256.hex():
        said = Words(
            f": message {entry.sequence} in the outbox is not the one that was recorded",
            f"：发件箱中第 {entry.sequence} 号消息与记录不符",
        )
        _add(walked, ProblemKind.ALTERED, entry.number, said)


def _name(bad: dict[int, Row | None], signatures: Signatures, walked: Walked) -> None:
    """Say of each entry that is not as signed whether it is another one, altered, or gone."""
    meant = _meant(bad, signatures)
    walked.moved += [row.entry for number in meant if (row := bad[number]) is not None]
    offsets: dict[int, list[int]] = {}
    for number in sorted(bad):
        if number in meant:
            offsets.setdefault(meant[number] - number, []).append(number)
        else:
            said = Words(" is not what was signed", " 与签名时不符")
            _add(walked, ProblemKind.ALTERED, number, said)
    for offset, found in offsets.items():
        for first, last in runs(found):
            stands = numbers(first + offset, last + offset)
            place = Words(f" in place of {numbers(first, last).en}", "")
            where = Words(" stands", f" 被放在{numbers(first, last).zh} 的位置")
            words = stands + where + place
            walked.problems.append(Problem(ProblemKind.REORDERED, first, words))
    seen = {*walked.good, *bad} - set(meant) | set(meant.values())
    for first, last in _gaps(seen, walked.first, walked.last):
        is_gone = Words(" missing", " 缺失")
        verb = Words(" is" if first == last else " are", "")
        words = numbers(first, last) + verb + is_gone
        walked.problems.append(Problem(ProblemKind.MISSING, first, words))


def _gaps(seen: set[int], first: int, last: int) -> list[tuple[int, int]]:
    """[first, last] runs of the numbers in between that were not seen.

    >>> _gaps({2, 3, 7}, 1, 8)
    [(1, 1), (4, 6), (8, 8)]
    """
    inside = [number for number in sorted(seen) if first <= number <= last]
    starts = [first, *(number + 1 for number in inside)]
    ends = [*(number - 1 for number in inside), last]
    return [(start, end) for start, end in zip(starts, ends, strict=True) if start <= end]


def _meant(bad: dict[int, Row | None], signatures: Signatures) -> dict[int, int]:
    """For rows that were signed as another entry: which one. Near places and bad ones are tried."""
    meant: dict[int, int] = {}
    offset, tried = 0, 0
    for number, row in bad.items():
        if row is None:
            continue
        near = [number + offset] if offset else []
        near += [number + by for step in range(1, _NEAR + 1) for by in (step, -step)]
        if tried < _MOST_TRIED:
            near += [other for other in bad if other != number][:_MOST_TRIED]
        for other in near:
            tried += 1
            if signatures.hold(row, other):
                meant[number], offset = other, other - number
                break
    return meant


def _add(walked: Walked, kind: ProblemKind, number: int, said: Words) -> None:
    words = numbers(number, number) + said
    walked.problems.append(Problem(kind, number, words))
