"""A simulated store's windows in opening hours, and the calendar units that each lies in.

A unit is named by its level and its place, so two windows lie in the same unit if the names are
equal: half an hour in its hour, hours in their day part, parts in the trading day, days in the
ISO week, a week in the month of its Thursday. Opening hours here lie clear of the nights in
which a zone changes its clock.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from firmware_cfg.messages import Level
from firmware_cfg.section import WEEKDAYS
from firmware_cfg.store import Store, parse_opening
from server.periods import monday_of

Unit = tuple[Level, object]
Path = tuple[Unit, ...]
LEAF = {900: Level.QUARTER_HOUR, 1800: Level.HALF_HOUR, 3600: Level.HOUR}
DAY = timedelta(days=1)
_DEFAULT = Store()
DAY_STARTS = time.fromisoformat(_DEFAULT.day_starts)
_CUTS = tuple(sorted(time.fromisoformat(cut) for cut in _DEFAULT.day_parts))


@dataclass(frozen=True, slots=True)
class Slot:
    """A window in opening hours.

    Attributes:
        start, end: UTC.
        day: its trading day.
        hour: of the store's clock, 0 … 23.
        open_s: how much of it the store is open.
        path: the units it lies in, from the month down to just above the window.
    """

    start: datetime
    end: datetime
    day: date
    hour: int
    open_s: float
    path: Path


@dataclass(frozen=True, slots=True)
class Hours:
    """When a store is open."""

    zone: str
    opening: Mapping[str, tuple[str, ...]]
    closed: frozenset[date]
    window_s: int

    def slots(self, first: date, after: date) -> Iterator[Slot]:
        """The windows of opening hours that begin on the dates [first, after), in order."""
        day = first
        while day < after:
            if day not in self.closed:
                for span in self.opening.get(WEEKDAYS[day.weekday()], ()):
                    yield from self._span(day, span)
            day += DAY

    def _span(self, day: date, span: str) -> Iterator[Slot]:
        zone, step = ZoneInfo(self.zone), timedelta(seconds=self.window_s)
        opens, closes = parse_opening(span)
        begin = datetime.combine(day, opens)
        end = datetime.combine(day + DAY if closes <= opens else day, closes)
        at = begin - (begin - datetime.combine(day, time.min)) % step
        ends = _instant(end, zone)
        while at < end:
            start = _instant(at, zone)
            open_s = (min(ends, start + step) - max(start, _instant(begin, zone))).total_seconds()
            trading = at.date() if at.time() >= DAY_STARTS else at.date() - DAY
            path = _path(trading, at, self.window_s)
            yield Slot(start, start + step, trading, at.hour, open_s, path)
            at += step

    def week_span(self, monday: date) -> tuple[datetime, datetime] | None:
        """From the start of a week's first window to the end of its last; None: closed."""
        found = [s for s in self.slots(monday, monday + 7 * DAY) if monday_of(s.day) == monday]
        return (found[0].start, found[-1].end) if found else None


def _instant(local: datetime, zone: ZoneInfo) -> datetime:
    return local.replace(tzinfo=zone).astimezone(UTC)


def _path(day: date, at: datetime, window_s: int) -> Path:
    thursday = day + timedelta(days=3 - day.weekday())
    past_midnight = at.date() > day
    part = len(_CUTS) if past_midnight else sum(cut <= at.time() for cut in _CUTS)
    hour = at.replace(minute=0)
    units: list[Unit] = [
        (Level.MONTH, (thursday.year, thursday.month)),
        (Level.WEEK, monday_of(day)),
        (Level.DAY, day),
        (Level.DAY_PART, (day, part)),
    ]
    if window_s < 3600:
        units.append((Level.HOUR, hour))
    if window_s < 1800:
        units.append((Level.HALF_HOUR, at.replace(minute=at.minute // 30 * 30)))
    return tuple(units)
