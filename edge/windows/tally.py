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

from edge.visits.values import Outcome, Pattern, Visit
from firmware_cfg.histogram import Fate, Histogram

_ZERO = timedelta(0)


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
        observed, bridged, unknown: parts of the visits' stays.
        present, attended: time with a party there, and with staff there too.
        patterns: greeted visits by service pattern; only positive counts are kept.
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

    @classmethod
    def of_visit(cls, visit: Visit) -> Self:
        """Tally of one visit, final or as it stands when its window closes."""
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
            observed=exactly(visit.stay.observed_s),
            bridged=exactly(visit.stay.bridged_s),
            unknown=exactly(visit.stay.unknown_s),
            patterns=Counter() if visit.pattern is None else Counter({visit.pattern: 1}),
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
            observed=self.observed + other.observed,
            bridged=self.bridged + other.bridged,
            unknown=self.unknown + other.unknown,
            present=self.present + other.present,
            attended=self.attended + other.attended,
            patterns=self.patterns + other.patterns,
        )


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
