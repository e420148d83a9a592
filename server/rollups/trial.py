"""A store that is on trial again counts in no region from that moment on, not from the job's."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, delete, or_, select

from server.periods import StoreTime, monday_of
from server.rollups.calendar import Grain
from server.rollups.regions import label_of, tree_of
from server.rollups.writing import delete_rollups
from server.rollups_due import COUNTED_FOR, mark_days
from server.schema.identity import store
from server.schema.rollups import rollup, standing

A_WEEK = timedelta(days=7)
MIDWEEK = timedelta(days=3)
"""So long after a week's beginning it is that week by any clock, also one that was changed."""


def leave_regions(
    connection: Connection, org_id: UUID, store_id: UUID, time: StoreTime, now: datetime
) -> None:
    """Delete the weeks that a store is in: of all regions above it and of the organisation.

    They, and its own figures of weeks, are due then, but for weeks whose cells may be gone: these
    are not read any more. The job makes them anew of the other stores,
    or of this one too, whatever it is by then. To be called in the transaction that changes the
    store, with its organisation locked, before roll-ups of the store are deleted: the job locks
    it too, so none is at work on what was true before.
    """
    weeks = connection.execute(
        select(rollup.c.start_at).where(
            rollup.c.org_id == org_id,
            rollup.c.subject_id == store_id,
            rollup.c.grain == Grain.WEEK.value,
        )
    )
    mondays = {monday_of(time.trading_day(at + MIDWEEK)) for at in weeks.scalars()}
    here = (store.c.org_id == org_id) & (store.c.store_id == store_id)
    region_id = connection.execute(select(store.c.region_id).where(here)).scalar_one()
    above = tree_of(connection, org_id).above(region_id)
    starts = {label_of(monday).start for monday in mondays}
    delete_rollups(connection, org_id, above, [Grain.WEEK], starts)
    connection.execute(
        delete(standing).where(
            standing.c.org_id == org_id,
            or_(
                standing.c.subject_id.in_(above),
                (standing.c.subject_id == store_id)
                & (standing.c.week >= (now - COUNTED_FOR - A_WEEK).date()),
            ),
            standing.c.week.in_(mondays),
        )
    )
    mark_days(connection, org_id, ((above[0], monday) for monday in mondays), now)
