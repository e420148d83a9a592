"""Weeks that have ended: what stands of them says at last how much of them was not seen.

The figures of a week are written whenever cells of it come. A device that goes dark sends none,
so nothing would say that the rest of the week is missing: each store's week is written once more
when it is over.
"""

from datetime import date, datetime, timedelta

from sqlalchemy import Engine, select

from server.course import SETTLES_AFTER
from server.database import writer
from server.periods import StoreTime, monday_of
from server.queries import time_of
from server.rollups.regions import EAST
from server.rollups_due import mark_days
from server.schema.identity import organisation, store

A_WEEK = timedelta(weeks=1)


def mark_ended_weeks(engine: Engine, since: datetime | None, now: datetime) -> int:
    """Mark the last week of each confirmed store, if it ended after `since`; how many."""
    with engine.connect() as connection:
        organisations = connection.execute(select(organisation.c.org_id)).scalars().all()
    done = 0
    for org_id in organisations:
        confirmed = (store.c.org_id == org_id) & store.c.confirmed_at.is_not(None)
        with writer(engine).begin() as connection:
            rows = connection.execute(select(store).where(confirmed))
            ended = [(row.store_id, *_last_week(time_of(row), now)) for row in rows]
            marks = [(one, day) for one, day, at in ended if since is None or since < at]
            done += mark_days(connection, org_id, marks, now)
    return done


def _last_week(time: StoreTime, now: datetime) -> tuple[date, datetime]:
    """The Monday of the last week that is over, and when all of it had come."""
    monday = monday_of((now + EAST).date()) - A_WEEK
    if time.week_of(monday).end + SETTLES_AFTER > now:
        monday -= A_WEEK
    return monday, time.week_of(monday).end + SETTLES_AFTER
