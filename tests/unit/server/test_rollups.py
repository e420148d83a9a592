"""Roll-ups: whatever was rolled up and what is due, an answer is the union of the whole cells."""

import random
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from threading import Event
from time import monotonic, sleep
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from server.amending import rulings_of
from server.database import open_database, sqlite_url, writer
from server.figures import Expectations, PointFigures, point_figures
from server.periods import Period, StoreTime, monday_of
from server.released_cell import ReleasedCell
from server.rollups.blocks import Subject, read_union, unions_of
from server.rollups.calendar import Grain, hour_of, plan
from server.rollups.job import roll_up
from server.rollups.regions import label_of
from server.rollups.worker import RollupWorker
from server.rollups.writing import read_rollups
from server.rollups_due import COUNTED_FOR, mark_days, mark_due
from server.schema.cells import amendment, cell
from server.schema.identity import point, store
from server.schema.rollups import rollup, rollup_due, standing
from server.suppression import PointRef, Released, Suppressed, Within, read_released, standing_cells
from server.unions import Union, merged_unions
from tests.unit.server.rollup_cells import (
    BERLIN,
    QUARTER,
    Shop,
    fill,
    fill_windows,
    open_shop,
    periods,
    random_cell,
)

SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)
"""Days of 23 and of 25 hours in Berlin."""
NOW = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One database for many examples, each with an organisation of its own."""
    engine = open_database(sqlite_url(tmp_path_factory.mktemp("rollups") / "encounter.db"))
    yield engine
    engine.dispose()


def subject(connection: Connection, shop: Shop, point_id: UUID | None = None) -> Subject:
    rulings = rulings_of(connection, shop.org_id, shop.store_id)
    if point_id is not None:
        return Subject.point(PointRef(shop.org_id, point_id), shop.time, rulings)
    return Subject(shop.org_id, shop.store_id, shop.points, shop.time, rulings)


def from_cells(connection: Connection, of: Subject, period: Period) -> Union | Suppressed:
    """What `read_union` must be equal to."""
    whole = Within.whole(period)
    cells = standing_cells(connection, of.org_id, of.rulings, of.points, whole)
    unions = unions_of(connection, of.org_id, cells)
    return merged_unions(unions) if unions else Suppressed()


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
@settings(max_examples=8, deadline=None, phases=(Phase.explicit, Phase.generate))
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


@pytest.mark.parametrize("seed", range(3))
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
        assert {"served_within", "abandoned"} <= set(figures)
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
    for name in ("served_within", "greeted_within", "abandoned", "flawless"):
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


def due_count(engine: Engine, org_id: UUID) -> int:
    with engine.connect() as connection:
        query = select(func.count()).select_from(rollup_due).where(rollup_due.c.org_id == org_id)
        return connection.execute(query).scalar_one()


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
