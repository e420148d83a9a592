"""Simulated parties as a camera would time them: with the errors that a benchmark has found.

`firmware_cfg.accuracy` says how far a time may be off at one site, and how many visits are taken
for served that were not, or the reverse. Here these are put into the simulated times, so that the
room that intervals make for them can be judged. A served party that is taken for another is
found as one that was greeted and left; visits that are missed or made up are not simulated.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from random import Random

from firmware_cfg.accuracy import CORE_SDS, Accuracy, TimingError
from server.simulating.service import MIN_STAY_S, Party, Service
from server.simulating.truth import true_figures

Draw = Callable[[Service, Random, int], Iterator[Party]]
LEAST_S = 0.1
WRONGLY_SERVED_S = 10.0


@dataclass(frozen=True, slots=True)
class Site:
    """A site's own biases, seconds."""

    waiting_s: float
    greeting_s: float
    visit_s: float


def measured(draw: Draw, known: Accuracy) -> Draw:
    """`draw`, with every party measured at the site that its service names."""

    def found(of: Service, rng: Random, count: int) -> Iterator[Party]:
        site = _site(known, of.patience_s, of.talk_s)
        lost, gained = _flips(known, of)
        for one in draw(of, rng, count):
            timed = _timed(one, known, site, rng)
            served = timed.served_s < math.inf
            wrong = rng.random() < (lost if served else gained)
            yield _mistaken(timed) if wrong else timed

    return found


@cache
def _site(known: Accuracy, *named_by: float) -> Site:
    rng = Random(f"site {named_by}")  # noqa: S311 plausible, not secret
    errors = (known.waiting, known.greeting, known.visit)
    return Site(*(rng.gauss(one.bias_s, one.bias_se_s) for one in errors))


@cache
def _flips(known: Accuracy, of: Service) -> tuple[float, float]:
    """How likely one that was served is lost, and one that was not is gained."""
    served = true_figures(of).served_within
    return known.served.lost / served, known.served.gained / (1 - served)


def _timed(one: Party, known: Accuracy, site: Site, rng: Random) -> Party:
    greeted_s = one.greeted_s + _error(known.greeting, site.greeting_s, rng)
    served_s = one.served_s + _error(known.waiting, site.waiting_s, rng)
    left_s = one.left_s + _error(known.visit, site.visit_s, rng)
    return one._replace(
        greeted_s=max(LEAST_S, greeted_s),
        served_s=max(LEAST_S, served_s),
        left_s=max(MIN_STAY_S, left_s),
    )


def _error(one: TimingError, bias_s: float, rng: Random) -> float:
    """An error of one time: around the site's bias, or gross."""
    chance, beyond_s = rng.random(), CORE_SDS * one.core_sd_s
    if chance < one.long_share:
        return bias_s + beyond_s + rng.expovariate(1 / one.long_s)
    if chance < one.long_share + one.short_share:
        return bias_s - beyond_s - rng.expovariate(1 / one.short_s)
    return rng.gauss(bias_s, one.core_sd_s)


def _mistaken(one: Party) -> Party:
    if one.served_s < math.inf:
        left_s = max(MIN_STAY_S, one.served_s + one.talk_s)
        return one._replace(served_s=math.inf, left_s=left_s, interrupted=False)
    greeted_s = min(one.greeted_s, one.left_s)
    return Party(greeted_s, one.left_s, math.inf, WRONGLY_SERVED_S, interrupted=False)
