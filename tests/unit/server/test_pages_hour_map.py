"""Hours and weekdays: each field as wide as what was released, never finer."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from random import Random
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.figures import Expectations, PointFigures, point_figures
from server.periods import Period, StoreTime
from server.released_cell import ReleasedCell
from server.suppression import Suppressed
from server.unions import union_of_cells
from server.web.hour_map import HOUR, HourMap, hour_map
from server.web.sparklines import HEIGHT, WIDTH, Scale, drawing
from server.web.standings import Figure
from tests.unit.server.rollup_cells import MADE_WITH, random_cell

BERLIN = ZoneInfo("Europe/Berlin")
OPEN: dict[str, tuple[str, ...]] = dict.fromkeys(
    ("mon", "tue", "wed", "thu", "fri"), ("09:00-12:00", "13:00-18:00")
)
TIME = StoreTime(BERLIN, time(4), OPEN, frozenset())
MONDAY = datetime(2026, 11, 16, tzinfo=BERLIN)
WEEK = Period(MONDAY + timedelta(hours=4), MONDAY + timedelta(days=7, hours=4))
WANTED = Expectations()
HALF_HOUR = timedelta(minutes=30)


def cell(day: int, start: float, end: float) -> ReleasedCell:
    begins = MONDAY + timedelta(days=day)
    period = Period(
        (begins + timedelta(hours=start)).astimezone(UTC),
        (begins + timedelta(hours=end)).astimezone(UTC),
    )
    return random_cell(Random(f"{day} {start}"), uuid4(), period)  # noqa: S311 not secret


def drawn(*cells: ReleasedCell, period: Period = WEEK) -> HourMap:
    found = hour_map(cells, TIME, period, WANTED)
    assert found is not None
    return found


def spans(of: HourMap, weekday: int) -> list[tuple[str, str, bool, bool]]:
    """From, to, whether something stands there, whether it is open."""
    return [
        (of.clock(one.begins), of.clock(one.ends), one.visits is not None, one.is_open)
        for day, slots in of.rows
        if day == weekday
        for one in slots
    ]


def test_a_joined_cell_is_one_field_over_its_whole_period() -> None:
    found = drawn(cell(0, 9, 9.5), cell(0, 9.5, 12), cell(1, 13, 18))
    assert spans(found, 0) == [
        ("09:00", "09:30", True, True),
        ("09:30", "12:00", True, True),
        ("12:00", "13:00", False, False),
        ("13:00", "18:00", False, True),
    ]
    (first, second) = [one.columns for _, slots in found.rows[:1] for one in slots[:2]]
    assert (found.unit, first, second) == (30, 1, 5)


def test_a_fields_share_is_that_of_all_figures_of_its_cells() -> None:
    """The map works out one figure alone: it may be shown where all of them say so, as they do."""
    shown = 0
    for hour in range(9, 17):
        for length in (0.5, 1):
            cells = [cell(day, hour, hour + length) for day in (0, -7, -14)]
            figures = point_figures(union_of_cells(cells), WANTED)
            assert isinstance(figures, PointFigures)
            found = drawn(*cells, period=Period(WEEK.start - timedelta(days=14), WEEK.end))
            (field,) = [one for _, slots in found.rows for one in slots if one.visits is not None]
            hidden = isinstance(field.served, Suppressed)
            assert hidden == isinstance(figures.served_within, Suppressed)
            assert hidden or field.served == figures.served_within
            shown += not hidden
    assert shown >= 4


def test_cells_of_several_weeks_that_meet_are_one_union() -> None:
    period = Period(WEEK.start - timedelta(days=7), WEEK.end)
    early, late, wide = cell(0, 9, 10), cell(0, 10, 11), cell(-7, 9, 11)
    found = drawn(early, late, wide, period=period)
    first = found.rows[0][1][0]
    assert (found.clock(first.begins), found.clock(first.ends)) == ("09:00", "11:00")
    assert first.visits == early.visits + late.visits + wide.visits


def test_what_spans_days_is_said_and_not_drawn() -> None:
    found = drawn(cell(0, 9, 12), cell(1, 9, 9 + 48))
    assert found.apart == 1
    assert all(not there for _, _, there, _ in spans(found, 1))
    assert hour_map([cell(1, 9, 9 + 48)], TIME, WEEK, WANTED) is None


def test_a_cell_that_ends_in_the_hour_that_comes_twice_is_as_wide_as_it_lasted() -> None:
    sunday = datetime(2026, 10, 25, tzinfo=UTC)
    period = Period(sunday - timedelta(days=6), sunday + timedelta(days=1))
    always = StoreTime(BERLIN, time(4), {}, frozenset())
    halves = [
        random_cell(
            Random(number),  # noqa: S311 not secret
            uuid4(),
            Period(sunday + number * HALF_HOUR, sunday + (number + 1) * HALF_HOUR),
        )
        for number in (1, 2)
    ]
    found = hour_map(halves, always, period, WANTED)
    assert found is not None
    assert found.unit == 30  # 02:30 to 03:00, which is 02:00 again: half an hour
    assert [
        (found.clock(one.begins), found.clock(one.ends), one.visits)
        for _, slots in found.rows
        for one in slots
        if one.visits is not None
    ] == [
        ("02:00", "02:30", halves[1].visits),
        ("02:30", "03:00", halves[0].visits),
    ]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-14, 6), st.integers(36, 70), st.integers(1, 12)), max_size=12)
)
def test_every_row_is_whole_and_every_cell_lies_inside_one_field(
    placed: list[tuple[int, int, int]],
) -> None:
    cells = [cell(day, start / 4, (start + long) / 4) for day, start, long in placed]
    period = Period(WEEK.start - timedelta(days=14), WEEK.end)
    found = hour_map(cells, TIME, period, WANTED)
    if found is None:
        assert not cells
        return
    width = sum(columns for _, columns in found.hours)
    for _, slots in found.rows:
        assert sum(one.columns for one in slots) == width
        assert all(a.ends == b.begins for a, b in pairwise(slots))
    visits = sum(one.visits or 0 for _, slots in found.rows for one in slots)
    assert visits == sum(one.visits for one in cells)
    for day, start, long in placed:
        fields = [
            one
            for weekday, slots in found.rows
            if weekday == day % 7
            for one in slots
            if one.visits is not None
            and one.begins <= start * 15 - 4 * HOUR
            and (start + long) * 15 - 4 * HOUR <= one.ends
        ]
        assert len(fields) == 1


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_a_trend_stays_inside_its_box(value: float) -> None:
    one = Figure(value, max(0.0, value - 0.2), min(1.0, value + 0.2), 50, None)
    scale = Scale.over([one])
    found = drawing([one, one, None, one, None, None, one, one], scale)
    assert (len(found.lines), len(found.bands), len(found.dots)) == (2, 2, 2)
    points = [pair.split(",") for line in (*found.lines, *found.bands) for pair in line.split()]
    assert all(0 <= float(x) <= WIDTH and 0 <= float(y) <= HEIGHT for x, y in points)


def test_a_trend_is_cut_where_the_question_changes() -> None:
    old, new = (Figure(0.5, 0.4, 0.6, 50, limit_s) for limit_s in (180.0, 120.0))
    found = drawing([old, old, None, old, new, new, new, new], Scale(0.0, 1.0))
    assert (len(found.lines), len(found.bands)) == (2, 2)
    last_of_old, first_of_new = found.dots[0][0], float(found.lines[1].split(",")[0])
    ((at, week),) = found.cuts
    assert week == 4
    assert last_of_old < at < first_of_new
    assert drawing([old] * 8, Scale(0.0, 1.0)).cuts == ()


def test_a_field_is_marked_where_cells_are_not_strictly_comparable() -> None:
    same = MADE_WITH[0]
    other = replace(same, expectations_hash="x")
    old = [replace(cell(day, 9, 10), comparability=same) for day in (-7, 0, 1)]
    new = [replace(cell(day, 9, 10), comparability=other) for day in (2, 3)]
    period = Period(WEEK.start - timedelta(days=7), WEEK.end)
    point = uuid4()
    cells = [replace(one, point_id=point) for one in (*old, *new)]
    found = drawn(*cells, period=period)
    assert [one.at for one in found.cuts] == [new[0].period.start]
    marked = [day for day, slots in found.rows for one in slots if one.is_cut]
    assert marked == [2]
    mixed = drawn(*cells, replace(cells[0], period=shifted(cells[3], -7)), period=period)
    assert [day for day, slots in mixed.rows for one in slots if one.is_cut] == [2]


def shifted(one: ReleasedCell, days: int) -> Period:
    by = timedelta(days=days)
    return Period(one.period.start + by, one.period.end + by)
