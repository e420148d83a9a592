"""Whole answers: a point's figures and its course through a period, as pages and API give them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

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
from server.rollups.seen import Windows, seen_in, windows_about
from server.suppression import Suppressed, Within, latest_release, standing_cells
from server.terms import InForce, in_force_at
from server.unions import Seen, Union
from server.unseen import Unseen, Watch, length_in_ms, length_ms, unseen


@dataclass(frozen=True, slots=True)
class PointAnswer:
    """A point, the period asked for, and what can be said of it.

    Attributes:
        point: the point.
        asked: the period.
        released: the union of the whole cells inside it.
        expectations: what its shares are asked for: those in force during the period.
        k: the threshold in force: of the cells, else as the devices reported it.
        figures: the figures of these cells.
        leaving: how it was left; of queues alone, where something was released.
        coverage: how much of the time was seen.
        unseen_ms: opening time about which nothing came though a device was to watch.
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
    unseen_ms: int = 0


def answer(
    connection: Connection,
    of: StoreView,
    point: PointView,
    asked: Period,
    now: datetime,
    *,
    with_course: bool = True,
) -> PointAnswer:
    """Everything that may be shown of `point` over `asked`; a course for 35 days at most."""
    reading = _Reading.of(connection, of, [point], asked, now)
    return reading.answer(point, with_course=with_course)


def answers(
    connection: Connection, of: StoreView, points: Sequence[PointView], asked: Period, now: datetime
) -> tuple[PointAnswer, ...]:
    """The same of several points of a store; what they have in common is read once."""
    reading = _Reading.of(connection, of, points, asked, now)
    return tuple(reading.answer(one) for one in points)


def gaps_of(
    connection: Connection, of: StoreView, point: PointView, asked: Period, now: datetime
) -> tuple[Step, ...]:
    """The gaps of a point's course alone, in order; no cell is read for them."""
    reading = _Reading.of(connection, of, [point], asked, now)
    windows = windows_about(connection, of.org_id, reading.watched[point.ref.point_id], asked)
    return _in_order(reading.gaps(point, windows))


def cells_of(
    connection: Connection, of: StoreView, point: PointView, asked: Period, now: datetime
) -> tuple[Step, ...]:
    """The released cells of a point's course, in order, without its gaps."""
    reading = _Reading.of(connection, of, [point], asked, now)
    return tuple(reading.steps(point))


@dataclass(frozen=True, slots=True)
class _Read:
    """The whole cells inside a period, what was seen of each, and the windows about it."""

    cells: Sequence[ReleasedCell]
    seen: Mapping[UUID, Seen]
    windows: Windows


@dataclass(slots=True)
class _Reading:
    """Points of a store and a period: what is common to their answers, read when first needed."""

    connection: Connection
    store: StoreView
    asked: Period
    now: datetime
    rulings: Rulings
    watched: Mapping[UUID, list[str]]
    terms: Mapping[UUID, InForce]
    _read: _Read | None = None
    _unseen: Unseen | None = None

    @classmethod
    def of(
        cls,
        connection: Connection,
        store: StoreView,
        points: Sequence[PointView],
        asked: Period,
        now: datetime,
    ) -> "_Reading":
        """What every answer needs."""
        ids = [one.ref.point_id for one in points]
        watched = queries.watching(connection, store.org_id, ids, asked)
        rulings = rulings_of(connection, store.org_id, store.store_id)
        terms = in_force_at(connection, store.org_id, ids, asked, rulings)
        return cls(connection, store, asked, now, rulings, watched, terms)

    def answer(self, point: PointView, *, with_course: bool = True) -> PointAnswer:
        """The answer of one of the points."""
        connection, asked, point_id = self.connection, self.asked, point.ref.point_id
        short = asked.end - asked.start <= LONGEST_COURSE
        steps: list[Step] = []
        known = None
        if with_course and short:
            read = self.read()
            cells = [one for one in read.cells if one.point_id == point_id]
            known = Known(cells, read.seen)
            steps = [*self.steps(point), *self.gaps(point, read.windows)]
        subject = Subject.point(point.ref, self.store.time, self.rulings)
        released = read_union(connection, subject, asked, known)
        covered = released.covered_periods if isinstance(released, Union) else (asked,)
        terms = self.terms[point_id].during(*covered)
        unseen_ms = length_ms(self.unseen()[point_id])
        coverage = None
        if isinstance(released, Union):
            coverage = queries.coverage_of(released.seen, unseen_ms)
        elif short:
            seen = queries.windows_of(connection, point.ref.org_id, self.watched[point_id], asked)
            coverage = queries.coverage_range(seen, unseen_ms)
        return PointAnswer(
            point=point,
            asked=asked,
            released=released,
            expectations=terms.expectations,
            k=released.k if isinstance(released, Union) else terms.k,
            figures=point_figures(released, terms.expectations),
            leaving=leaving(released) if point.is_queue else None,
            coverage=coverage,
            steps=_in_order(steps),
            latest=None if isinstance(released, Union) else latest_release(connection, point.ref),
            unseen_ms=unseen_ms,
        )

    def unseen(self) -> Unseen:
        """Opening time of the points about which nothing came."""
        if self._unseen is None:
            store = self.store
            watch = Watch(store.org_id, list(self.watched), store.time, self.rulings)
            self._unseen = unseen(self.connection, watch, self.asked, self.now)
        return self._unseen

    def read(self) -> _Read:
        """The whole cells of all the points inside the period."""
        if self._read is None:
            org_id = self.store.org_id
            within = Within.whole(self.asked)
            cells = standing_cells(
                self.connection, org_id, self.rulings, list(self.watched), within
            )
            names = {name for one in self.watched.values() for name in one}
            names.update(one.device for one in cells)
            windows = windows_about(self.connection, org_id, names, self.asked)
            self._read = _Read(cells, seen_in(windows, cells), windows)
        return self._read

    def steps(self, point: PointView) -> list[Step]:
        """The released cells of one of the points, each asked for what was in force then."""
        point_id = point.ref.point_id
        read, terms, unseen = self.read(), self.terms[point_id], self.unseen()[point_id]
        return [
            Step(
                cell.period,
                cell,
                expectations=terms.during(cell.period).expectations,
                is_queue=point.is_queue,
                coverage=queries.coverage_of(
                    read.seen[cell.cell_id], length_in_ms(unseen, cell.period)
                ),
            )
            for cell in read.cells
            if cell.point_id == point_id
        ]

    def gaps(self, point: PointView, windows: Windows) -> list[Step]:
        """The opening time of one of the points without figures, as far as the server knows."""
        received = [
            Period(start, start + length_ms * MILLISECOND)
            for name in self.watched[point.ref.point_id]
            for start, length_ms, _ in windows.get(name, ())
        ]
        taken = spoken_for(self.connection, point.ref, self.rulings, self.asked)
        opening = self.store.time.open_times(self.asked)
        return gaps(opening, self.asked, self.now, taken, received)


def _in_order(steps: Iterable[Step]) -> tuple[Step, ...]:
    return tuple(sorted(steps, key=lambda step: step.period.start))
