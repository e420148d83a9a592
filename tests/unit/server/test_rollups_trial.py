"""A store whose confirmation is taken back leaves its regions at once, before the job runs."""

import random

from sqlalchemy import Engine, update

from server.database import writer
from server.identity import Change, confirm, unconfirm
from server.periods import monday_of
from server.region_totals import read_region
from server.rollups.job import roll_up
from server.schema.identity import store
from server.suppression import Suppressed
from tests.unit.server.rollup_cells import open_shop
from tests.unit.server.rollup_shops import NOW, SPRING, standing_figures, week_of_cells


def test_a_trial_store_counts_nowhere_from_the_moment_it_is_one(either: Engine) -> None:
    rng, monday = random.Random(9), monday_of(SPRING)  # noqa: S311 invented, not secret
    with writer(either).begin() as connection:
        shop = open_shop(connection)
        week_of_cells(connection, rng, shop, monday)
        begins = shop.time.begins(monday)
        mine = (store.c.org_id == shop.org_id) & (store.c.store_id == shop.store_id)
        connection.execute(update(store).where(mine).values(confirmed_at=begins))
    roll_up(either, NOW)
    subjects = (shop.store_id, shop.region_id, shop.org_id)
    assert all(standing_figures(either, shop.org_id, one) for one in subjects)
    with writer(either).begin() as connection:
        unconfirm(Change(connection, shop.org_id, "Ada", NOW), shop.store_id)
    for _ in range(2):
        assert not any(standing_figures(either, shop.org_id, one) for one in subjects)
        with either.connect() as connection:
            for above in (shop.region_id, shop.org_id):
                found = read_region(connection, shop.org_id, above, monday, monday)
                assert isinstance(found.figures, Suppressed)
        roll_up(either, NOW)
    with writer(either).begin() as connection:
        confirm(Change(connection, shop.org_id, "Ada", NOW), shop.store_id, begins)
    roll_up(either, NOW)
    assert all(standing_figures(either, shop.org_id, one) for one in subjects)
