"""Unions of whole cells that merge: exactly, in any order, however they were parted before.

A `Union` holds what every figure needs and no cell any more. Of each measure it holds only
cells whose own base reaches their own k: each of these may be shown alone, so the difference
of two answers is a union of cells that may be shown, never a suppressed one. Of the others it
knows how many parties they may hold at most, k - 1 each, whatever they really hold: so what is
made of that tells nothing of them. A union of roll-ups and the union of their cells are the
same value. Durations are whole milliseconds, so that sums are exact.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from operator import attrgetter
from uuid import UUID

from firmware_cfg.histogram import Fate, Histogram
from firmware_cfg.messages import Coverage
from server.periods import Period, Spans, joined, period_of, span_of
from server.released_cell import ReleasedCell, Staff
from server.released_week import Comparability

Runs = Mapping[UUID, Mapping[Comparability, Spans]]
"""Of each point, the time of its cells by what they were made with."""
Seen = Mapping[Coverage, int]
"""Milliseconds of the windows that came, by the band of their coverage."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What a figure rests on, in steps of 5 % of the visits below 50, else of 1 %.

    Attributes:
        of: visits that are in it.
        left: of these, those who left before the event; none where that is no part of it.
        censored: of these, those whose seeing ended before.
    """

    of: int
    left: int | None = None
    censored: int | None = None


class Measure(StrEnum):
    """What figures are made of; each has a base of its own."""

    WAITING = "waiting"
    STAY = "stay"
    GREETING = "greeting"
    INTERACTION = "interaction"
    ABANDONED = "abandoned"
    LEFT = "left"
    FLAWLESS = "flawless"
    ATTENDED = "attended"


@dataclass(frozen=True, slots=True)
class Part:
    """The cells that enter one measure.

    Attributes:
        covered: their time.
        visits: all their visits.
        base: of these, the parties that the measure is about.
        k: the strictest threshold among them.
        counts: sums; of what, says `_OWN`.
        times: their histograms merged; none where the measure is no duration.
    """

    covered: Spans
    visits: int
    base: int
    k: int
    counts: tuple[int, ...] = ()
    times: Histogram | None = None


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums over all cells."""

    cells: int
    visits: int
    left_censored: int
    passers_by: int
    still_present: int
    observed_ms: int
    bridged_ms: int
    unknown_ms: int


_ALL_SUMS: Callable[[Sums], tuple[int, ...]] = attrgetter(*(one.name for one in fields(Sums)))


@dataclass(frozen=True, slots=True)
class Union:
    """Whole cells of one point or of several, at least one.

    Attributes:
        sums: over all cells.
        k: the strictest threshold that was in force; `smallest_k` the mildest.
        covered: the time of all cells; `staff_covered` of those with figures about staff.
        made_with: definition version and person detector of the cells.
        parts: what enters each measure; one that is absent is suppressed.
        missing: of each measure, how many parties the cells that stay out of it have at most.
        runs: the time of each point's cells; empty once the points were forgotten.
        seen: the windows of the cells' time that came.
    """

    sums: Sums
    k: int
    smallest_k: int
    covered: Spans
    staff_covered: Spans
    made_with: frozenset[tuple[int, str]]
    parts: Mapping[Measure, Part]
    runs: Runs
    seen: Seen = field(default_factory=dict)
    missing: Mapping[Measure, int] = field(default_factory=dict)

    def __add__(self, other: "Union") -> "Union":
        """Both together; they have no cell in common."""
        return merged_unions([self, other])

    @property
    def covered_periods(self) -> tuple[Period, ...]:
        """The time that the cells really cover."""
        return tuple(period_of(span) for span in self.covered)

    def covered_of(self, point_id: UUID) -> Spans:
        """The time of one point's cells."""
        of_point = self.runs.get(point_id, {})
        return joined(span for spans in of_point.values() for span in spans)

    def without_points(self) -> "Union":
        """The same, without which point covered which time: of many stores that is too much."""
        return replace(self, runs={})

    def withheld(self) -> "Union":
        """The same visits without any figure of them: every part of them is out of reach."""
        missing = dict.fromkeys(Measure, self.sums.visits)
        return replace(self, parts={}, missing=missing)


def union_of(one: ReleasedCell, seen: Seen | None = None) -> Union:
    """The union of a single cell; `seen` are the windows of its time that came."""
    span = (span_of(one.period),)
    parts, missing = _parts(one, span)
    return Union(
        sums=Sums(
            cells=1,
            visits=one.visits,
            left_censored=one.left_censored,
            passers_by=one.passers_by,
            still_present=one.still_present,
            observed_ms=milliseconds(one.observed_s),
            bridged_ms=milliseconds(one.bridged_s),
            unknown_ms=milliseconds(one.unknown_s),
        ),
        k=one.k,
        smallest_k=one.k,
        covered=span,
        staff_covered=() if one.staff is None else span,
        made_with=frozenset([(one.comparability.definition_version, one.comparability.model)]),
        parts=parts,
        runs={one.point_id: {one.comparability: span}},
        seen=dict(seen or {}),
        missing=missing,
    )


def union_of_cells(cells: Iterable[ReleasedCell]) -> Union:
    """The union of cells, at least one."""
    return merged_unions([union_of(one) for one in cells])


