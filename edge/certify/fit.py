"""The comparison of a stopwatch log with the device's visits: values in, values out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from edge.certify.agreement import Agreement, Share, agreement, wilson
from edge.certify.errors import TooFewVisitsError
from edge.certify.pairing import Pairing, pair
from edge.certify.values import Logged, Measure, Terms, Timed
from edge.visits.values import Outcome

Pair = tuple[Logged, Timed]
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Fit:
    """How the device did against the observer.

    Attributes:
        found: of the logged visits, those that the device has too (recall).
        genuine: of the device's visits in that time, those that were logged (precision).
        missed_looks, extra_looks: how many of the rest were looks (`passed`).
        same_outcome: of the pairs whose end the device saw, those that ended alike.
        measures: None where fewer pairs have the measure than `Terms.least_pairs`.
        offset_s: how far the observer's clock was ahead of the device's; taken out.
    """

    found: Share
    genuine: Share
    missed_looks: int
    extra_looks: int
    same_outcome: Share
    measures: Mapping[Measure, Agreement | None]
    offset_s: float


def fit(log: Sequence[Logged], visits: Sequence[Timed], terms: Terms) -> Fit:
    """Compare a log with the device's visits.

    Waiting, greeting and visit duration are differences of two moments of the same clock,
    so the clock offset does not enter them.

    Raises:
        TooFewVisitsError: fewer pairs than `terms.least_visits`; says how many.
    """
    pairing = pair(log, visits)
    pairs = [(log[row], visits[column]) for row, column in pairing.pairs]
    if len(pairs) < terms.least_visits:
        in_span = _in_span(log, visits, pairing)
        raise TooFewVisitsError(terms.least_visits, len(pairs), len(log), in_span)
    missed = _without(log, {row for row, _ in pairing.pairs})
    extra = _extra(log, visits, pairing)
    looks = [row for row in missed if row.outcome(terms.abandon_after_s) is Outcome.PASSED]
    return Fit(
        found=wilson(len(pairs), len(log)),
        genuine=wilson(len(pairs), len(pairs) + len(extra)),
        missed_looks=len(looks),
        extra_looks=sum(visit.outcome is Outcome.PASSED for visit in extra),
        same_outcome=_outcomes(pairs, terms.abandon_after_s),
        measures={measure: _compared(pairs, measure, terms.least_pairs) for measure in Measure},
        offset_s=pairing.offset_s,
    )


def _compared(pairs: Sequence[Pair], measure: Measure, least: int) -> Agreement | None:
    lengths = [(row.length_s(measure), visit.length_s(measure)) for row, visit in pairs]
    errors = [mine - theirs for theirs, mine in lengths if theirs is not None and mine is not None]
    return agreement(errors) if len(errors) >= max(2, least) else None


def _outcomes(pairs: Sequence[Pair], abandon_after_s: float) -> Share:
    ended = [(row, visit) for row, visit in pairs if visit.outcome is not Outcome.STILL_PRESENT]
    same = sum(row.outcome(abandon_after_s) is visit.outcome for row, visit in ended)
    return wilson(same, len(ended))


def _extra(log: Sequence[Logged], visits: Sequence[Timed], pairing: Pairing) -> list[Timed]:
    """The device's own visits that lie wholly between first and last row, and are no pair.

    Visits across the edges may be someone who came before the observer did.
    """
    start_s = min(row.arrived_s for row in log) - pairing.offset_s
    end_s = max(row.left_s for row in log) - pairing.offset_s
    others = _without(visits, {column for _, column in pairing.pairs})
    return [
        visit
        for visit in others
        if visit.own
        and not visit.left_censored
        and visit.departed_s is not None
        and start_s <= visit.arrived_s
        and visit.departed_s <= end_s
    ]


def _in_span(log: Sequence[Logged], visits: Sequence[Timed], pairing: Pairing) -> int:
    return len(pairing.pairs) + (len(_extra(log, visits, pairing)) if log else 0)


def _without(values: Sequence[Value], taken: set[int]) -> list[Value]:
    return [value for index, value in enumerate(values) if index not in taken]
