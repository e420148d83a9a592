"""The one layer that reads released cells; pages, API and exports all pass here.

* A question about a point and a period is answered by the union of the whole cells that lie
  inside the period. A cell that reaches over an edge of it stays out: it is never split, and
  nothing is ever subtracted from it.
* Without any such cell the answer is `Suppressed`: whether nobody came or fewer than k, or
  the device was off, looks the same here.
* Below 50 visits shares come in steps of 5 points, else of 1, and so do their intervals.
* A share of fewer than k parties is suppressed: it would be about those few. That holds for
  each cell of a union: one whose own base is smaller than k stays out of that figure, so that
  no answer minus another is a suppressed one. Each figure says which time it covers.
* A figure whose cells may hold fewer than nine tenths of the parties that it is about is
  suppressed too (`reached`): the others may be of another kind. What is out of reach goes into
  that at the most that it can be, so this tells nothing of it.
* A store's week is a union of cells too, and stands alone: it is never added to them, nor to
  another week. Of each of its figures both parts are at least k, or it is suppressed.
* Shares are asked for the expectations that devices report, and no others: asked for one limit
  after another, they would give the histogram away, steps or not.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, and_, func, or_, select

from server.amending import Rulings, rulings_of, week_counts
from server.life_table import Z_95
from server.measuring import between
from server.periods import LONGEST_CELL, Period, union
from server.released_cell import ReleasedCell, Staff, cell_of, week_of
from server.released_week import ReleasedWeek
from server.schema.cells import cell, store_week
from server.schema.identity import point
from server.statistics import Share
from server.unions import Measure, Part, Union

__all__ = ["PointRef", "Released", "ReleasedCell", "Staff", "Suppressed", "read_released"]
FINE_FROM_VISITS = 50
COARSE_STEP = 0.05
FINE_STEP = 0.01
MOST_UNREACHED = 0.1


@dataclass(frozen=True, slots=True)
class PointRef:
    """A point, with the organisation that it is read for."""

    org_id: UUID
    point_id: UUID


class Reason(StrEnum):
    """Why there is no answer.

    `few`: nothing was released for exactly this, or fewer than k parties in each cell.
    `partial`: a tenth or more of the parties may be in cells that cannot enter the figure.
    `limits`: there is no one limit that was in force all the time and at all points.
    """

    FEW = "few"
    PARTIAL = "partial"
    LIMITS = "limits"


@dataclass(frozen=True, slots=True)
class Suppressed:
    """No answer, and why."""

    reason: Reason = Reason.FEW


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


@dataclass(frozen=True, slots=True)
class Within:
    """Which cells are read: those that begin in one of `parts` and end by `ends_by`.

    Attributes:
        parts: disjoint.
        ends_by: when they end at the latest; none: whenever.
    """

    parts: tuple[Period, ...]
    ends_by: datetime | None = None

    @classmethod
    def whole(cls, period: Period) -> "Within":
        """The whole cells inside a period."""
        return cls((period,), period.end)

    def condition(self) -> ColumnElement[bool]:
        """It as a condition on rows of the table of cells."""
        begins = [and_(cell.c.start_at >= p.start, cell.c.start_at < p.end) for p in self.parts]
        if self.ends_by is None:
            return or_(*begins)
        return and_(or_(*begins), cell.c.end_at <= self.ends_by)


def read_released(
    connection: Connection, point: PointRef, period: Period, rulings: Rulings | None = None
) -> Released | Suppressed:
    """The whole cells inside `period` that count under `point`."""
    known = rulings_at(connection, point) if rulings is None else rulings
    within = Within.whole(period)
    cells = standing_cells(connection, point.org_id, known, [point.point_id], within)
    return Released(tuple(cells)) if cells else Suppressed()


def standing_cells(
    connection: Connection,
    org_id: UUID,
    rulings: Rulings,
    point_ids: Collection[UUID],
    within: Within,
) -> list[ReleasedCell]:
    """The cells that count under one of these points of a store, in order of time."""
    sources = {source for one in point_ids for source in rulings.sources_of(one)}
    rows = connection.execute(
        select(cell)
        .where(cell.c.org_id == org_id, cell.c.point_id.in_(sources), within.condition())
        .order_by(cell.c.start_at, cell.c.end_at)
    )
    found = [(row, _under(rulings, row)) for row in rows]
    return [cell_of(row, under) for row, under in found if under in point_ids and under is not None]


def _under(rulings: Rulings, row: Row[Any]) -> UUID | None:
    """The point under which a cell counts; most stores never changed anything."""
    own: UUID = row.point_id
    if rulings.amendments or rulings.merges:
        return rulings.counts_under(own, Period(row.start_at, row.end_at))
    trial = rulings.confirmed_at is not None and row.start_at < rulings.confirmed_at
    return None if trial else own


def rulings_at(connection: Connection, of: PointRef) -> Rulings:
    """What is in force for the store of a point."""
    mine = (point.c.org_id == of.org_id) & (point.c.point_id == of.point_id)
    store_id = connection.execute(select(point.c.store_id).where(mine)).scalar_one()
    return rulings_of(connection, of.org_id, store_id)


def latest_release(connection: Connection, point: PointRef) -> Period | None:
    """The period of the latest cell of `point`; none before the first."""
    row = connection.execute(
        select(cell.c.start_at, cell.c.end_at)
        .where(cell.c.org_id == point.org_id, cell.c.point_id == point.point_id)
        .order_by(cell.c.start_at.desc())
        .limit(1)
    ).first()
    return None if row is None else Period(row.start_at, row.end_at)


def cell_times(
    connection: Connection, of: PointRef, rulings: Rulings, period: Period
) -> list[tuple[UUID, Period]]:
    """Own point and time of the cells that meet `period`, whole or not, and that are of `of`.

    These are its own cells, wherever they count, and those of others that count under it.
    """
    rows = connection.execute(
        select(cell.c.point_id, cell.c.start_at, cell.c.end_at).where(
            cell.c.org_id == of.org_id,
            cell.c.point_id.in_(rulings.sources_of(of.point_id)),
            cell.c.start_at > period.start - LONGEST_CELL,
            cell.c.start_at < period.end,
            cell.c.end_at > period.start,
        )
    ).all()
    return [(row.point_id, Period(row.start_at, row.end_at)) for row in rows]


def read_weeks(
    connection: Connection, org_id: UUID, store_id: UUID, period: Period
) -> list[ReleasedWeek]:
    """The whole weeks of a store inside `period`, each as one device released it, in order.

    One that meets a voided time is not among them.
    """
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
    rulings = rulings_of(connection, org_id, store_id)
    found = [week_of(row) for row in rows]
    return [
        one for one in found if week_counts(connection, org_id, rulings, one.device, one.period)
    ]


def part_of_week(part: int, others: int, of: ReleasedWeek) -> PlainShare | Suppressed:
    """Of a week's parties those of one kind: suppressed if they, or all others, are below k."""
    if min(part, others) < of.k:
        return Suppressed()
    base = part + others
    step = step_for(min(of.visits, base))
    return PlainShare(stepped(part / base, step), part_shown(base, of.visits))


