"""Figures of a week as they may be shown, one a row, for lists of stores and regions.

A share within a time is asked for what the devices report; where the stores of a region report
different expectations, the region has no such share.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import Connection, delete, insert, or_, select

from server.figures import Expectations, PointFigures, point_figures
from server.periods import Period
from server.queries import coverage_of
from server.schema.fleet import device_status
from server.schema.identity import assignment, point
from server.schema.rollups import standing
from server.statistics import Quantile, Share
from server.suppression import Suppressed
from server.unions import Union

SHARES = ("served_within", "greeted_within", "abandoned", "flawless")
"""Beside them: `visits`, `waiting_p90` (seconds), and `coverage`, which has bounds alone."""


@dataclass(frozen=True, slots=True)
class Week:
    """A week of a store, a region or an organisation, by the date of its Monday."""

    org_id: UUID
    subject_id: UUID
    monday: date


def write_standing(
    connection: Connection,
    week: Week,
    union: Union | None,
    expectations: Collection[Expectations],
) -> None:
    """Write a week's figures in the place of what stood there; without a union nothing stands.

    `expectations` are those that devices below the subject report.
    """
    here = (standing.c.org_id == week.org_id) & (standing.c.subject_id == week.subject_id)
    connection.execute(delete(standing).where(here, standing.c.week == week.monday))
    if union is None:
        return
    asked = next(iter(expectations), Expectations())
    figures = point_figures(union, asked)
    if isinstance(figures, Suppressed):
        return
    key = {"org_id": week.org_id, "subject_id": week.subject_id, "week": week.monday}
    rows = [key | row for row in _rows(figures, union, one_for_all=len(expectations) <= 1)]
    connection.execute(insert(standing), rows)


def expectations_of(
    connection: Connection, org_id: UUID, stores: Collection[UUID], period: Period
) -> set[Expectations]:
    """The expectations that the devices report which watched these stores in a period."""
    rows = connection.execute(
        select(device_status.c.reported)
        .join(
            assignment,
            (assignment.c.org_id == device_status.c.org_id)
            & (assignment.c.device == device_status.c.device),
        )
        .join(
            point,
            (point.c.org_id == assignment.c.org_id) & (point.c.point_id == assignment.c.point_id),
        )
        .where(
            device_status.c.org_id == org_id,
            assignment.c.org_id == org_id,
            point.c.org_id == org_id,
            point.c.store_id.in_(stores),
            assignment.c.valid_from < period.end,
            or_(assignment.c.valid_to.is_(None), assignment.c.valid_to > period.start),
            device_status.c.reported.is_not(None),
        )
        .distinct()
    ).scalars()
    return {Expectations(one["greet_within_s"], one["serve_within_s"]) for one in rows}


def _rows(figures: PointFigures, union: Union, *, one_for_all: bool) -> Iterator[dict[str, object]]:
    visits = figures.visits
    yield _row("visits", visits, (visits, visits), visits)
    limits = {
        "served_within": figures.expectations.serve_within_s,
        "greeted_within": figures.expectations.greet_within_s,
    }
    for name in SHARES:
        share: Share | Suppressed = getattr(figures, name)
        if isinstance(share, Share) and (one_for_all or name not in limits):
            rests_on = figures.counts[name].of
            yield _row(name, share.value, (share.low, share.high), rests_on, limits.get(name))
    p90 = figures.waiting_p90
    if isinstance(p90, Quantile):
        rests_on = figures.counts["waiting_p90"].of
        yield _row("waiting_p90", p90.value_s, (p90.low_s, p90.high_s), rests_on)
    coverage = coverage_of(union.seen)
    if coverage is not None:
        yield _row("coverage", None, (coverage.low, coverage.high), None)


def _row(
    figure: str,
    value: float | None,
    bounds: tuple[float | None, float | None],
    rests_on: int | None,
    expected_s: float | None = None,
) -> dict[str, object]:
    return {
        "figure": figure,
        "value": value,
        "low": bounds[0],
        "high": bounds[1],
        "rests_on": rests_on,
        "expected_s": expected_s,
    }
