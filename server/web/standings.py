"""Weeks of stores, regions and organisations as they may be shown: rows of `standing`, no more."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, Table, and_, select

from server.schema.identity import region, store
from server.schema.rollups import standing
from server.scope import Scope


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a week, as it may be shown.

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


Week = Mapping[str, Figure]
"""The figures of a week by name; what is suppressed is not there."""
Weeks = Mapping[date, Week]
"""By Monday."""
NO_WEEK: Week = {}
NO_WEEKS: Weeks = {}


def of_stores(
    connection: Connection,
    scope: Scope,
    mondays: Collection[date],
    figures: Collection[str] | None = None,
    only: Collection[UUID] | None = None,
) -> dict[UUID, Weeks]:
    """Weeks of the confirmed stores in `scope`; `only` some stores, `figures` of some names."""
    query = _rows(store, store.c.store_id, mondays, figures)
    query = query.where(store.c.confirmed_at.is_not(None))
    if only is not None:
        query = query.where(store.c.store_id.in_(only))
    return _gathered(connection.execute(scope.limit(query, store)))


def of_regions(
    connection: Connection, scope: Scope, mondays: Collection[date]
) -> dict[UUID, Weeks]:
    """Weeks of the regions that are seen whole."""
    query = _rows(region, region.c.region_id, mondays, None)
    return _gathered(connection.execute(scope.limit(query, region)))


def of_organisations(
    connection: Connection, org_ids: Collection[UUID], mondays: Collection[date]
) -> dict[UUID, Weeks]:
    """Weeks of these organisations, of which the caller must see the whole."""
    found = select(standing).where(
        standing.c.org_id.in_(org_ids),
        standing.c.subject_id.in_(org_ids),
        standing.c.week.in_(mondays),
    )
    return _gathered(connection.execute(found))


def _rows(
    of: Table, subject: Any, mondays: Collection[date], figures: Collection[str] | None
) -> Select[Any]:
    same = and_(standing.c.org_id == of.c.org_id, standing.c.subject_id == subject)
    query = select(standing).join(of, same).where(standing.c.week.in_(mondays))
    return query if figures is None else query.where(standing.c.figure.in_(figures))


def _gathered(rows: Any) -> dict[UUID, Weeks]:
    found: dict[UUID, dict[date, dict[str, Figure]]] = {}
    for row in rows:
        week = found.setdefault(row.subject_id, {}).setdefault(row.week, {})
        week[row.figure] = _figure(row)
    return dict(found)


def _figure(row: Row[Any]) -> Figure:
    return Figure(row.value, row.low, row.high, row.rests_on, row.expected_s)
