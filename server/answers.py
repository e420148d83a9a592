"""Whole answers: a point's figures and its course through a period, as pages and API give them."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from uuid import UUID

from sqlalchemy import Connection

from server import queries
from server.figures import Cut, Expectations, PointFigures, cuts, point_figures
from server.periods import Period, intersect, subtract, union
from server.queries import CoverageRange, PointView, StoreView
from server.suppression import (
    Released,
    ReleasedCell,
    Suppressed,
    latest_release,
    overlapping,
    read_released,
)

LONGEST_COURSE = timedelta(days=35, hours=1)


class Gap(StrEnum):
    """Why a stretch of opening time has no figures."""

    SUPPRESSED = "suppressed"
    PENDING = "pending"
    NOTHING_RECEIVED = "nothing_received"
    OUTSIDE = "outside"


@dataclass(frozen=True, slots=True)
class Step:
    """One released cell of a course, or a gap in it."""

    period: Period
    figures: PointFigures | None
    gap: Gap | None


@dataclass(frozen=True, slots=True)
class PointAnswer:
    """A point, the period asked for, and what can be said of it."""

    point: PointView
    asked: Period
    figures: PointFigures | Suppressed
    coverage: CoverageRange | None
    steps: tuple[Step, ...]
    cuts: tuple[Cut, ...]
    latest: Period | None


def answer(
    connection: Connection,
    of: StoreView,
    point: PointView,
    asked: Period,
    now: datetime,
    *,
    expectations: Expectations | None = None,
) -> PointAnswer:
    """Everything that may be shown of `point` over `asked`; a course for 35 days at most."""
    wanted = expectations or queries.expectations_of(connection, point.ref, asked)
    released = read_released(connection, point.ref, asked)
    figures = point_figures(released, wanted)
    received = queries.windows_received(connection, point.ref, asked)
    spoken_for = overlapping(connection, point.ref, asked)
    steps: list[Step] = []
    if asked.end - asked.start <= LONGEST_COURSE:
        steps = _cell_steps(released, wanted)
        steps += _gaps(of, asked, now, spoken_for, [period for period, _ in received])
    seen = received
    if isinstance(figures, PointFigures):
        seen = [(p, band) for p, band in received if any(p.meets(c) for c in figures.covered)]
    return PointAnswer(
        point=point,
        asked=asked,
        figures=figures,
        coverage=queries.coverage_range(seen),
        steps=tuple(sorted(steps, key=lambda step: step.period.start)),
        cuts=cuts(released.cells) if isinstance(released, Released) else (),
        latest=latest_release(connection, point.ref),
    )


def _cell_steps(released: Released | Suppressed, wanted: Expectations) -> list[Step]:
    if isinstance(released, Suppressed):
        return []
    steps = []
    for one in released.cells:
        figures = _figures_of(_CellAsked(one.cell_id, wanted, one))
        if isinstance(figures, PointFigures):
            steps.append(Step(one.period, figures, None))
    return steps


@dataclass(frozen=True, slots=True)
class _CellAsked:
    """A cell and what is asked of it; cells never change, so their id stands for them."""

    cell_id: UUID
    wanted: Expectations
    cell: ReleasedCell = field(compare=False)


@lru_cache(maxsize=16_384)
def _figures_of(asked: _CellAsked) -> PointFigures | Suppressed:
    """The figures of one cell alone."""
    return point_figures(Released((asked.cell,)), asked.wanted)


def _gaps(
    of: StoreView,
    asked: Period,
    now: datetime,
    spoken_for: list[Period],
    received: list[Period],
) -> list[Step]:
    """Opening time without a cell inside the period: why, as far as the server knows."""
    opening = of.time.open_times(asked)
    outside = [one for one in spoken_for if one.start < asked.start or one.end > asked.end]
    steps = [Step(one, None, Gap.OUTSIDE) for one in intersect(opening, outside)]
    left = subtract(opening, spoken_for)
    settled = now - queries.SETTLES_AFTER
    recent = [Period(settled, asked.end)] if settled < asked.end else []
    steps += [Step(one, None, Gap.PENDING) for one in intersect(left, recent)]
    past = subtract(left, recent)
    known = union(received)
    steps += [Step(one, None, Gap.SUPPRESSED) for one in intersect(past, known)]
    steps += [Step(one, None, Gap.NOTHING_RECEIVED) for one in subtract(past, known)]
    return steps
