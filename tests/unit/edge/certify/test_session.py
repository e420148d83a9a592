"""The stopwatch in memory: presses make rows, and the rows do not outlive their use."""

from __future__ import annotations

import gc
from datetime import UTC, datetime

import pytest

from edge.certify.certificate import as_json
from edge.certify.errors import CertifyError, StopwatchError, TooFewVisitsError
from edge.certify.session import LONGEST_S, MOST_OPEN, Press, Session, Stopwatch
from edge.certify.values import Logged
from edge.testing import SQUARE, a_site, a_visit
from edge.visits.values import Outcome, Visit

NOW = datetime(2027, 3, 7, 12, tzinfo=UTC)  # a Sunday


def running() -> tuple[Stopwatch, Session]:
    stopwatch = Stopwatch(a_site())
    stopwatch.begin(None, 100.0, 0.0)
    assert stopwatch.session is not None
    return stopwatch, stopwatch.session


def is_running(stopwatch: Stopwatch) -> bool:
    return stopwatch.session is not None


def thirty(stopwatch: Stopwatch, device_late_s: float = 0.5) -> float:
    """Press thirty visits and let the device time them; the last departure."""
    t_s = 100.0
    for number in range(1, 31):
        t_s = 100.0 * number
        stopwatch.press(Press.ARRIVED, None, t_s)
        stopwatch.press(Press.GREETED, number, t_s + 20)
        stopwatch.press(Press.SERVED, number, t_s + 25)
        stopwatch.press(Press.LEFT, number, t_s + 80)
        visit = a_visit(
            t_s, stay_s=80, greeted_after_s=20 + device_late_s, served_after_s=25 + device_late_s
        )
        stopwatch.follow([visit], [], t_s)
    return t_s + 80


def test_several_parties_at_once_become_rows_in_the_order_they_leave() -> None:
    stopwatch, session = running()
    stopwatch.press(Press.ARRIVED, None, 110.0)
    stopwatch.press(Press.ARRIVED, None, 120.0)
    stopwatch.press(Press.GREETED, 2, 125.0)
    stopwatch.press(Press.SERVED, 1, 130.0)
    stopwatch.press(Press.LEFT, 2, 140.0)
    assert [party.number for party in session.board.open] == [1]
    stopwatch.press(Press.LEFT, 1, 150.0)
    assert session.board.rows == (
        Logged(120.0, 125.0, None, 140.0),
        Logged(110.0, None, 130.0, 150.0),
    )


def test_undo_takes_back_one_press_after_another() -> None:
    stopwatch, session = running()
    stopwatch.press(Press.ARRIVED, None, 110.0)
    stopwatch.press(Press.GREETED, 1, 115.0)
    stopwatch.press(Press.LEFT, 1, 120.0)
    stopwatch.undo()
    assert not session.board.rows
    assert [party.greeted_s for party in session.board.open] == [115.0]
    stopwatch.undo()
    assert [party.greeted_s for party in session.board.open] == [None]
    stopwatch.undo()
    stopwatch.undo()
    assert (session.board.open, session.pressed) == ((), [])


def test_a_party_that_was_no_visit_leaves_no_row_and_can_be_brought_back() -> None:
    stopwatch, session = running()
    stopwatch.press(Press.ARRIVED, None, 110.0)
    stopwatch.press(Press.DROP, 1, 112.0)
    assert (session.board.open, session.board.rows) == ((), ())
    stopwatch.undo()
    assert [party.number for party in session.board.open] == [1]


@pytest.mark.parametrize(
    ("presses", "message"),
    [
        ([(Press.GREETED, 1)], "party: expected one in progress, found 1"),
        (
            [(Press.ARRIVED, None), (Press.LEFT, None)],
            "party: expected one in progress, found None",
        ),
        ([(Press.ARRIVED, None), (Press.GREETED, 1), (Press.GREETED, 1)], "greeted: expected a"),
        ([(Press.ARRIVED, None), (Press.SERVED, 1), (Press.GREETED, 1)], "greeted: expected a"),
        ([(Press.ARRIVED, None), (Press.SERVED, 1), (Press.SERVED, 1)], "served: expected a"),
        ([(Press.ARRIVED, None), (Press.LEFT, 1), (Press.GREETED, 1)], "found 1"),
        ([(Press.ARRIVED, None)] * (MOST_OPEN + 1), "expected fewer than 12 parties"),
    ],
)
def test_presses_that_do_not_fit_are_refused(
    presses: list[tuple[Press, int | None]], message: str
) -> None:
    stopwatch, session = running()
    for number, (press, party) in enumerate(presses[:-1]):
        stopwatch.press(press, party, 110.0 + number)
    press, party = presses[-1]
    with pytest.raises(StopwatchError, match=message):
        stopwatch.press(press, party, 150.0)
    assert len(session.pressed) == len(presses) - 1


