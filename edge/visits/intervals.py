"""Sets of time as sorted lists of disjoint (start_s, end_s) pairs."""

from __future__ import annotations

from collections.abc import Iterable

Interval = tuple[float, float]
Intervals = list[Interval]


def union(parts: Iterable[Interval], gap_s: float = 0.0) -> Intervals:
    """Sorted, disjoint union; parts at most `gap_s` apart become one.

    >>> union([(5, 6), (0, 2), (1, 3)])
    [(0, 3), (5, 6)]
    """
    result: Intervals = []
    for start, end in sorted(parts):
        if result and start - result[-1][1] <= gap_s:
            result[-1] = (result[-1][0], max(result[-1][1], end))
        else:
            result.append((start, end))
    return result


def intersect(first: Intervals, second: Intervals) -> Intervals:
    """What both sets share.

    >>> intersect([(0, 3), (5, 9)], [(2, 6)])
    [(2, 3), (5, 6)]
    """
    result: Intervals = []
    i = j = 0
    while i < len(first) and j < len(second):
        start, end = max(first[i][0], second[j][0]), min(first[i][1], second[j][1])
        if start < end:
            result.append((start, end))
        if first[i][1] < second[j][1]:
            i += 1
        else:
            j += 1
    return result


def complement(parts: Intervals, within: Interval) -> Intervals:
    """What of `within` lies outside `parts`.

    >>> complement([(1, 2), (4, 9)], (0, 6))
    [(0, 1), (2, 4)]
    """
    result: Intervals = []
    at, last = within
    for start, end in parts:
        if start > at:
            result.append((at, min(start, last)))
        at = max(at, end)
        if at >= last:
            break
    if at < last:
        result.append((at, last))
    return [(start, end) for start, end in result if end > start]


def length_s(parts: Iterable[Interval]) -> float:
    """Total length of disjoint parts."""
    return sum(end - start for start, end in parts)


class Log:
    """A set of time that grows at its end, frame by frame.

    | from | to | when |
    |---|---|---|
    | idle | running | `hold`: a new part begins at `onset_s` |
    | running | running | `hold`: the part goes on |
    | running | idle | `stop`: the part ends where it was held last, or at `end_s` |
    """

    __slots__ = ("parts", "running")

    def __init__(self) -> None:
        """Start empty and idle."""
        self.parts: Intervals = []
        self.running = False

    def hold(self, t_s: float, onset_s: float) -> None:
        """Hold at `t_s`; where it did not hold before, since `onset_s`."""
        if self.running:
            self.parts[-1] = (self.parts[-1][0], t_s)
        else:
            self.parts.append((onset_s, t_s))
            self.running = True

    def stop(self, end_s: float | None = None) -> None:
        """Hold no more; where it did, until `end_s`."""
        if self.running and end_s is not None:
            self.parts[-1] = (self.parts[-1][0], max(end_s, self.parts[-1][0]))
        self.running = False
