"""Marking roll-ups as due: the trading days of cells that count differently from now on.

Only days that have cells are marked: a roll-up whose cells are gone by age stays as it is.
"""

from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from server.periods import Period, StoreTime
from server.schema.cells import cell
from server.schema.rollups import rollup_due

COUNTED_FOR = timedelta(days=390)
"""Older days are never made anew: their cells may be gone, see `server.retention`."""
INSTANT = timedelta(microseconds=1)
AT_ONCE = 5_000
"""Marks in one statement: an engine takes at most 32,766 (SQLite) or 65,535 values."""


def mark_due(
    connection: Connection,
    org_id: UUID,
    point_ids: Collection[UUID],
    period: Period | None,
    store_time: StoreTime,
    *,
    now: datetime,
) -> int:
    """Mark for all of `point_ids` each trading day that a cell of one of them meets.

    Args:
        connection: in the transaction of the change itself, so that both are seen together.
        org_id: their organisation.
        point_ids: the points that cells leave, and those that they go to; of one store.
        period: cells that meet it; none: all of them.
        store_time: the store's.
        now: the present.

    Returns:
        how many marks stand now that are about this.
    """
    days = days_of(connection, org_id, point_ids, period, store_time)
    return mark_days(connection, org_id, ((one, day) for one in point_ids for day in days), now)


def days_of(
    connection: Connection,
    org_id: UUID,
    point_ids: Collection[UUID],
    period: Period | None,
    store_time: StoreTime,
) -> set[date]:
    """The trading days that the points' cells meet, of those that meet `period`."""
    query = select(cell.c.start_at, cell.c.end_at).where(
        cell.c.org_id == org_id, cell.c.point_id.in_(point_ids)
    )
    if period is not None:
        query = query.where(cell.c.start_at < period.end, cell.c.end_at > period.start)
    days: set[date] = set()
    for row in connection.execute(query):
        day, last = (store_time.trading_day(at) for at in (row.start_at, row.end_at - INSTANT))
        while day <= last:
            days.add(day)
            day += timedelta(days=1)
    return days


def mark_days(
    connection: Connection, org_id: UUID, marks: Iterable[tuple[UUID, date]], now: datetime
) -> int:
    """Mark trading days of points, or Mondays of regions (or of the organisation, by its id).

    In a fixed order, so that two who mark never wait in a ring.

    The update of a mark that stands already is what locks it against the roll-up job.
    """
    rows = [
        {"org_id": org_id, "point_id": point_id, "day": day, "marked_at": now}
        for point_id, day in sorted(set(marks))
    ]
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    for first in range(0, len(rows), AT_ONCE):
        statement = dialect.insert(rollup_due).values(rows[first : first + AT_ONCE])
        key = ["org_id", "point_id", "day"]
        statement = statement.on_conflict_do_update(
            index_elements=key, set_={"marked_at": statement.excluded.marked_at}
        )
        connection.execute(statement)
    return len(rows)