def test_thirty_visits_make_a_certificate_and_leave_no_row() -> None:
    stopwatch, session = running()
    last_s = thirty(stopwatch)
    made = stopwatch.certify(last_s + 63, 4000.0, NOW)
    body = as_json(made)
    assert made.weeks == ("2027-W09",)
    assert body["sample_size"] == 30
    assert body["measures"]["waiting"]["bias_s"] == 0.5  # type: ignore[index]
    assert body["measures"]["visit"]["bias_s"] == 0.0  # type: ignore[index]
    assert stopwatch.session is None
    del session
    gc.collect()
    assert not [one for one in gc.get_objects() if isinstance(one, Session)]


def test_the_device_is_given_time_to_settle() -> None:
    stopwatch, session = running()
    last_s = thirty(stopwatch)
    with pytest.raises(StopwatchError, match="found 42 s left"):
        stopwatch.certify(last_s + 20, 4000.0, NOW)
    assert stopwatch.settles_in_s(last_s + 20) == pytest.approx(42)
    assert len(session.board.rows) == 30


def test_too_few_keep_their_rows() -> None:
    stopwatch, session = running()
    stopwatch.press(Press.ARRIVED, None, 110.0)
    stopwatch.press(Press.LEFT, 1, 150.0)
    with pytest.raises(TooFewVisitsError, match="found 0: 1 logged, 0 by the device"):
        stopwatch.certify(150.0, 60.0, NOW)
    assert stopwatch.session is session
    assert len(session.board.rows) == 1


def test_a_visit_that_has_just_become_final_counts_once() -> None:
    stopwatch, session = running()
    final = a_visit(110.0, stay_s=50.0)
    stopwatch.follow([], [a_visit(110.0, stay_s=50.0)], 1.0)
    stopwatch.follow([final], [a_visit(110.0, stay_s=50.0)], 2.0)
    last_s = thirty(stopwatch)
    stopwatch.follow([], [a_visit(100.0, outcome=Outcome.STILL_PRESENT)], 3.0)
    assert len(session.open_visits) == 1
    made = stopwatch.certify(last_s + 63, 4000.0, NOW)
    assert (made.fit.genuine.count, made.fit.genuine.of) == (30, 31)


def test_only_this_counters_visits_since_the_beginning_are_kept() -> None:
    square = {"service_zone_px": SQUARE, "staff_zone_px": SQUARE}
    site = a_site(
        queue=[{"id": "queue-1", "zone_px": SQUARE, "feeds": ["counter-1", "counter-2"]}],
        service_point=[{"id": f"counter-{n}", **square} for n in (1, 2)],
    )
    stopwatch = Stopwatch(site)
    with pytest.raises(CertifyError, match="expected one of counter-1, counter-2, found none"):
        stopwatch.begin(None, 100.0, 0.0)
    with pytest.raises(CertifyError, match="found 'counter-3'"):
        stopwatch.begin("counter-3", 100.0, 0.0)
    stopwatch.begin("counter-2", 100.0, 0.0)
    before: list[Visit] = [a_visit(20.0, stay_s=70.0, point="counter-2")]
    here = a_visit(90.0, stay_s=70.0, point="counter-2")
    queue = a_visit(120.0, point="queue-1", at_queue=True)
    stopwatch.follow([*before, here, a_visit(130.0), queue], [], 1.0)
    assert stopwatch.session is not None
    assert [(v.arrived_s, v.own) for v in stopwatch.session.finals] == [
        (90.0, True),
        (120.0, False),
    ]


def test_twelve_hours_end_everything() -> None:
    stopwatch, _ = running()
    stopwatch.follow([], [], LONGEST_S - 1)
    assert is_running(stopwatch)
    stopwatch.follow([], [], LONGEST_S)
    assert not is_running(stopwatch)
    stopwatch.begin(None, 0.0, 0.0)
    stopwatch.certify(thirty(stopwatch) + 63, 10.0, NOW)
    stopwatch.expire(10.0 + LONGEST_S)
    assert stopwatch.made is None


def test_stop_forgets_rows_and_certificate() -> None:
    stopwatch, _ = running()
    stopwatch.stop()
    assert stopwatch.session is None
    with pytest.raises(StopwatchError, match="expected a session, found none"):
        stopwatch.press(Press.ARRIVED, None, 1.0)
    stopwatch.begin(None, 0.0, 0.0)
    with pytest.raises(StopwatchError, match="expected no session, found one at counter-1"):
        stopwatch.begin(None, 0.0, 0.0)
    stopwatch.certify(thirty(stopwatch) + 63, 10.0, NOW)
    stopwatch.stop()
    assert stopwatch.made is None
