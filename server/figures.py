"""The figures of one point over one period, each with the period that it really covers."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from uuid import UUID

from firmware_cfg.histogram import Fate, Histogram
from server import statistics
from server.periods import Period
from server.statistics import Quantile, Share
from server.suppression import (
    Comparability,
    Released,
    ReleasedCell,
    Suppressed,
    shown,
    step_for,
    stepped,
)

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

    Attributes:
        covered: the time of all cells: of `visits`, `passers_by` and `certainty`.
        staff_covered: the time of the cells that have figures about staff.
        covers: by name, the time of the cells that are in a figure; empty: suppressed.
    """

    covered: tuple[Period, ...]
    staff_covered: tuple[Period, ...]
    covers: Mapping[str, tuple[Period, ...]]
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


def point_figures(
    released: Released | Suppressed, expectations: Expectations
) -> PointFigures | Suppressed:
    """All figures of the union of `released` cells, of one point or of several."""
    if isinstance(released, Suppressed):
        return released
    cells, staff = released.cells, released.with_staff()
    serve_s, greet_s = expectations.serve_within_s, expectations.greet_within_s
    unions = _Unions(released)
    return PointFigures(
        covered=released.covered,
        staff_covered=staff.covered if isinstance(staff, Released) else (),
        covers=unions.covers,
        expectations=expectations,
        visits=sum(one.visits for one in cells),
        passers_by=sum(one.passers_by for one in cells),
        served_within=unions.within("served_within", _waiting, serve_s),
        abandoned=unions.rate(
            "abandoned", lambda one: one.abandoned, lambda one: one.visits - one.still_present
        ),
        waiting_median=unions.quantile("waiting_median", _waiting, MEDIAN),
        waiting_p90=unions.quantile("waiting_p90", _waiting, P90),
        greeted_within=unions.within("greeted_within", _greeting, greet_s),
        greeting_median=unions.quantile("greeting_median", _greeting, MEDIAN),
        greeting_p90=unions.quantile("greeting_p90", _greeting, P90),
        interaction_median=unions.quantile("interaction_median", _interaction, MEDIAN),
        flawless=unions.rate("flawless", _of_staff("flawless"), _of_staff("judged")),
        recovered=unions.rate("recovered", _of_staff("recovered"), _of_staff("broken")),
        attended_share=unions.attended("attended_share"),
        certainty=_certainty(cells),
        cuts=cuts(cells),
    )


def _waiting(one: ReleasedCell) -> Histogram:
    return one.waiting


def _greeting(one: ReleasedCell) -> Histogram:
    return Histogram() if one.staff is None else one.staff.greeting


def _interaction(one: ReleasedCell) -> Histogram:
    return Histogram() if one.staff is None else one.staff.interaction


def _of_staff(name: str) -> Callable[[ReleasedCell], int]:
    def count(one: ReleasedCell) -> int:
        return 0 if one.staff is None else int(getattr(one.staff, name))

    return count


def _visits_with_presence(one: ReleasedCell) -> int:
    return one.visits if one.staff is not None and one.staff.present_s > 0 else 0


@dataclass(slots=True)
class _Unions:
    """For each figure the union of the cells that may be in it, and the time of these."""

    released: Released
    covers: dict[str, tuple[Period, ...]] = field(default_factory=dict)

    def within(
        self, name: str, of: Callable[[ReleasedCell], Histogram], limit_s: float
    ) -> Share | Suppressed:
        """The share whose event came within `limit_s`."""
        found = self._with_base(name, lambda one: of(one).total())
        if isinstance(found, Suppressed):
            return found
        share = statistics.share_within(merged([of(one) for one in found.cells]), limit_s)
        return shown(share, _visits(found), found.k)

    def rate(
        self,
        name: str,
        count: Callable[[ReleasedCell], int],
        base: Callable[[ReleasedCell], int],
    ) -> Share | Suppressed:
        """A plain share."""
        found = self._with_base(name, base)
        if isinstance(found, Suppressed):
            return found
        share = statistics.proportion(sum(map(count, found.cells)), sum(map(base, found.cells)))
        return shown(share, _visits(found), found.k)

    def quantile(
        self, name: str, of: Callable[[ReleasedCell], Histogram], q: float
    ) -> Quantile | Suppressed:
        """A percentile."""
        found = self._with_base(name, lambda one: of(one).total())
        if isinstance(found, Suppressed):
            return found
        return quantile_shown(merged([of(one) for one in found.cells]), q, found.k)

    def attended(self, name: str) -> float | Suppressed:
        """Of the time with a party present, the share with staff present too."""
        found = self._with_base(name, _visits_with_presence)
        if isinstance(found, Suppressed):
            return found
        staff = [one.staff for one in found.cells if one.staff is not None]
        share = sum(one.attended_s for one in staff) / sum(one.present_s for one in staff)
        return stepped(min(1.0, share), step_for(_visits(found)))

    def _with_base(self, name: str, base: Callable[[ReleasedCell], int]) -> Released | Suppressed:
        found = self.released.with_base(base)
        self.covers[name] = found.covered if isinstance(found, Released) else ()
        return found


def _visits(released: Released) -> int:
    return sum(one.visits for one in released.cells)


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
