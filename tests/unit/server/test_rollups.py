"""Roll-ups: whatever was rolled up and what is due, an answer is the union of the whole cells."""

import random
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, delete, insert, update

from server.database import writer
from server.figures import Expectations, point_figures
from server.periods import Period, StoreTime
from server.released_cell import ReleasedCell
from server.rollups.blocks import Subject, read_union, unions_of
from server.rollups.calendar import Grain, hour_of, plan
from server.rollups.job import roll_up
from server.rollups.writing import read_rollups
from server.rollups_due import mark_days, mark_due
from server.schema.cells import amendment, cell
from server.schema.identity import store
from server.suppression import PointRef, Released, Suppressed, Within, read_released, standing_cells
from server.unions import Union, merged_unions
from tests.unit.server.rollup_cells import BERLIN, QUARTER, Shop, fill, open_shop, random_cell
from tests.unit.server.rollup_shops import AUTUMN, NOW, SPRING, random_period, stock, subject


def from_cells(connection: Connection, of: Subject, period: Period) -> Union | Suppressed:
    """What `read_union` must be equal to."""
    whole = Within.whole(period)
    cells = standing_cells(connection, of.org_id, of.rulings, of.points, whole)
    unions = unions_of(connection, of.org_id, cells)
    return merged_unions(unions) if unions else Suppressed()


def amend(connection: Connection, rng: random.Random, shop: Shop, around: date) -> None:
    """Void or relabel some time, as `server.amending` writes it, and mark what changes."""
    period = random_period(rng, shop, around)
    kind = rng.choice(["void", "relabel"])
    one, other = rng.sample(shop.points, 2)
    to = other if kind == "relabel" else None
    row: dict[str, object] = {"kind": kind, "point_id": one, "to_point_id": to}
    row |= {"start_at": period.start, "end_at": period.end, "reason": "r", "made_by": "m"}
    key = {"org_id": shop.org_id, "store_id": shop.store_id, "amendment_id": uuid4()}
    connection.execute(insert(amendment).values(key | row | {"made_at": NOW}))
    mark_due(connection, shop.org_id, shop.points, period, shop.time, now=NOW)


def swap(
    connection: Connection, rng: random.Random, shop: Shop, cells: Collection[ReleasedCell]
) -> None:
    """Put other cells in the place of some, and mark their days."""
    for one in cells:
        here = (cell.c.org_id == shop.org_id) & (cell.c.cell_id == one.cell_id)
        connection.execute(delete(cell).where(here))
        fill(connection, shop.org_id, [random_cell(rng, one.point_id, one.period)])
        day = shop.time.trading_day(one.period.start)
        mark_days(connection, shop.org_id, [(one.point_id, day)], NOW)


@given(
    seed=st.integers(0, 2**32),
    around=st.sampled_from([SPRING, AUTUMN]),
    day_starts=st.sampled_from(["04:00", "02:30", "00:00"]),
)
@settings(max_examples=5, deadline=None, phases=(Phase.explicit, Phase.generate))
def test_any_period_from_blocks_is_the_union_of_its_whole_cells(
    shared: Engine, seed: int, around: date, day_starts: str
) -> None:
    rng = random.Random(seed)  # noqa: S311 invented, not secret
    with writer(shared).begin() as connection:
        shop = open_shop(connection, 2, day_starts)
        cells = stock(connection, rng, shop, around)
    roll_up(shared, NOW)
    with writer(shared).begin() as connection:
        if rng.random() < 0.5:  # something came, or was decided, since then
            amend(connection, rng, shop, around)
        swap(connection, rng, shop, rng.sample(cells, 2))
    for done in (False, True):
        if done:
            roll_up(shared, NOW)
        with shared.connect() as connection:
            for of in [subject(connection, shop), subject(connection, shop, shop.points[0])]:
                for _ in range(6):
                    period = random_period(rng, shop, around)
                    assert read_union(connection, of, period) == from_cells(connection, of, period)


