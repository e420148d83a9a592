"""Where a released cell belongs: at its point, or, if it is of a store's week, at the store.

Values in, values out. Whether its time there is free says `server.ingest.taken`.

| a cell | kept aside as |
|---|---|
| begins more than a day ahead or 13 months ago, or is longer than any | `implausible_time` |
| of a local id that stood for nothing then | `unassigned_point` |
| goes on after that | `outside_assignment` |
| of another kind than its point | `wrong_kind` |
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from uuid import UUID
from zoneinfo import ZoneInfo

from firmware_cfg.messages import Cell, PointKind
from server.ingest.directory import Claimed, Watching
from server.ingest.known import REACH
from server.ingest.reading import WindowReading
from server.ingest.taken import Span
from server.periods import Period, StoreTime, subtract
from server.schema.messages import AsideReason

AHEAD = timedelta(days=1)
BACK = timedelta(days=400)
"""Thirteen months: what is older would be forgotten at once."""
_SPANS_KNOWN = 4096


@dataclass(frozen=True, slots=True)
class Placed:
    """A cell, and where it belongs.

    Attributes:
        reading: the window that brought it.
        index: its place in there.
        org_id: whose it is.
        point_id: the point; none for a store's week.
        store_id: the store.
        store_time: the store's.
    """

    reading: WindowReading
    index: int
    org_id: UUID
    point_id: UUID | None
    store_id: UUID
    store_time: StoreTime

    @property
    def cell(self) -> Cell:
        """The cell."""
        return self.reading.window.cells[self.index]

    @property
    def span(self) -> Span:
        """The time that it takes: of its point, or as a week of its device."""
        owner = self.reading.key.device if self.point_id is None else self.point_id
        return Span(self.org_id, owner, self.cell.start, self.cell.end)

    def days(self) -> tuple[date, ...]:
        """The trading days that it meets: one, but for a cell that fits into none."""
        cell, of = self.cell, self.store_time
        return _trading_days(of.zone, of.day_starts, cell.start, cell.end)


@lru_cache(_SPANS_KNOWN)
def _trading_days(
    zone: ZoneInfo, day_starts: time, start: datetime, end: datetime
) -> tuple[date, ...]:
    """Remembered: the cells of a chain are of the same few hours."""
    of = StoreTime(zone, day_starts, {}, frozenset())
    first, last = of.trading_day(start), of.trading_day(end - timedelta(microseconds=1))
    return tuple(first + timedelta(days=n) for n in range((last - first).days + 1))


def is_plausible(start: datetime, end: datetime, now: datetime) -> bool:
    """Whether something released may be of [start, end)."""
    return now - BACK <= start <= now + AHEAD and end - start <= REACH


def place(
    claimed: Claimed, reading: WindowReading, index: int, now: datetime
) -> Placed | AsideReason:
    """Where a cell belongs, or why it cannot stand."""
    one = reading.window.cells[index]
    if not is_plausible(one.start, one.end, now):
        return AsideReason.IMPLAUSIBLE_TIME
    if one.kind is PointKind.STORE:
        return _place_week(claimed, reading, index)
    watching = claimed.at(one.point, one.start)
    if watching is None:
        return AsideReason.UNASSIGNED_POINT
    if watching.until is not None and one.end > watching.until:
        return AsideReason.OUTSIDE_ASSIGNMENT
    if watching.kind != one.kind:
        return AsideReason.WRONG_KIND
    return _placed(claimed, reading, index, watching, watching.point_id)


def _place_week(claimed: Claimed, reading: WindowReading, index: int) -> Placed | AsideReason:
    """At the one store whose points the device watched all through the week."""
    one = reading.window.cells[index]
    week = Period(one.start, one.end)
    found = [(each, part) for each in claimed.watching if (part := each.during(week))]
    if not found:
        return AsideReason.UNASSIGNED_POINT
    stores = {each.store_id for each, _ in found}
    if len(stores) > 1 or subtract([week], [part for _, part in found]):
        return AsideReason.OUTSIDE_ASSIGNMENT
    return _placed(claimed, reading, index, found[0][0], None)


def _placed(
    claimed: Claimed, reading: WindowReading, index: int, at: Watching, point_id: UUID | None
) -> Placed:
    return Placed(reading, index, claimed.org_id, point_id, at.store_id, at.store_time)
