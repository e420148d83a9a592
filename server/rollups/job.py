"""Making the roll-ups that are due.

A mark is taken (deleted) before its cells are read, in one transaction: what ingest stores
meanwhile stands behind a new mark. Marks that ingest is writing at the moment are left to the
next round, so the two never wait for each other in a ring; and one job at a time is at work.

Changes of an organisation's identity and the job wait for each other: what the job makes holds
when it stands there.

A mark names a point and a trading day; or a region and a Monday, where its stores changed; or a
store and a Monday, where its week ended.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, Row, delete, select, text, tuple_

from server.amending import rulings_of
from server.database import writer
from server.periods import Period, monday_of
from server.queries import time_of
from server.rollups.calendar import Grain
from server.rollups.covered import covered_in, covered_of
from server.rollups.regions import Tree, label_of, roll_region, tree_of
from server.rollups.standing import Week, write_standing
from server.rollups.store import RolledStore, roll_day, roll_together, roll_week
from server.rollups.writing import read_rollups
from server.rollups_due import COUNTED_FOR
from server.schema.identity import organisation, point, store
from server.schema.rollups import rollup_due
from server.terms import expectations_of
from server.unions import Union
from server.unseen import Watch, length_ms, unseen

AT_ONCE = 25
"""Marks in one transaction: on SQLite nobody else writes meanwhile."""
LOCK = 0x656E636F
"""Names the job among PostgreSQL's advisory locks."""
Mark = tuple[UUID, date]


@dataclass(frozen=True, slots=True)
class Taken:
    """The marks of one transaction, of one organisation: days of points, weeks of others."""

    org_id: UUID
    days: dict[UUID, set[Mark]]
    others: dict[UUID, set[date]]


def roll_up(engine: Engine, now: datetime, limit: int = 1_000) -> int:
    """Make roll-ups that are due, at most for `limit` marks; how many marks were done."""
    done = 0
    for org_id in _organisations(engine):
        while done < limit:
            taken = _one_transaction(engine, org_id, now, min(AT_ONCE, limit - done))
            if taken == 0:
                break
            done += taken
    return done


def _organisations(engine: Engine) -> list[UUID]:
    """The organisations for which something is due."""
    with engine.connect() as connection:
        ids = connection.execute(select(organisation.c.org_id)).scalars().all()
        due = [select(rollup_due.c.day).where(rollup_due.c.org_id == one).limit(1) for one in ids]
        return [
            one for one, query in zip(ids, due, strict=True) if connection.execute(query).first()
        ]


def _one_transaction(engine: Engine, org_id: UUID, now: datetime, limit: int) -> int:
    with writer(engine).begin() as connection:
        if not _alone(connection):
            return 0
        _lock(connection, org_id)
        marks = _take(connection, org_id, limit)
        if marks:
            _make(connection, _sorted(connection, org_id, marks), now)
    return len(marks)


def _alone(connection: Connection) -> bool:
    """Whether no other job is at work, on this database, until the transaction ends."""
    if connection.dialect.name != "postgresql":
        return True
    asked = text("SELECT pg_try_advisory_xact_lock(:key)")
    return bool(connection.execute(asked, {"key": LOCK}).scalar())


def _lock(connection: Connection, org_id: UUID) -> None:
    """Let changes of the organisation's identity wait, and wait for one that is at work."""
    here = select(organisation.c.org_id).where(organisation.c.org_id == org_id)
    connection.execute(here.with_for_update(read=True))


