"""Periods in a store's own time: trading days, opening hours, and unions of intervals.

Days have 23 to 25 hours; everything is computed on the store's wall clock and then turned
into instants.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import islice
from zoneinfo import ZoneInfo

from firmware_cfg.section import WEEKDAYS
from firmware_cfg.store import parse_opening
from server.errors import PeriodError

LONGEST = timedelta(days=400)
LONGEST_CELL = timedelta(days=40)
"""No cell is longer: the longest is a month of five weeks. What meets a period begins no earlier
than so long before it, and only that much of the history is read."""
LONGEST_WINDOW = timedelta(days=2)
"""No window is longer: it has 24 hours at most."""
ALL_DAY = ("00:00-24:00",)
MILLISECOND = timedelta(milliseconds=1)
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
Spans = tuple[tuple[int, int], ...]
"""Disjoint spans of time in order, [start, end) in milliseconds since 1970, as few as can be."""
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
    """A store's zone, beginning of day, opening hours and exceptions.

    Attributes:
        zone: where its clock is.
        day_starts: when a trading day begins, on its clock.
        opening: spans such as `08:00-12:00` by weekday; none at all: always open.
        closed: dates on which it stays closed.
        special: dates with other hours than their weekday's.

    When it was open during a period, and when a day begins, is worked out once: a page asks for
    it figure after figure.
    """

    zone: ZoneInfo
    day_starts: time
    opening: dict[str, tuple[str, ...]]
    closed: frozenset[date]
    special: Mapping[date, tuple[str, ...]] = field(default_factory=dict)
    _opened: dict[Period, list[Period]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _begins: dict[date, datetime] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def local(self, at: datetime) -> datetime:
        """An instant on the store's clock."""
        return at.astimezone(self.zone)

    def instant(self, day: date, at: time) -> datetime:
        """A wall-clock time as an instant."""
        return datetime.combine(day, at, self.zone).astimezone(UTC)

    def trading_day(self, at: datetime) -> date:
        """The trading day that an instant belongs to: the one of `day_of` that holds it.

        The wall clock alone would not do: on the day of a change it passes the beginning of
        the day twice, or never.
        """
        day = self.local(at).date()
        if at < self.begins(day):
            return day - timedelta(days=1)
        return day if at < self.begins(day + timedelta(days=1)) else day + timedelta(days=1)

    def begins(self, day: date) -> datetime:
        """When a trading day begins, and the one before it ends."""
        found = self._begins.get(day)
        if found is None:
            found = self._begins[day] = self.instant(day, self.day_starts)
        return found

    def day_of(self, day: date) -> Period:
        """A trading day."""
        return Period(self.begins(day), self.begins(day + timedelta(days=1)))

    def week_of(self, monday: date) -> Period:
        """The seven trading days from a Monday on."""
        return Period(self.begins(monday), self.begins(monday + timedelta(days=7)))

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
        return Period(self.begins(first), self.begins(last + timedelta(days=1)))

    def open_times(self, period: Period) -> list[Period]:
        """When the store is open inside `period`."""
        if not (self.opening or self.closed or self.special):
            return [period]
        found = self._opened.get(period)
        if found is None:
            found = self._opened[period] = intersect(self._spans(period), [period])
        return list(found)

    def _spans(self, period: Period) -> list[Period]:
        """The opening hours of every date that `period` may touch."""
        first = self.local(period.start).date() - timedelta(days=1)
        last = self.local(period.end).date()
        days = (first + timedelta(days=number) for number in range((last - first).days + 1))
        return [span for day in days if day not in self.closed for span in self._opening_of(day)]

    def _opening_of(self, day: date) -> list[Period]:
        spans = []
        usual = self.opening.get(WEEKDAYS[day.weekday()], ()) if self.opening else ALL_DAY
        for span in self.special.get(day, usual):
            opens, closes = _hours(span)
            last = day + timedelta(days=1) if closes <= opens else day
            spans.append(Period(self.instant(day, opens), self.instant(last, closes)))
        return spans


@lru_cache(maxsize=1024)
def _hours(span: str) -> tuple[time, time]:
    """Opening and closing time: a chain has few different ones."""
    return parse_opening(span)


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


def monday_of(day: date) -> date:
    """The Monday of a day's ISO week."""
    return day - timedelta(days=day.weekday())


def span_of(period: Period) -> tuple[int, int]:
    """A period in milliseconds since 1970."""
    return (period.start - BEGINNING) // MILLISECOND, (period.end - BEGINNING) // MILLISECOND


@lru_cache(maxsize=1 << 15)
def period_of(span: tuple[int, int]) -> Period:
    """The period of a span; the same ones come again, from figure to figure and store to store."""
    start_ms, end_ms = span
    return Period(BEGINNING + start_ms * MILLISECOND, BEGINNING + end_ms * MILLISECOND)


def joined(spans: Iterable[tuple[int, int]]) -> Spans:
    """Spans as few disjoint ones, in order: exact, whatever the order they come in.

    >>> joined([(5, 9), (1, 3), (3, 5), (11, 12)])
    ((1, 9), (11, 12))
    """
    found: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            if end > found[-1][1]:
                found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return tuple(found)


def intersect(some: Iterable[Period], others: Iterable[Period]) -> list[Period]:
    """The time that two lists of periods have in common, in one walk along both."""
    ours, theirs = union(some), union(others)
    found = []
    at = 0
    for one in ours:
        while at < len(theirs) and theirs[at].end <= one.start:
            at += 1
        for other in islice(theirs, at, None):
            if other.start >= one.end:
                break
            found.append(Period(max(one.start, other.start), min(one.end, other.end)))
    return found


def subtract(some: Iterable[Period], others: Iterable[Period]) -> list[Period]:
    """The time of `some` that is not in `others`, in one walk along both."""
    left = []
    holes = union(others)
    at = 0
    for one in union(some):
        start = one.start
        while at < len(holes) and holes[at].end <= start:
            at += 1
        for hole in islice(holes, at, None):
            if hole.start >= one.end:
                break
            if hole.start > start:
                left.append(Period(start, hole.start))
            start = hole.end
        if start < one.end:
            left.append(Period(start, one.end))
    return left
