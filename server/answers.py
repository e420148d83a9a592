"""Whole answers: a point's figures and its course through a period, as pages and API give them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection

from server import queries
from server.figures import Expectations, PointFigures, point_figures
from server.leaving import Leaving, leaving
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
    cell: ReleasedCell | None
    gap: Gap | None


@dataclass(frozen=True, slots=True)
class PointAnswer:
    """A point, the period asked for, and what can be said of it."""

    point: PointView
    asked: Period
    released: Released | Suppressed
    expectations: Expectations
    k: int
    figures: PointFigures | Suppressed
    coverage: CoverageRange | None
    steps: tuple[Step, ...]
    latest: Period | None

    @property
    def leaving(self) -> Leaving | None:
        """How it was left, if it is a queue for which something was released."""
        return leaving(self.released) if self.point.is_queue else None


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
    terms = queries.terms_of(connection, point.ref, asked)
    wanted = expectations or terms.expectations
    released = read_released(connection, point.ref, asked)
    figures = point_figures(released, wanted)
    received = queries.windows_received(connection, point.ref, asked)
    spoken_for = overlapping(connection, point.ref, asked)
    steps: list[Step] = []
    if asked.end - asked.start <= LONGEST_COURSE:
        cells = released.cells if isinstance(released, Released) else ()
        steps = [Step(one.period, one, None) for one in cells]
        steps += _gaps(of, asked, now, spoken_for, [period for period, _ in received])
    seen = received
    if isinstance(figures, PointFigures):
        seen = [(p, band) for p, band in received if any(p.meets(c) for c in figures.covered)]
    return PointAnswer(
        point=point,
        asked=asked,
        released=released,
        expectations=wanted,
        k=released.k if isinstance(released, Released) else terms.k,
        figures=figures,
        coverage=queries.coverage_range(seen),
        steps=tuple(sorted(steps, key=lambda step: step.period.start)),
        latest=latest_release(connection, point.ref),
    )


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