def _take(connection: Connection, org_id: UUID, limit: int) -> list[Mark]:
    """Delete marks, those that have waited longest; what they were."""
    key = tuple_(rollup_due.c.point_id, rollup_due.c.day)
    oldest = (
        select(rollup_due.c.point_id, rollup_due.c.day)
        .where(rollup_due.c.org_id == org_id)
        .order_by(rollup_due.c.marked_at, rollup_due.c.point_id, rollup_due.c.day)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    found = [(row.point_id, row.day) for row in connection.execute(oldest)]
    if found:
        connection.execute(delete(rollup_due).where(rollup_due.c.org_id == org_id, key.in_(found)))
    return found


def _sorted(connection: Connection, org_id: UUID, marks: Collection[Mark]) -> Taken:
    """Marks by the store of their points; those of no point are of regions, or stores."""
    named = {one for one, _ in marks}
    rows = connection.execute(
        select(point.c.point_id, point.c.store_id).where(
            point.c.org_id == org_id, point.c.point_id.in_(named)
        )
    )
    store_of = {row.point_id: row.store_id for row in rows}
    taken = Taken(org_id, {}, {})
    for one, day in marks:
        if one in store_of:
            taken.days.setdefault(store_of[one], set()).add((one, day))
        else:
            taken.others.setdefault(one, set()).add(monday_of(day))
    return taken


def _make(connection: Connection, taken: Taken, now: datetime) -> None:
    tree = tree_of(connection, taken.org_id)
    weeks: dict[date, set[UUID | None]] = {}
    for store_id, marks in taken.days.items():
        rolled = rolled_store(connection, taken.org_id, store_id)
        for monday in _make_store(connection, rolled, marks, now):
            weeks.setdefault(monday, set()).add(rolled.region_id)
            _stand_store(connection, tree, rolled, monday, now)
    for subject_id, mondays in taken.others.items():
        region_id = tree.stores.get(subject_id, subject_id)
        for monday in mondays:
            weeks.setdefault(monday, set()).add(region_id if region_id in tree.parents else None)
            if subject_id in tree.stores:
                rolled = rolled_store(connection, taken.org_id, subject_id)
                _stand_store(connection, tree, rolled, monday, now)
    for monday, regions in sorted(weeks.items()):
        for subject_id in tree.from_below(regions):
            roll_region(connection, tree, subject_id, monday)
            _stand_region(connection, tree, subject_id, monday)


def rolled_store(connection: Connection, org_id: UUID, store_id: UUID) -> RolledStore:
    """A store as its roll-ups are made."""
    mine = (store.c.org_id == org_id) & (store.c.store_id == store_id)
    row: Row[Any] = connection.execute(select(store).where(mine)).one()
    points = connection.execute(
        select(point.c.point_id).where(point.c.org_id == org_id, point.c.store_id == store_id)
    )
    return RolledStore(
        org_id=org_id,
        store_id=store_id,
        region_id=row.region_id,
        time=time_of(row),
        points=tuple(sorted(points.scalars())),
        rulings=rulings_of(connection, org_id, store_id),
    )


def _make_store(
    connection: Connection, rolled: RolledStore, marks: Collection[Mark], now: datetime
) -> list[date]:
    """Make a store's roll-ups; the Mondays of the weeks that changed."""
    oldest = now - COUNTED_FOR
    days: dict[date, set[UUID]] = {}
    weeks: dict[date, set[UUID]] = {}
    for point_id, day in marks:
        if rolled.time.begins(day) < oldest:
            continue
        points = rolled.rulings.targets_of(point_id) & set(rolled.points)
        days.setdefault(day, set()).update(points)
        weeks.setdefault(monday_of(day), set()).update(points)
    for day, of_day in days.items():
        roll_day(connection, rolled, of_day, day)
        roll_together(connection, rolled, Grain.DAY, rolled.time.day_of(day))
    for monday, of_week in weeks.items():
        roll_week(connection, rolled, of_week, monday)
        roll_together(connection, rolled, Grain.WEEK, rolled.time.week_of(monday))
    return sorted(weeks)


def _stand_store(
    connection: Connection, tree: Tree, of: RolledStore, monday: date, now: datetime
) -> None:
    """Write the figures of a store's week; of a store on trial nothing stands."""
    week, period = Week(of.org_id, of.store_id, monday), of.time.week_of(monday)
    stores = [of.store_id] if of.store_id in tree.stores else []
    union = _rolled(connection, week, period, stores)
    covered = None
    if union is not None:
        lacking = unseen(connection, Watch(of.org_id, of.points, of.time, of.rulings), period, now)
        covered = covered_of(union, sum(map(length_ms, lacking.values())))
    asked = expectations_of(connection, of.org_id, stores, period)
    write_standing(connection, week, union, asked, covered)


def _stand_region(connection: Connection, tree: Tree, subject_id: UUID, monday: date) -> None:
    """Write the figures of a week of a region, or the organisation; without stores, none."""
    week, period = Week(tree.org_id, subject_id, monday), label_of(monday)
    stores = [one for one in tree.stores_below(subject_id) if tree.counts(one, period)]
    asked = expectations_of(connection, tree.org_id, stores, period)
    covered = covered_in(connection, tree.org_id, stores, monday, monday)
    union = _rolled(connection, week, period, stores)
    write_standing(connection, week, union, asked, covered)


def _rolled(
    connection: Connection, week: Week, period: Period, stores: Collection[UUID]
) -> Union | None:
    found = read_rollups(connection, week.org_id, [week.subject_id], [Grain.WEEK], period)
    return found[0].union if found and stores else None
