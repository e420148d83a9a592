"""Hours and weekdays of a service point: the share served in time, at the period released.

A released cell is drawn over its whole period, never over a finer one. Cells of several weeks
that meet at the same weekday and hour are one slot: it stands for the union of these whole
cells, and is as wide as they are together. Cells of several days have no place in the map; how
many there are is said beside it. Where the store is open and nothing stands, it is hatched.
A slot before which something changed, or in which cells from before and after are one, is marked.

Minutes count from the beginning of the trading day, on the store's wall clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from math import ceil, gcd
from uuid import UUID

from firmware_cfg.histogram import Histogram
from server.figures import Cut, Expectations, cuts, errors_of
from server.periods import Period, StoreTime, span_of
from server.released_cell import ReleasedCell
from server.released_week import Comparability
from server.statistics import Share, share_within
from server.suppression import Suppressed, reached, shown
from server.unions import Measure, Runs, merged_unions, union_of

WEEKDAYS = range(7)
HOUR = 60
LIMITS = (0.5, 0.7, 0.8, 0.9)
NO_TIMES = Histogram(0, {})
Minutes = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Slot:
    """A stretch of a weekday: with figures, without any though open, or closed.

    Attributes:
        begins, ends: minutes of the trading day.
        columns: how many columns of the map it takes.
        visits: of the cells in it; none where nothing stands.
        served: the share served in time.
        is_open: whether the store is open, for a slot without figures.
        is_cut: whether its cells are not strictly comparable with one another, or one of them
            with the cell before it.
    """

    begins: int
    ends: int
    columns: int
    visits: int | None = None
    served: Share | Suppressed = field(default_factory=Suppressed)
    is_open: bool = True
    is_cut: bool = False

    @property
    def heat(self) -> int:
        """Its class of colour, 1 to 5, from the smallest share to the largest; 0: no share."""
        if isinstance(self.served, Suppressed):
            return 0
        return 1 + sum(self.served.value >= limit for limit in LIMITS)


@dataclass(frozen=True, slots=True)
class HourMap:
    """The map of one point.

    Attributes:
        period: the time it is about.
        day_starts: minutes after midnight at which its trading days begin.
        begins, unit: the first minute of the day drawn, and the minutes of a column.
        hours: the heads: minute of the day, and columns until the next one.
        rows: by weekday, Monday first; a weekday without opening and cells is left out.
        apart: cells of several days, which are not drawn.
        cuts: where cells before and after are not strictly comparable.
    """

    period: Period
    day_starts: int
    begins: int
    unit: int
    hours: tuple[tuple[int, int], ...]
    rows: tuple[tuple[int, tuple[Slot, ...]], ...]
    apart: int
    cuts: tuple[Cut, ...] = ()

    def clock(self, minute: int) -> str:
        """A minute of the trading day on the wall clock, as 09:30."""
        at = (self.day_starts + minute) % (24 * HOUR)
        return f"{at // HOUR:02}:{at % HOUR:02}"


def hour_map(
    cells: Sequence[ReleasedCell], time: StoreTime, period: Period, wanted: Expectations
) -> HourMap | None:
    """The map of a point's cells inside `period`; none where nothing can be drawn."""
    placed: dict[int, list[tuple[Minutes, ReleasedCell]]] = {}
    apart = 0
    for one in cells:
        place = _place(one.period, time)
        if place is None:
            apart += 1
            continue
        weekday, minutes = place
        placed.setdefault(weekday, []).append((minutes, one))
    if not placed:
        return None
    opening = _opening(time, period)
    groups = {weekday: _met(found) for weekday, found in placed.items()}
    edges = [edge for found in groups.values() for minutes, _ in found for edge in minutes]
    edges += [edge for spans in opening.values() for span in spans for edge in span]
    begins, ends = min(edges) // HOUR * HOUR, -(-max(edges) // HOUR) * HOUR
    unit = gcd(HOUR, *(edge - begins for edge in edges))
    changed = cuts(_runs(cells))
    drawn = _Drawn(begins, ends, unit, wanted, frozenset(one.at for one in changed))
    return HourMap(
        period=period,
        day_starts=time.day_starts.hour * HOUR + time.day_starts.minute,
        begins=begins,
        unit=unit,
        hours=tuple((minute, HOUR // unit) for minute in range(begins, ends, HOUR)),
        rows=tuple(
            (weekday, drawn.row(groups.get(weekday, []), opening.get(weekday, [])))
            for weekday in WEEKDAYS
            if weekday in groups or weekday in opening
        ),
        apart=apart,
        cuts=changed,
    )


@dataclass(frozen=True, slots=True)
class _Drawn:
    begins: int
    ends: int
    unit: int
    wanted: Expectations
    cut_at: frozenset[datetime]

    def row(
        self, groups: Sequence[tuple[Minutes, list[ReleasedCell]]], opening: Sequence[Minutes]
    ) -> tuple[Slot, ...]:
        """A weekday's slots, from the first minute drawn to the last without a hole."""
        found: list[Slot] = []
        at = self.begins
        for (start, end), cells in groups:
            found += self._bare(at, start, opening)
            served = _served(_Asked(tuple(one.cell_id for one in cells), self.wanted, cells))
            visits = sum(one.visits for one in cells)
            mixed = len({one.comparability for one in cells}) > 1
            is_cut = mixed or any(one.period.start in self.cut_at for one in cells)
            columns = (end - start) // self.unit
            found.append(Slot(start, end, columns, visits, served, is_cut=is_cut))
            at = end
        return tuple(found + self._bare(at, self.ends, opening))

    def _bare(self, start: int, end: int, opening: Sequence[Minutes]) -> list[Slot]:
        """Slots without figures: open ones and closed ones."""
        edges = {edge for span in opening for edge in span if start < edge < end}
        return [
            Slot(a, b, (b - a) // self.unit, is_open=any(o <= a < c for o, c in opening))
            for a, b in pairwise(sorted({start, end, *edges}))
        ]


@dataclass(frozen=True, slots=True)
class _Asked:
    """Cells and what is asked of them; they never change, so their ids stand for them."""

    ids: tuple[UUID, ...]
    wanted: Expectations
    cells: list[ReleasedCell] = field(compare=False)


@lru_cache(maxsize=8192)
def _served(asked: _Asked) -> Share | Suppressed:
    """The share served in time, as `point_figures` says it, without the other figures."""
    union = merged_unions(
        [union_of(replace(one, stay=NO_TIMES, staff=None)) for one in asked.cells]
    )
    part = reached(union, Measure.WAITING)
    _, serve_s = asked.wanted.limits_s
    if serve_s is None or isinstance(part, Suppressed) or part.times is None:
        return Suppressed()
    error = errors_of(union).waiting
    share = share_within(part.times, serve_s, error)
    return shown(share, part.visits, part.k)


def _runs(cells: Sequence[ReleasedCell]) -> Runs:
    """Of each point, the time of its cells by what they were made with."""
    found: dict[UUID, dict[Comparability, list[tuple[int, int]]]] = {}
    for one in cells:
        of_point = found.setdefault(one.point_id, {})
        of_point.setdefault(one.comparability, []).append(span_of(one.period))
    return {
        point_id: {made: tuple(spans) for made, spans in of_point.items()}
        for point_id, of_point in found.items()
    }


def _place(period: Period, time: StoreTime) -> tuple[int, Minutes] | None:
    """Weekday and minutes of a period inside one trading day; none of a longer one."""
    day = time.trading_day(period.start)
    if period.end > time.begins(day + timedelta(days=1)):
        return None
    start, end = _minute(period.start, time), _minute(period.end, time)
    if period.end == time.begins(day + timedelta(days=1)):
        end = 24 * HOUR
    elif end <= start:  # it ends in the hour that comes twice
        end = start + ceil(period.length_s / 60)
    return day.weekday(), (start, end)


def _minute(at: datetime, time: StoreTime) -> int:
    local = time.local(at)
    begins = time.day_starts.hour * HOUR + time.day_starts.minute
    return (local.hour * HOUR + local.minute - begins) % (24 * HOUR)


def _met(
    placed: Sequence[tuple[Minutes, ReleasedCell]],
) -> list[tuple[Minutes, list[ReleasedCell]]]:
    """Cells that meet, put together; in order."""
    found: list[tuple[Minutes, list[ReleasedCell]]] = []
    for (start, end), cell in sorted(placed, key=lambda one: one[0]):
        if found and start < found[-1][0][1]:
            (first, last), cells = found[-1]
            found[-1] = ((first, max(last, end)), [*cells, cell])
        else:
            found.append(((start, end), [cell]))
    return found


def _opening(time: StoreTime, period: Period) -> dict[int, list[Minutes]]:
    """When the store is open, by weekday; empty for one that is always open."""
    if not time.opening:
        return {}
    found: dict[int, list[Minutes]] = {}
    for one in time.open_times(period):
        place = _place(one, time)
        if place is not None and place[1] not in found.setdefault(place[0], []):
            found[place[0]].append(place[1])
    return {weekday: sorted(spans) for weekday, spans in found.items()}
