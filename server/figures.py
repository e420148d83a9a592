"""The figures of one point over one period, each with the period that it really covers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from itertools import pairwise
from typing import TypeVar

from firmware_cfg.accuracy import Accuracy, Misjudged, accuracies_of, is_measured
from firmware_cfg.histogram import Fate, Histogram
from server import statistics
from server.measuring import EXACT, Error, Errors
from server.periods import Period, Spans, period_of
from server.released_week import Comparability
from server.statistics import Quantile, Share
from server.suppression import (
    MOST_UNREACHED,
    Reason,
    Released,
    Suppressed,
    part_shown,
    reached,
    shown,
    step_for,
    stepped,
    unreached,
)
from server.unions import Counts, Measure, Part, Runs, Sums, Union, union_of_cells

MEDIAN, P90 = 0.5, 0.9


@dataclass(frozen=True, slots=True)
class Expectations:
    """The minimum expectations (标准期待值) that shares are asked for, seconds.

    `others` were in force in the same time or place: then nothing is asked within a limit.
    """

    greet_within_s: float = 30.0
    serve_within_s: float = 180.0
    others: tuple["Expectations", ...] = ()

    @property
    def all(self) -> tuple["Expectations", ...]:
        """These and the others."""
        return (*self.others, replace(self, others=()))

    @property
    def limits_s(self) -> tuple[float | None, float | None]:
        """To greet and to serve within; none where there is no one limit."""
        return (None, None) if self.others else (self.greet_within_s, self.serve_within_s)


@dataclass(frozen=True, slots=True)
class Certainty:
    """How well the visits were seen; shares in [0, 1]."""

    observed: float
    bridged: float
    unknown: float


@dataclass(frozen=True, slots=True)
class Measured:
    """What the intervals take from benchmarks.

    Attributes:
        known: the benchmarks' findings.
        all_measured: whether they are about these definitions and detectors; otherwise they
            are the nearest there is.
    """

    known: tuple[Accuracy, ...]
    all_measured: bool


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
        counts: by name, what a figure rests on; absent: suppressed.
        already_there: of the visits, those there when seeing began, in steps as `Counts`.
        unfinished: of the visits, those there when their window closed, in the same steps.
        left_unserved: of the closed visits, those that no counter served and that were no look.
        abandoned: of these, those that were never greeted; of cells with figures about staff.
        measured: where the intervals have their measuring errors from.
    """

    covered: tuple[Period, ...]
    staff_covered: tuple[Period, ...]
    covers: Mapping[str, tuple[Period, ...]]
    counts: Mapping[str, Counts]
    expectations: Expectations
    visits: int
    already_there: int
    unfinished: int
    passers_by: int
    served_within: Share | Suppressed
    left_unserved: Share | Suppressed
    waiting_median: Quantile | Suppressed
    waiting_p90: Quantile | Suppressed
    greeted_within: Share | Suppressed
    greeting_median: Quantile | Suppressed
    greeting_p90: Quantile | Suppressed
    interaction_median: Quantile | Suppressed
    abandoned: Share | Suppressed
    flawless: Share | Suppressed
    recovered: Share | Suppressed
    attended_share: float | Suppressed
    certainty: Certainty
    measured: Measured
    cuts: tuple[Cut, ...]


