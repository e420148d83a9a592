"""Was what a checkpoint dropped to go? By its own words, and by heads that were kept elsewhere.

A clock that is set back over a window's bound puts an older stamp behind a newer one, which goes
with it; a day is allowed for that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from edge.ledger.ageing import KEPT_FOR
from edge.ledger.checkpoint import ROOM_BYTES, SPARED, Checkpoint, most_held_bytes
from edge.ledger.entries_check import Walked
from edge.ledger.entry import EntryKind
from edge.ledger.head import Head
from edge.ledger.problems import Problem, ProblemKind, numbers
from edge.words import Words

_STEP = timedelta(days=1)
_YOUNGEST_S = int((KEPT_FOR - SPARED - _STEP).total_seconds())


def check_checkpoints(
    walked: Walked, heads: Sequence[Head], key: bytes
) -> tuple[list[Problem], list[Words]]:
    """Whether what went was due, by the checkpoints and by heads kept elsewhere; notes on it."""
    problems: list[Problem] = []
    notes: list[Words] = []
    made: list[tuple[int, Checkpoint]] = []
    for number, text in sorted(walked.texts.items()):
        if walked.good[number].kind != EntryKind.CHECKPOINT:
            continue
        try:
            one = Checkpoint.of_text(text)
        except ValueError:
            said = Words(" does not say what went, and why", " 没有写明清除了什么及其原因")
            problems.append(_named(number, said))
            continue
        made.append((walked.good[number].window, one))
        wrong = _undue(one, number, walked.good[number].window)
        if wrong is not None:
            problems.append(_named(number, wrong))
        else:
            notes += [numbers(number, number) + said for said in _remarks(one)]
    believed = [one for one in heads if _is_believed(one, walked.ledger, key)]
    problems += _by_heads(made, believed)
    return problems, notes


def _named(number: int, said: Words) -> Problem:
    return Problem(ProblemKind.DROPPED, number, numbers(number, number) + said)


def _undue(one: Checkpoint, number: int, at: int) -> Words | None:
    """Why what went with the checkpoint `number`, made in window `at`, was not to go."""
    if one.for_room:
        return None if one.room_was_short(number - 1) else _enough_room(one, number - 1)
    newest = max(one.newest, one.last)
    if newest < at - _YOUNGEST_S:
        return None
    days, day = (at - newest) // 86_400, _day(newest)
    return Words(
        f" dropped entries up to {one.dropped.size}, as young as of {day}, {days} days before;"
        f" only what is {KEPT_FOR.days} days old goes, and room was not short",
        f" 清除了截至 {one.dropped.size} 的条目，其中最新的为 {day}，仅 {days} 天前；"
        f"只应清除满 {KEPT_FOR.days} 天的条目，且当时空间并不缺乏",
    )


def _enough_room(one: Checkpoint, entries: int) -> Words:
    most = most_held_bytes(entries)
    return Words(
        f" dropped entries for want of room, when {one.held_bytes:,} bytes were taken of"
        f" {one.most_bytes:,}; a ledger has {ROOM_BYTES:,}, and {entries} entries take {most:,}"
        " at most",
        f" 以空间不足为由清除条目：已用 {one.held_bytes:,} 字节，上限 {one.most_bytes:,} 字节；"
        f"账本应有 {ROOM_BYTES:,} 字节，而 {entries} 条至多占用 {most:,} 字节",
    )


def _remarks(one: Checkpoint) -> Iterator[Words]:
    """What is no problem, and should be known."""
    if one.for_room:
        yield Words(
            f" dropped entries up to {one.dropped.size} for want of room, as young as of"
            f" {_day(one.newest)}",
            f" 因空间不足清除了截至 {one.dropped.size} 的条目，其中最新的为 {_day(one.newest)}",
        )
    elif one.to_come:
        yield Words(
            f" dropped {one.to_come} entries stamped with a time to come, before an old one:"
            " a clock was wrong",
            f" 清除了 {one.to_come} 条位于旧条目之前、时间戳在未来的条目：当时时钟有误",
        )


def _is_believed(head: Head, ledger: str, key: bytes) -> bool:
    """Whether it is of this ledger and device; whoever copied a code vouches for it."""
    return head.of_ledger(ledger) and (head.signature is None or head.is_signed_by(key))


def _by_heads(made: Sequence[tuple[int, Checkpoint]], heads: Sequence[Head]) -> Iterator[Problem]:
    """Heads of entries that went: they were there too shortly before."""
    for head in heads:
        going = ((at, one) for at, one in made if one.dropped.size >= head.size)
        at, one = min(going, key=lambda found: found[1].dropped.size, default=(0, None))
        if one is None or one.for_room:
            continue
        if at - _YOUNGEST_S <= head.window <= at:
            said = Words(
                f": they were there on {_day(head.window)}, by a head kept elsewhere, and were"
                f" dropped by {_day(at)}; only what is {KEPT_FOR.days} days old goes",
                f"：据另存的账本头，{_day(head.window)} 时仍在，至 {_day(at)} 已被清除；"
                f"只应清除满 {KEPT_FOR.days} 天的条目",
            )
            entries = Words(f"the first {head.size} entries", f"前 {head.size} 条")
            yield Problem(ProblemKind.DROPPED, head.size, entries + said)


def _day(stamp: int) -> str:
    try:
        return f"{datetime.fromtimestamp(stamp, UTC):%Y-%m-%d}"
    except (ValueError, OverflowError, OSError):
        return str(stamp)
