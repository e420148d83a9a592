"""The one layer that reads released cells; pages, API and exports all pass here.

* A question about a point and a period is answered by the union of the whole cells that lie
  inside the period. A cell that reaches over an edge of it stays out: it is never split, and
  nothing is ever subtracted from it.
* Without any such cell the answer is `Suppressed`: whether nobody came or fewer than k, or
  the device was off, looks the same here.
* Below 50 visits shares come in steps of 5 points, with the interval rounded outwards.
* A share of fewer than k parties is suppressed: it would be about those few. That holds for
  each cell of a union: one whose own base is smaller than k stays out of that figure, so that
  no answer minus another is a suppressed one. Each figure says which time it covers.
* A store's week is a union of cells too, and stands alone: it is never added to them, nor to
  another week. Of each of its figures both parts are at least k, or it is suppressed.
* Shares are asked for the expectations that devices report, and no others: asked for one limit
  after another, they would give the histogram away, steps or not.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, func, select

from firmware_cfg.histogram import Fate, Histogram
from firmware_cfg.messages import WeekFigures
from server.periods import Period, union
from server.released_week import Comparability, ReleasedWeek
from server.schema.cells import cell, store_week
from server.statistics import Share

FINE_FROM_VISITS = 50
COARSE_STEP = 0.05
FINE_STEP = 0.01


@dataclass(frozen=True, slots=True)
class PointRef:
    """A point, with the organisation that it is read for."""

    org_id: UUID
    point_id: UUID


@dataclass(frozen=True, slots=True)
class Staff:
    """What depends on staff."""

    greeting: Histogram
    interaction: Histogram
    flawless: int
    judged: int
    broken: int
    recovered: int
    interrupted: int
    attended_s: float
    present_s: float


@dataclass(frozen=True, slots=True)
class ReleasedCell:
    """A released cell: at least k visits of one point over one period."""

    cell_id: UUID
    point_id: UUID
    period: Period
    level: str
    k: int
    visits: int
    left_censored: int
    passers_by: int
    served: int
    greeted_only: int
    abandoned: int
    passed: int
    still_present: int
    waiting: Histogram
    stay: Histogram
    staff: Staff | None
    observed_s: float
    bridged_s: float
    unknown_s: float
    comparability: Comparability


@dataclass(frozen=True, slots=True)
class Suppressed:
    """No answer: nothing was released for exactly this."""


@dataclass(frozen=True, slots=True)
class PlainShare:
    """A share in [0, 1], in steps, without an interval; `of` how many visits, in steps."""

    value: float
    of: int


@dataclass(frozen=True, slots=True)
class Released:
    """Whole cells inside a period, at least one, in order of time."""

    cells: tuple[ReleasedCell, ...]

    @property
    def covered(self) -> tuple[Period, ...]:
        """The time that the cells really cover."""
        return tuple(union(one.period for one in self.cells))

    @property
    def k(self) -> int:
        """The strictest threshold that was in force."""
        return max(one.k for one in self.cells)

    @property
    def smallest_k(self) -> int:
        """The mildest threshold that was in force."""
        return min(one.k for one in self.cells)

    def with_staff(self) -> "Released | Suppressed":
        """The cells that have figures about staff."""
        return _released([one for one in self.cells if one.staff is not None])

    def with_base(self, base: Callable[[ReleasedCell], int]) -> "Released | Suppressed":
        """The cells whose own `base` of a figure reaches their own k.

        Only these may enter the figure's union: each may be shown alone, so the difference of
        two answers is a union of cells that may be shown, never a suppressed one.
        """
        return _released([one for one in self.cells if base(one) >= one.k])


def read_released(connection: Connection, point: PointRef, period: Period) -> Released | Suppressed:
    """The whole cells of `point` inside `period`."""
    rows = connection.execute(
        select(cell)
        .where(
            cell.c.org_id == point.org_id,
            cell.c.point_id == point.point_id,
            cell.c.start_at >= period.start,
            cell.c.end_at <= period.end,
        )
        .order_by(cell.c.start_at)
    ).all()
    return _released([_cell(row) for row in rows])


def latest_release(connection: Connection, point: PointRef) -> Period | None:
    """The period of the latest cell of `point`; none before the first."""
    row = connection.execute(
        select(cell.c.start_at, cell.c.end_at)
        .where(cell.c.org_id == point.org_id, cell.c.point_id == point.point_id)
        .order_by(cell.c.start_at.desc())
        .limit(1)
    ).first()
    return None if row is None else Period(row.start_at, row.end_at)


def overlapping(connection: Connection, point: PointRef, period: Period) -> list[Period]:
    """Periods of the cells that meet `period`, whole or not: where time is spoken for."""
    rows = connection.execute(
        select(cell.c.start_at, cell.c.end_at).where(
            cell.c.org_id == point.org_id,
            cell.c.point_id == point.point_id,
            cell.c.start_at < period.end,
            cell.c.end_at > period.start,
        )
    ).all()
    return [Period(row.start_at, row.end_at) for row in rows]


def read_weeks(
    connection: Connection, org_id: UUID, store_id: UUID, period: Period
) -> list[ReleasedWeek]:
    """The whole weeks of a store inside `period`, each as one device released it, in order."""
    rows = connection.execute(
        select(store_week)
        .where(
            store_week.c.org_id == org_id,
            store_week.c.store_id == store_id,
            store_week.c.start_at >= period.start,
            store_week.c.end_at <= period.end,
        )
        .order_by(store_week.c.start_at, store_week.c.device)
    ).all()
    return [_week(row) for row in rows]


def part_of_week(part: int, others: int, of: ReleasedWeek) -> PlainShare | Suppressed:
    """Of a week's parties those of one kind: suppressed if they, or all others, are below k."""
    if min(part, others) < of.k:
        return Suppressed()
    base = part + others
    step = step_for(min(of.visits, base))
    return PlainShare(stepped(part / base, step), part_shown(base, of.visits))


