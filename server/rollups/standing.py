"""Figures of a week as they may be shown, one a row, for lists of stores and regions.

A share within a time is asked for what was in force then; where that changed, or differs between
the stores of a region, there is no such share.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import Connection, delete, insert

from server.figures import Expectations, PointFigures, point_figures
from server.periods import period_of
from server.rollups.covered import Covered
from server.rollups.evenness import NONE, even, queues_of
from server.schema.rollups import standing
from server.statistics import Quantile, Share
from server.suppression import Suppressed
from server.unions import Union

SHARES = ("served_within", "greeted_within", "left_unserved", "flawless")
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
    expectations: Expectations,
    covered: Covered | None,
) -> None:
    """Write a week's figures in the place of what stood there; without a union nothing stands.

    `expectations` are those that were in force below the subject, and `covered` is how much of
    the week was seen there.
    """
    here = (standing.c.org_id == week.org_id) & (standing.c.subject_id == week.subject_id)
    connection.execute(delete(standing).where(here, standing.c.week == week.monday))
    if union is None:
        return
    during = period_of((union.covered[0][0], union.covered[-1][1]))
    queues = queues_of(connection, week.org_id, [week.subject_id], during)
    figures = point_figures(even(union, queues.get(week.subject_id, NONE)), expectations)
    if isinstance(figures, Suppressed):
        return
    key = {"org_id": week.org_id, "subject_id": week.subject_id, "week": week.monday}
    connection.execute(insert(standing), [key | row for row in _rows(figures, covered)])


def _rows(figures: PointFigures, covered: Covered | None) -> Iterator[dict[str, object]]:
    visits = figures.visits
    yield _row("visits", visits, (visits, visits), visits)
    limits = {
        "served_within": figures.expectations.serve_within_s,
        "greeted_within": figures.expectations.greet_within_s,
    }
    for name in SHARES:
        share: Share | Suppressed = getattr(figures, name)
        if isinstance(share, Share):
            rests_on = figures.counts[name].of
            yield _row(name, share.value, (share.low, share.high), rests_on, limits.get(name))
    p90 = figures.waiting_p90
    if isinstance(p90, Quantile):
        rests_on = figures.counts["waiting_p90"].of
        yield _row("waiting_p90", p90.value_s, (p90.low_s, p90.high_s), rests_on)
    if covered is not None:
        bounds = (covered.share.low, covered.share.high)
        yield _row("coverage", None, bounds, None) | {"of_s": covered.of_s}


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
        "of_s": None,
    }
