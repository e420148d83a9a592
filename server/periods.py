"""Periods in a store's own time: trading days, opening hours, and unions of intervals.

Days have 23 to 25 hours; everything is computed on the store's wall clock and then turned
into instants.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from firmware_cfg.section import WEEKDAYS
from firmware_cfg.store import parse_opening
from server.errors import PeriodError

LONGEST = timedelta(days=400)
YEARS = range(2, 9999)
"""Years that can be asked for: a year from either end of the calendar no zone overflows."""


@dataclass(frozen=True, slots=True)
class Period:
    """[start, end), aware instants."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise PeriodError("expected instants with their offset from UTC")
        if self.end <= self.start:
            raise PeriodError(f"end {self.end} is not after start {self.start}")

    def meets(self, other: "Period") -> bool:
        """Whether the two have an instant in common."""
        return self.start < other.end and other.start < self.end

    @property
    def length_s(self) -> float:
        """Its length in seconds."""
        return (self.end - self.start).total_seconds()


@dataclass(frozen=True, slots=True)
class StoreTime:
    """A store's zone, beginning of day, opening hours and exceptions."""

    zone: ZoneInfo
    day_starts: time
    opening: dict[str, tuple[str, ...]]
    closed: frozenset[date]

    def local(self, at: datetime) -> datetime:
        """An instant on the store's clock."""
        return at.astimezone(self.zone)

    def instant(self, day: date, at: time) -> datetime:
        """A wall-clock time as an instant."""
        return datetime.combine(day, at, self.zone).astimezone(UTC)

    def trading_day(self, at: datetime) -> date:
        """The trading day that an instant belongs to."""
        local = self.local(at)
        before = local.time() < self.day_starts
        return local.date() - timedelta(days=1) if before else local.date()

    def days(self, first: date, last: date) -> Period:
        """The trading days from `first` to `last`, both included.

        Raises:
            PeriodError: reversed, too long, or at an end of the calendar.
        """
        check_years(first, last)
        if last < first:
            raise PeriodError(f"last day {last} is before first day {first}")
        if last - first > LONGEST:
            raise PeriodError(f"expected at most {LONGEST.days} days")
        end = self.instant(last + timedelta(days=1), self.day_starts)
        return Period(self.instant(first, self.day_starts), end)

    def open_times(self, period: Period) -> list[Period]:
        """When the store is open inside `period`."""
        if not self.opening:
            return [period]
        spans = []
        day = self.local(period.start).date() - timedelta(days=1)
        while day <= self.local(period.end).date():
            spans += [] if day in self.closed else self._opening_of(day)
            day += timedelta(days=1)
        return intersect(union(spans), [period])

    def _opening_of(self, day: date) -> list[Period]:
        spans = []
        for span in self.opening.get(WEEKDAYS[day.weekday()], ()):
            opens, closes = parse_opening(span)
            last = day + timedelta(days=1) if closes <= opens else day
            spans.append(Period(self.instant(day, opens), self.instant(last, closes)))
        return spans


def check_years(first: date, last: date) -> None:
    """Refuse days at the ends of the calendar, which no other zone or day before can name.

    Raises:
        PeriodError: such a day.
    """
    for day in (first, last):
        if day.year not in YEARS:
            raise PeriodError(f"year {day.year}: expected {YEARS.start} to {YEARS.stop - 1}")


def union(periods: Iterable[Period]) -> list[Period]:
    """The same time as few disjoint periods, in order."""
    joined: list[Period] = []
    for one in sorted(periods, key=lambda period: period.start):
        if joined and one.start <= joined[-1].end:
            joined[-1] = Period(joined[-1].start, max(joined[-1].end, one.end))
        else:
            joined.append(one)
    return joined


def intersect(some: Iterable[Period], others: Iterable[Period]) -> list[Period]:
    """The time that two lists of periods have in common."""
    others = list(others)
    return union(
        Period(max(one.start, other.start), min(one.end, other.end))
        for one in some
        for other in others
        if one.meets(other)
    )


def subtract(some: Iterable[Period], others: Iterable[Period]) -> list[Period]:
    """The time of `some` that is not in `others`."""
    left = []
    holes = union(others)
    for one in union(some):
        start = one.start
        for hole in holes:
            if hole.end <= start or hole.start >= one.end:
                continue
            if hole.start > start:
                left.append(Period(start, hole.start))
            start = max(start, hole.end)
        if start < one.end:
            left.append(Period(start, one.end))
    return left
