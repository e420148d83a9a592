"""Whole answers: a point's figures and its course through a period, as pages and API give them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from server import queries
from server.course import LONGEST_COURSE, Step, gaps
from server.figures import Expectations, PointFigures, point_figures
from server.leaving import Leaving, leaving
from server.periods import Period
from server.queries import CoverageRange, PointView, StoreView
from server.suppression import (
    Released,
    Suppressed,
    latest_release,
    overlapping,
    read_released,
)


@dataclass(frozen=True, slots=True)
class PointAnswer:
    """A point, the period asked for, and what can be said of it.

    Attributes:
        point: the point.
        asked: the period.
        released: the whole cells inside it.
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
    released: Released | Suppressed
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
    released = read_released(connection, point.ref, asked)
    figures = point_figures(released, wanted)
    received = queries.windows_received(connection, point.ref, asked)
    steps: list[Step] = []
    if with_course and asked.end - asked.start <= LONGEST_COURSE:
        cells = released.cells if isinstance(released, Released) else ()
        steps = [
            Step(
                one.period,
                one,
                expectations=wanted,
                is_queue=point.is_queue,
                coverage=queries.coverage_while(received, [one.period]),
            )
            for one in cells
        ]
        spoken_for = overlapping(connection, point.ref, asked)
        seen_at = [period for period, _ in received]
        steps += gaps(of.time.open_times(asked), asked, now, spoken_for, seen_at)
    seen_in = figures.covered if isinstance(figures, PointFigures) else [asked]
    return PointAnswer(
        point=point,
        asked=asked,
        released=released,
        expectations=wanted,
        k=released.k if isinstance(released, Released) else terms.k,
        figures=figures,
        leaving=leaving(released) if point.is_queue else None,
        coverage=queries.coverage_while(received, seen_in),
        steps=tuple(sorted(steps, key=lambda step: step.period.start)),
        latest=latest_release(connection, point.ref),
    )
