"""A chain's history for the benchmark of queries: one store in full, and copies of it.

The first store's cells are made one by one and rolled up by the server's own job. The others
are copies of its rows, made inside the database: other ids, the same figures.
"""

import random
import time
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import (
    Connection,
    Engine,
    insert,
)

from server.database import writer
from server.periods import Period
from server.rollups.job import roll_up
from server.rollups_due import mark_due
from server.schema.cells import window
from server.schema.identity import assignment, device, device_owner
from tests.bench.copied_stores import copy_store
from tests.unit.server.rollup_cells import (
    MADE_WITH,
    QUARTER,
    Shop,
    fill,
    open_shop,
    random_cell,
    window_row,
)

EPOCH = datetime(2020, 1, 1).astimezone()
OPENS = 24
"""Quarters of an hour after the trading day begins."""
REDRAWN_DAYS = 90
"""So often somebody draws the zones anew, and what follows is not strictly comparable."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of a chain: stores, days of history, points a store, cells a day and point."""

    stores: int
    days: int
    points: int = 3
    cells_a_day: int = 10


@dataclass(frozen=True, slots=True)
class History:
    """What was filled, and how long the job took for the first store's marks."""

    org_id: UUID
    stores: tuple[UUID, ...]
    points: tuple[UUID, ...]
    marks: int
    rolled_s: float
    copied_s: float


def fill_history(engine: Engine, sizes: Sizes, last: date) -> History:
    """Fill an empty database with days up to `last`."""
    with writer(engine).begin() as connection:
        shop = open_shop(connection, sizes.points, confirmed_at=EPOCH)
        name = _device(connection, shop.org_id, shop.store_id, shop.points)
        _fill_first(connection, shop, sizes, last, name)
    began = time.perf_counter()
    now = shop.time.begins(last - timedelta(days=sizes.days))  # so that no day is too old
    marks = 0
    while done := roll_up(engine, now):
        marks += done
    rolled_s = time.perf_counter() - began
    stores, points = [shop.store_id], [*shop.points]
    began = time.perf_counter()
    for _ in range(sizes.stores - 1):
        with writer(engine).begin() as connection:
            store_id, ids = copy_store(connection, shop.org_id, shop.store_id)
        stores.append(store_id)
        points += ids.values()
    copied_s = time.perf_counter() - began
    return History(shop.org_id, tuple(stores), tuple(points), marks, rolled_s, copied_s)


def _fill_first(connection: Connection, shop: Shop, sizes: Sizes, last: date, name: str) -> None:
    rng = random.Random(1)  # noqa: S311 invented, not secret
    number = 0
    for back in range(sizes.days):
        opens = shop.time.begins(last - timedelta(days=back)) + OPENS * QUARTER
        cells = [
            replace(
                random_cell(rng, one, Period(start, start + 4 * QUARTER)),
                device=name,
                comparability=MADE_WITH[back // REDRAWN_DAYS % 2],
            )
            for one in shop.points
            for start in (opens + 4 * hour * QUARTER for hour in range(sizes.cells_a_day))
        ]
        fill(connection, shop.org_id, cells)
        rows = []
        for half in range(2 * sizes.cells_a_day):
            number += 1
            rows.append(window_row(shop.org_id, name, opens + 2 * half * QUARTER, number))
        connection.execute(insert(window), rows)
    mark_due(connection, shop.org_id, shop.points, None, shop.time, now=shop.time.begins(last))


def _device(connection: Connection, org_id: UUID, store_id: UUID, points: tuple[UUID, ...]) -> str:
    name = f"d-{store_id.hex[:12]}"
    here = {"org_id": org_id, "device": name}
    connection.execute(insert(device).values(here | {"label": name, "store_id": store_id}))
    connection.execute(insert(device_owner).values(here))
    for position, one in enumerate(points):
        row = {"assignment_id": uuid4(), "local_id": f"p{position}", "point_id": one}
        connection.execute(insert(assignment).values(here | row | {"valid_from": EPOCH}))
    return name
