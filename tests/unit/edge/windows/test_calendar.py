from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.windows.calendar import Period, StoreCalendar, Unit
from firmware_cfg.messages import Level
from firmware_cfg.store import Store

BERLIN = Store(timezone="Europe/Berlin")
HOURS = Store(
    timezone="Europe/Berlin",
    opening={"mon": ("09:00-12:00", "14:00-18:00"), "sat": ("22:00-02:00",)},
    closed=(date(2027, 3, 8),),
)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def period(start: str, end: str) -> Period:
    return Period(utc(start), utc(end))


def test_a_window_is_aligned_to_the_stores_clock_not_to_utc() -> None:
    kathmandu = StoreCalendar(Store(timezone="Asia/Kathmandu"), 3600)  # UTC+05:45
    window = kathmandu.window_at(utc("2027-03-01T10:20"))
    assert window == period("2027-03-01T10:15", "2027-03-01T11:15")


@pytest.mark.parametrize(
    ("day", "hours"), [("2027-03-27", 23), ("2027-06-01", 24), ("2027-10-30", 25)]
)
def test_a_trading_day_has_23_or_25_hours_where_the_clock_changes(day: str, hours: int) -> None:
    bounds = StoreCalendar(BERLIN, 1800).day_bounds(date.fromisoformat(day))
    assert bounds.length == timedelta(hours=hours)


def test_the_hour_before_day_starts_belongs_to_yesterday() -> None:
    calendar = StoreCalendar(BERLIN, 1800)
    assert calendar.trading_day(utc("2027-03-02T02:59")) == date(2027, 3, 1)  # 03:59 in Berlin
    assert calendar.trading_day(utc("2027-03-02T03:00")) == date(2027, 3, 2)


def test_a_repeated_hour_is_an_hour_of_its_own() -> None:
    calendar = StoreCalendar(BERLIN, 1800)
    first = calendar.enclosing(Level.HOUR, utc("2027-10-31T00:10"))
    again = calendar.enclosing(Level.HOUR, utc("2027-10-31T01:10"))
    assert (first, again) == (
        period("2027-10-31T00:00", "2027-10-31T01:00"),
        period("2027-10-31T01:00", "2027-10-31T02:00"),
    )


def test_half_an_hour_is_skipped_on_lord_howe() -> None:
    calendar = StoreCalendar(Store(timezone="Australia/Lord_Howe"), 3600)
    change = utc("2027-10-02T15:30")  # 02:00 becomes 02:30
    assert calendar.window_at(change) == Period(change, change + timedelta(minutes=30))


def test_a_week_belongs_to_the_month_of_its_thursday() -> None:
    calendar = StoreCalendar(Store(), 1800)
    april = calendar.enclosing(Level.MONTH, utc("2027-04-15T12:00"))
    assert april == period("2027-03-29T04:00", "2027-05-03T04:00")
    assert calendar.enclosing(Level.MONTH, utc("2027-03-29T05:00")) == april


def test_day_parts_divide_the_trading_day_and_cut_the_hour_they_fall_in() -> None:
    calendar = StoreCalendar(Store(day_parts=("11:30", "01:00")), 1800)
    parts = [calendar.enclosing(Level.DAY_PART, utc(f"2027-03-01T{h}")) for h in ("05:00", "12:00")]
    night = calendar.enclosing(Level.DAY_PART, utc("2027-03-02T02:00"))
    assert parts == [
        period("2027-03-01T04:00", "2027-03-01T11:30"),
        period("2027-03-01T11:30", "2027-03-02T01:00"),
    ]
    assert night == period("2027-03-02T01:00", "2027-03-02T04:00")
    cut = calendar.enclosing(Level.HOUR, utc("2027-03-01T11:10"))
    assert cut == period("2027-03-01T11:00", "2027-03-01T11:30")


def test_a_day_that_starts_off_the_grid_starts_with_its_window() -> None:
    calendar = StoreCalendar(Store(day_starts="04:07"), 1800)
    assert calendar.day_bounds(date(2027, 3, 1)).start == utc("2027-03-01T04:00")


def test_the_store_is_open_by_its_own_hours_over_midnight_and_not_on_closed_dates() -> None:
    calendar = StoreCalendar(HOURS, 1800)
    assert calendar.is_open(utc("2027-03-01T08:00"))
    assert not calendar.is_open(utc("2027-03-01T12:00"))
    assert calendar.is_open(utc("2027-03-07T00:30"))  # Sunday 01:30, Saturday's night
    assert not calendar.is_open(utc("2027-03-08T09:00"))  # a closed Monday
    assert not calendar.is_open(utc("2027-03-02T09:00"))  # Tuesday has no hours


def test_the_next_open_window_jumps_over_the_break_and_the_night() -> None:
    calendar = StoreCalendar(HOURS, 1800)
    lunch = calendar.next_open_window(utc("2027-03-01T11:00"))
    night = calendar.next_open_window(utc("2027-03-01T17:00"))
    assert lunch == period("2027-03-01T13:00", "2027-03-01T13:30")
    assert night == period("2027-03-06T21:00", "2027-03-06T21:30")


def test_a_store_that_never_opens_has_no_window() -> None:
    never = StoreCalendar(Store(opening={"mon": ()}), 1800)
    assert never.next_open_window(utc("2027-03-01T11:00")) is None


ZONES = st.sampled_from(
    [
        "UTC",
        "Asia/Shanghai",
        "Europe/Berlin",
        "America/New_York",
        "Asia/Kathmandu",
        "Australia/Lord_Howe",
        "America/St_Johns",
        "Africa/Casablanca",
    ]
)
INSTANTS = st.integers(0, 6 * 365 * 86400).map(
    lambda s: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=s)
)
STORES = st.builds(
    Store,
    timezone=ZONES,
    day_starts=st.sampled_from(["04:00", "00:00", "02:30", "05:10"]),
    day_parts=st.sampled_from([("11:00", "14:00", "17:00"), (), ("02:10", "12:20")]),
)


@given(STORES, st.sampled_from([900, 1800, 3600]), INSTANTS)
def test_units_nest_and_follow_one_another_without_a_gap(
    store: Store, window_s: int, at: datetime
) -> None:
    calendar = StoreCalendar(store, window_s)
    window = calendar.window_at(at)
    assert at in window
    assert calendar.window_at(window.end).start == window.end
    inside = window
    for unit in reversed(calendar.path(window)):
        assert unit.period.start <= inside.start
        assert inside.end <= unit.period.end
        following = calendar.enclosing(unit.level, unit.period.end)
        assert following.start == unit.period.end
        inside = unit.period


@given(STORES, st.sampled_from([900, 1800, 3600]), INSTANTS)
def test_every_window_of_a_unit_names_the_same_unit(
    store: Store, window_s: int, at: datetime
) -> None:
    calendar = StoreCalendar(store, window_s)
    day = calendar.enclosing(Level.DAY, at)
    paths = [calendar.path(window) for window in calendar.windows(day)]
    assert all(path[2] == Unit(Level.DAY, day) for path in paths)
    for level in (0, 1, 3):
        units = [path[level].period for path in paths]
        assert units == sorted(units)