def shown(share: Share | None, visits: int, k: int) -> Share | Suppressed:
    """A share as it may be shown: suppressed below k, in steps below 50 visits."""
    if share is None or share.base < k:
        return Suppressed()
    step = step_for(min(visits, share.base))
    value = stepped(share.value, step)
    low = round(math.floor(share.low / step + 1e-9) * step, 4)
    high = round(math.ceil(share.high / step - 1e-9) * step, 4)
    return Share(value, min(low, value), max(high, value), share.base)


def step_for(visits: int) -> float:
    """The step in which shares of so many visits come."""
    return COARSE_STEP if visits < FINE_FROM_VISITS else FINE_STEP


def stepped(value: float, step: float) -> float:
    """`value` on the nearest step."""
    return round(round(value / step) * step, 4)


def part_shown(count: int, visits: int) -> int:
    """Of `visits` parties, at least k, those that a figure rests on: in the steps of shares."""
    return 0 if visits == 0 else round(stepped(count / visits, step_for(visits)) * visits)


def count_shown(count: int, visits: int, k: int) -> int | Suppressed:
    """Of `visits` parties those of one kind, in the steps of their share; suppressed below k."""
    if visits == 0:
        return Suppressed()
    found = part_shown(count, visits)
    return found if found >= k else Suppressed()


def together(parts: Sequence[Released | Suppressed]) -> Released | Suppressed:
    """The union of several points' cells: a visit belongs to one point, so none counts twice."""
    cells = [one for part in parts if isinstance(part, Released) for one in part.cells]
    return _released(sorted(cells, key=lambda one: one.period.start))


def count_released(
    connection: Connection, org_id: UUID, points: Sequence[UUID], period: Period
) -> int:
    """How many whole cells lie inside `period`; they are only ever added."""
    inside = (cell.c.start_at >= period.start, cell.c.end_at <= period.end)
    mine = (cell.c.org_id == org_id, cell.c.point_id.in_(points))
    query = select(func.count()).select_from(cell).where(*mine, *inside)
    return connection.execute(query).scalar() or 0


def _released(cells: Sequence[ReleasedCell]) -> Released | Suppressed:
    return Released(tuple(cells)) if cells else Suppressed()


def _cell(row: Row[Any]) -> ReleasedCell:
    return ReleasedCell(
        cell_id=row.cell_id,
        point_id=row.point_id,
        period=Period(row.start_at, row.end_at),
        level=row.level,
        k=row.k,
        visits=row.visits,
        left_censored=row.left_censored,
        passers_by=row.passers_by,
        served=row.served,
        greeted_only=row.greeted_only,
        abandoned=row.abandoned,
        passed=row.passed,
        still_present=row.still_present,
        waiting=_histogram(row.waiting),
        stay=_histogram(row.stay),
        staff=None if row.staff is None else _staff(row.staff),
        observed_s=row.observed_s,
        bridged_s=row.bridged_s,
        unknown_s=row.unknown_s,
        comparability=_comparability(row),
    )


def _week(row: Row[Any]) -> ReleasedWeek:
    return ReleasedWeek(
        device=row.device,
        period=Period(row.start_at, row.end_at),
        k=row.k,
        visits=row.visits,
        told=WeekFigures.model_validate(row.week),
        observed_s=row.observed_s,
        bridged_s=row.bridged_s,
        unknown_s=row.unknown_s,
        comparability=_comparability(row),
    )


def _comparability(row: Row[Any]) -> Comparability:
    return Comparability(
        row.definition_version, row.geometry_hash, row.expectations_hash, row.model
    )


def _staff(kept: dict[str, Any]) -> Staff:
    counts = ("flawless", "judged", "broken", "recovered", "interrupted", "attended_s", "present_s")
    return Staff(
        greeting=_histogram(kept["greeting"]),
        interaction=_histogram(kept["interaction"]),
        **{name: kept[name] for name in counts},
    )


def _histogram(kept: dict[str, Any]) -> Histogram:
    """A histogram as ingest wrote it, which had checked it: `WireHistogram`'s fields."""
    counts = {
        fate: {int(index): count for index, count in kept[fate.value].items()}
        for fate in Fate
        if kept.get(fate.value)
    }
    return Histogram(kept["scale"], counts)
