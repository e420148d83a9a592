"""Whether roll-ups are what their cells make: a sample, computed again."""

import random
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, func, select

from server.checking.findings import Finding, none_of, not_checked
from server.periods import Period
from server.rollups.blocks import unions_of
from server.rollups.bodies import from_json
from server.rollups.calendar import Grain, touched_days
from server.rollups.job import rolled_store
from server.rollups.store import RolledStore
from server.rollups_due import COUNTED_FOR
from server.schema.identity import organisation, point
from server.schema.rollups import rollup, rollup_due
from server.suppression import Within, standing_cells
from server.unions import merged_unions

ROLLUPS = "roll-ups are what their cells make"
GRAINS = (Grain.HOUR, Grain.DAY, Grain.WEEK)


def check_rollups(
    connection: Connection, now: datetime, points: int, rng: random.Random
) -> Finding:
    """Compute roll-ups of some points again: of each one hour, one day and one week."""
    chosen = list(_some_points(connection, points, rng))
    looked, wrong = 0, []
    for org_id, store_id, point_id in chosen:
        rolled = rolled_store(connection, org_id, store_id)
        rows = [
            row
            for one in (point_id, store_id)
            for row in _some_rows(connection, org_id, one, now, rng)
        ]
        for row in rows:
            if _is_due(connection, rolled, Period(row.start_at, row.end_at)):
                continue
            looked += 1
            if not _agrees(connection, rolled, row):
                wrong.append(f"{row.grain} of {row.subject_id} from {row.start_at:%Y-%m-%dT%H:%MZ}")
    if not looked and not wrong:
        return not_checked(ROLLUPS, "there are none that are not due")
    return none_of(ROLLUPS, wrong, f"{looked} computed again, of {len(chosen)} points")


def _some_points(
    connection: Connection, most: int, rng: random.Random
) -> Iterator[tuple[UUID, UUID, UUID]]:
    found = []
    for org_id in connection.execute(select(organisation.c.org_id)).scalars().all():
        mine = select(point.c.org_id, point.c.store_id, point.c.point_id)
        found += [tuple(row) for row in connection.execute(mine.where(point.c.org_id == org_id))]
    yield from rng.sample(sorted(found), min(most, len(found)))


def _some_rows(
    connection: Connection, org_id: UUID, subject_id: UUID, now: datetime, rng: random.Random
) -> Iterator[Row[Any]]:
    """One roll-up of each grain, if there is one; none so old that its cells may be gone."""
    for grain in GRAINS:
        mine = (
            rollup.c.org_id == org_id,
            rollup.c.subject_id == subject_id,
            rollup.c.grain == grain.value,
            rollup.c.start_at > now - COUNTED_FOR,
        )
        count = connection.execute(
            select(func.count()).select_from(rollup).where(*mine)
        ).scalar_one()
        if count:
            query = select(rollup).where(*mine).order_by(rollup.c.start_at)
            yield connection.execute(query.offset(rng.randrange(count)).limit(1)).one()


def _is_due(connection: Connection, rolled: RolledStore, period: Period) -> bool:
    """Whether something was marked meanwhile, so that the roll-up may differ rightly."""
    first, last = touched_days(rolled.time, period)
    due = (
        select(func.count())
        .select_from(rollup_due)
        .where(
            rollup_due.c.org_id == rolled.org_id,
            rollup_due.c.point_id.in_(rolled.points),
            rollup_due.c.day >= first,
            rollup_due.c.day <= last,
        )
    )
    return connection.execute(due).scalar_one() > 0


def _agrees(connection: Connection, rolled: RolledStore, row: Row[Any]) -> bool:
    """Whether a roll-up is the union of the cells inside its time."""
    whole = Within.whole(Period(row.start_at, row.end_at))
    points = rolled.points if row.subject_id == rolled.store_id else (row.subject_id,)
    cells = standing_cells(connection, rolled.org_id, rolled.rulings, points, whole)
    unions = unions_of(connection, rolled.org_id, cells)
    return bool(unions) and merged_unions(unions) == from_json(row.body)
