"""A morning at a counter: what an observer logged, and what a device timed of it."""

from __future__ import annotations

import random

from edge.certify.values import Logged, Terms, Timed
from edge.visits.values import Outcome

TERMS = Terms(abandon_after_s=15.0)


def a_row(arrived_s: float, wait_s: float = 30.0, stay_s: float = 90.0) -> Logged:
    """A served party."""
    greeted_s = arrived_s + wait_s - 5
    return Logged(arrived_s, greeted_s, arrived_s + wait_s, arrived_s + stay_s)


def a_morning(parties: int = 40, seed: int = 1) -> list[Logged]:
    """Parties a minute or two apart; some overlap, some are never served."""
    rng = random.Random(seed)  # noqa: S311 - a test's
    rows, at_s = [], 100.0
    for number in range(parties):
        row = a_row(at_s, rng.uniform(8, 80), rng.uniform(90, 200))
        if number % 9 == 8:
            row = Logged(at_s, None, None, at_s + rng.uniform(20, 60))
        rows.append(row)
        at_s += rng.uniform(30, 120)
    return rows


def seen(row: Logged, *, late_s: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)) -> Timed:
    """A device's visit of a logged one, each moment later by so much."""
    arrived, greeted, served, left = late_s
    return Timed(
        row.arrived_s + arrived,
        None if row.greeted_s is None else row.greeted_s + greeted,
        None if row.served_s is None else row.served_s + served,
        row.left_s + left,
        left_censored=False,
        outcome=row.outcome(TERMS.abandon_after_s),
    )


def moved(row: Logged, by_s: float) -> Logged:
    """The same row by a clock that is ahead by so much."""
    greeted_s = None if row.greeted_s is None else row.greeted_s + by_s
    served_s = None if row.served_s is None else row.served_s + by_s
    return Logged(row.arrived_s + by_s, greeted_s, served_s, row.left_s + by_s)


def a_look(at_s: float) -> Timed:
    """A short stay that only the device has."""
    return Timed(at_s, None, None, at_s + 8, left_censored=False, outcome=Outcome.PASSED)
