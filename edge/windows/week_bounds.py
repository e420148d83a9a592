"""What the finer cells of a week tell of counts that are hidden in them.

The cells of a small team are published without staff, and still bound what depends on it:
whose waiting ended within the greeting's limit was greeted in time; whoever waited longer
than the service's limit was not served flawlessly; who left unserved sooner than `passed`
allows, and did not pass, had been greeted. Of each cell that gives an interval, at least and
at most, and of a week the sums of both.

The bounds are taken here from histograms at the finest scale, and a bucket that holds a limit
counts to the side that leaves less room. So they are at least as tight as whatever a reader
of the coarser, published histograms can add up.
"""

from dataclasses import dataclass

from edge.visits.values import Outcome
from edge.windows.tally import Tally
from firmware_cfg.histogram import Fate, Histogram, bucket_index
from firmware_cfg.site import Encounter


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
    def unserved(self) -> int:
        """Visits that left unserved and did not pass."""
        outcomes = self.tally.outcomes
        return outcomes[Outcome.GREETED_ONLY] + outcomes[Outcome.ABANDONED]

    @property
    def passed(self) -> int:
        """Visits that passed: never greeted."""
        return self.tally.outcomes[Outcome.PASSED]

    @property
    def greeted_at_once(self) -> int:
        """At most: left unserved, too soon to be `abandoned`, and did not pass; so greeted.

        A visit that was already there may have passed without being in the histogram.
        """
        soon = up_to(self.tally.waiting, Fate.LEFT, self.expected.abandon_after_s)
        return max(0, soon - self.passed + self.tally.left_censored)

    def greeted_within(self, limit_s: float) -> int:
        """At most: visits of which it is published that they were greeted within `limit_s`."""
        return up_to(self.tally.waiting, Fate.EVENT, limit_s) + self.greeted_at_once

    def engaged_within(self, limit_s: float) -> int:
        """At most: greeted visits of which it is published that they stayed no longer."""
        return self.served_for(limit_s) + self.greeted_at_once

    def served_for(self, limit_s: float) -> int:
        """At most: served visits that stayed no longer; those who left are in both histograms."""
        stay, waiting = self.tally.stay, self.tally.waiting
        stayed, left = up_to(stay, Fate.EVENT, limit_s), up_to(waiting, Fate.LEFT, limit_s)
        return max(0, stayed - left)

    @property
    def served_in_time(self) -> int:
        """At least: served visits that waited no longer than is expected."""
        events = self.tally.waiting.counts.get(Fate.EVENT, {})
        last = bucket_index(self.expected.serve_within_s, self.tally.waiting.scale)
        waited = sum(count for index, count in events.items() if index < last)
        return waited - self.tally.outcomes[Outcome.STILL_PRESENT]


def up_to(histogram: Histogram, fate: Fate, limit_s: float) -> int:
    """Durations of one fate in the buckets up to the one that holds `limit_s`."""
    last = bucket_index(limit_s, histogram.scale)
    found = histogram.counts.get(fate, {})
    return sum(count for index, count in found.items() if index <= last)
