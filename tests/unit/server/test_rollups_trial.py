"""A store whose confirmation is taken back leaves its regions at once, before the job runs."""

import random
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, insert, select, update

from server.amending import rulings_of
from server.database import writer
from server.identity import Change, amend_confirmation, confirm
from server.periods import monday_of
from server.region_totals import read_region
from server.rollups.blocks import Subject as Whole
from server.rollups.blocks import read_union
from server.rollups.calendar import Grain
from server.rollups.job import roll_up
from server.schema.identity import store
from server.schema.rollups import rollup, standing
from server.standings import Subject, standings
from server.suppression import Suppressed
from tests.unit.server.rollup_cells import open_shop
from tests.unit.server.rollup_shops import NOW, SPRING, standing_figures, week_of_cells

A_WEEK = timedelta(days=7)


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
        change = Change(connection, shop.org_id, "Ada", NOW)
        amend_confirmation(change, shop.store_id, None, "moved")
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


def test_what_cannot_be_made_anew_is_never_deleted(either: Engine) -> None:
    """Daily roll-ups live five years, their cells 13 months: nobody's confirmation ends them."""
    rng, monday = random.Random(9), monday_of(SPRING)  # noqa: S311 invented, not secret
    with writer(either).begin() as connection:
        shop = open_shop(connection, confirmed_at=datetime(2024, 1, 1, tzinfo=UTC))
        week_of_cells(connection, rng, shop, monday)
    roll_up(either, NOW)
    old = monday - 104 * A_WEEK
    week = shop.time.week_of(old)
    subject = Subject(shop.org_id, shop.store_id, "")
    with writer(either).begin() as connection:
        mine = rollup.c.grain == Grain.WEEK.value
        for row in connection.execute(select(rollup).where(mine)).mappings().all():
            times = {"start_at": week.start, "end_at": week.end}
            connection.execute(insert(rollup).values({**row, **times}))
        for row in connection.execute(select(standing)).mappings().all():
            connection.execute(insert(standing).values({**row, "week": old}))
        connection.execute(update(store).values(confirmed_at=week.start))

    def visits() -> tuple[int, int]:
        with either.connect() as connection:
            rulings = rulings_of(connection, shop.org_id, shop.store_id)
            whole = Whole(shop.org_id, shop.store_id, shop.points, shop.time, rulings)
            found = read_union(connection, whole, week)
            (weeks,) = standings(connection, [subject], old, old)
        return 0 if isinstance(found, Suppressed) else found.sums.visits, len(weeks.weeks)

    before = visits()
    assert min(before) > 0
    later = NOW - timedelta(days=30)
    for at, seen in ((later, (0, 0)), (None, before), (week.start, before)):
        with writer(either).begin() as connection:
            change = Change(connection, shop.org_id, "Ada", NOW)
            amend_confirmation(change, shop.store_id, at, "sure")
        while roll_up(either, NOW):
            pass
        assert visits() == seen, at
