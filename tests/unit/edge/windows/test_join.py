import itertools
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.visits.values import Outcome
from edge.windows.calendar import Period, StoreCalendar
from edge.windows.join import JoinedCell, Joiner
from edge.windows.tally import Tally
from firmware_cfg.messages import Level
from firmware_cfg.store import Store

MONDAY = datetime(2027, 3, 1, 9, tzinfo=UTC)
DAYTIME = Store(
    opening=dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), ("09:00-21:00",))
)
K = 10


def tally(visits: int) -> Tally:
    return Tally(outcomes=Counter({Outcome.SERVED: visits}) if visits else Counter())


def windows(calendar: StoreCalendar, count: int, start: datetime = MONDAY) -> list[Period]:
    found: list[Period] = []
    at = start
    while len(found) < count:
        window = calendar.next_open_window(at)
        assert window is not None
        found.append(window)
        at = window.end
    return found


def online(
    visits: list[int], store: Store = DAYTIME, window_s: int = 1800, start: datetime = MONDAY
) -> tuple[list[JoinedCell], Joiner]:
    calendar = StoreCalendar(store, window_s)
    listed = windows(calendar, len(visits) + 1, start)
    joiner = Joiner(K, calendar.leaf_level)
    released: list[JoinedCell] = []
    for number, count in enumerate(visits):
        window, following = listed[number], listed[number + 1]
        path = calendar.path(window)
        released += joiner.take(window, tally(count), path, calendar.path(following))
    return released, joiner


def shown(cells: list[JoinedCell]) -> list[tuple[str, str, int, Level]]:
    return [
        (f"{c.period.start:%d %H:%M}", f"{c.period.end:%d %H:%M}", c.tally.visits, c.level)
        for c in cells
    ]


def test_busy_windows_stand_alone_and_leave_with_the_end_of_their_hour() -> None:
    released, joiner = online([12, 15, 10])
    assert shown(released) == [("01 09:00", "01 09:30", 12, Level.HALF_HOUR)]
    assert shown(joiner.closed_cells()) == [
        ("01 09:30", "01 10:00", 15, Level.HALF_HOUR),
        ("01 10:00", "01 10:30", 10, Level.HALF_HOUR),
    ]


def test_hours_of_one_cell_wait_for_the_end_of_their_day_part() -> None:
    store = DAYTIME.model_copy(update={"day_parts": ("12:00",)})
    released, _ = online([4, 8, 3, 9, 0], store)
    assert released == []
    released, joiner = online([4, 8, 3, 9, 0, 20], store)
    assert shown(released) == [
        ("01 09:00", "01 10:00", 12, Level.HOUR),
        ("01 10:00", "01 11:00", 12, Level.HOUR),
    ]
    assert shown(joiner.closed_cells()) == [("01 11:00", "01 12:00", 20, Level.HOUR)]


def test_two_thin_half_hours_join_inside_their_hour() -> None:
    released, _ = online([4, 6, 12, 12])
    assert shown(released)[0] == ("01 09:00", "01 10:00", 10, Level.HOUR)


def test_a_thick_window_after_a_thin_one_joins_it() -> None:
    released, _ = online([4, 20, 12, 12])
    assert shown(released)[0] == ("01 09:00", "01 10:00", 24, Level.HOUR)


def test_a_remainder_extends_its_previous_sibling() -> None:
    released, _ = online([20, 4, 12, 12])
    assert shown(released)[0] == ("01 09:00", "01 10:00", 24, Level.HOUR)


def test_a_thin_hour_takes_the_next_one_whole() -> None:
    released, _ = online([2, 3, 20, 20, 12, 12])
    assert shown(released)[0] == ("01 09:00", "01 11:00", 45, Level.DAY_PART)


def test_an_empty_window_is_a_thin_one() -> None:
    released, _ = online([0, 20, 12, 12])
    assert shown(released)[0] == ("01 09:00", "01 10:00", 20, Level.HOUR)


def test_two_quiet_weeks_join_inside_their_month() -> None:
    quiet = [1 if n == 5 else 0 for n in range(24)]
    released, joiner = online(quiet * 14)  # seven visits a week
    assert released == []
    assert joiner.closed_cells()[0].tally.visits == 14


def test_a_month_below_k_is_suppressed() -> None:
    released, joiner = online([1] + [0] * (24 * 28 - 1), start=MONDAY)
    assert released == []
    assert joiner.closed_cells() == []


def test_at_the_months_end_the_held_cell_leaves() -> None:
    released, _ = online([12] + [0] * (24 * 28 - 1), start=MONDAY)
    assert [c.tally.visits for c in released] == [12]
    assert released[0].period.end == datetime(2027, 3, 28, 21, tzinfo=UTC)


def test_a_larger_k_joins_what_was_closed_and_not_yet_released() -> None:
    _, joiner = online([12, 12])
    joiner.raise_k(20)
    assert [c.tally.visits for c in joiner.closed_cells()] == []
    with pytest.raises(ValueError, match="only be raised"):
        joiner.raise_k(10)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 14), min_size=1, max_size=24 * 33),
    st.sampled_from([900, 1800, 3600]),
    st.integers(0, 30),
)
def test_released_cells_are_disjoint_in_order_and_of_k_visits(
    visits: list[int], window_s: int, days: int
) -> None:
    start = MONDAY + timedelta(days=days)
    released, joiner = online(visits, window_s=window_s, start=start)
    cells = released + joiner.closed_cells()
    assert all(cell.tally.visits >= K for cell in cells)
    for earlier, later in itertools.pairwise(cells):
        assert earlier.period.end <= later.period.start
    calendar = StoreCalendar(DAYTIME, window_s)
    arrivals = list(zip(windows(calendar, len(visits), start), visits, strict=True))
    for cell in cells:
        inside = [n for w, n in arrivals if w.start in cell.period]
        assert sum(inside) == cell.tally.visits