def point_figures(
    of: Union | Released | Suppressed, expectations: Expectations, errors: Errors | None = None
) -> PointFigures | Suppressed:
    """All figures of a union of released cells, of one point or of several.

    `errors` of measuring are those of the cells' detectors, if nothing else is said.
    """
    if isinstance(of, Suppressed):
        return of
    union = of if isinstance(of, Union) else union_of_cells(of.cells)
    greet_s, serve_s = expectations.limits_s
    made, sums, errors = _Made(union), union.sums, errors or errors_of(union)
    return PointFigures(
        covered=made.periods(union.covered),
        staff_covered=made.periods(union.staff_covered),
        covers=made.covers,
        counts=made.counts,
        expectations=expectations,
        visits=sums.visits,
        already_there=part_shown(sums.left_censored, sums.visits),
        unfinished=part_shown(sums.still_present, sums.visits),
        passers_by=sums.passers_by,
        served_within=made.within("served_within", Measure.WAITING, serve_s, errors.waiting),
        left_unserved=made.rate("left_unserved", Measure.LEFT, errors.unserved),
        waiting_median=made.quantile("waiting_median", Measure.WAITING, MEDIAN, errors.waiting),
        waiting_p90=made.quantile("waiting_p90", Measure.WAITING, P90, errors.waiting),
        greeted_within=made.within("greeted_within", Measure.GREETING, greet_s, errors.greeting),
        greeting_median=made.quantile("greeting_median", Measure.GREETING, MEDIAN, errors.greeting),
        greeting_p90=made.quantile("greeting_p90", Measure.GREETING, P90, errors.greeting),
        interaction_median=made.quantile(
            "interaction_median", Measure.INTERACTION, MEDIAN, errors.interaction
        ),
        abandoned=made.rate("abandoned", Measure.ABANDONED, errors.abandoned),
        flawless=made.rate("flawless", Measure.FLAWLESS, errors.flawless),
        recovered=made.recovered("recovered", errors),
        attended_share=made.attended("attended_share"),
        certainty=certainty_of(sums),
        measured=Measured(accuracies_of(union.made_with), is_measured(union.made_with)),
        cuts=cuts(union.runs),
    )


Made = TypeVar("Made", Share, Quantile, float)


@dataclass(slots=True)
class _Made:
    """The figures of one union as they are made: by name, their time and their counts."""

    union: Union
    covers: dict[str, tuple[Period, ...]] = field(default_factory=dict)
    counts: dict[str, Counts] = field(default_factory=dict)
    _periods: dict[int, tuple[Period, ...]] = field(default_factory=dict)

    def within(
        self, name: str, measure: Measure, limit_s: float | None, error: Error
    ) -> Share | Suppressed:
        """The share whose event came within `limit_s`; none: there is no one limit."""
        if limit_s is None:
            self.covers[name] = ()
            return Suppressed(Reason.LIMITS)

        def of(part: Part, times: Histogram) -> Share | Suppressed:
            room = replace(error, unreached=self._unreached(measure, part))
            share = statistics.share_within(times, limit_s, room)
            return shown(share, part.visits, part.k)

        return self._timed(name, measure, of)

    def quantile(
        self, name: str, measure: Measure, q: float, error: Error
    ) -> Quantile | Suppressed:
        """A percentile."""

        def of(part: Part, times: Histogram) -> Quantile | Suppressed:
            room = replace(error, unreached=self._unreached(measure, part))
            return quantile_shown(times, q, part.k, room)

        return self._timed(name, measure, of)

    def rate(self, name: str, measure: Measure, wrong: Misjudged) -> Share | Suppressed:
        """A plain share; its interval too is made of the share as it is shown, in steps.

        Made of the count itself, its ends would tell which of the counts of one step it is.
        """
        part = self._part(name, measure)
        if isinstance(part, Suppressed):
            return part
        count, base = part.counts[:2]
        told = stepped(count / base, step_for(min(part.visits, base))) * base
        room = self._unreached(measure, part)
        share = shown(statistics.proportion(told, base, wrong, room), part.visits, part.k)
        return self._told(name, part, Counts(part_shown(base, part.visits)), share)

    def recovered(self, name: str, errors: Errors) -> Share | Suppressed:
        """Of the judged with a broken expectation, the share that did not leave.

        It is worked out from two counts of those judged as they may be shown, in steps: so it
        tells no more than they do, and needs k of the broken in the union alone.
        """
        part = self._part(name, Measure.FLAWLESS)
        if isinstance(part, Suppressed):
            return part
        flawless, judged, left_late = part.counts
        broken = part_shown(judged - flawless, part.visits)
        left = min(broken, part_shown(left_late, part.visits))
        room = step_for(part.visits) * part.visits, unreached(self.union, Measure.FLAWLESS, broken)
        if room[1] > MOST_UNREACHED:
            return Suppressed(Reason.PARTIAL)
        wrong = (errors.waiting.wrong, errors.flawless)
        share = statistics.recovery(left, broken, judged, wrong, room)
        return self._told(name, part, Counts(broken), shown(share, part.visits, part.k))

    def attended(self, name: str) -> float | Suppressed:
        """Of the time with a party present, the share with staff present too."""
        part = self._part(name, Measure.ATTENDED)
        if isinstance(part, Suppressed):
            return part
        attended_ms, present_ms = part.counts
        share = stepped(min(1.0, attended_ms / present_ms), step_for(part.visits))
        return self._told(name, part, Counts(part.visits), share)

    def periods(self, spans: Spans) -> tuple[Period, ...]:
        """Spans as periods; most figures cover the same ones, known by their ids."""
        found = self._periods.get(id(spans))
        if found is None:
            found = self._periods[id(spans)] = tuple(map(period_of, spans))
        return found

    def _timed(
        self,
        name: str,
        measure: Measure,
        of: Callable[[Part, Histogram], Made | Suppressed],
    ) -> Made | Suppressed:
        part = self._part(name, measure)
        if isinstance(part, Suppressed):
            return part
        if part.times is None:
            return Suppressed()
        return self._told(name, part, counts_of(part.times, part.visits), of(part, part.times))

    def _unreached(self, measure: Measure, part: Part) -> float:
        return unreached(self.union, measure, part_shown(part.base, part.visits))

    def _part(self, name: str, measure: Measure) -> Part | Suppressed:
        self.covers[name] = ()
        return reached(self.union, measure)

    def _told(
        self, name: str, part: Part, counts: Counts, one: Made | Suppressed
    ) -> Made | Suppressed:
        if not isinstance(one, Suppressed):
            self.covers[name], self.counts[name] = self.periods(part.covered), counts
        return one


