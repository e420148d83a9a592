"""Roll-ups: what is due is made, once, whatever comes meanwhile."""

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event
from time import monotonic, sleep

from sqlalchemy import Engine, delete, select, update

from server.database import writer
from server.periods import Period, monday_of
from server.released_cell import ReleasedCell
from server.rollups.blocks import read_union
from server.rollups.job import roll_up
from server.rollups.worker import RollupWorker
from server.rollups_due import COUNTED_FOR, mark_days, mark_due
from server.schema.cells import cell
from server.schema.identity import point
from server.schema.rollups import rollup
from server.suppression import Suppressed
from server.unions import Union
from tests.unit.server.rollup_cells import QUARTER, fill, open_shop, random_cell
from tests.unit.server.rollup_shops import NOW, SPRING, due_count, stock, subject, week_of_cells


def test_only_what_is_due_is_made_anew(shared: Engine) -> None:
    rng = random.Random(4)  # noqa: S311 invented, not secret
    with writer(shared).begin() as connection:
        shop = open_shop(connection, 1)
        stock(connection, rng, shop, SPRING)
    roll_up(shared, NOW)
    with writer(shared).begin() as connection:
        connection.execute(update(rollup).where(rollup.c.org_id == shop.org_id).values(visits=-1))
        mark_days(connection, shop.org_id, [(shop.points[0], SPRING)], NOW)
    assert roll_up(shared, NOW) == 1
    with shared.connect() as connection:
        rows = connection.execute(
            select(rollup.c.start_at).where(
                rollup.c.org_id == shop.org_id, rollup.c.visits >= 0, rollup.c.grain != "week"
            )
        ).scalars()
        assert {shop.time.trading_day(at) for at in rows} <= {SPRING}


def test_days_whose_cells_may_be_gone_are_never_made_anew(shared: Engine) -> None:
    rng = random.Random(5)  # noqa: S311 invented, not secret
    with writer(shared).begin() as connection:
        shop = open_shop(connection, 1)
        stock(connection, rng, shop, SPRING)
    roll_up(shared, NOW)

    def kept() -> list[object]:
        with shared.connect() as connection:
            here = rollup.c.org_id == shop.org_id
            return list(connection.execute(select(rollup.c.start_at, rollup.c.body).where(here)))

    before = kept()
    with writer(shared).begin() as connection:
        connection.execute(delete(cell).where(cell.c.org_id == shop.org_id))
        days = [SPRING + timedelta(days=number) for number in range(-30, 30)]
        mark_days(connection, shop.org_id, [(shop.points[0], day) for day in days], NOW)
    much_later = shop.time.begins(SPRING) + COUNTED_FOR + timedelta(days=40)
    assert roll_up(shared, much_later) == len(days)
    assert kept() == before


def test_a_mark_that_comes_while_the_job_reads_is_not_lost(shared: Engine) -> None:
    """Each cell stored stands behind a mark of its own transaction, or is in the roll-up."""
    rng = random.Random(10)  # noqa: S311 invented, not secret
    with writer(shared).begin() as connection:
        shop = open_shop(connection, 1)
    of_day = [
        Period(start, start + QUARTER)
        for start in (shop.time.begins(SPRING) + 2 * number * QUARTER for number in range(30))
    ]
    for number, period in enumerate(of_day):
        with writer(shared).begin() as connection:
            fill(connection, shop.org_id, [random_cell(rng, shop.points[0], period)])
            mark_days(connection, shop.org_id, [(shop.points[0], SPRING)], NOW)
        if number % 3 == 0:
            roll_up(shared, NOW)
        with shared.connect() as connection:
            found = read_union(connection, subject(connection, shop), shop.time.day_of(SPRING))
            assert isinstance(found, Union)
            assert found.sums.cells == number + 1


def test_the_worker_makes_what_is_due_and_stops(shared: Engine) -> None:
    rng = random.Random(12)  # noqa: S311 invented, not secret
    with writer(shared).begin() as connection:
        shop = open_shop(connection, 1)
        week_of_cells(connection, rng, shop, monday_of(SPRING))
    worker = RollupWorker(shared, lambda: NOW, every_s=0.05)
    worker.start()
    try:
        until = monotonic() + 20
        while due_count(shared, shop.org_id) > 0:
            assert monotonic() < until
            sleep(0.02)
    finally:
        worker.stop()
    assert not worker.failing
    assert worker.last_at == NOW


def test_cells_that_come_while_the_job_works_are_all_rolled_up(either: Engine) -> None:
    """Three who store, each day and point from several, and the job, all at once."""
    rng = random.Random(13)  # noqa: S311 invented, not secret
    with writer(either).begin() as connection:
        shop = open_shop(connection, 2)
    days = [SPRING + timedelta(days=number) for number in range(3)]
    at = [
        Period(start, start + QUARTER)
        for day in days
        for start in (shop.time.begins(day) + 3 * number * QUARTER for number in range(12))
    ]
    cells = [random_cell(rng, one, period) for one in shop.points for period in at]
    rng.shuffle(cells)
    working = Event()

    def store(mine: list[ReleasedCell]) -> None:
        for one in mine:
            with writer(either).begin() as connection:
                mark = (one.point_id, shop.time.trading_day(one.period.start))
                mark_days(connection, shop.org_id, [mark], NOW)
                fill(connection, shop.org_id, [one])

    def job() -> None:
        while not working.is_set():
            roll_up(either, NOW)

    with ThreadPoolExecutor(4) as pool:
        rolling = pool.submit(job)
        for storing in [pool.submit(store, cells[first::3]) for first in range(3)]:
            storing.result()
        working.set()
        rolling.result()
    roll_up(either, NOW)
    assert due_count(either, shop.org_id) == 0
    with either.connect() as connection:
        for one in shop.points:
            union = read_union(
                connection, subject(connection, shop, one), shop.time.days(days[0], days[-1])
            )
            assert isinstance(union, Union)
            assert union.sums.cells == len(at)


def test_a_point_that_was_merged_counts_under_the_other(shared: Engine) -> None:
    rng = random.Random(14)  # noqa: S311 invented, not secret
    monday = monday_of(SPRING)
    with writer(shared).begin() as connection:
        shop = open_shop(connection, 2)
        for number, one in enumerate(shop.points):
            start = shop.time.begins(monday) + (20 + 8 * number) * QUARTER
            fill(connection, shop.org_id, [random_cell(rng, one, Period(start, start + QUARTER))])
        mark_due(connection, shop.org_id, shop.points, None, shop.time, now=NOW)
    roll_up(shared, NOW)
    gone, stays = shop.points
    with writer(shared).begin() as connection:
        here = (point.c.org_id == shop.org_id) & (point.c.point_id == gone)
        connection.execute(update(point).where(here).values(merged_into=stays))
        mark_due(connection, shop.org_id, shop.points, None, shop.time, now=NOW)
    week = shop.time.week_of(monday)
    for done in (False, True):
        if done:
            roll_up(shared, NOW)
        with shared.connect() as connection:
            both = read_union(connection, subject(connection, shop, stays), week)
            assert isinstance(both, Union)
            assert both.sums.cells == 2
            assert set(both.runs) == {stays}
            assert read_union(connection, subject(connection, shop, gone), week) == Suppressed()