def reached(union: Union, measure: Measure) -> Part | Suppressed:
    """The cells of a measure, if they hold nine tenths of its parties at least.

    So `unreached` says it, of which both sides are public.
    """
    part = union.parts.get(measure)
    if part is None:
        is_withheld = union.missing.get(measure, 0) >= union.sums.visits
        return Suppressed(Reason.PARTIAL if is_withheld else Reason.FEW)
    known = part_shown(part.base, part.visits)
    is_partial = unreached(union, measure, known) > MOST_UNREACHED
    return Suppressed(Reason.PARTIAL) if is_partial else part


def unreached(union: Union, measure: Measure, known: int) -> float:
    """Of the parties that a figure is about, the share that its cells do not hold, at most.

    They hold the `known` ones, in steps, as figures say them; the others k - 1 each, whatever is
    in them.
    """
    missing = union.missing.get(measure, 0)
    return missing / (known + missing) if missing else 0.0


def shown(share: Share | None, visits: int, k: int) -> Share | Suppressed:
    """A share as it may be shown: suppressed below k, and in steps.

    What steps hide of a share is an error too: its interval makes room for it.
    """
    if share is None or share.base < k:
        return Suppressed()
    step = step_for(min(visits, share.base))
    value = stepped(share.value, step)
    room = Z_95 * math.sqrt(between(-step / 2, step / 2))
    low = share.value - math.hypot(share.value - share.low, room)
    high = share.value + math.hypot(share.high - share.value, room)
    low, high = stepped(max(0.0, low), step), stepped(min(1.0, high), step)
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


def count_released(
    connection: Connection, org_id: UUID, points: Collection[UUID], period: Period
) -> int:
    """How many whole cells lie inside `period`, wherever they count."""
    inside = (cell.c.start_at >= period.start, cell.c.end_at <= period.end)
    mine = (cell.c.org_id == org_id, cell.c.point_id.in_(points))
    query = select(func.count()).select_from(cell).where(*mine, *inside)
    return connection.execute(query).scalar() or 0