def milliseconds(seconds: float) -> int:
    """Whole milliseconds."""
    return round(seconds * 1000)


_Own = tuple[int, tuple[int, ...], Histogram | None]
"""Of a cell: the base that k is held against, the sums, the durations."""


def _timed(times: Histogram) -> _Own:
    return times.total(), (), times


def _flawless(one: ReleasedCell, staff: Staff) -> _Own:
    return staff.judged, (staff.flawless, staff.judged, one.left_unserved), None


def _attended(one: ReleasedCell, staff: Staff) -> _Own:
    sums = milliseconds(staff.attended_s), milliseconds(staff.present_s)
    return one.visits if sums[1] > 0 else 0, sums, None


_OWN: Mapping[Measure, Callable[[ReleasedCell], _Own]] = {
    Measure.WAITING: lambda one: _timed(one.waiting),
    Measure.STAY: lambda one: _timed(one.stay),
    Measure.LEFT: lambda one: (one.closed, (one.left_unserved, one.closed), None),
}
_OWN_OF_STAFF: Mapping[Measure, Callable[[ReleasedCell, Staff], _Own]] = {
    Measure.GREETING: lambda _, staff: _timed(staff.greeting),
    Measure.INTERACTION: lambda _, staff: _timed(staff.interaction),
    Measure.ABANDONED: lambda one, _: (one.closed, (one.abandoned, one.closed), None),
    Measure.FLAWLESS: _flawless,
    Measure.ATTENDED: _attended,
}


def _parts(one: ReleasedCell, span: Spans) -> tuple[dict[Measure, Part], dict[Measure, int]]:
    """What of a cell enters measures, and of the others how much they lack at most."""
    own = {name: found(one) for name, found in _OWN.items()}
    if one.staff is not None:
        own |= {name: found(one, one.staff) for name, found in _OWN_OF_STAFF.items()}
    parts = {name: part for name, found in own.items() if (part := _part(one, span, found))}
    return parts, {name: one.k - 1 for name in own if name not in parts}


def _part(one: ReleasedCell, span: Spans, own: _Own) -> Part | None:
    base, counts, times = own
    return None if base < one.k else Part(span, one.visits, base, one.k, counts, times)


def merged_unions(several: Sequence[Union]) -> Union:
    """Several unions, at least one, as one; they have no cell in common."""
    if len(several) == 1:
        return several[0]
    by_name = {name: [o.parts[name] for o in several if name in o.parts] for name in Measure}
    seen: Counter[Coverage] = Counter()
    missing: Counter[Measure] = Counter()
    for one in several:
        seen.update(one.seen)
        missing.update(one.missing)
    join = _Joining()
    return Union(
        sums=Sums(*map(sum, zip(*(_ALL_SUMS(one.sums) for one in several), strict=True))),
        k=max(one.k for one in several),
        smallest_k=min(one.smallest_k for one in several),
        covered=join([one.covered for one in several]),
        staff_covered=join([one.staff_covered for one in several]),
        made_with=frozenset().union(*(one.made_with for one in several)),
        parts={name: _merged_parts(parts, join) for name, parts in by_name.items() if parts},
        runs=_merged_runs([one.runs for one in several]),
        seen=dict(seen),
        missing=dict(missing),
    )


@dataclass(slots=True)
class _Joining:
    """Joins spans; most measures of a union cover the same ones, which are joined once.

    Spans are known by their ids: all of them outlive the merging that this is made for.
    """

    known: dict[tuple[int, ...], Spans] = field(default_factory=dict)

    def __call__(self, several: Sequence[Spans]) -> Spans:
        key = tuple(map(id, several))
        found = self.known.get(key)
        if found is None:
            found = joined(span for spans in several for span in spans)
            self.known[key] = found
        return found


def _merged_parts(parts: Sequence[Part], join: _Joining) -> Part:
    times = [one.times for one in parts if one.times is not None]
    return Part(
        covered=join([one.covered for one in parts]),
        visits=sum(one.visits for one in parts),
        base=sum(one.base for one in parts),
        k=max(one.k for one in parts),
        counts=tuple(map(sum, zip(*(one.counts for one in parts), strict=True))),
        times=merged(times) if times else None,
    )


def _merged_runs(several: Sequence[Runs]) -> Runs:
    found: dict[UUID, dict[Comparability, list[tuple[int, int]]]] = {}
    for runs in several:
        for point_id, of_point in runs.items():
            into = found.setdefault(point_id, {})
            for made_with, spans in of_point.items():
                into.setdefault(made_with, []).extend(spans)
    return {
        point_id: {made_with: joined(spans) for made_with, spans in of_point.items()}
        for point_id, of_point in found.items()
    }


def merged(histograms: Sequence[Histogram]) -> Histogram:
    """The sum of histograms, at the coarsest scale among them; at least one."""
    scale = min(one.scale for one in histograms)
    counts: dict[Fate, Counter[int]] = {}
    for one in histograms:
        shift = one.scale - scale
        for fate, buckets in one.counts.items():
            into = counts.setdefault(fate, Counter())
            for index, count in buckets.items():
                into[index >> shift] += count
    return Histogram(scale, {fate: dict(sorted(found.items())) for fate, found in counts.items()})
