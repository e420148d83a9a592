"""What is counted of one point in one window. Tallies merge by addition, exactly.

A duration that was ended by nothing but the end of seeing is `censored`; for waiting and
greeting, a party that left first is `left` (a competing event). A visit that was already
there when seeing began enters neither; its stay and interaction are known only as "at least
this long" and so are censored. Durations are quantised to milliseconds and summed as
`timedelta`, which is exact: adding tallies in any order gives the same tally.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Self

from edge.visits.values import Duration, Outcome, Pattern, Visit
from firmware_cfg.histogram import Fate, Histogram
from firmware_cfg.site import Encounter

_ZERO = timedelta(0)
_DEFAULTS = Encounter()
_LEFT = (Outcome.GREETED_ONLY, Outcome.ABANDONED, Outcome.PASSED)


def exactly(seconds: float) -> timedelta:
    """`seconds` rounded to milliseconds, as in `visits.jsonl`."""
    return timedelta(milliseconds=round(round(seconds, 3) * 1000))


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of visits, histograms of their durations, and sums of seconds.

    Attributes:
        outcomes: visits by outcome; only positive counts are kept.
        left_censored: visits already there when seeing began.
        passers_by: presences too short for a visit.
        waiting, greeting, interaction, stay: histograms at the finest scale.
        flawless, broken: judged visits without and with a broken expectation.
        recovered: broken ones that still ended served.
        interrupted: visits with an interruption of their service.
        served_interrupted: those of them that ended served.
        greeted_in_time: greeted within the expectation; never one that was already there.
        left_early: left unserved sooner than `abandon_after_s`, greeted or not.
        early_greeted: those of them that had been greeted.
        observed, bridged, unknown: parts of the visits' stays.
        present, attended: time with a party there, and with staff there too.
        patterns: by service pattern, visits that ended served, or left late and had been
            greeted; only positive counts are kept.
    """

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    left_censored: int = 0
    passers_by: int = 0
    waiting: Histogram = field(default_factory=Histogram)
    greeting: Histogram = field(default_factory=Histogram)
    interaction: Histogram = field(default_factory=Histogram)
    stay: Histogram = field(default_factory=Histogram)
    flawless: int = 0
    broken: int = 0
    recovered: int = 0
    interrupted: int = 0
    served_interrupted: int = 0
    greeted_in_time: int = 0
    left_early: int = 0
    early_greeted: int = 0
    observed: timedelta = _ZERO
    bridged: timedelta = _ZERO
    unknown: timedelta = _ZERO
    present: timedelta = _ZERO
    attended: timedelta = _ZERO
    patterns: Counter[Pattern] = field(default_factory=Counter)

    @property
    def visits(self) -> int:
        """Number of visits: what k counts."""
        return sum(self.outcomes.values())

    @property
    def judged(self) -> int:
        """Base of the flawless rate."""
        return self.flawless + self.broken

    @property
    def left_late(self) -> int:
        """Visits that left unserved after `abandon_after_s` or later, greeted or not."""
        return sum(self.outcomes[one] for one in _LEFT) - self.left_early

    @property
    def late_greeted(self) -> int:
        """Those of them that had been greeted."""
        return self.outcomes[Outcome.GREETED_ONLY] - self.early_greeted

    @classmethod
    def of_visit(cls, visit: Visit, expected: Encounter = _DEFAULTS) -> Self:
        """Tally of one visit, final or as it stands when its window closes.

        Args:
            visit: the visit.
            expected: the expectations and limits in force.
        """
        served, greeting = visit.outcome is Outcome.SERVED, visit.greeting
        early = visit.outcome in _LEFT and _seconds(visit.stay) < expected.abandon_after_s
        greeted_late = visit.outcome is Outcome.GREETED_ONLY and not early
        return cls(
            outcomes=Counter({visit.outcome: 1}),
            left_censored=int(visit.left_censored),
            waiting=_until(visit, None if visit.waiting is None else visit.waiting.total_s),
            greeting=_until(visit, None if visit.greeting is None else visit.greeting.total_s),
            interaction=_of_length(visit, visit.interaction.total_s)
            if visit.greeted_s is not None
            else Histogram(),
            stay=_of_length(visit, visit.stay.total_s),
            flawless=int(visit.flawless is True),
            broken=int(visit.flawless is False),
            recovered=int(visit.flawless is False and visit.outcome is Outcome.SERVED),
            interrupted=int(visit.interruptions > 0),
            served_interrupted=int(served and visit.interruptions > 0),
            greeted_in_time=int(
                greeting is not None and _seconds(greeting) <= expected.greet_within_s
            ),
            left_early=int(early),
            early_greeted=int(early and visit.outcome is Outcome.GREETED_ONLY),
            observed=exactly(visit.stay.observed_s),
            bridged=exactly(visit.stay.bridged_s),
            unknown=exactly(visit.stay.unknown_s),
            patterns=Counter({visit.pattern: 1})
            if visit.pattern is not None and (served or greeted_late)
            else Counter(),
        )

    @classmethod
    def of_presence(cls, length: timedelta, *, attended: bool) -> Self:
        """Tally of a part of a presence span."""
        return cls(present=length, attended=length if attended else _ZERO)

    def __add__(self, other: Self) -> Self:
        """Both together."""
        return type(self)(
            outcomes=self.outcomes + other.outcomes,
            left_censored=self.left_censored + other.left_censored,
            passers_by=self.passers_by + other.passers_by,
            waiting=self.waiting + other.waiting,
            greeting=self.greeting + other.greeting,
            interaction=self.interaction + other.interaction,
            stay=self.stay + other.stay,
            flawless=self.flawless + other.flawless,
            broken=self.broken + other.broken,
            recovered=self.recovered + other.recovered,
            interrupted=self.interrupted + other.interrupted,
            served_interrupted=self.served_interrupted + other.served_interrupted,
            greeted_in_time=self.greeted_in_time + other.greeted_in_time,
            left_early=self.left_early + other.left_early,
            early_greeted=self.early_greeted + other.early_greeted,
            observed=self.observed + other.observed,
            bridged=self.bridged + other.bridged,
            unknown=self.unknown + other.unknown,
            present=self.present + other.present,
            attended=self.attended + other.attended,
            patterns=self.patterns + other.patterns,
        )


def _seconds(duration: Duration) -> float:
    """Its length to the millisecond, as histograms and `visits.jsonl` have it."""
    return round(duration.total_s, 3)


def _until(visit: Visit, latency_s: float | None) -> Histogram:
    """Histogram of the time to a moment, or to leaving, or to the end of seeing."""
    if visit.left_censored:
        return Histogram()
    if latency_s is not None:
        return Histogram.of([(round(latency_s, 3), Fate.EVENT)])
    fate = Fate.CENSORED if visit.outcome is Outcome.STILL_PRESENT else Fate.LEFT
    return Histogram.of([(round(visit.stay.total_s, 3), fate)])


def _of_length(visit: Visit, length_s: float) -> Histogram:
    """Histogram of a length; censored where its beginning or end was not seen."""
    unseen = visit.left_censored or visit.outcome is Outcome.STILL_PRESENT
    return Histogram.of([(round(length_s, 3), Fate.CENSORED if unseen else Fate.EVENT)])
