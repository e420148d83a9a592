"""What is kept how long, on both engines."""

import random
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import Engine, Table, func, insert, inspect, select, text

from server.amending import rulings_of
from server.database import writer
from server.periods import Period
from server.retention import CELLS, retain
from server.rollups.blocks import Subject, read_union
from server.rollups.job import roll_up
from server.rollups_due import COUNTED_FOR, mark_due
from server.schema.access import access_log, api_token, one_time_link, session
from server.schema.cells import cell
from server.schema.messages import AsideReason, MessageStatus, aside, message, progress, raw_message
from server.schema.rollups import rollup
from server.unions import Union
from tests.unit.server.rollup_cells import QUARTER, Shop, fill, fill_windows, open_shop, random_cell

ORG = uuid4()
NOW = datetime.now(UTC).replace(microsecond=0)
"""Parts are made by the database's clock."""
KEY = {"org_id": ORG, "device": "kiosk-1", "epoch": "a" * 16}


def put(engine: Engine, table: Table, *rows: Mapping[str, object]) -> None:
    with writer(engine).begin() as connection:
        connection.execute(insert(table), [dict(row) for row in rows])


def count(engine: Engine, table: Table) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def test_settled_keys_go_after_40_days_if_nothing_of_them_is_aside(either: Engine) -> None:
    ages = {1: 50, 2: 41, 3: 39, 4: 50, 5: 50, 7: 50}
    rows = [
        KEY
        | {"sequence": number, "sha256": "0" * 64, "status": MessageStatus.STORED.value}
        | {"received_at": NOW - timedelta(days=days)}
        for number, days in ages.items()
    ]
    for number in (3, 4):
        rows[number]["status"] = MessageStatus.ASIDE.value
    put(either, message, *rows)
    still_aside = KEY | {"sequence": 4, "sha256": "0" * 64, "detail": "", "payload": b"x"}
    still_aside |= {"aside_id": uuid4(), "reason": AsideReason.UNKNOWN_DEVICE.value}
    put(either, aside, still_aside | {"kept_at": NOW - timedelta(days=50)})
    put(either, progress, KEY | {"up_to": 5, "sha256": "0" * 64, "changed_at": NOW})
    assert retain(either, NOW).gone == {"message": 3}
    with either.connect() as connection:
        left = connection.execute(select(message.c.sequence).order_by(message.c.sequence))
        assert left.scalars().all() == [3, 4, 7]


def test_raw_messages_stay_for_a_week(either: Engine) -> None:
    days = [NOW.date() - timedelta(days=age) for age in (0, 6, 7, 8, 20)]
    put(
        either,
        raw_message,
        *(KEY | {"received_on": day, "sequence": n, "payload": b"x"} for n, day in enumerate(days)),
    )
    assert retain(either, NOW).gone["raw_message"] >= 1
    with either.connect() as connection:
        kept = connection.execute(select(raw_message.c.received_on)).scalars().all()
    assert set(kept) == set(days[:3])


def test_what_nobody_can_read_stays_30_days_and_the_rest_as_long_as_cells(either: Engine) -> None:
    ages = [(AsideReason.MALFORMED, 29), (AsideReason.MALFORMED, 31)]
    ages += [(AsideReason.UNKNOWN_DEVICE, 31), (AsideReason.UNKNOWN_DEVICE, 400)]
    common = {"org_id": ORG, "device": "kiosk-1", "sha256": "0" * 64, "detail": "", "payload": b"x"}
    rows = [
        {"aside_id": uuid4(), "reason": reason.value, "kept_at": NOW - timedelta(days=days)}
        for reason, days in ages
    ]
    put(either, aside, *(common | row for row in rows))
    assert retain(either, NOW).gone == {"aside": 2}
    with either.connect() as connection:
        kept = set(connection.execute(select(aside.c.aside_id)).scalars())
    assert kept == {rows[0]["aside_id"], rows[2]["aside_id"]}


