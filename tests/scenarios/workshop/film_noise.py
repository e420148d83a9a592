"""Chance for a film, laid out in seconds: the frame rate changes what is sampled, not what is.

Each purpose and person has a stream of its own, so that one fault more changes no other.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from tests.scenarios.workshop.day import FloatArray, Span

STEP_S = 0.1


class Purpose(IntEnum):
    """What a stream of chance is for."""

    FRAMES = 1
    DROPS = 2
    FREEZES = 3
    EDGES = 4
    FEET = 5
    MISSES = 6
    DOUBLES = 7
    MERGES = 8
    SCORES = 9
    WEAK = 10
    FIGURES = 11
    FALSE = 12
    WHITE = 13


def stream(seed: int, purpose: Purpose, *who: int) -> np.random.Generator:
    """The stream of chance for `purpose`, of the people `who` (their numbers)."""
    return np.random.default_rng([seed, int(purpose), *who])


@dataclass(frozen=True, eq=False)
class Bursts:
    """Spans that do not overlap, each with a number drawn evenly from [0, 1)."""

    starts_s: FloatArray
    ends_s: FloatArray
    draws: FloatArray

    def at(self, times_s: FloatArray) -> FloatArray:
        """(n,) the number of the burst that runs at each time; NaN where none does."""
        if not len(self.starts_s):
            return np.full(len(times_s), np.nan)
        index = np.searchsorted(self.starts_s, times_s, side="right") - 1
        safe = np.maximum(index, 0)
        runs = (index >= 0) & (times_s < self.ends_s[safe])
        return np.where(runs, self.draws[safe], np.nan)


def bursts(
    rng: np.random.Generator,
    span: Span,
    share: float,
    length_s: Span,
    *,
    memoryless: bool = False,
) -> Bursts:
    """Bursts that take `share` of the time of `span`.

    Lengths are even between `length_s`; `memoryless`: exponential, with one mean between them.
    """
    if share <= 0:
        empty = np.empty(0)
        return Bursts(empty, empty, empty)
    if share >= 1:
        return Bursts(np.array([span[0] - 1.0]), np.array([span[1] + 1.0]), rng.random(1))
    mean_s = float(rng.uniform(*length_s)) if memoryless else sum(length_s) / 2
    cycle_s = mean_s / share
    from_s = span[0] - 3 * cycle_s  # so that the first second is like any other
    count = int(2 * (span[1] - from_s) / cycle_s) + 20
    gaps = rng.exponential(cycle_s - mean_s, count)
    lengths = rng.exponential(mean_s, count) if memoryless else rng.uniform(*length_s, count)
    ends = from_s + np.cumsum(gaps + lengths)
    return Bursts(ends - lengths, ends, rng.random(count))


def slow_noise(
    rng: np.random.Generator, times_s: FloatArray, span: Span, lasts_s: float, columns: int
) -> FloatArray:
    """(n, columns) noise of deviation 1 that lasts about `lasts_s`, at times within `span`."""
    kernel = np.exp(-np.arange(0.0, 5 * lasts_s, STEP_S) / lasts_s)
    kernel /= np.sqrt((kernel**2).sum())
    grid = span[0] + STEP_S * np.arange(int((span[1] - span[0]) / STEP_S) + 3)
    found = np.empty((len(times_s), columns))
    for column in range(columns):
        white = rng.normal(size=len(grid) + len(kernel) - 1)
        found[:, column] = np.interp(times_s, grid, np.convolve(white, kernel, "valid"))
    return found


def evenly(normal: FloatArray) -> FloatArray:
    """Numbers of a normal distribution → nearly evenly spread over (0, 1), 0 → 0.5."""
    spread: FloatArray = 1 / (1 + np.exp(-1.702 * normal))
    return spread
