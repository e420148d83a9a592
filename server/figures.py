"""The figures of one point over one period, each with the period that it really covers."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from uuid import UUID

from firmware_cfg.histogram import Fate, Histogram
from server import statistics
from server.periods import Period
from server.statistics import Quantile, Share
from server.suppression import Comparability, Released, ReleasedCell, Staff, Suppressed, shown

MEDIAN, P90 = 0.5, 0.9


@dataclass(frozen=True, slots=True)
class Expectations:
    """The minimum expectations (标准期待值) that shares are asked for, seconds."""

    greet_within_s: float = 30.0
    serve_within_s: float = 180.0


@dataclass(frozen=True, slots=True)
class Certainty:
    """How well the visits were seen; shares in [0, 1]."""

    observed: float
    bridged: float
    unknown: float


@dataclass(frozen=True, slots=True)
class Cut:
    """Where figures before and after are not strictly comparable, and what changed."""

    at: datetime
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PointFigures:
    """What is known of a point over the whole cells inside a period.

    Everything about staff covers `staff_covered`, everything else `covered`.
    """

    covered: tuple[Period, ...]
    staff_covered: tuple[Period, ...]
    expectations: Expectations
    visits: int
    passers_by: int
    served_within: Share | Suppressed
    abandoned: Share | Suppressed
    waiting_median: Quantile | Suppressed
    waiting_p90: Quantile | Suppressed
    greeted_within: Share | Suppressed
    greeting_median: Quantile | Suppressed
    greeting_p90: Quantile | Suppressed
    interaction_median: Quantile | Suppressed
    flawless: Share | Suppressed
    recovered: Share | Suppressed
    attended_share: float | Suppressed
    certainty: Certainty
    cuts: tuple[Cut, ...]


@dataclass(frozen=True, slots=True)
class _StaffPart:
    covered: tuple[Period, ...]
    greeted_within: Share | Suppressed
    greeting_median: Quantile | Suppressed
    greeting_p90: Quantile | Suppressed
    interaction_median: Quantile | Suppressed
    flawless: Share | Suppressed
    recovered: Share | Suppressed
    attended_share: float | Suppressed


def point_figures(
    released: Released | Suppressed, expectations: Expectations
) -> PointFigures | Suppressed:
    """All figures of the union of `released` cells, of one point or of several."""
    if isinstance(released, Suppressed):
        return released
    cells, k = released.cells, released.k
    visits = sum(one.visits for one in cells)
    waiting = merged([one.waiting for one in cells])
    closed = visits - sum(one.still_present for one in cells)
    abandoned = statistics.proportion(sum(one.abandoned for one in cells), closed)
    staff = _staff_part(released.with_staff(), expectations)
    return PointFigures(
        covered=released.covered,
        staff_covered=staff.covered,
        expectations=expectations,
        visits=visits,
        passers_by=sum(one.passers_by for one in cells),
        served_within=shown(
            statistics.share_within(waiting, expectations.serve_within_s), visits, k
        ),
        abandoned=shown(abandoned, visits, k),
        waiting_median=quantile_shown(waiting, MEDIAN, k),
        waiting_p90=quantile_shown(waiting, P90, k),
        greeted_within=staff.greeted_within,
        greeting_median=staff.greeting_median,
        greeting_p90=staff.greeting_p90,
        interaction_median=staff.interaction_median,
        flawless=staff.flawless,
        recovered=staff.recovered,
        attended_share=staff.attended_share,
        certainty=_certainty(cells),
        cuts=cuts(cells),
    )


def _staff_part(released: Released | Suppressed, expectations: Expectations) -> _StaffPart:
    none = Suppressed()
    if isinstance(released, Suppressed):
        return _StaffPart((), none, none, none, none, none, none, none)
    staff = [one.staff for one in released.cells if one.staff is not None]
    k = released.k
    visits = sum(one.visits for one in released.cells)
    greeting = merged([one.greeting for one in staff])
    within = statistics.share_within(greeting, expectations.greet_within_s)
    return _StaffPart(
        covered=released.covered,
        greeted_within=shown(within, visits, k),
        greeting_median=quantile_shown(greeting, MEDIAN, k),
        greeting_p90=quantile_shown(greeting, P90, k),
        interaction_median=quantile_shown(merged([one.interaction for one in staff]), MEDIAN, k),
        flawless=_rate(
            sum(one.flawless for one in staff), sum(one.judged for one in staff), visits, k
        ),
        recovered=_rate(
            sum(one.recovered for one in staff), sum(one.broken for one in staff), visits, k
        ),
        attended_share=_attended(staff),
    )


def _rate(count: int, base: int, visits: int, k: int) -> Share | Suppressed:
    return shown(statistics.proportion(count, base), visits, k)


def _attended(staff: Sequence[Staff]) -> float | Suppressed:
    present_s = sum(one.present_s for one in staff)
    if present_s <= 0:
        return Suppressed()
    return round(min(1.0, sum(one.attended_s for one in staff) / present_s), 2)


def quantile_shown(histogram: Histogram, q: float, k: int) -> Quantile | Suppressed:
    """A percentile as it may be shown: suppressed below k."""
    found = statistics.quantile(histogram, q)
    return Suppressed() if found is None or found.base < k else found


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


def _certainty(cells: Sequence[ReleasedCell]) -> Certainty:
    observed_s = sum(one.observed_s for one in cells)
    bridged_s = sum(one.bridged_s for one in cells)
    unknown_s = sum(one.unknown_s for one in cells)
    total_s = observed_s + bridged_s + unknown_s
    if total_s <= 0:
        return Certainty(0.0, 0.0, 0.0)
    parts = (observed_s / total_s, bridged_s / total_s, unknown_s / total_s)
    return Certainty(*(round(part, 2) for part in parts))


def cuts(cells: Sequence[ReleasedCell]) -> tuple[Cut, ...]:
    """Where neighbouring cells of a point were made under different conditions."""
    points: dict[UUID, list[ReleasedCell]] = {}
    for one in cells:
        points.setdefault(one.point_id, []).append(one)
    found = {
        Cut(after.period.start, changed)
        for each in points.values()
        for before, after in pairwise(each)
        if (changed := _changed(before.comparability, after.comparability))
    }
    return tuple(sorted(found, key=lambda cut: cut.at))


def _changed(one: Comparability, other: Comparability) -> tuple[str, ...]:
    named = {
        "definition": one.definition_version != other.definition_version,
        "geometry": one.geometry_hash != other.geometry_hash,
        "expectations": one.expectations_hash != other.expectations_hash,
        "model": one.model != other.model,
    }
    return tuple(name for name, differs in named.items() if differs)
