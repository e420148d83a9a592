"""Simulated parties as a camera would time them: with the errors that a benchmark has found.

`firmware_cfg.accuracy` says how far a time may be off at one site, and how many visits are taken
for served that were not, or the reverse. Here these are put
into the simulated times, so that the room that intervals make for them can be judged. Visits are
misjudged as often as there: served, greeted and flawless ones lost, and others taken for served or
greeted. Visits that are missed or made up are not simulated.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from random import Random

from firmware_cfg.accuracy import CORE_SDS, Accuracy, TimingError
from server.simulating.service import EXPECTED, MIN_STAY_S, Party, Service, parties

Draw = Callable[[Service, Random, int], Iterator[Party]]
LEAST_S = 0.1
WRONGLY_SERVED_S = 10.0
DRAWN = 8000
"""Parties from which a store's own rates are worked out."""


@dataclass(frozen=True, slots=True)
class Site:
    """A site's own biases, seconds."""

    waiting_s: float
    greeting_s: float
    visit_s: float


@dataclass(frozen=True, slots=True)
class Flips:
    """How likely a party of one store is misjudged.

    Attributes:
        lost_good, lost_bad: served and flawless, served and not, found as gone.
        ungreeted: of those lost, found as never greeted too.
        served, greeted: gone, found as served; gone ungreeted, found as greeted.
    """

    lost_good: float
    lost_bad: float
    ungreeted: float
    served: float
    greeted: float


def measured(draw: Draw, known: Accuracy) -> Draw:
    """`draw`, with every party measured at the site that its service names."""

    def found(of: Service, rng: Random, count: int) -> Iterator[Party]:
        site = _site(known, of.patience_s, of.talk_s)
        flips = _flips(known, of)
        for one in draw(of, rng, count):
            yield _judged(one, _timed(one, known, site, rng), flips, rng)

    return found


def is_flawless(one: Party) -> bool:
    """Whether no expectation was broken."""
    in_time = one.greeted_s <= EXPECTED.greet_within_s and one.served_s <= EXPECTED.serve_within_s
    return in_time and not one.interrupted


@cache
def _site(known: Accuracy, *named_by: float) -> Site:
    rng = Random(f"site {named_by}")  # noqa: S311 plausible, not secret
    errors = (known.waiting, known.greeting, known.visit)
    return Site(*(rng.gauss(one.bias_s, one.bias_se_s) for one in errors))


@cache
def _flips(known: Accuracy, of: Service) -> Flips:
    """The benchmark's rates, each of all visits, as rates of those whom it can befall."""
    rng, site = Random("flips"), _site(known, of.patience_s, of.talk_s)  # noqa: S311 plausible
    drawn = list(parties(of, rng, DRAWN))
    served = [one for one in drawn if one.served_s < math.inf]
    good = [one for one in served if is_flawless(one)]
    ungreeted = sum(one.greeted_s == math.inf for one in drawn)
    late = sum(not is_flawless(_timed(one, known, site, rng)) for one in good)
    lost_good = max(0.0, known.flawless.lost * DRAWN - late)
    lost_bad = max(0.0, known.served.lost * DRAWN - lost_good)
    return Flips(
        lost_good=lost_good / max(1, len(good)),
        lost_bad=lost_bad / max(1, len(served) - len(good)),
        ungreeted=min(1.0, known.greeted.lost / known.served.lost),
        served=known.served.gained * DRAWN / max(1, DRAWN - len(served)),
        greeted=known.greeted.gained * DRAWN / max(1, ungreeted),
    )


def _judged(true: Party, timed: Party, flips: Flips, rng: Random) -> Party:
    """A party as it is found: most often as what it was."""
    chance = rng.random()
    if true.served_s < math.inf:
        lost = flips.lost_good if is_flawless(true) else flips.lost_bad
        return _lost(timed, greeted=rng.random() >= flips.ungreeted) if chance < lost else timed
    if chance < flips.served:
        greeted_s = min(timed.greeted_s, timed.left_s)
        return Party(greeted_s, timed.left_s, math.inf, WRONGLY_SERVED_S, interrupted=False)
    if true.greeted_s == math.inf and rng.random() < flips.greeted:
        greeted_s = timed.left_s * rng.random()
        return timed._replace(greeted_s=greeted_s, talk_s=timed.left_s - greeted_s)
    return timed


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


def _lost(one: Party, *, greeted: bool) -> Party:
    """One that was served, found as one that left."""
    left_s = max(MIN_STAY_S, one.served_s + one.talk_s)
    greeted_s = one.greeted_s if greeted else math.inf
    return Party(greeted_s, math.inf, left_s, one.talk_s if greeted else 0.0, interrupted=False)
