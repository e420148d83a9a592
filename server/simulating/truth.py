"""What the figures of a store really are, from the distributions that its parties are drawn from.

Everything is integrated on a grid of half a second (trapezoids), out to `HORIZON_S`, beyond
which no party is left. With c = 1 / patience, P's survival is S(t) = 1 before 5 s, then
exp(-c (t - 5)); with F the distribution of W:

    served within x     = ∫₀ˣ S dF                 greeted within x = ∫₀ˣ S dG
    percentile of W     = where F reaches it: had everyone stayed, nobody's leaving hides it
    flawless            = (1 - interrupted) ∫₀ˣ² S dH / (1 - passed), H(t) = P(G ≤ x₁, W ≤ t)

F solves F' = (B - F) / greet_s, B the distribution of S, since G is exponential; it is stepped
exactly for a B that is straight within a step. Tests compare with a Monte Carlo of `service`.
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from itertools import accumulate, pairwise

from server.figures import Expectations
from server.simulating.service import ABANDON_AFTER_S, EXPECTED, MIN_STAY_S, Service

STEP_S = 0.5
HORIZON_S = 3600.0
_STEPS = round(HORIZON_S / STEP_S)


@dataclass(frozen=True, slots=True)
class TrueFigures:
    """The truth, named as the figures are; shares in [0, 1], times in seconds.

    `left_late` is what `left_unserved` says of a team of which nothing about staff is told: without
    those who were greeted and left before `ABANDON_AFTER_S`.
    """

    served_within: float
    greeted_within: float
    abandoned: float
    left_unserved: float
    left_late: float
    waiting_median: float
    waiting_p90: float
    greeting_median: float
    greeting_p90: float
    interaction_median: float
    flawless: float
    recovered: float

    def told(self, team_size: int | None) -> dict[str, float]:
        """As it reads for a team: of a small or undeclared one nothing is told of staff."""
        found = asdict(self)
        late = found.pop("left_late")
        if team_size is not None and team_size >= 3:
            return found
        kept = ("served_within", "waiting_median", "waiting_p90")
        return {name: found[name] for name in kept} | {"left_unserved": late}


@cache
def true_figures(of: Service, expected: Expectations = EXPECTED) -> TrueFigures:
    """The truth of a store."""
    grid = _Grid(of)
    greet, serve = expected.greet_within_s, expected.serve_within_s
    served, passed = grid.served(HORIZON_S), grid.passed()
    good = (1 - of.interrupted) * grid.prompt(greet, serve)
    judged = 1 - passed
    return TrueFigures(
        served_within=grid.served(serve),
        greeted_within=grid.greeted(greet),
        abandoned=grid.ungreeted_after(ABANDON_AFTER_S),
        left_unserved=1 - served - passed,
        left_late=1 - served - grid.unserved_before(ABANDON_AFTER_S),
        waiting_median=grid.waiting_at(0.5),
        waiting_p90=grid.waiting_at(0.9),
        greeting_median=-of.greet_s * math.log(0.5),
        greeting_p90=-of.greet_s * math.log(0.1),
        interaction_median=grid.interaction_median(served),
        flawless=good / judged,
        recovered=(served - good) / (judged - good),
    )


class _Grid:
    """Curves of one store at the ends of the steps."""

    def __init__(self, of: Service) -> None:
        self._of = of
        self._times_s = [n * STEP_S for n in range(_STEPS + 1)]
        self._begun = [_begun(of, t) for t in self._times_s]
        self._waited = _waited(of.greet_s, self._begun)
        self._staying = [_staying(of, t) for t in self._times_s]

    def served(self, x_s: float) -> float:
        return _weighed(self._waited[: _index(x_s) + 1], self._staying)

    def greeted(self, x_s: float) -> float:
        curve = [1 - math.exp(-t / self._of.greet_s) for t in self._times_s[: _index(x_s) + 1]]
        return _weighed(curve, self._staying)

    def prompt(self, greet_s: float, serve_s: float) -> float:
        """Served by `serve_s`, after a greeting by `greet_s`."""
        shift, late = _index(greet_s), math.exp(-greet_s / self._of.greet_s)
        last = _index(serve_s) + 1
        waited = self._waited
        both = [
            value - (late * waited[n - shift] if n > shift else 0.0)
            for n, value in enumerate(waited[:last])
        ]
        return _weighed(both, self._staying)

    def passed(self) -> float:
        return self._ungreeted(MIN_STAY_S) - self._ungreeted(ABANDON_AFTER_S)

    def ungreeted_after(self, x_s: float) -> float:
        return self._ungreeted(x_s)

    def _ungreeted(self, x_s: float) -> float:
        """Left ungreeted at `x_s`, at least `MIN_STAY_S`, or later."""
        of = self._of
        rate, leaving = 1 / of.greet_s, 1 / of.patience_s
        share = leaving / (rate + leaving)
        return share * _staying(of, x_s) * math.exp(-rate * x_s)

    def unserved_before(self, x_s: float) -> float:
        """Left before `x_s`, greeted or not."""
        last = _index(x_s) + 1
        left = [1 - one for one in self._staying[:last]]
        return _weighed(left, [1 - one for one in self._waited])

    def waiting_at(self, q: float) -> float:
        return _reached(self._times_s, self._waited, q)

    def interaction_median(self, served: float) -> float:
        """Of those greeted: a whole service, or what was left of their patience."""
        of, leaving = self._of, 1 / self._of.patience_s
        terms = [leaving * math.exp(-leaving * t) for t in self._times_s]
        waits = [term * (1 - begun) for term, begun in zip(terms, self._begun, strict=True)]
        areas = ((a + b) / 2 * STEP_S for a, b in pairwise(waits))
        short = list(accumulate(areas, initial=0.0))
        early = [_index(MIN_STAY_S) - n for n in range(_index(MIN_STAY_S))]
        greeted = [1 - math.exp(-t / of.greet_s) for t in self._times_s]
        soon = [after - before for before, after in pairwise(greeted)]
        late = self.greeted(HORIZON_S) - greeted[_index(MIN_STAY_S)]

        def by(n: int) -> float:
            gone = late * short[n]
            for lead, weight in zip(early, soon, strict=False):
                if n > lead:
                    lead_s = (lead - 0.5) * STEP_S
                    before = (short[lead] + short[lead - 1]) / 2
                    gone += weight * math.exp(leaving * lead_s) * (short[n] - before)
            return served * _talked(of, n * STEP_S) + gone

        return _bisected(by, by(_STEPS) / 2) * STEP_S


def _index(x_s: float) -> int:
    return round(x_s / STEP_S)


def _begun(of: Service, t_s: float) -> float:
    """Distribution of S."""
    if t_s <= 0:
        return 0.0
    if not of.begin_spread:
        return 1 - math.exp(-t_s / of.begin_s)
    return _normal(math.log(t_s / of.begin_s) / of.begin_spread)


def _talked(of: Service, t_s: float) -> float:
    """Distribution of the length of a service."""
    if t_s < MIN_STAY_S:
        return 0.0
    return _normal(math.log(t_s / of.talk_s) / of.talk_spread)


def _staying(of: Service, t_s: float) -> float:
    return math.exp(-max(0.0, t_s - MIN_STAY_S) / of.patience_s)


def _normal(z: float) -> float:
    return 0.5 * (1 + math.erf(z / math.sqrt(2)))


def _waited(greet_s: float, begun: Sequence[float]) -> list[float]:
    """Distribution of W: one step of F' = (B - F) / greet_s after the other."""
    part = STEP_S / greet_s
    decay = math.exp(-part)
    late = 1 - (1 - decay) / part  # the weight of B at the end of a step
    found = [0.0]
    for before, after in pairwise(begun):
        found.append(found[-1] * decay + before * (1 - decay - late) + after * late)
    return found


def _weighed(curve: Sequence[float], weights: Sequence[float]) -> float:
    """∫ weights d(curve)."""
    steps = zip(curve, curve[1:], weights, weights[1:], strict=False)
    return sum((after - before) * (w + v) / 2 for before, after, w, v in steps)


def _reached(times_s: Sequence[float], curve: Sequence[float], q: float) -> float:
    """When a curve reaches `q`, straight between the points of the grid."""
    at = bisect_left(curve, q)
    if at == len(curve):
        return math.inf
    part = (q - curve[at - 1]) / (curve[at] - curve[at - 1])
    return times_s[at - 1] + part * STEP_S


def _bisected(by: Callable[[int], float], level: float) -> float:
    """Where a function of whole steps reaches `level`, straight between them."""
    low, high = 0, _STEPS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if by(middle) < level else (low, middle)
    return low + (level - by(low)) / (by(high) - by(low))
