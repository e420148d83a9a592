"""What was recorded to be sent, and stands in no count of the kernel's.

sent entries ── named by an entry of traffic ───────────────► reconciled
── not named, before the latest one ───────────► not reconciled
── not named, behind the latest one ───────────► no count yet
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from edge.ledger.entries_check import Walked
from edge.ledger.entry import SENT_AS, EntryKind
from edge.ledger.problems import numbers, runs
from edge.ledger.traffic import traffic_of
from edge.words import Words, listed

_MOST_NAMED = 10


def uncounted(walked: Walked) -> tuple[Words, ...]:
    """Notes on the entries that no count names; none if there are none."""
    counts = [n for n in walked.texts if walked.good[n].kind == EntryKind.TRAFFIC]
    latest = max(counts, default=0)
    open_ = sorted(_recorded(walked) - _counted(walked))
    notes = []
    if lost := [number for number in open_ if number < latest]:
        notes.append(_lost(lost))
    if waits := [number for number in open_ if number > latest]:
        notes.append(
            numbers(waits[0], waits[-1])
            + Words(
                ": no count of the kernel's yet: the connection goes on, was never made,"
                " or the process was killed",
                "：尚无内核计数：连接仍在继续、从未建立，或进程被强行终止",
            )
        )
    return tuple(notes)


def _recorded(walked: Walked) -> set[int]:
    return {number for number, one in walked.good.items() if one.kind in SENT_AS}


def _counted(walked: Walked) -> set[int]:
    """Numbers that some count names. A range that is too long to be true costs nothing."""
    known = sorted(walked.good)
    found: set[int] = set()
    for number, text in walked.texts.items():
        if walked.good[number].kind != EntryKind.TRAFFIC:
            continue
        try:
            stated = traffic_of(text).sent
        except ValueError:
            continue  # `verify` calls it a problem
        for first, last in stated:
            found.update(known[bisect_left(known, first) : bisect_right(known, last)])
    return found


def _lost(found: list[int]) -> Words:
    stretches = runs(found)
    named = listed([numbers(first, last) for first, last in stretches[:_MOST_NAMED]])
    if len(stretches) > _MOST_NAMED:
        named += Words("; …", "；……")
    return named + Words(
        f": {len(found)} not reconciled: never sent, or the process was killed before the kernel's"
        " count was recorded",
        f"：{len(found)} 条未对账：从未发送，或进程在记录内核计数前被强行终止",
    )