def test_the_log_stays_for_a_year_and_what_ended_goes(either: Engine) -> None:
    entry = {"org_id": ORG, "account": "a", "way": "web", "operation": "o", "subject": "s"}
    put(
        either,
        access_log,
        *(
            entry | {"entry_id": uuid4(), "status": 200, "at": NOW - timedelta(days=days)}
            for days in (365, 367, 500)
        ),
    )
    account = {"account_id": uuid4()}
    put(
        either,
        session,
        *(
            account | {"sha256": name * 64, "made_at": NOW, "seen_at": NOW, "ends_at": ends}
            for name, ends in (("a", NOW - timedelta(1)), ("b", NOW + timedelta(1)))
        ),
    )
    put(either, one_time_link, {"sha256": "c" * 64, "ends_at": NOW - timedelta(days=31)})
    token = account | {"label": "t", "role": "auditor", "made_at": NOW}
    put(
        either,
        api_token,
        *(
            token
            | {"token_id": uuid4(), "sha256": name * 64, "ends_at": NOW + timedelta(days=days)}
            for name, days in (("d", 9), ("e", -31))
        ),
    )
    retain(either, NOW)
    tables = (access_log, session, one_time_link, api_token)
    assert [count(either, one) for one in tables] == [1, 1, 0, 1]


def stocked(engine: Engine, days: list[date]) -> tuple[Shop, int]:
    """A store with a cell on each of these days; how many visits it had."""
    rng = random.Random(1)  # noqa: S311 invented, not secret
    with writer(engine).begin() as connection:
        shop = open_shop(connection, 1)
        starts = [shop.time.begins(day) + 20 * QUARTER for day in days]
        at = [Period(start, start + 2 * QUARTER) for start in starts]
        cells = [random_cell(rng, shop.points[0], period) for period in at]
        fill(connection, shop.org_id, cells)
        for one in cells:
            start = one.period.start
            fill_windows(connection, shop.org_id, one.device, start, start + 4 * QUARTER)
        mark_due(connection, shop.org_id, shop.points, None, shop.time, now=NOW)
    return shop, sum(one.visits for one in cells)


def read(engine: Engine, shop: Shop, period: Period) -> Union:
    with engine.connect() as connection:
        rulings = rulings_of(connection, shop.org_id, shop.store_id)
        of = Subject(shop.org_id, shop.store_id, shop.points, shop.time, rulings)
        found = read_union(connection, of, period)
    assert isinstance(found, Union)
    return found


def test_days_and_weeks_outlive_the_cells_that_they_were_made_of(either: Engine) -> None:
    ages = [430, 420, 419, 380, 30, 3]
    days = sorted(NOW.date() - timedelta(days=age) for age in ages)
    shop, visits = stocked(either, days)
    made_then = NOW - timedelta(days=100)
    assert roll_up(either, made_then) == len(days)
    whole = shop.time.days(days[0], days[0] + timedelta(days=400))
    everything = Period(whole.start, NOW)
    before = read(either, shop, everything)
    assert before.sums.visits == visits
    gone = retain(either, NOW).gone
    assert {"cell", "window", "rollup_hour"} <= set(gone)
    with either.connect() as connection:
        oldest = connection.execute(select(func.min(cell.c.start_at))).scalar_one()
        grains = connection.execute(select(rollup.c.grain, func.count()).group_by(rollup.c.grain))
        by_grain: dict[str, int] = {row[0]: row[1] for row in grains}
    assert oldest.replace(tzinfo=UTC) >= NOW - CELLS
    assert by_grain["hour"] == 3
    assert by_grain["day"] == 2 * len(days)
    assert read(either, shop, everything) == before
    with writer(either).begin() as connection:
        mark_due(connection, shop.org_id, shop.points, None, shop.time, now=NOW)
    roll_up(either, NOW)
    assert read(either, shop, everything) == before


def test_cells_go_after_the_job_stops_counting_them() -> None:
    assert timedelta(days=2) <= CELLS - COUNTED_FOR


@pytest.mark.parametrize("either", ["postgresql"], indirect=True)
def test_whole_parts_are_dropped(either: Engine) -> None:
    with writer(either).begin() as connection:
        connection.execute(
            text(
                "CREATE TABLE cell_202401 PARTITION OF cell "
                "FOR VALUES FROM ('2024-01-01 00:00:00+00') TO ('2024-02-01 00:00:00+00')"
            )
        )
    stocked(either, [date(2024, 1, 9)])
    assert retain(either, NOW).gone == {"cell": 1, "window": 1}
    assert "cell_202401" not in inspect(either).get_table_names()
    assert count(either, cell) == 0


def test_what_is_let_go_is_not_made_again(either: Engine) -> None:
    first = retain(either, NOW)
    assert (first.total, first.parts_made) == (0, 0)
