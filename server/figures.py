"""The figures of one point over one period, each with the period that it really covers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from uuid import UUID

from firmware_cfg.accuracy import Accuracy, Misjudged, accuracies_of, is_measured
from firmware_cfg.histogram import Histogram
from server.measuring import Errors
from server.periods import Period
from server.released_week import Comparability
from server.statistics import Quantile, Share
from server.suppression import Released, ReleasedCell, Suppressed, part_shown
from server.unions import Counts, Unions

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
    measured: Measured
    cuts: tuple[Cut, ...]


def point_figures(
    released: Released | Suppressed, expectations: Expectations
) -> PointFigures | Suppressed:
    """All figures of the union of `released` cells, of one point or of several."""
    if isinstance(released, Suppressed):
        return released
    cells, staff = released.cells, released.with_staff()
    serve_s, greet_s = expectations.serve_within_s, expectations.greet_within_s
    unions, errors = Unions(released), errors_of(cells)
    visits = sum(one.visits for one in cells)
    return PointFigures(
        covered=released.covered,
        staff_covered=staff.covered if isinstance(staff, Released) else (),
        covers=unions.covers,
        counts=unions.counts,
        expectations=expectations,
        visits=visits,
        already_there=part_shown(sum(one.left_censored for one in cells), visits),
        unfinished=part_shown(sum(one.still_present for one in cells), visits),
        passers_by=sum(one.passers_by for one in cells),
        served_within=unions.within("served_within", _waiting, serve_s, errors.waiting),
        abandoned=unions.rate(
            "abandoned",
            lambda one: one.abandoned,
            lambda one: one.visits - one.still_present,
            errors.abandoned,
        ),
        waiting_median=unions.quantile("waiting_median", _waiting, MEDIAN, errors.waiting),
        waiting_p90=unions.quantile("waiting_p90", _waiting, P90, errors.waiting),
        greeted_within=unions.within("greeted_within", _greeting, greet_s, errors.greeting),
        greeting_median=unions.quantile("greeting_median", _greeting, MEDIAN, errors.greeting),
        greeting_p90=unions.quantile("greeting_p90", _greeting, P90, errors.greeting),
        interaction_median=unions.quantile(
            "interaction_median", _interaction, MEDIAN, errors.interaction
        ),
        flawless=unions.rate(
            "flawless", _of_staff("flawless"), _of_staff("judged"), errors.flawless
        ),
        recovered=unions.rate(
            "recovered",
            _of_staff("recovered"),
            _of_staff("broken"),
            _of_the_broken(released, errors),
        ),
        attended_share=unions.attended("attended_share"),
        certainty=certainty_of(cells),
        measured=_measured(cells),
        cuts=cuts(cells),
    )


def _made_with(cells: Sequence[ReleasedCell]) -> set[tuple[int, str]]:
    return {(one.comparability.definition_version, one.comparability.model) for one in cells}


def errors_of(cells: Sequence[ReleasedCell]) -> Errors:
    """The measuring errors of figures from `cells`."""
    return Errors.of(accuracies_of(_made_with(cells)))


def _measured(cells: Sequence[ReleasedCell]) -> Measured:
    made_with = _made_with(cells)
    return Measured(accuracies_of(made_with), is_measured(made_with))


def _of_the_broken(released: Released, errors: Errors) -> Misjudged:
    """What misjudged visits do to a share of the visits with a broken expectation.

    With B the visits with a broken expectation and B' those found so, a share of B' differs
    from that of B by P(B and B' differ) / P(B') at most, and by as much again for those among
    them whose service is misjudged.
    """
    found = released.with_base(_of_staff("broken"))
    if isinstance(found, Suppressed):
        return Misjudged(1.0, 1.0)
    judged, broken = (sum(map(_of_staff(name), found.cells)) for name in ("judged", "broken"))
    flawless, served = errors.flawless, errors.waiting.wrong
    share = (flawless.lost + flawless.gained + served.lost + served.gained) * judged / broken
    return Misjudged(share, share)


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


def certainty_of(cells: Sequence[ReleasedCell]) -> Certainty:
    """How well the visits of `cells` were seen."""
    return certainty_of_seconds(
        sum(one.observed_s for one in cells),
        sum(one.bridged_s for one in cells),
        sum(one.unknown_s for one in cells),
    )


def certainty_of_seconds(observed_s: float, bridged_s: float, unknown_s: float) -> Certainty:
    """How well visits were seen, from the seconds of each kind."""
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
        if (changed := changes(before.comparability, after.comparability))
    }
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
