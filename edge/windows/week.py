"""A store's week, for what depends on staff where the team is small (privacy rule 4).

A week is gathered from the cells that were released of it, all points together:

    released cell in one week ──► its week ──all points are past it──► handed out, once

So a week's visits are those of its published cells, and no more: no total minus its parts is
a hidden cell. A point whose released cells are not the whole of its week (a thin end waits
for the next week) is left out; so is a whole week whose beginning was not gathered.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from edge.visits.values import PointId
from edge.windows.calendar import Period, StoreCalendar
from edge.windows.join import JoinedCell
from edge.windows.tally import Tally
from firmware_cfg.histogram import MAX_SCALE, scale_for
from firmware_cfg.messages import Level

_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class WeekPart:
    """What was released of one or more points within one week.

    Attributes:
        span: from the first cell's start to the last one's end.
        tally: of its cells together.
        cells: how many.
        largest: visits of the largest.
        scale: of the coarsest one's histograms.
        seconds: of visits observed, bridged and unknown, as its cells tell them.
        longest: most time that one of them has with a party present.
    """

    span: Period
    tally: Tally
    cells: int
    largest: int
    scale: int
    seconds: tuple[int, int, int]
    longest: timedelta

    @classmethod
    def of(cls, cell: JoinedCell, scale: int = MAX_SCALE) -> "WeekPart":
        """The part that one cell is, released with histograms of `scale` or coarser."""
        tally = cell.tally
        observed, bridged, unknown = (
            round(one.total_seconds()) for one in (tally.observed, tally.bridged, tally.unknown)
        )
        coarsest = min(scale, scale_for(tally.visits))
        seconds = (observed, bridged, unknown)
        return cls(cell.period, tally, 1, tally.visits, coarsest, seconds, tally.present)

    def __add__(self, other: "WeekPart") -> "WeekPart":
        """Both together."""
        pairs = zip(self.seconds, other.seconds, strict=True)
        observed, bridged, unknown = (mine + its for mine, its in pairs)
        return WeekPart(
            Period(
                min(self.span.start, other.span.start),
                max(self.span.end, other.span.end),
            ),
            self.tally + other.tally,
            self.cells + other.cells,
            max(self.largest, other.largest),
            min(self.scale, other.scale),
            (observed, bridged, unknown),
            max(self.longest, other.longest),
        )


@dataclass(frozen=True, slots=True)
class OpenWeeks:
    """Weeks being gathered, as another gatherer needs them to go on.

    Attributes:
        begun: start of the first window that was gathered; None before it.
        parts: by week and point.
    """

    begun: datetime | None = None
    parts: Mapping[tuple[Period, PointId], WeekPart] | None = None


class WeekGatherer:
    """Gathers released cells into weeks. Pure.

    Args:
        calendar: the store's calendar.
        before: where an earlier gatherer stood.
    """

    def __init__(self, calendar: StoreCalendar, before: OpenWeeks | None = None) -> None:
        self._calendar = calendar
        self._begun = before.begun if before else None
        self._parts = dict(before.parts or {}) if before else {}

    def so_far(self) -> OpenWeeks:
        """What another gatherer needs to go on from here."""
        return OpenWeeks(self._begun, dict(self._parts))

    def closed(self, window: Period) -> None:
        """A window was closed; the first one is where gathering begins."""
        self._begun = window.start if self._begun is None else self._begun

    def add(self, point: PointId, cell: JoinedCell, scale: int = MAX_SCALE) -> None:
        """A cell of `point` was released, with histograms of `scale` or coarser."""
        week = self._calendar.enclosing(Level.WEEK, cell.period.start)
        if cell.period.end > week.end:
            return
        part = WeekPart.of(cell, scale)
        before = self._parts.get((week, point))
        self._parts[week, point] = part if before is None else before + part

    def leave_out(self, point: PointId, at: datetime) -> None:
        """A gathered cell of `point` will not leave after all: nor will its week of that point.

        Whatever is gathered of it later no longer begins where the week does.
        """
        self._parts.pop((self._calendar.enclosing(Level.WEEK, at), point), None)

    def over(self, until: datetime | None) -> list[WeekPart]:
        """The weeks that ended by `until`, each with all its points; None: all of them.

        `until` is where the first window begins that may still come, of any point.
        """
        weeks = sorted({week for week, _ in self._parts if until is None or week.end <= until})
        found = (self._take(week) for week in weeks)
        return [one for one in found if one is not None]

    def _take(self, week: Period) -> WeekPart | None:
        points = [point for of, point in self._parts if of == week]
        parts = [self._parts.pop((week, point)) for point in points]
        whole = self._opening(week)
        if self._begun is None or self._begun > whole.start:
            return None
        together: WeekPart | None = None
        for part in parts:
            if part.span == whole:
                together = part if together is None else together + part
        return together

    def _opening(self, week: Period) -> Period:
        """From the start of the week's first window in opening hours to the last one's end."""
        spans = self._calendar.open_spans(week)
        first = self._calendar.window_at(spans[0].start)
        last = self._calendar.window_at(spans[-1].end - _INSTANT)
        return Period(first.start, last.end)