def counts_of(times: Histogram, visits: int) -> Counts:
    """The counts of a histogram that merges those of cells with so many visits."""
    parts = (times.total(), times.total(Fate.LEFT), times.total(Fate.CENSORED))
    return Counts(*(part_shown(part, visits) for part in parts))


def quantile_shown(
    histogram: Histogram, q: float, k: int, error: Error = EXACT
) -> Quantile | Suppressed:
    """A percentile as it may be shown: suppressed below k."""
    found = statistics.quantile(histogram, q, error)
    return Suppressed() if found is None or found.base < k else found


def errors_of(union: Union) -> Errors:
    """The measuring errors of a union's figures."""
    return errors_with(union.made_with)


@lru_cache(maxsize=256)
def errors_with(made_with: frozenset[tuple[int, str]]) -> Errors:
    """The measuring errors of figures made with these (definition version, detector)."""
    return Errors.of(accuracies_of(made_with))


def certainty_of(sums: Sums) -> Certainty:
    """How well the visits of a union were seen."""
    return certainty_of_seconds(
        sums.observed_ms / 1000, sums.bridged_ms / 1000, sums.unknown_ms / 1000
    )


def certainty_of_seconds(observed_s: float, bridged_s: float, unknown_s: float) -> Certainty:
    """How well visits were seen, from the seconds of each kind."""
    total_s = observed_s + bridged_s + unknown_s
    if total_s <= 0:
        return Certainty(0.0, 0.0, 0.0)
    parts = (observed_s / total_s, bridged_s / total_s, unknown_s / total_s)
    return Certainty(*(round(part, 2) for part in parts))


def cuts(runs: Runs) -> tuple[Cut, ...]:
    """Where neighbouring cells of a point were made under different conditions."""
    found = set()
    for of_point in runs.values():
        found_in = [(span, made) for made, spans in of_point.items() for span in spans]
        cells = sorted(found_in, key=lambda one: one[0])
        for (_, before), (span, after) in pairwise(cells):
            if changed := changes(before, after):
                found.add(Cut(period_of(span).start, changed))
    return tuple(sorted(found, key=lambda cut: cut.at))


def changes(one: Comparability, other: Comparability) -> tuple[str, ...]:
    """What keeps two released cells from being strictly comparable."""
    named = {
        "definition": one.definition_version != other.definition_version,
        "geometry": one.geometry_hash != other.geometry_hash,
        "expectations": one.expectations_hash != other.expectations_hash,
        "model": one.model != other.model,
    }
    return tuple(name for name, differs in named.items() if differs)
