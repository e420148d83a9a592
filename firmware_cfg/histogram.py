"""Histograms with exponential buckets that merge by addition, with three counts a bucket.

Bucket i of scale s holds durations in (base^i, base^(i+1)] with base = 2^(2^-s): the
exponential histogram of OpenTelemetry's metrics data model. Durations of at most
`ZERO_BELOW_S` go to the bucket of that bound. Halving the scale by one merges pairs of
neighbouring buckets exactly, so merging goes to the coarser scale.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_SCALE = 5
ZERO_BELOW_S = 2.0**-4


class Fate(StrEnum):
    """How a duration ended: its event came, the party left first, or seeing ended first."""

    EVENT = "event"
    LEFT = "left"
    CENSORED = "censored"


def scale_for(visits: int) -> int:
    """Scale that a cell of `visits` visits is released with: coarser where few."""
    return 1 if visits < 30 else 3 if visits < 100 else MAX_SCALE


def bucket_index(duration_s: float, scale: int) -> int:
    """Index of the bucket that holds `duration_s`.

    >>> bucket_index(4.0, 0), bucket_index(4.001, 0), bucket_index(30.0, 1)
    (1, 2, 9)
    """
    fine = math.ceil(math.log2(max(duration_s, ZERO_BELOW_S)) * (1 << MAX_SCALE) - 1e-9) - 1
    return fine >> (MAX_SCALE - scale)


def bucket_bounds_s(index: int, scale: int) -> tuple[float, float]:
    """(lower, upper] bounds of a bucket in seconds; the lowest bucket starts at 0.

    >>> bucket_bounds_s(2, 0)
    (4.0, 8.0)
    """
    lower = 2.0 ** (index / 2**scale)
    upper = 2.0 ** ((index + 1) / 2**scale)
    return (0.0 if lower < ZERO_BELOW_S else lower), upper


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts of durations by bucket and fate.

    Attributes:
        scale: bucket scale, 0 … `MAX_SCALE`.
        counts: for each fate, bucket index → count; only positive counts are kept.
    """

    scale: int = MAX_SCALE
    counts: dict[Fate, dict[int, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, durations: Iterable[tuple[float, Fate]], scale: int = MAX_SCALE) -> Histogram:
        """Histogram of (duration in seconds, fate) pairs."""
        tally: dict[Fate, Counter[int]] = {}
        for duration_s, fate in durations:
            tally.setdefault(fate, Counter())[bucket_index(duration_s, scale)] += 1
        return cls(
            scale, {fate: dict(sorted(tally[fate].items())) for fate in Fate if fate in tally}
        )

    def total(self, fate: Fate | None = None) -> int:
        """Number of durations, of one fate or of all."""
        fates = self.counts if fate is None else [fate]
        return sum(sum(self.counts.get(one, {}).values()) for one in fates)

    def at_scale(self, scale: int) -> Histogram:
        """The same counts in coarser buckets.

        Raises:
            ValueError: `scale` is finer than this histogram's.
        """
        if scale > self.scale:
            raise ValueError(f"cannot refine scale {self.scale} to {scale}")
        shift = self.scale - scale
        counts: dict[Fate, dict[int, int]] = {}
        for fate, buckets in self.counts.items():
            coarse: Counter[int] = Counter()
            for index, count in buckets.items():
                coarse[index >> shift] += count
            counts[fate] = dict(sorted(coarse.items()))
        return Histogram(scale, counts)

    def __add__(self, other: Histogram) -> Histogram:
        """Merge: both at the coarser scale, counts added. Exact and order-free."""
        scale = min(self.scale, other.scale)
        left, right = self.at_scale(scale), other.at_scale(scale)
        counts: dict[Fate, dict[int, int]] = {}
        for fate in Fate:
            both = Counter(left.counts.get(fate, {}))
            both.update(right.counts.get(fate, {}))
            if both:
                counts[fate] = dict(sorted(both.items()))
        return Histogram(scale, counts)