@pytest.mark.parametrize("seed", range(2))
def test_blocks_on_both_engines(either: Engine, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 invented, not secret
    with writer(either).begin() as connection:
        shop = open_shop(connection)
        stock(connection, rng, shop, AUTUMN)
    assert roll_up(either, NOW) > 0
    assert roll_up(either, NOW) == 0
    with either.connect() as connection:
        for _ in range(5):
            of, period = subject(connection, shop), random_period(rng, shop, AUTUMN)
            found = read_union(connection, of, period)
            assert found == from_cells(connection, of, period)
            assert isinstance(found, Suppressed) or found.seen
    with either.connect() as connection:
        (only,) = shop.points[:1]
        whole = Period(datetime(2026, 1, 1, tzinfo=UTC), NOW)
        released = read_released(connection, PointRef(shop.org_id, only), whole)
        assert isinstance(released, Released)
        union = read_union(connection, subject(connection, shop, only), whole)
        assert point_figures(union, Expectations()) == point_figures(released, Expectations())


def test_thirteen_months_come_from_a_few_dozen_rows() -> None:
    always = StoreTime(BERLIN, time(4), {}, frozenset())
    asked = always.days(date(2025, 11, 3), date(2026, 11, 29))
    chosen = plan(always, asked, [])
    weeks = sum(round(one.length_s / 86_400 / 7) for one in chosen.weeks)
    assert (weeks, chosen.days, chosen.pieces) == (56, (), ())
    edge = Period(asked.start + QUARTER, asked.end + QUARTER)
    ragged = plan(always, edge, [date(2026, 3, 4)])
    days = sum(round(one.length_s / 86_400) for one in ragged.days)
    assert (len(ragged.pieces), days) == (3, 6 + 6)
    total_s = sum(one.length_s for one in (*ragged.weeks, *ragged.days, *ragged.pieces))
    assert total_s == edge.length_s


@given(minutes=st.integers(0, 2 * 366 * 24 * 60), starts=st.sampled_from(["02:30", "04:00"]))
def test_every_instant_lies_in_its_trading_day_and_hour(minutes: int, starts: str) -> None:
    at = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    for zone in ("Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu"):
        of = StoreTime(ZoneInfo(zone), time.fromisoformat(starts), {}, frozenset())
        day = of.day_of(of.trading_day(at))
        assert day.start <= at < day.end
        hour = hour_of(of, at)
        assert hour.start <= at < hour.end


def test_grains_hold_the_cells_that_fit(shared: Engine) -> None:
    rng = random.Random(3)  # noqa: S311 invented, not secret
    with writer(shared).begin() as connection:
        shop = open_shop(connection, 1)
        (counter,) = shop.points
        start = shop.time.begins(AUTUMN - timedelta(days=6))
        spans = [(0, 2), (2, 3), (3, 5), (20, 26), (95, 97)]  # quarters after the day began
        at = [Period(start + QUARTER * one, start + QUARTER * other) for one, other in spans]
        fill(connection, shop.org_id, [random_cell(rng, counter, period) for period in at])
        mark_due(connection, shop.org_id, shop.points, None, shop.time, now=NOW)
    roll_up(shared, NOW)
    with shared.connect() as connection:
        made = read_rollups(
            connection,
            shop.org_id,
            shop.points,
            list(Grain),
            Period(start, start + 7 * 96 * QUARTER),
        )
    found = {
        (one.grain, (one.period.start - start) // QUARTER, one.union.sums.cells) for one in made
    }
    assert found == {
        (Grain.HOUR, 0, 2),
        (Grain.DAY, 0, 4),
        (Grain.WEEK, 0, 5),
        (Grain.SPAN, 95, 1),
    }


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "America/New_York"])
def test_after_a_change_of_zone_nothing_counts_twice(shared: Engine, zone: str) -> None:
    rng = random.Random(15)  # noqa: S311 invented, not secret
    with writer(shared).begin() as connection:
        shop = open_shop(connection, 2)
        starts = [shop.time.begins(SPRING + timedelta(days=2 * day)) for day in range(12)]
        at = [
            Period(start + hour * 4 * QUARTER, start + (hour + 1) * 4 * QUARTER)
            for start in starts
            for hour in (0, 1, 2, 21, 22, 23)
        ]
        for one in shop.points:
            fill(connection, shop.org_id, [random_cell(rng, one, period) for period in at])
        mark_due(connection, shop.org_id, shop.points, None, shop.time, now=NOW)
    roll_up(shared, NOW)
    moved = replace(shop, time=replace(shop.time, zone=ZoneInfo(zone)))
    with writer(shared).begin() as connection:
        mine = (store.c.org_id == shop.org_id) & (store.c.store_id == shop.store_id)
        connection.execute(update(store).where(mine).values(timezone=zone))
        mark_due(connection, shop.org_id, shop.points, None, moved.time, now=NOW)
    roll_up(shared, NOW)
    with shared.connect() as connection:
        for of in (subject(connection, moved), subject(connection, moved, shop.points[0])):
            for _ in range(20):
                period = random_period(rng, moved, SPRING + timedelta(days=12))
                assert read_union(connection, of, period) == from_cells(connection, of, period)
