"""Shops whose roll-ups are due, for the tests of roll-ups: their cells, and what stands of them."""

import random
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, Engine, func, select

from server.amending import rulings_of
from server.periods import Period
from server.released_cell import ReleasedCell
from server.rollups.blocks import Subject
from server.rollups_due import mark_due
from server.schema.rollups import rollup_due, standing
from server.suppression import PointRef
from tests.unit.server.rollup_cells import QUARTER, Shop, fill, fill_windows, periods, random_cell

SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)
"""Days of 23 and of 25 hours in Berlin."""
NOW = datetime(2026, 12, 1, tzinfo=UTC)


def subject(connection: Connection, shop: Shop, point_id: UUID | None = None) -> Subject:
    rulings = rulings_of(connection, shop.org_id, shop.store_id)
    if point_id is not None:
        return Subject.point(PointRef(shop.org_id, point_id), shop.time, rulings)
    return Subject(shop.org_id, shop.store_id, shop.points, shop.time, rulings)


def stock(
    connection: Connection, rng: random.Random, shop: Shop, around: date
) -> list[ReleasedCell]:
    """Cells and windows of a few weeks, marked as due."""
    first = shop.time.begins(around - timedelta(days=rng.randrange(8, 18)))
    last = shop.time.begins(around + timedelta(days=rng.randrange(4, 12)))
    first += QUARTER * rng.randrange(100)
    cells = [
        random_cell(rng, one, period) for one in shop.points for period in periods(rng, first, last)
    ]
    fill(connection, shop.org_id, cells)
    for device in {one.device for one in cells}:
        fill_windows(connection, shop.org_id, device, first - 4 * QUARTER, last)
    mark_due(connection, shop.org_id, shop.points, None, shop.time, now=NOW)
    return cells


def random_period(rng: random.Random, shop: Shop, around: date) -> Period:
    """Any period near a day; often of whole days."""
    days = sorted(around + timedelta(days=rng.randrange(-30, 30)) for _ in range(2))
    start, end = shop.time.begins(days[0]), shop.time.begins(days[1] + timedelta(days=1))
    if rng.random() < 0.6:
        start += QUARTER * rng.randrange(96)
    if rng.random() < 0.6:
        end += QUARTER * rng.randrange(96)
    return Period(start, end)


def week_of_cells(connection: Connection, rng: random.Random, shop: Shop, monday: date) -> int:
    """A cell a day at each point; how many visits."""
    visits = 0
    for day in range(5):
        start = shop.time.begins(monday + timedelta(days=day)) + 20 * QUARTER
        cells = [random_cell(rng, one, Period(start, start + 4 * QUARTER)) for one in shop.points]
        fill(connection, shop.org_id, cells)
        visits += sum(one.visits for one in cells)
    mark_due(connection, shop.org_id, shop.points, None, shop.time, now=NOW)
    return visits


def standing_figures(engine: Engine, org_id: UUID, subject_id: UUID) -> dict[str, float | None]:
    with engine.connect() as connection:
        rows = connection.execute(
            select(standing).where(standing.c.org_id == org_id, standing.c.subject_id == subject_id)
        )
        return {row.figure: row.value for row in rows}


def due_count(engine: Engine, org_id: UUID) -> int:
    with engine.connect() as connection:
        query = select(func.count()).select_from(rollup_due).where(rollup_due.c.org_id == org_id)
        return connection.execute(query).scalar_one()
