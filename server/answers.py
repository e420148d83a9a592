"""Whole answers: a point's figures and its course through a period, as pages and API give them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from server import queries
from server.amending import Rulings, rulings_of
from server.course import LONGEST_COURSE, Step, gaps, spoken_for
from server.figures import Expectations, PointFigures, point_figures
from server.leaving import Leaving, leaving
from server.periods import Period
from server.queries import CoverageRange, PointView, StoreView
from server.released_cell import ReleasedCell
from server.rollups.blocks import Subject, read_union, unions_of
from server.suppression import Suppressed, Within, latest_release, standing_cells
from server.unions import Union, merged_unions


@dataclass(frozen=True, slots=True)
class PointAnswer:
    """A point, the period asked for, and what can be said of it.

    Attributes:
        point: the point.
        asked: the period.
        released: the union of the whole cells inside it.
        expectations: what its shares are asked for.
        k: the threshold in force: of the cells, else as the device reports it.
        figures: the figures of these cells.
        leaving: how it was left; of queues alone, where something was released.
        coverage: how much of the time was seen.
        steps: its course.
        latest: the latest cell, whenever it was.
    """

    point: PointView
    asked: Period
    released: Union | Suppressed
    expectations: Expectations
    k: int
    figures: PointFigures | Suppressed
    leaving: Leaving | None
    coverage: CoverageRange | None
    steps: tuple[Step, ...]
    latest: Period | None


def answer(
    connection: Connection,
    of: StoreView,
    point: PointView,
    asked: Period,
    now: datetime,
    *,
    expectations: Expectations | None = None,
    with_course: bool = True,
) -> PointAnswer:
    """Everything that may be shown of `point` over `asked`; a course for 35 days at most."""
    terms = queries.terms_of(connection, point.ref, asked)
    wanted = expectations or terms.expectations
    rulings = rulings_of(connection, of.org_id, of.store_id)
    short = asked.end - asked.start <= LONGEST_COURSE
    steps: list[Step] = []
    if with_course and short:
        whole = Within.whole(asked)
        cells = standing_cells(connection, of.org_id, rulings, [point.ref.point_id], whole)
        unions = unions_of(connection, of.org_id, cells)
        released = merged_unions(unions) if unions else Suppressed()
        steps = [
            _step(cell, union, point, wanted) for cell, union in zip(cells, unions, strict=True)
        ]
        steps += _gaps(connection, of, point, asked, now=now, rulings=rulings)
    else:
        released = read_union(connection, Subject.point(point.ref, of.time, rulings), asked)
    coverage = None
    if isinstance(released, Union):
        coverage = queries.coverage_of(released.seen)
    elif short:
        coverage = queries.coverage_range(queries.windows_received(connection, point.ref, asked))
    return PointAnswer(
        point=point,
        asked=asked,
        released=released,
        expectations=wanted,
        k=released.k if isinstance(released, Union) else terms.k,
        figures=point_figures(released, wanted),
        leaving=leaving(released) if point.is_queue else None,
        coverage=coverage,
        steps=tuple(sorted(steps, key=lambda step: step.period.start)),
        latest=latest_release(connection, point.ref),
    )


def _step(cell: ReleasedCell, union: Union, point: PointView, wanted: Expectations) -> Step:
    return Step(
        cell.period,
        cell,
        expectations=wanted,
        is_queue=point.is_queue,
        coverage=queries.coverage_of(union.seen),
    )


def _gaps(
    connection: Connection,
    of: StoreView,
    point: PointView,
    asked: Period,
    *,
    now: datetime,
    rulings: Rulings,
) -> list[Step]:
    received = queries.windows_received(connection, point.ref, asked)
    taken = spoken_for(connection, point.ref, rulings, asked)
    return gaps(of.time.open_times(asked), asked, now, taken, [period for period, _ in received])
