"""Intervals hold the truth although measuring errs: simulated counters, seen with errors.

True waits are lognormal, parties give up after an exponential time, seeing may end before
either. What is measured has the model's error, the site's own bias, and some parties served
are taken for gone or the reverse; then it goes into the wire's buckets.
"""

import math
import random
from functools import cache
from statistics import NormalDist

import pytest

from firmware_cfg.accuracy import CORE_SDS, MEASURED, Misjudged, TimingError
from firmware_cfg.histogram import Fate, Histogram, scale_for
from server.measuring import EXACT, Error
from server.statistics import quantile, share_within

MEDIAN_S, SIGMA, PATIENCE_S, LIMIT_S = 40.0, 0.8, 120.0, 60.0
LARGE = TimingError(4.0, 1.0, 2.0, 0.04, 10.0, 0.02, 10.0, 500)
ERRORS = {
    "measured": Error((MEASURED[0].waiting,), MEASURED[0].served),
    "large": Error((LARGE,), Misjudged(0.02, 0.02)),
}
REPETITIONS = 120
TRUE_P90_S = MEDIAN_S * math.exp(SIGMA * NormalDist().inv_cdf(0.9))


@cache
def truly_within(limit_s: float) -> float:
    """Of all who come, the share served within `limit_s`: the integral over when."""
    steps = 4000
    waits = NormalDist(math.log(MEDIAN_S), SIGMA)
    total = 0.0
    for step in range(steps):
        t_s = (step + 0.5) * limit_s / steps
        total += waits.pdf(math.log(t_s)) / t_s * math.exp(-t_s / PATIENCE_S)
    return total * limit_s / steps


def error_s(rng: random.Random, model: TimingError, bias_s: float) -> float:
    """The error of one visit at a site with `bias_s`."""
    kind, edge_s = rng.random(), CORE_SDS * model.core_sd_s
    if kind < model.long_share:
        return bias_s + edge_s + rng.expovariate(1 / model.long_s)
    if kind < model.long_share + model.short_share:
        return bias_s - edge_s - rng.expovariate(1 / model.short_s)
    return rng.gauss(bias_s, model.core_sd_s)


def seen(
    rng: random.Random, parties: int, error: Error, *, blind: bool, uneven: bool = False
) -> Histogram:
    """What a site's device reports of so many parties.

    Where `blind`, seeing may end before the party's visit does; where `uneven`, errors are half
    as large before the median wait, and half as large again after it.
    """
    (model,) = error.timing
    bias_s = rng.gauss(model.bias_s, model.bias_se_s)
    found = []
    for _ in range(parties):
        ends = {
            Fate.EVENT: rng.lognormvariate(math.log(MEDIAN_S), SIGMA),
            Fate.LEFT: rng.expovariate(1 / PATIENCE_S),
            Fate.CENSORED: rng.uniform(20, 600) if blind else math.inf,
        }
        fate = min(ends, key=lambda one: ends[one])
        size = 1.0 if not uneven else 0.5 if ends[fate] < MEDIAN_S else 1.5
        measured_s = max(0.1, ends[fate] + size * error_s(rng, model, bias_s))
        found.append((measured_s, fate))
    _misjudge(rng, found, error)
    return Histogram.of(found, scale_for(parties))


def _misjudge(rng: random.Random, found: list[tuple[float, Fate]], error: Error) -> None:
    """Take some who were served for gone, and the reverse, where they stand."""
    for was, taken_for, share in (
        (Fate.EVENT, Fate.LEFT, error.wrong.lost),
        (Fate.LEFT, Fate.EVENT, error.wrong.gained),
    ):
        of = [index for index, (_, fate) in enumerate(found) if fate is was]
        for index in of:
            if rng.random() < share * len(found) / len(of):
                found[index] = (found[index][0], taken_for)


def hits(
    parties: int, error: Error, told: Error, *, blind: bool, uneven: bool = False
) -> dict[str, float]:
    """How often the intervals, told of `told`, hold the truth where there is `error`."""
    held = dict.fromkeys(("within", "median", "p90"), 0)
    for seed in range(REPETITIONS):
        rng = random.Random(f"{seed} {parties} {blind}")  # noqa: S311 simulated, not secret
        crowd = seen(rng, parties, error, blind=blind, uneven=uneven)
        share = share_within(crowd, LIMIT_S, told)
        assert share is not None
        held["within"] += share.low <= truly_within(LIMIT_S) <= share.high
        for name, q, truth_s in (("median", 0.5, MEDIAN_S), ("p90", 0.9, TRUE_P90_S)):
            one = quantile(crowd, q, told)
            assert one is not None
            high_s = math.inf if one.high_s is None else one.high_s
            held[name] += one.low_s <= truth_s <= high_s
    return {name: count / REPETITIONS for name, count in held.items()}


@pytest.mark.parametrize("blind", [False, True])
@pytest.mark.parametrize("parties", [30, 100, 1000])
@pytest.mark.parametrize("size", ERRORS)
def test_intervals_hold_the_truth_although_measuring_errs(
    size: str, parties: int, blind: bool
) -> None:
    error = ERRORS[size]
    assert min(hits(parties, error, error, blind=blind).values()) >= 0.9


@pytest.mark.parametrize("size", ERRORS)
def test_they_do_so_where_errors_grow_with_the_wait(size: str) -> None:
    error = ERRORS[size]
    assert min(hits(1000, error, error, blind=False, uneven=True).values()) >= 0.9


def test_untold_of_a_large_error_they_would_not() -> None:
    error = ERRORS["large"]
    assert hits(1000, error, EXACT, blind=False)["median"] < 0.5
