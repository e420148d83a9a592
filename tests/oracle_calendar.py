"""When things are, for the oracle of `tests.oracle_release`: windows, units, opening hours."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from firmware_cfg.site import Site

QUARTER = timedelta(minutes=15)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DEPTH = {3600: 4, 1800: 5, 900: 6}


def instant(zero_utc: datetime, t_s: float) -> datetime:
    """Wall-clock time of a capture time, to the millisecond."""
    return zero_utc + timedelta(milliseconds=ms(t_s))


def windows(
    site: Site, start: datetime, end: datetime
) -> list[tuple[tuple[Any, ...], datetime, datetime]]:
    """(keys of units, start, end) of every window in opening hours between two instants."""
    seconds = math.ceil(start.timestamp() / 900) * 900
    at = datetime.fromtimestamp(seconds, UTC)
    quarters = []
    while at < end:
        quarters.append((_keys(site, at), at))
        at += QUARTER
    depth = DEPTH[site.encounter.window_s]
    found = []
    for path, group in groupby(quarters, key=lambda quarter: quarter[0][: depth + 1]):
        starts = [start for _, start in group]
        if any(_open_somewhere(site, quarter) for quarter in starts):
            found.append((path, starts[0], starts[-1] + QUARTER))
    return found


def is_open(site: Site, at: datetime) -> bool:
    """Whether the store is open, by its wall clock."""
    local = at.astimezone(site.store.zone)
    clock = local.strftime("%H:%M")
    for span in _spans(site, local.date()):
        opens, closes = span.split("-")
        if opens <= clock and (clock < closes or closes <= opens):
            return True
    for span in _spans(site, local.date() - DAY):
        opens, closes = span.split("-")
        if closes <= opens and clock < closes:
            return True
    return False


def ms(seconds: float) -> int:
    """Whole milliseconds."""
    return round(round(seconds, 3) * 1000)


def _spans(site: Site, day: date) -> Sequence[str]:
    if day in site.store.closed:
        return ()
    if not site.store.opening:
        return ("00:00-24:00",)
    return [
        span
        for name, spans in site.store.opening.items()
        if name == WEEKDAYS[day.weekday()]
        for span in spans
    ]


def _open_somewhere(site: Site, quarter: datetime) -> bool:
    return any(is_open(site, quarter + n * MINUTE) for n in range(15))


def _keys(site: Site, at: datetime) -> tuple[Any, ...]:
    """Month, week, day, day part, hour, half-hour and quarter-hour of an instant."""
    local = at.astimezone(site.store.zone)
    starts = time.fromisoformat(site.store.day_starts)
    clock = local.time().replace(tzinfo=None)
    day = local.date() if clock >= starts else local.date() - DAY
    thursday = day + (3 - day.weekday()) * DAY
    since = (clock < starts, clock)
    parts = [time.fromisoformat(part) for part in site.store.day_parts]
    part_number = sum((part < starts, part) <= since for part in parts)
    hour = (local.date(), local.hour, local.utcoffset())
    return (
        (thursday.year, thursday.month),
        day.isocalendar()[:2],
        day,
        part_number,
        hour,
        local.minute // 30,
        local.minute // 15,
    )
