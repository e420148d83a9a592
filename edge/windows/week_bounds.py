"""What the finer cells of a week tell of counts that are hidden in them.

The cells of a small team are published without staff, and still bound what depends on it:
whose waiting ended within the greeting's limit was greeted in time; whoever waited longer
than the service's limit was not served flawlessly; whoever was gone sooner than an
interruption lasts was not interrupted.

Each visit of a kind that is told may be counted in one of a few ways, as (flawless,
interrupted, greeted in time, left greeted), 0 or 1 each:

    served                          any with: flawless = in time, not slow, not interrupted
    ... and waited that briefly     greeted in time
    ... and too long                never flawless
    ... and stayed briefly          never interrupted
    left late                       not greeted, greeted late, greeted in time
    left early, or still there      greeted in time, or not
    already there                   interrupted if served, greeted if it left late; no more

The bounds are taken here from histograms at the finest scale, and a bucket that holds a limit
counts to the side that leaves less room. So they are at least as tight as whatever a reader
of the coarser, published histograms can add up.
"""

from collections import Counter
from dataclasses import dataclass
from itertools import product

from edge.visits.values import Outcome
from edge.windows.tally import Tally
from firmware_cfg.histogram import Fate, Histogram, bucket_index
from firmware_cfg.site import Encounter

Sums = tuple[int, int, int, int]
"""Numbers of (flawless, interrupted, greeted in time, left greeted), or weights of them."""
Ways = tuple[Sums, ...]

LEFT_LATE: Ways = ((0, 0, 0, 0), (0, 0, 0, 1), (0, 0, 1, 1))
LEFT_EARLY: Ways = ((0, 0, 0, 0), (0, 0, 1, 0))


def served(*, prompt: bool = False, slow: bool = False, brief: bool = False) -> Ways:
    """How a served visit may be counted."""
    in_time, interrupted = (1,) if prompt else (0, 1), (0,) if brief else (0, 1)
    return tuple(
        (int(bool(t) and not i and not slow), i, t, 0) for t, i in product(in_time, interrupted)
    )


EVERY_KIND = (
    LEFT_LATE,
    LEFT_EARLY,
    *(served(prompt=p, slow=s, brief=b) for p, s, b in product((False, True), repeat=3)),
)


def most_of(ways: Ways, weights: Sums) -> int:
    """The most that one visit adds to a weighted sum of the counts."""
    return max(_weighed(way, weights) for way in ways)


def range_of(weights: Sums) -> int:
    """How far apart any one visit's two ways are in a weighted sum of the counts."""
    opposite = _negative(weights)
    return max(most_of(ways, weights) + most_of(ways, opposite) for ways in EVERY_KIND)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is published of a week's cells together, of one or more points.

    Attributes:
        tally: of the cells.
        expected: the expectations and limits in force.
    """

    tally: Tally
    expected: Encounter

    @property
    def served(self) -> int:
        """Visits that ended served."""
        return self.tally.outcomes[Outcome.SERVED]

    @property
    def left_late(self) -> int:
        """Visits that left unserved, and not early."""
        return self.tally.left_late

    @property
    def brief(self) -> int:
        """At most: served visits that were gone sooner than an interruption lasts."""
        return self.served_for(self.expected.interrupted_s)

    def greeted_within(self, limit_s: float) -> int:
        """At most: visits of which it is published that they were greeted within `limit_s`."""
        return up_to(self.tally.waiting, Fate.EVENT, limit_s)

    def served_for(self, limit_s: float) -> int:
        """At most: served visits that stayed no longer; those who left are in both histograms."""
        stay, waiting = self.tally.stay, self.tally.waiting
        stayed, left = up_to(stay, Fate.EVENT, limit_s), up_to(waiting, Fate.LEFT, limit_s)
        return max(0, stayed - left)

    def waits(self) -> Counter[tuple[bool, bool]]:
        """Visits whose service began, by (greeted in time for certain, not in time for certain)."""
        scale = self.tally.waiting.scale
        prompt = bucket_index(self.expected.greet_within_s, scale)
        slow = bucket_index(self.expected.serve_within_s, scale)
        found: Counter[tuple[bool, bool]] = Counter()
        for index, count in self.tally.waiting.counts.get(Fate.EVENT, {}).items():
            found[index <= prompt, index >= slow] += count
        return found

    def most(self, weights: Sums) -> int:
        """At most: the weighted sum of the counts, as the cells leave it open, or less than that.

        A visit that is still there may be among those whose service began, one that was already
        there among those who left: both are given the ways that leave less room.
        """
        waits = self.waits()
        total = sum(count * most_of(_served(wait), weights) for wait, count in waits.items())
        lost = [
            most_of(_served(w), weights) - most_of(_served(w, brief=True), weights) for w in waits
        ]
        total -= self.brief * max(lost, default=0)
        there = self.tally.outcomes[Outcome.STILL_PRESENT]
        highest = max((most_of(_served(wait), weights) for wait in waits), default=0)
        total -= there * (highest - min(0, weights[2]))
        unsure = self.tally.left_censored
        total += max(0, self.left_late - unsure) * most_of(LEFT_LATE, weights)
        return total + max(0, self.tally.left_early - unsure) * most_of(LEFT_EARLY, weights)


def up_to(histogram: Histogram, fate: Fate, limit_s: float) -> int:
    """Durations of one fate in the buckets up to the one that holds `limit_s`."""
    last = bucket_index(limit_s, histogram.scale)
    found = histogram.counts.get(fate, {})
    return sum(count for index, count in found.items() if index <= last)


def _served(wait: tuple[bool, bool], *, brief: bool = False) -> Ways:
    return served(prompt=wait[0], slow=wait[1], brief=brief)


def _weighed(sums: Sums, weights: Sums) -> int:
    return sum(one * weight for one, weight in zip(sums, weights, strict=True))


def _negative(weights: Sums) -> Sums:
    flawless, interrupted, in_time, left_greeted = weights
    return -flawless, -interrupted, -in_time, -left_greeted
