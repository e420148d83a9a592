"""How parties fare at a store: times that compete, drawn for each party.

    greeting G ~ exponential                      service begins at W = G + S
    S ~ exponential, or lognormal                 patience P = 5 s + exponential

Whichever of W and P comes first decides: W < P is served, G < P ≤ W was greeted and left, and
P ≤ G left ungreeted. All are independent, so the figures have a known truth: `truth`.
Nobody stays so long that a window closes over them: censoring is not simulated.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import NamedTuple

from server.figures import Expectations

MIN_STAY_S = 5.0
ABANDON_AFTER_S = 15.0
EXPECTED = Expectations(greet_within_s=30.0, serve_within_s=180.0)
TRAINED = 0.6
"""What training does to the mean time to a greeting."""
SHORTHANDED = 1.5
"""What a lack of staff does to the times to a greeting and to the beginning of a service."""


@dataclass(frozen=True, slots=True)
class Service:
    """The times of one store.

    Attributes:
        greet_s: mean of G.
        begin_s: mean of S where it is exponential, its median where it is lognormal.
        begin_spread: standard deviation of log S; 0: exponential.
        patience_s: mean of P beyond its first five seconds.
        talk_s, talk_spread: median and spread of the lognormal length of a service.
        interrupted: share of services with an interruption.
    """

    greet_s: float
    begin_s: float
    begin_spread: float
    patience_s: float
    talk_s: float
    talk_spread: float
    interrupted: float

    def trained(self) -> "Service":
        """After a training in greeting."""
        return replace(self, greet_s=self.greet_s * TRAINED)

    def shorthanded(self) -> "Service":
        """While staff are missing."""
        greet_s, begin_s = self.greet_s * SHORTHANDED, self.begin_s * SHORTHANDED
        return replace(self, greet_s=greet_s, begin_s=begin_s)


class Party(NamedTuple):
    """One party's times, seconds: infinite where it never came to that."""

    greeted_s: float
    served_s: float
    left_s: float
    talk_s: float
    interrupted: bool


def parties(of: Service, rng: Random, count: int) -> Iterator[Party]:
    """`count` parties."""
    uniform, log, normal = rng.random, math.log, rng.normalvariate
    talk_log, begin_log = log(of.talk_s), log(of.begin_s)
    for _ in range(count):
        greeted_s = -of.greet_s * log(1.0 - uniform())
        if of.begin_spread:
            served_s = greeted_s + math.exp(normal(begin_log, of.begin_spread))
        else:
            served_s = greeted_s - of.begin_s * log(1.0 - uniform())
        left_s = MIN_STAY_S - of.patience_s * log(1.0 - uniform())
        if served_s < left_s:
            talk_s = max(MIN_STAY_S, math.exp(normal(talk_log, of.talk_spread)))
            yield Party(greeted_s, served_s, math.inf, talk_s, uniform() < of.interrupted)
        elif greeted_s < left_s:
            yield Party(greeted_s, math.inf, left_s, left_s - greeted_s, interrupted=False)
        else:
            yield Party(math.inf, math.inf, left_s, 0.0, interrupted=False)


def poisson(rng: Random, mean: float) -> int:
    """A Poisson number: Knuth's product of uniforms, in parts of a mean that does not underflow.

    Source: Knuth, The Art of Computer Programming, volume 2, 3.4.1.
    """
    found = 0
    while mean > 0:
        part = min(mean, 500.0)
        mean -= part
        limit, product = math.exp(-part), rng.random()
        while product > limit:
            found += 1
            product *= rng.random()
    return found
