"""Weeks of stores, regions and organisations as they may be shown: rows of `standing`, no more."""

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, String, cast, select

from server.schema.rollups import standing
from server.scope import Place


class Figure(NamedTuple):
    """One figure of a week, as it may be shown; an overview reads thousands of them.

    Attributes:
        value: a share in [0, 1], a count, or seconds; none: more than `low`, or bounds alone.
        low, high: its 95 % interval; `high` none: without an upper end.
        rests_on: how many parties it is about.
        expected_s: the limit that a share within a time is asked for.
    """

    value: float | None
    low: float | None
    high: float | None
    rests_on: int | None
    expected_s: float | None


COLUMNS = (
    cast(standing.c.subject_id, String),
    *standing.c["week", "figure", "value", "low", "high", "rests_on", "expected_s"],
)
Week = Mapping[str, Figure]
"""The figures of a week by name; what is suppressed is not there."""
Weeks = Mapping[date, Week]
"""By Monday."""
NO_WEEK: Week = {}
NO_WEEKS: Weeks = {}


def weeks_of(
    connection: Connection,
    subjects: Collection[Place],
    mondays: Collection[date],
    figures: Collection[str] | None = None,
) -> dict[UUID, Weeks]:
    """Weeks of stores, regions and organisations (their own place) that the caller may see.

    They are named one by one, so that the key of the table finds them however long its history.
    """
    query = select(*COLUMNS).where(
        standing.c.org_id.in_({one.org_id for one in subjects}),
        standing.c.subject_id.in_({one.id for one in subjects}),
        standing.c.week.in_(mondays),
    )
    if figures is not None:
        query = query.where(standing.c.figure.in_(figures))
    return _gathered(connection.execute(query).all())


def _gathered(rows: Iterable[Any]) -> dict[UUID, Weeks]:
    """By subject; an id is read once a subject, for there are many rows."""
    found: dict[object, dict[date, dict[str, Figure]]] = {}
    for subject, week, name, *rest in rows:
        weeks = found.get(subject)
        if weeks is None:
            weeks = found[subject] = {}
        figures = weeks.get(week)
        if figures is None:
            figures = weeks[week] = {}
        figures[name] = Figure(*rest)
    return {one if isinstance(one, UUID) else UUID(str(one)): of for one, of in found.items()}
