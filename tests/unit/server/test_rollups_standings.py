"""What stands of a week of a store and of the regions above it."""

import random
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlalchemy import Engine, insert, update

from server.database import writer
from server.figures import Expectations, PointFigures, point_figures
from server.periods import monday_of
from server.rollups.blocks import read_union
from server.rollups.calendar import Grain
from server.rollups.job import roll_up
from server.rollups.regions import label_of
from server.rollups.writing import read_rollups
from server.rollups_due import mark_due
from server.schema.cells import amendment
from server.schema.identity import store
from server.suppression import Suppressed
from tests.unit.server.rollup_cells import open_shop
from tests.unit.server.rollup_shops import (
    AUTUMN,
    NOW,
    SPRING,
    standing_figures,
    subject,
    week_of_cells,
)


def test_a_store_on_trial_stands_in_no_region_until_it_is_confirmed(shared: Engine) -> None:
    rng = random.Random(6)  # noqa: S311 invented, not secret
    monday = monday_of(SPRING)
    with writer(shared).begin() as connection:
        shop = open_shop(connection)
        visits = week_of_cells(connection, rng, shop, monday)
    roll_up(shared, NOW)
    above = (shop.region_id, shop.org_id)
    assert [standing_figures(shared, shop.org_id, one) for one in (shop.store_id, *above)] == [
        {}
    ] * 3
    mine = (store.c.org_id == shop.org_id) & (store.c.store_id == shop.store_id)
    confirmed = shop.time.begins(monday)
    with writer(shared).begin() as connection:
        connection.execute(update(store).where(mine).values(confirmed_at=confirmed))
        mark_due(connection, shop.org_id, shop.points, None, shop.time, now=NOW)
    roll_up(shared, NOW)
    for one in (shop.store_id, *above):
        figures = standing_figures(shared, shop.org_id, one)
        assert figures["visits"] == visits
        assert {"served_within", "left_unserved"} <= set(figures)
    with shared.connect() as connection:
        (region_week,) = read_rollups(
            connection, shop.org_id, [shop.region_id], [Grain.WEEK], label_of(monday)
        )
        (store_week,) = read_rollups(
            connection, shop.org_id, [shop.store_id], [Grain.WEEK], shop.time.week_of(monday)
        )
    assert region_week.union == store_week.union.without_points()
    later = shop.time.begins(monday + timedelta(days=2))
    with writer(shared).begin() as connection:
        connection.execute(update(store).where(mine).values(confirmed_at=later))
        mark_due(connection, shop.org_id, shop.points, None, shop.time, now=NOW)
    roll_up(shared, NOW)
    assert 0 < (standing_figures(shared, shop.org_id, shop.region_id)["visits"] or 0) < visits
    with writer(shared).begin() as connection:
        connection.execute(update(store).where(mine).values(confirmed_at=None))
        mark_due(connection, shop.org_id, shop.points, None, shop.time, now=NOW)
    roll_up(shared, NOW)
    assert [standing_figures(shared, shop.org_id, one) for one in (shop.store_id, *above)] == [
        {}
    ] * 3


def test_standing_figures_are_those_that_may_be_shown(shared: Engine) -> None:
    rng = random.Random(8)  # noqa: S311 invented, not secret
    monday = monday_of(AUTUMN)
    with writer(shared).begin() as connection:
        shop = open_shop(connection, 1, confirmed_at=datetime(2026, 1, 1, tzinfo=UTC))
        week_of_cells(connection, rng, shop, monday)
    roll_up(shared, NOW)
    with shared.connect() as connection:
        of = subject(connection, shop)
        union = read_union(connection, of, shop.time.week_of(monday))
    figures = point_figures(union, Expectations())
    assert isinstance(figures, PointFigures)
    kept = standing_figures(shared, shop.org_id, shop.store_id)
    for name in ("served_within", "greeted_within", "left_unserved", "flawless"):
        one = getattr(figures, name)
        assert kept.get(name) == (None if isinstance(one, Suppressed) else one.value)


def test_a_voided_week_leaves_the_region_and_comes_back(shared: Engine) -> None:
    rng = random.Random(9)  # noqa: S311 invented, not secret
    monday = monday_of(SPRING)
    with writer(shared).begin() as connection:
        shop = open_shop(connection, 2, confirmed_at=datetime(2026, 1, 1, tzinfo=UTC))
        visits = week_of_cells(connection, rng, shop, monday)
    roll_up(shared, NOW)
    week = shop.time.week_of(monday)
    row: dict[str, object] = {"org_id": shop.org_id, "store_id": shop.store_id}
    row |= {"amendment_id": uuid4(), "kind": "void", "reason": "wrong zone"}
    row |= {"start_at": week.start, "end_at": week.end}
    with writer(shared).begin() as connection:
        connection.execute(insert(amendment).values(row | {"made_by": "a", "made_at": NOW}))
        mark_due(connection, shop.org_id, shop.points, week, shop.time, now=NOW)
    roll_up(shared, NOW)
    assert standing_figures(shared, shop.org_id, shop.region_id) == {}
    with writer(shared).begin() as connection:
        here = amendment.c.org_id == shop.org_id
        connection.execute(update(amendment).where(here).values(withdrawn_at=NOW))
        mark_due(connection, shop.org_id, shop.points, week, shop.time, now=NOW)
    roll_up(shared, NOW)
    assert standing_figures(shared, shop.org_id, shop.region_id)["visits"] == visits
