"""The tree against its heads: the device's own, those in heartbeats, those kept elsewhere."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from edge.ledger.entries_check import Walked
from edge.ledger.head import Head
from edge.ledger.problems import Problem, ProblemKind, numbers
from edge.ledger.tables import FRONTIER, HEAD, frontier_bytes
from edge.ledger.tree import Frontier
from edge.outbox_file import meta
from edge.words import Words
from firmware_cfg.codec import decode
from firmware_cfg.errors import MessageError
from firmware_cfg.messages import LedgerHead

_OTHER_ENTRIES = Words(" carries a head of other entries than these", " 所带的账本头属于另外的条目")


def head_of(database: sqlite3.Connection) -> Head | None:
    """The latest signed head; None if there is none that can be read."""
    try:
        return Head.from_wire(decode(LedgerHead, meta(database, HEAD)))
    except MessageError:
        return None


def check_head(
    database: sqlite3.Connection, walked: Walked, head: Head | None, key: bytes
) -> list[Problem]:
    """The device's own head: signed, and of exactly the entries that are there."""
    problems = []
    if head is None or not head.is_signed_by(key):
        words = Words("the ledger's head is not signed by this device", "账本头没有本设备的签名")
        problems.append(Problem(ProblemKind.UNSIGNED, walked.last, words))
    for number in walked.stray:
        words = numbers(number, number) + Words(
            " is beside what the signed head covers", " 不在已签名的账本头所涵盖的范围内"
        )
        problems.append(Problem(ProblemKind.UNSIGNED, number, words))
    if walked.whole_up_to < walked.last:
        return problems
    frontier = _frontier(walked, walked.last)
    if head is not None and head.is_signed_by(key) and not head.matches(frontier.root()):
        words = Words(
            "the signed head is of other entries than these", "已签名的账本头属于另外的条目"
        )
        problems.append(Problem(ProblemKind.FORKED, walked.last, words))
    elif meta(database, FRONTIER) != frontier_bytes(frontier):
        words = Words(
            "what the next entry would be built on is not the tree of these entries",
            "下一条目所依据的并不是这些条目的树",
        )
        problems.append(Problem(ProblemKind.ALTERED, walked.last, words))
    return problems


def check_beats(walked: Walked, key: bytes) -> list[Problem]:
    """The heads that heartbeats carried: by this device, of this ledger's entries before them."""
    whole = walked.whole_up_to
    kept = (head.size for head in walked.heads.values())
    roots = _roots(walked, {size for size in kept if walked.dropped.size <= size <= whole})
    problems = []
    for number, head in walked.heads.items():
        wrong = _foreign(head, number, walked.ledger, key)
        if wrong is None and not head.matches(roots.get(head.size, head.root)):
            wrong = ProblemKind.FORKED, _OTHER_ENTRIES
        if wrong is not None:
            kind, said = wrong
            problems.append(Problem(kind, number, numbers(number, number) + said))
    return problems


def check_heads(
    walked: Walked, heads: Sequence[Head], ledger: str, key: bytes
) -> tuple[list[Problem], list[Words]]:
    """Heads kept elsewhere: of a beginning of these entries. Problems, and what cannot be said."""
    problems: list[Problem] = []
    notes: list[Words] = []
    whole = walked.whole_up_to
    roots = _roots(walked, {one.size for one in heads if walked.dropped.size <= one.size <= whole})
    agreed = walked.dropped.size
    for head in sorted(heads, key=lambda one: one.size):
        named = Words(f"the head of {head.size} entries", f"含 {head.size} 条的账本头")
        wrong = _strange(head, ledger, key) or _too_large(head, walked.last)
        if wrong is not None:
            kind, entry, said = wrong
            problems.append(Problem(kind, entry, named + said))
        elif head.size not in roots:
            said = Words(
                " cannot be compared: entries before it were dropped, or are not as signed",
                "无法比对：其之前的条目已被清除，或与签名时不符",
            )
            notes.append(named + said)
        elif head.matches(roots[head.size]):
            agreed = head.size
        else:
            said = Words(
                f" is of another history; these part after entry {agreed} at the earliest",
                f"属于另一段历史；两者最早在条目 {agreed} 之后分岔",
            )
            problems.append(Problem(ProblemKind.FORKED, agreed + 1, named + said))
    return problems, notes


def _foreign(head: Head, number: int, ledger: str, key: bytes) -> tuple[ProblemKind, Words] | None:
    """What is wrong with the head that heartbeat `number` carries, before any root is compared."""
    if head.ledger != ledger:
        said = Words(
            f" carries a head of ledger {head.ledger}, this is {ledger}",
            f" 所带的账本头属于账本 {head.ledger}，而此账本为 {ledger}",
        )
        return ProblemKind.FORKED, said
    if not head.is_signed_by(key):
        said = Words(
            " carries a head that is not signed by this device", " 所带的账本头没有本设备的签名"
        )
        return ProblemKind.UNSIGNED, said
    if head.size >= number:
        said = Words(
            f" carries a head of {head.size} entries; {number - 1} came before it",
            f" 所带的账本头含 {head.size} 条，而其之前只有 {number - 1} 条",
        )
        return ProblemKind.FORKED, said
    return None


def _strange(head: Head, ledger: str, key: bytes) -> tuple[ProblemKind, int, Words] | None:
    """What is wrong with a head that is not of this ledger, or not by this device."""
    if not head.of_ledger(ledger):
        said = Words(
            f" is of ledger {head.ledger}, this is {ledger}: another history",
            f"属于账本 {head.ledger}，而此账本为 {ledger}：是另一段历史",
        )
        return ProblemKind.FORKED, 1, said
    if head.signature is not None and not head.is_signed_by(key):
        said = Words(" is not signed by this device", "没有本设备的签名")
        return ProblemKind.UNSIGNED, head.size, said
    return None


def _too_large(head: Head, last: int) -> tuple[ProblemKind, int, Words] | None:
    """What is wrong where there are fewer entries than a head states."""
    if head.size <= last:
        return None
    said = Words(
        f": this ledger has {last}; it was set back to an older state, or cut off",
        f"：此账本只有 {last} 条；它被恢复到较早状态，或被截断",
    )
    return ProblemKind.FORKED, last + 1, said


def _frontier(walked: Walked, size: int) -> Frontier:
    """The tree over the first `size` entries, all of which are as they were signed."""
    leaves = (walked.leaf(number) for number in range(walked.first, size + 1))
    return walked.dropped.extend(leaves)


def _roots(walked: Walked, sizes: Iterable[int]) -> dict[int, bytes]:
    """Roots over the first so many entries, for each of `sizes`."""
    roots: dict[int, bytes] = {}
    frontier = walked.dropped
    for size in sorted(sizes):
        for number in range(frontier.size + 1, size + 1):
            frontier = frontier.append(walked.leaf(number))
        roots[size] = frontier.root()
    return roots
