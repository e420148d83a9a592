"""What is counted of one point in one window; tallies add up.

Histograms are at the finest scale; a cell is released with a coarser one where it has few visits.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from math import ceil, log2

from firmware_cfg.histogram import MAX_SCALE, ZERO_BELOW_S
from server.simulating.service import ABANDON_AFTER_S, EXPECTED, Party

SCALE = MAX_SCALE
_STEPS = 1 << SCALE
_LOWEST = log2(ZERO_BELOW_S)
Buckets = dict[int, int]


@dataclass(slots=True)
class Tally:
    """Counts, buckets by their index, and seconds; `left_*` are those who left before the event.

    `left_early` left unserved before `ABANDON_AFTER_S`, greeted or not; `late_greeted` left
    unserved later, and had been greeted.
    """

    served: int = 0
    greeted_only: int = 0
    abandoned: int = 0
    passed: int = 0
    passers_by: int = 0
    left_early: int = 0
    late_greeted: int = 0
    greeted_in_time: int = 0
    flawless: int = 0
    recovered: int = 0
    interrupted: int = 0
    stay_s: float = 0.0
    attended_s: float = 0.0
    waiting: Buckets = field(default_factory=dict)
    left_waiting: Buckets = field(default_factory=dict)
    greeting: Buckets = field(default_factory=dict)
    left_greeting: Buckets = field(default_factory=dict)
    interaction: Buckets = field(default_factory=dict)
    stay: Buckets = field(default_factory=dict)

    @property
    def visits(self) -> int:
        """What k counts."""
        return self.served + self.greeted_only + self.abandoned + self.passed

    @property
    def judged(self) -> int:
        """Base of the flawless rate."""
        return self.visits - self.passed

    def __add__(self, other: "Tally") -> "Tally":
        """Both together."""
        found = {}
        for name in _NUMBERS:
            found[name] = getattr(self, name) + getattr(other, name)
        for name in _BUCKETS:
            found[name] = _both(getattr(self, name), getattr(other, name))
        return Tally(**found)

    def count(self, several: Iterable[Party]) -> None:
        """Count parties, whose visits have all ended."""
        for one in several:
            if one.served_s < math.inf:
                self._served(one)
            else:
                self._left(one)

    def _served(self, one: Party) -> None:
        stay_s = one.served_s + one.talk_s
        self.served += 1
        in_time = one.greeted_s <= EXPECTED.greet_within_s
        good = in_time and one.served_s <= EXPECTED.serve_within_s and not one.interrupted
        self.greeted_in_time += in_time
        self.flawless += good
        self.recovered += not good
        self.interrupted += one.interrupted
        self.stay_s += stay_s
        self.attended_s += stay_s - one.greeted_s
        _put(self.waiting, one.served_s)
        _put(self.greeting, one.greeted_s)
        _put(self.interaction, one.talk_s)
        _put(self.stay, stay_s)

    def _left(self, one: Party) -> None:
        early = one.left_s < ABANDON_AFTER_S
        self.left_early += early
        self.stay_s += one.left_s
        _put(self.left_waiting, one.left_s)
        _put(self.stay, one.left_s)
        if one.greeted_s < math.inf:
            self.greeted_only += 1
            self.late_greeted += not early
            self.greeted_in_time += one.greeted_s <= EXPECTED.greet_within_s
            self.attended_s += one.talk_s
            _put(self.greeting, one.greeted_s)
            _put(self.interaction, one.talk_s)
            return
        self.passed += early
        self.abandoned += not early
        _put(self.left_greeting, one.left_s)


_BUCKETS = tuple(one.name for one in fields(Tally) if one.type is Buckets)
_NUMBERS = tuple(one.name for one in fields(Tally) if one.type is not Buckets)


def coarser(buckets: Buckets, scale: int) -> Buckets:
    """The same counts in the buckets of a coarser scale, in order."""
    shift, found = SCALE - scale, Buckets()
    for index in sorted(buckets):
        coarse = index >> shift
        found[coarse] = found.get(coarse, 0) + buckets[index]
    return found


def _put(buckets: Buckets, duration_s: float) -> None:
    """Count a duration: `firmware_cfg.histogram.bucket_index`, written out for speed."""
    fine = log2(duration_s) if duration_s > ZERO_BELOW_S else _LOWEST
    index = ceil(fine * _STEPS - 1e-9) - 1
    buckets[index] = buckets.get(index, 0) + 1


def _both(some: Buckets, others: Buckets) -> Buckets:
    found = dict(some)
    for index, count in others.items():
        found[index] = found.get(index, 0) + count
    return found
