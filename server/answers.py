"""Whole answers: a point's figures and its course through a period, as pages and API give them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from server import queries
from server.amending import Rulings, rulings_of
from server.course import LONGEST_COURSE, Step, gaps, spoken_for
from server.figures import Expectations, PointFigures, point_figures
from server.leaving import Leaving, leaving
from server.periods import MILLISECOND, Period
from server.queries import CoverageRange, PointView, StoreView
from server.released_cell import ReleasedCell
from server.rollups.blocks import Known, Subject, read_union
from server.rollups.seen import seen_in, windows_about
from server.suppression import Suppressed, Within, latest_release, standing_cells
from server.unions import Seen, Union


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
        latest: where nothing is inside the period, the latest cell, whenever it was.
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
    subject = Subject.point(point.ref, of.time, rulings)
    short = asked.end - asked.start <= LONGEST_COURSE
    steps: list[Step] = []
    known = None
    if with_course and short:
        read = _read(connection, point, asked, rulings)
        known = read.known
        steps = [_step(cell, known.seen[cell.cell_id], point, wanted) for cell in known.cells]
        taken = spoken_for(connection, point.ref, rulings, asked)
        steps += gaps(of.time.open_times(asked), asked, now, taken, read.received)
    released = read_union(connection, subject, asked, known)
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
        latest=None if isinstance(released, Union) else latest_release(connection, point.ref),
    )


@dataclass(frozen=True, slots=True)
class _Read:
    """The whole cells of a point inside a period, and its devices' windows about it."""

    known: Known
    received: tuple[Period, ...]


def _read(connection: Connection, point: PointView, asked: Period, rulings: Rulings) -> _Read:
    org_id, point_id = point.ref.org_id, point.ref.point_id
    cells = standing_cells(connection, org_id, rulings, [point_id], Within.whole(asked))
    own = queries.devices_of(connection, point.ref, asked)
    windows = windows_about(connection, org_id, {*own, *(one.device for one in cells)}, asked)
    received = tuple(
        Period(start, start + length_ms * MILLISECOND)
        for name in own
        for start, length_ms, _ in windows.get(name, ())
    )
    return _Read(Known(cells, seen_in(windows, cells)), received)


def _step(cell: ReleasedCell, seen: Seen, point: PointView, wanted: Expectations) -> Step:
    return Step(
        cell.period,
        cell,
        expectations=wanted,
        is_queue=point.is_queue,
        coverage=queries.coverage_of(seen),
    )
