"""How near found visits come to the true ones: matched one to one by their overlap in time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

import numpy as np

from edge.tracking.assignment import assign
from tests.scenarios.workshop.day import Day
from tests.scenarios.workshop.found import Found

LEAST_IOU = 0.5
OTHER_POINT_COST = 0.02
NEVER = 9.0


@dataclass(frozen=True, slots=True)
class Score:
    """Counts and errors, which add up over days and scenes.

    Attributes:
        tp: matched visits; fp: found ones alone; fn: true ones alone.
        waiting, greeting, interaction: signed errors in seconds, found less true.
        nulls: of matched visits' waiting and greeting, how many are known where the truth is
            and null where it is; of 2 × `tp`.
        outcomes, sizes, points: matched visits with the true one.
        roles: sightings with the true role, of `sightings`.
        passers_true, passers_found: presences too short for a visit.
    """

    tp: int = 0
    fp: int = 0
    fn: int = 0
    waiting: tuple[float, ...] = ()
    greeting: tuple[float, ...] = ()
    interaction: tuple[float, ...] = ()
    nulls: int = 0
    outcomes: int = 0
    sizes: int = 0
    points: int = 0
    roles: int = 0
    sightings: int = 0
    passers_true: int = 0
    passers_found: int = 0

    def __add__(self, other: Score) -> Score:
        return Score(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    @property
    def f1(self) -> float:
        """F1 of the visits; 1 where there are none and none was found."""
        return share(2 * self.tp, 2 * self.tp + self.fp + self.fn)


@dataclass(frozen=True, slots=True)
class Spread:
    """Errors in a nutshell, seconds; NaN without any."""

    mean_abs_s: float
    median_abs_s: float
    p90_abs_s: float
    bias_s: float


def spread(errors: Sequence[float]) -> Spread:
    """Mean, median and 90th percentile of the absolute errors, and the mean error."""
    if not errors:
        return Spread(np.nan, np.nan, np.nan, np.nan)
    size = np.abs(errors)
    return Spread(
        float(size.mean()),
        float(np.median(size)),
        float(np.percentile(size, 90)),
        float(np.mean(errors)),
    )


def share(right: int, total: int) -> float:
    """`right` of `total`; 1 of nothing."""
    return right / total if total else 1.0


def record_ends(day: Day) -> tuple[float, ...]:
    """When the day's records end: at long blindness, and at its end."""
    merge_s = day.shop.site().encounter.merge_s
    return (*(a for a, b in sorted(day.blind) if b - a > merge_s), day.end_s)


def matches(
    truth: Sequence[Found], found: Sequence[Found], ends_s: Sequence[float]
) -> list[tuple[int, int]]:
    """Pairs (true, found) of greatest total overlap, each an IoU of at least `LEAST_IOU`."""
    cost = np.full((len(truth), len(found)), NEVER)
    for row, true in enumerate(truth):
        for column, other in enumerate(found):
            iou = overlap(true, other, ends_s)
            if iou >= LEAST_IOU:
                elsewhere = true.service_point != other.service_point
                cost[row, column] = 1 - iou + (OTHER_POINT_COST if elsewhere else 0.0)
    return assign(cost, 1.0)


def overlap(one: Found, other: Found, ends_s: Sequence[float]) -> float:
    """Intersection over union of two stays."""
    (a, b), (c, d) = (_stay(visit, ends_s) for visit in (one, other))
    union = max(b, d) - min(a, c)
    return max(0.0, min(b, d) - max(a, c)) / union if union > 0 else 1.0


def _stay(visit: Found, ends_s: Sequence[float]) -> tuple[float, float]:
    """From arrival to departure, or to the end of the record of who stayed."""
    if visit.departed_s is not None:
        return visit.arrived_s, visit.departed_s
    return visit.arrived_s, min(
        (end for end in ends_s if end > visit.arrived_s), default=ends_s[-1]
    )


def score(
    truth: Sequence[Found],
    found: Sequence[Found],
    ends_s: Sequence[float],
    passers: tuple[int, int] = (0, 0),
    roles: tuple[int, int] = (0, 0),
) -> Score:
    """Compare; `passers` are (true, found), `roles` what `role_counts` gives."""
    pairs = [(truth[t], found[f]) for t, f in matches(truth, found, ends_s)]
    return Score(
        len(pairs),
        len(found) - len(pairs),
        len(truth) - len(pairs),
        tuple(errors_s("waiting", pairs)),
        tuple(errors_s("greeting", pairs)),
        tuple(errors_s("interaction", pairs)),
        nulls=sum((t.waiting_s is None) == (f.waiting_s is None) for t, f in pairs)
        + sum((t.greeting_s is None) == (f.greeting_s is None) for t, f in pairs),
        outcomes=sum(t.outcome == f.outcome for t, f in pairs),
        sizes=sum(t.party_size == f.party_size for t, f in pairs),
        points=sum(t.service_point == f.service_point for t, f in pairs),
        roles=roles[0],
        sightings=roles[1],
        passers_true=passers[0],
        passers_found=passers[1],
    )


def _duration_s(visit: Found, name: str) -> float | None:
    return {
        "waiting": visit.waiting_s,
        "greeting": visit.greeting_s,
        "interaction": visit.interaction_s,
    }[name]


def errors_s(name: str, pairs: Iterable[tuple[Found, Found]]) -> list[float]:
    """Found less true, where both are known."""
    both = ((_duration_s(true, name), _duration_s(other, name)) for true, other in pairs)
    return [other - true for true, other in both if true is not None and other is not None]
