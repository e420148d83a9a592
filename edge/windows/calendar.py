"""The store's calendar: windows, day parts, trading days, weeks and months as UTC instants.

Everything is cut in the store's wall clock and handed out as `Period`s, [start, end) in
UTC. Units nest: a boundary that does not fall on the window grid (`day_starts = "04:07"`)
is moved back to the start of the window that contains it. Where the zone's offset changes,
units end: a repeated hour is an hour of its own, a skipped one does not exist, and a day
has 23 or 25 hours. A week belongs to the month of its Thursday.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from firmware_cfg.messages import Level
from firmware_cfg.section import WEEKDAYS
from firmware_cfg.store import Store, parse_opening

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_SEARCH_DAYS = 400
GRID = {
    Level.QUARTER_HOUR: timedelta(minutes=15),
    Level.HALF_HOUR: timedelta(minutes=30),
    Level.HOUR: timedelta(hours=1),
}
LEAF_LEVELS = {900: Level.QUARTER_HOUR, 1800: Level.HALF_HOUR, 3600: Level.HOUR}
COARSE_FIRST = tuple(reversed(Level))


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """[start, end), both UTC."""

    start: datetime
    end: datetime

    def __contains__(self, at: datetime) -> bool:
        return self.start <= at < self.end

    @property
    def length(self) -> timedelta:
        """Elapsed time from start to end."""
        return self.end - self.start

    def within(self, other: "Period") -> "Period | None":
        """The part that lies in `other`; None if there is none."""
        start, end = max(self.start, other.start), min(self.end, other.end)
        return Period(start, end) if start < end else None


@dataclass(frozen=True, slots=True, order=True)
class Unit:
    """A calendar unit: its level, and its bounds."""

    level: Level
    period: Period


class StoreCalendar:
    """Calendar of one store.

    Args:
        store: zone, opening hours, closed dates, where days begin and divide.
        window_s: length of a window, 900, 1800 or 3600 s.
    """

    def __init__(self, store: Store, window_s: int) -> None:
        self.leaf_level = LEAF_LEVELS[window_s]
        self._store = store
        self._zone = store.zone
        self._step = timedelta(seconds=window_s)
        self._day_start = lru_cache(maxsize=1024)(self._find_day_start)
        self._cuts = lru_cache(maxsize=64)(self._find_day_part_cuts)
        self._opening = lru_cache(maxsize=64)(self._find_opening)

    def window_at(self, at: datetime) -> Period:
        """The window that contains the instant `at`."""
        return self._grid(at, self._step)

    def enclosing(self, level: Level, at: datetime) -> Period:
        """The unit of `level` that contains `at`, cut to the coarser units that contain it."""
        day = self.trading_day(at)
        match level:
            case Level.MONTH:
                return self._month(day)
            case Level.WEEK:
                monday = day - timedelta(days=day.weekday())
                return Period(self._day_start(monday), self._day_start(monday + timedelta(days=7)))
            case Level.DAY:
                return self.day_bounds(day)
            case Level.DAY_PART:
                return self._day_part(day, at)
        unit = self._grid(at, GRID[level])
        return unit.within(self._day_part(day, at)) or unit

    def path(self, window: Period) -> tuple[Unit, ...]:
        """Units that contain a window, from its month down to just above the window."""
        above = COARSE_FIRST[: COARSE_FIRST.index(self.leaf_level)]
        return tuple(Unit(level, self.enclosing(level, window.start)) for level in above)

    def trading_day(self, at: datetime) -> date:
        """Date of the trading day that contains `at`."""
        day = at.astimezone(self._zone).date()
        return day if at >= self._day_start(day) else day - DAY

    def day_bounds(self, day: date) -> Period:
        """Bounds of a trading day: 24 hours, or 23 or 25 where the clock changes."""
        return Period(self._day_start(day), self._day_start(day + DAY))

    def open_spans(self, period: Period) -> tuple[Period, ...]:
        """The parts of `period` in which the store is open, in order, disjoint."""
        first = period.start.astimezone(self._zone).date() - DAY
        last = period.end.astimezone(self._zone).date()
        days = [first + n * DAY for n in range((last - first).days + 1)]
        parts = (span.within(period) for day in days for span in self._opening(day))
        merged: list[Period] = []
        for part in sorted(part for part in parts if part is not None):
            if merged and part.start <= merged[-1].end:
                merged[-1] = Period(merged[-1].start, max(part.end, merged[-1].end))
            else:
                merged.append(part)
        return tuple(merged)

    def is_open(self, at: datetime) -> bool:
        """Whether the store is open at the instant `at`."""
        return bool(self.open_spans(Period(at, at + timedelta(microseconds=1))))

    def next_open_window(self, at: datetime) -> Period | None:
        """The first window with opening time that ends after `at`.

        None if the store does not open within 400 days.
        """
        day = at.astimezone(self._zone).date() - DAY
        for n in range(_SEARCH_DAYS):
            for span in sorted(self._opening(day + n * DAY)):
                if span.end > at:
                    return self.window_at(max(at, span.start))
        return None

    def most_windows_a_day(self) -> int:
        """The most windows with opening time that an ordinary day (24 hours) can have."""
        monday = date(2024, 1, 1)
        found = 0
        for number in range(len(WEEKDAYS)):
            bounds = self.day_bounds(monday + number * DAY)
            opening = self.open_spans(bounds)
            open_windows = [
                window
                for window in self.windows(bounds)
                if any(window.within(span) is not None for span in opening)
            ]
            found = max(found, len(open_windows))
        return found

    def windows(self, period: Period) -> Iterator[Period]:
        """The windows that overlap `period`, open or not, in order."""
        at = period.start
        while at < period.end:
            window = self.window_at(at)
            yield window
            at = window.end

    def _offset(self, at: datetime) -> timedelta:
        return at.astimezone(self._zone).utcoffset() or timedelta(0)

    def _change(self, before: datetime, after: datetime) -> datetime:
        """The instant in (before, after] from which the zone has the offset of `after`."""
        offset = self._offset(after)
        while after - before > _SECOND:
            middle = before + (after - before) // (2 * _SECOND) * _SECOND
            before, after = (before, middle) if self._offset(middle) == offset else (middle, after)
        return after

    def _grid(self, at: datetime, step: timedelta) -> Period:
        """The unit of the wall clock's grid of `step` that contains `at`."""
        offset = self._offset(at)
        start = at - (at - EPOCH + offset) % step
        end = start + step
        if self._offset(start) != offset:
            start = self._change(start, at.replace(microsecond=0))
        last = end - _SECOND
        if self._offset(last) != offset:
            end = self._change(at.replace(microsecond=0), last)
        return Period(start, end)

    def _instant(self, day: date, at: time) -> datetime:
        """UTC instant of a wall-clock time; the first if repeated, the jump if skipped."""
        naive = datetime.combine(day, at)
        instant = naive.replace(tzinfo=self._zone).astimezone(UTC)
        if instant.astimezone(self._zone).replace(tzinfo=None) == naive:
            return instant
        return self._change(naive.replace(tzinfo=self._zone, fold=1).astimezone(UTC), instant)

    def _find_day_start(self, day: date) -> datetime:
        starts = time.fromisoformat(self._store.day_starts)
        return self.window_at(self._instant(day, starts)).start

    def _find_day_part_cuts(self, day: date) -> tuple[datetime, ...]:
        """Bounds of the trading day's parts, the day's own included."""
        bounds = self.day_bounds(day)
        starts = time.fromisoformat(self._store.day_starts)
        cuts = {bounds.start, bounds.end}
        for name in self._store.day_parts:
            at = time.fromisoformat(name)
            instant = self._instant(day if at >= starts else day + DAY, at)
            cut = self.window_at(instant).start
            if cut in bounds:
                cuts.add(cut)
        return tuple(sorted(cuts))

    def _day_part(self, day: date, at: datetime) -> Period:
        cuts = self._cuts(day)
        index = sum(cut <= at for cut in cuts)
        return Period(cuts[index - 1], cuts[index])

    def _month(self, day: date) -> Period:
        """The weeks whose Thursday lies in the month of this day's week's Thursday."""
        thursday = day + timedelta(days=3 - day.weekday())
        first = thursday.replace(day=1)
        following = (first + timedelta(days=31)).replace(day=1)
        return Period(self._first_week(first), self._first_week(following))

    def _first_week(self, first: date) -> datetime:
        """Start of the week that holds the first Thursday on or after `first`."""
        thursday = first + timedelta(days=(3 - first.weekday()) % 7)
        return self._day_start(thursday - timedelta(days=3))

    def _find_opening(self, day: date) -> tuple[Period, ...]:
        """Opening spans that begin on a calendar date."""
        if day in self._store.closed:
            return ()
        opening = self._store.opening
        spans = opening.get(WEEKDAYS[day.weekday()], ()) if opening else ("00:00-24:00",)
        found = []
        for span in spans:
            opens, closes = parse_opening(span)
            start = self._instant(day, opens)
            end = self._instant(day + DAY if closes <= opens else day, closes)
            if start < end:
                found.append(Period(start, end))
        return tuple(found)
