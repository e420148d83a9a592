from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import WindowError
from edge.testing import a_visit
from edge.visits.values import BlindSpan, Outcome, PasserBy, PointId, PresenceSpan
from edge.windows.calendar import StoreCalendar
from edge.windows.keeper import ClosedWindow, WindowKeeper
from edge.windows.tally import Tally
from firmware_cfg.messages import Coverage
from firmware_cfg.site import Encounter
from firmware_cfg.store import Store

NINE = datetime(2027, 3, 1, 9, tzinfo=UTC)  # a Monday
COUNTER = PointId("counter-1")
DAYTIME = Store(opening={"mon": ("09:00-18:00",), "tue": ("09:10-18:00",)})


def keeper(store: Store = DAYTIME, begins: datetime = NINE, settle_s: int = 1800) -> WindowKeeper:
    kept = WindowKeeper(
        StoreCalendar(store, 1800),
        Encounter(window_settle_s=settle_s),
        [COUNTER],
        lambda t_s: NINE + timedelta(seconds=t_s),
        begins=begins,
    )
    kept.seen(0)
    return kept


def closed_at(kept: WindowKeeper, minutes: float, *visits: object) -> list[ClosedWindow]:
    kept.seen(minutes * 60)
    return kept.close_due(NINE + timedelta(minutes=minutes), visits)  # type: ignore[arg-type]


def visits_of(window: ClosedWindow) -> int:
    return window.tallies[COUNTER].visits


def test_a_visit_belongs_to_the_window_of_its_arrival() -> None:
    kept = keeper()
    kept.add(a_visit(29 * 60, stay_s=600))
    kept.add(a_visit(30 * 60))
    first, second = closed_at(kept, 90)
    assert (visits_of(first), visits_of(second)) == (1, 1)
    assert (first.window.start, second.window.start) == (NINE, NINE + timedelta(minutes=30))
    assert first.following == second.window


def test_a_window_closes_half_an_hour_after_its_end_and_not_before() -> None:
    kept = keeper()
    assert closed_at(kept, 59.9) == []
    assert len(closed_at(kept, 60)) == 1
    assert closed_at(kept, 60) == []


def test_who_is_still_there_at_closing_is_censored_and_never_reported_again() -> None:
    kept = keeper()
    long_stay = a_visit(60, stay_s=3540, outcome=Outcome.STILL_PRESENT)
    (first,) = closed_at(kept, 60, long_stay)
    assert first.tallies[COUNTER].outcomes == {Outcome.STILL_PRESENT: 1}
    kept.add(a_visit(60, stay_s=5000, greeted_after_s=1, served_after_s=4000))
    (second,) = closed_at(kept, 90)
    assert visits_of(second) == 0
    assert kept.dropped.already_reported == 1


def test_nothing_outside_opening_hours_is_counted() -> None:
    kept = keeper(begins=NINE - timedelta(hours=1))
    kept.add(a_visit(-30))
    kept.add(PasserBy(COUNTER, -30))
    assert visits_of(closed_at(kept, 60)[0]) == 0
    assert kept.dropped.outside_opening + kept.dropped.already_reported == 2


def test_a_window_that_opens_late_counts_from_opening() -> None:
    kept = keeper(begins=NINE + timedelta(hours=23))
    opens_s = 24 * 3600
    kept.add(a_visit(opens_s + 9 * 60))
    kept.add(a_visit(opens_s + 10 * 60))
    (first,) = closed_at(kept, 24 * 60 + 60)
    assert visits_of(first) == 1
    assert kept.dropped.outside_opening == 1


def test_presence_is_split_at_the_windows_bounds() -> None:
    kept = keeper()
    kept.add(PresenceSpan(COUNTER, 25 * 60, 65 * 60, attended=True))
    kept.add(PresenceSpan(COUNTER, 0, 60, attended=False))
    windows = closed_at(kept, 180)
    minutes = [w.tallies[COUNTER].present / timedelta(minutes=1) for w in windows]
    attended = [w.tallies[COUNTER].attended / timedelta(minutes=1) for w in windows]
    assert minutes[:4] == [6, 30, 5, 0]
    assert attended[:4] == [5, 30, 5, 0]


def test_blind_time_lowers_coverage_and_is_named_by_whole_minutes() -> None:
    kept = keeper()
    kept.add(BlindSpan(90, 301))
    (first,) = closed_at(kept, 60)
    assert first.coverage is Coverage.PARTIAL
    (hole,) = first.invalid
    assert (hole.start, hole.end) == (
        NINE + timedelta(minutes=1),
        NINE + timedelta(minutes=6),
    )
    assert hole.reason == "no_frames"


def test_a_camera_that_died_is_not_taken_for_an_empty_shop() -> None:
    kept = keeper()
    kept.seen(60)
    (first,) = kept.close_due(NINE + timedelta(minutes=60), [])
    assert first.coverage is Coverage.POOR


def test_the_window_of_a_restart_says_so() -> None:
    kept = WindowKeeper(
        StoreCalendar(DAYTIME, 1800),
        Encounter(),
        [COUNTER],
        lambda t_s: NINE + timedelta(seconds=t_s),
        begins=NINE + timedelta(minutes=20),
        reported_until=NINE,
    )
    kept.seen(20 * 60)
    (first,) = closed_at(kept, 60)
    assert first.coverage is Coverage.POOR
    assert [hole.reason for hole in first.invalid] == ["restart"]


def test_what_was_reported_before_a_restart_is_not_reported_again() -> None:
    kept = WindowKeeper(
        StoreCalendar(DAYTIME, 1800),
        Encounter(),
        [COUNTER],
        lambda t_s: NINE + timedelta(seconds=t_s),
        begins=NINE + timedelta(minutes=50),
        reported_until=NINE + timedelta(minutes=30),
    )
    kept.add(a_visit(29 * 60))
    assert [w.window.start for w in closed_at(kept, 90)] == [NINE + timedelta(minutes=30)]


def test_a_point_that_the_site_does_not_have_is_an_error() -> None:
    with pytest.raises(WindowError, match="counter-9"):
        keeper().add(a_visit(0, point="counter-9"))


@given(
    st.lists(st.floats(0, 9 * 3600 - 1), max_size=40),
    st.lists(st.integers(1, 600), max_size=8).map(sorted),
)
def test_a_day_cut_into_windows_and_merged_equals_the_day(
    arrivals: list[float], closings: list[int]
) -> None:
    kept = keeper()
    windows: list[ClosedWindow] = []
    waiting = sorted(arrivals)
    for minutes in [*closings, 24 * 60]:
        now_s = minutes * 60
        for arrived_s in [a for a in waiting if a + 120 <= now_s]:
            kept.add(a_visit(arrived_s, greeted_after_s=10, served_after_s=20))
            waiting.remove(arrived_s)
        windows += closed_at(kept, minutes)
    day = sum((w.tallies[COUNTER] for w in windows), Tally())
    visits = [a_visit(a, greeted_after_s=10, served_after_s=20) for a in arrivals]
    assert day == sum((Tally.of_visit(visit) for visit in visits), Tally())
    assert len(windows) == 18
