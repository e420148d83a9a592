"""Periods: trading days of 23 and 25 hours, opening hours, arithmetic of intervals."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_cfg.section import WEEKDAYS
from server.errors import PeriodError
from server.periods import Period, StoreTime, intersect, subtract, union
from server.web.choices import Choice, choose
from server.web.words import Words

BERLIN = StoreTime(
    ZoneInfo("Europe/Berlin"), time(4), {"sun": ("22:00-02:00",)}, frozenset({date(2026, 11, 1)})
)
START = datetime(2026, 11, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "hours"),
    [(date(2026, 3, 28), 23), (date(2026, 10, 24), 25), (date(2026, 6, 1), 24)],
)
def test_days_have_23_to_25_hours(day: date, hours: int) -> None:
    assert BERLIN.days(day, day).length_s == hours * 3600


def test_the_small_hours_belong_to_the_day_before() -> None:
    assert BERLIN.trading_day(datetime(2026, 11, 16, 2, 30, tzinfo=UTC)) == date(2026, 11, 15)


def test_opening_reaches_past_midnight_and_skips_closed_days() -> None:
    november = BERLIN.days(date(2026, 11, 1), date(2026, 11, 15))
    spans = BERLIN.open_times(november)
    assert [BERLIN.local(one.start).date() for one in spans] == [
        date(2026, 11, 8),
        date(2026, 11, 15),
    ]
    assert all(one.length_s == 4 * 3600 for one in spans)


def test_the_last_seven_days_are_whole_days() -> None:
    chosen = choose(BERLIN, START, Choice.LAST_7_DAYS, None, None)
    assert (chosen.last - chosen.first).days == 6
    assert chosen.period.end <= START + timedelta(hours=4)


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (None, date(2026, 1, 1)),
        (date(2026, 2, 1), date(2026, 1, 1)),
        (date(1990, 1, 1), date(2026, 1, 1)),
    ],
)
def test_a_range_that_makes_no_sense_is_refused(first: date | None, last: date) -> None:
    with pytest.raises(PeriodError):
        choose(BERLIN, START, Choice.RANGE, first, last)


def test_nights_are_no_gaps() -> None:
    hours: dict[str, tuple[str, ...]] = dict.fromkeys(WEEKDAYS, ("09:00-19:00",))
    shop = StoreTime(ZoneInfo("Asia/Shanghai"), time(4), hours, frozenset())
    days = [date(2026, 11, 16 + index) for index in range(5)]
    covered = shop.open_times(shop.days(days[0], days[-1]))
    whole = "16 November 09:00 – 20 November 19:00"
    words = Words("en")
    assert words.spans(covered, shop, dated=True) == f"{whole}, opening hours"
    del covered[2]
    assert words.spans(covered, shop, dated=True) == f"{whole}, with 1 gap in opening hours"


def minutes(pairs: list[tuple[int, int]]) -> list[Period]:
    return [
        Period(START + timedelta(minutes=a), START + timedelta(minutes=a + b)) for a, b in pairs
    ]


spans = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)), max_size=6).map(minutes)


def members(periods: list[Period]) -> set[int]:
    return {
        minute
        for minute in range(90)
        if any(p.start <= START + timedelta(minutes=minute) < p.end for p in periods)
    }


@given(spans, spans)
def test_interval_arithmetic_is_set_arithmetic(some: list[Period], others: list[Period]) -> None:
    assert members(union([*some, *others])) == members(some) | members(others)
    assert members(intersect(some, others)) == members(some) & members(others)
    assert members(subtract(some, others)) == members(some) - members(others)
