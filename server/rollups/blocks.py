"""Reading the union of the whole cells inside any period from few rows.

Whole weeks and whole trading days come from roll-ups, the rest from cells. A trading day whose
roll-ups are due is read from its cells, so what is read holds at every moment; whatever the
job has done by then, each cell is read once.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, and_, or_, select

from server.amending import Rulings
from server.periods import Period, StoreTime
from server.released_cell import ReleasedCell
from server.rollups.bodies import from_json
from server.rollups.calendar import Grain, Plan, plan, touched_days
from server.rollups.seen import seen_of
from server.schema.rollups import rollup, rollup_due
from server.suppression import PointRef, Suppressed, Within, standing_cells
from server.unions import Seen, Union, merged_unions, union_of


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose cells are asked for: a point, or a store with all its points.

    Attributes:
        org_id: whose it is.
        subject_id: the point or the store, as roll-ups name it.
        points: the points under which its cells count.
        time: the store's.
        rulings: what is in force for the store.
    """

    org_id: UUID
    subject_id: UUID
    points: tuple[UUID, ...]
    time: StoreTime
    rulings: Rulings

    @classmethod
    def point(cls, ref: PointRef, time: StoreTime, rulings: Rulings) -> "Subject":
        """A point."""
        return cls(ref.org_id, ref.point_id, (ref.point_id,), time, rulings)

    @property
    def sources(self) -> frozenset[UUID]:
        """The points whose cells may be among them."""
        return frozenset().union(*(self.rulings.sources_of(one) for one in self.points))


@dataclass(frozen=True, slots=True)
class Known:
    """The whole cells inside a period, where they were read before, and what was seen of each."""

    cells: Sequence[ReleasedCell]
    seen: Mapping[UUID, Seen]

    def unions_in(self, pieces: Sequence[Period]) -> list[Union]:
        """Those that begin in one of these times, each as a union of its own."""
        return [
            union_of(one, self.seen.get(one.cell_id))
            for one in self.cells
            if any(piece.start <= one.period.start < piece.end for piece in pieces)
        ]


def read_union(
    connection: Connection, of: Subject, period: Period, known: Known | None = None
) -> Union | Suppressed:
    """The union of the whole cells inside `period`; those `known` are not read again."""
    if not of.points:
        return Suppressed()
    chosen = plan(of.time, period, due_days(connection, of, period))
    if known is None:
        cells = cells_in(connection, of, Within(chosen.pieces, period.end))
        unions = unions_of(connection, of.org_id, cells)
    else:
        unions = known.unions_in(chosen.pieces)
    if chosen.weeks or chosen.days:
        unions += _from_rollups(connection, of, chosen, period)
    return merged_unions(unions) if unions else Suppressed()


def cells_in(connection: Connection, of: Subject, within: Within) -> list[ReleasedCell]:
    """The cells themselves."""
    if not within.parts:
        return []
    return standing_cells(connection, of.org_id, of.rulings, of.points, within)


def unions_of(connection: Connection, org_id: UUID, cells: Iterable[ReleasedCell]) -> list[Union]:
    """Each cell as a union of its own, with what was seen of its time."""
    found = list(cells)
    seen = seen_of(connection, org_id, found)
    return [union_of(one, seen.get(one.cell_id)) for one in found]


def due_days(connection: Connection, of: Subject, period: Period) -> set[date]:
    """Trading days that meet `period` and whose roll-ups do not hold any more."""
    first, last = touched_days(of.time, period)
    rows = connection.execute(
        select(rollup_due.c.day).where(
            rollup_due.c.org_id == of.org_id,
            rollup_due.c.point_id.in_(of.sources),
            rollup_due.c.day >= first,
            rollup_due.c.day <= last,
        )
    )
    return set(rows.scalars())


def _from_rollups(connection: Connection, of: Subject, chosen: Plan, period: Period) -> list[Union]:
    wanted = [
        *_rows(connection, of, [of.subject_id], Grain.WEEK, chosen.weeks),
        *_rows(connection, of, [of.subject_id], Grain.DAY, chosen.days),
    ]
    sound = (*chosen.weeks, *chosen.days)
    spans = _rows(connection, of, of.points, Grain.SPAN, sound, within=False)
    weeks = [Period(row.start_at, row.end_at) for row in wanted if row.grain == Grain.WEEK]
    wanted += [
        row
        for row in spans
        if row.end_at <= period.end
        and not any(one.start <= row.start_at and row.end_at <= one.end for one in weeks)
    ]
    return [from_json(row.body) for row in wanted]


def _rows(
    connection: Connection,
    of: Subject,
    subjects: Collection[UUID],
    grain: Grain,
    times: Collection[Period],
    *,
    within: bool = True,
) -> list[Row[Any]]:
    """Roll-ups that begin in one of these times and, if `within`, end in it too."""
    if not times:
        return []
    query = select(rollup.c.grain, rollup.c.start_at, rollup.c.end_at, rollup.c.body).where(
        rollup.c.org_id == of.org_id,
        rollup.c.subject_id.in_(subjects),
        rollup.c.grain == grain.value,
        or_(*(_inside(one, within=within) for one in times)),
    )
    if of.rulings.confirmed_at is not None:  # those before it stay, but count no more
        query = query.where(rollup.c.end_at > of.rulings.confirmed_at)
    return list(connection.execute(query))


def _inside(one: Period, *, within: bool) -> ColumnElement[bool]:
    begins = and_(rollup.c.start_at >= one.start, rollup.c.start_at < one.end)
    return and_(begins, rollup.c.end_at <= one.end) if within else begins
