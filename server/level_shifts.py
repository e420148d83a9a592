"""Whether a figure's level changed from one week on, and by how much; pure.

Each cut of a series into weeks before and after is tried: Student's t with a common spread, whose
chance is multiplied by the number of cuts (Bonferroni). A device's error of measuring is the same
on both sides, so it is not in the range of a difference: what counts is how weeks differ among
themselves, and never less than chance alone lets a share differ. Many series are looked at
together, so those that are named are held to a rate of false ones (Benjamini and Hochberg, 1995).
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import fmean
from typing import NamedTuple

from server.student_t import outside, reached

FEWEST_WEEKS = 3
"""On each side of a cut."""
FALSE_RATE = 0.05
LEAST_SPREAD = 0.01
"""Of the logarithm of a duration: weeks that agree better do so by the steps of the histogram."""


@dataclass(frozen=True, slots=True)
class Level:
    """A week's value, and the parties that it rests on.

    `value`: a share in [0, 1], or the natural logarithm of a duration in seconds.
    """

    value: float
    rests_on: int


@dataclass(frozen=True, slots=True)
class Shift:
    """A change of level before the week `at` (an index).

    Attributes:
        at: the first week of the new level.
        before, after: the mean levels.
        low, high: 95 % range of their difference, widened for the cuts that were tried.
        chance: of a shift this clear somewhere in the series, were its level always the same.
    """

    at: int
    before: float
    after: float
    low: float
    high: float
    chance: float


def clearest_shift(levels: Sequence[Level], *, shares: bool) -> Shift | None:
    """The clearest change of level; none if there are too few weeks on both sides of every cut.

    Args:
        levels: of weeks in order; weeks may be missing between them.
        shares: whether they are shares; durations otherwise.
    """
    cuts = range(FEWEST_WEEKS, len(levels) - FEWEST_WEEKS + 1)
    if not cuts:
        return None
    floor = _least_variance(levels) if shares else LEAST_SPREAD**2
    return _shift(max(_cuts([one.value for one in levels], cuts, floor)), len(cuts))


def _least_variance(levels: Sequence[Level]) -> float:
    """Of a week's share by chance alone, with two added successes and failures."""
    parties = [max(1, one.rests_on) for one in levels]
    happened = sum(one.value * count for one, count in zip(levels, parties, strict=True))
    mean = (happened + 2) / (sum(parties) + 4)
    return mean * (1 - mean) * fmean(1 / count for count in parties)


class _Cut(NamedTuple):
    """A cut before the week `at`: the means, the error of their difference, Student's |t|."""

    t: float
    at: int
    before: float
    after: float
    error: float
    degrees: int


def _cuts(values: Sequence[float], cuts: Iterable[int], floor: float) -> Iterator[_Cut]:
    """Every cut, from running sums of values and of their squares about the first one."""
    first, weeks, degrees = values[0], len(values), len(values) - 2
    sums = list(accumulate((one - first for one in values), initial=0.0))
    squares = sum([(one - first) ** 2 for one in values])
    for at in cuts:
        before, after = sums[at] / at, (sums[-1] - sums[at]) / (weeks - at)
        within = squares - at * before**2 - (weeks - at) * after**2
        error = math.sqrt(max(within / degrees, floor) * (1 / at + 1 / (weeks - at)))
        yield _Cut(abs(after - before) / error, at, first + before, first + after, error, degrees)


def _shift(cut: _Cut, tried: int) -> Shift:
    """The clearest of the cuts that were `tried`: all have as many degrees of freedom."""
    difference = cut.after - cut.before
    half = reached(0.05 / tried, cut.degrees) * cut.error
    chance = min(1.0, tried * outside(cut.t, cut.degrees))
    return Shift(cut.at, cut.before, cut.after, difference - half, difference + half, chance)


def benjamini_hochberg(chances: Sequence[float], rate: float = FALSE_RATE) -> float:
    """The largest chance that may be named so that `rate` of the named are false at most.

    >>> benjamini_hochberg([0.001, 0.02, 0.04, 0.9])
    0.02
    """
    found = 0.0
    for place, chance in enumerate(sorted(chances), 1):
        if chance <= rate * place / len(chances):
            found = chance
    return found
