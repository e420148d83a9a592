"""When messages leave does not depend on how long frames take."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edge.clock import Stamp
from edge.punctual import HOLD_S, MARK_S, STEP_S, Marks, PunctualOutbox, SteadyPresent
from edge.testing import ManualClock

NINE = datetime(2027, 3, 1, 9, tzinfo=UTC)


def test_the_present_goes_on_evenly_while_frames_lag() -> None:
    clock, stamp = ManualClock(NINE), Stamp()
    stamp.offer(0.0, NINE, "synchronised")
    present = SteadyPresent(clock.monotonic_s)
    shown = []
    for second, lag_s in enumerate([0.0, 0.1, 1.9, 0.3, 0.0, 1.2, 0.0]):
        shown.append(present.at(stamp, second - lag_s, clock.monotonic_s()))
        clock.advance(1.0)
    assert shown == [NINE + timedelta(seconds=n - HOLD_S) for n in range(7)]


@pytest.mark.parametrize("drift_s", [-100.0, -7.0, 7.0, 100.0])
def test_a_clock_that_drifts_is_followed_in_whole_steps(drift_s: float) -> None:
    clock, stamp = ManualClock(NINE), Stamp()
    stamp.offer(0.0, NINE, "synchronised")
    present = SteadyPresent(clock.monotonic_s)
    present.at(stamp, 0.0, 0.0)
    clock.advance(1000.0)
    now = present.at(stamp, 1000.0 + drift_s, 1000.0)
    off_s = (now - NINE).total_seconds() - (1000.0 - HOLD_S)
    assert off_s % STEP_S == 0
    assert abs(off_s - drift_s) < STEP_S


def test_a_stamp_that_is_fixed_again_is_followed_at_once() -> None:
    clock, stamp = ManualClock(NINE), Stamp(patience_s=0)
    stamp.offer(0.0, NINE, "estimated")
    present = SteadyPresent(clock.monotonic_s)
    present.at(stamp, 0.0, 0.0)
    stamp.offer(0.0, NINE + timedelta(hours=3, seconds=1), "rtc")
    assert present.at(stamp, 0.0, 0.0) == NINE + timedelta(hours=3, seconds=1 - HOLD_S)


@pytest.mark.parametrize("settle_s", [60, 1800, 1803])
@pytest.mark.parametrize("late_s", [0.0, 0.4, 2.0, 4.9])
def test_a_message_leaves_half_a_mark_after_the_hold(
    tmp_path: Path, settle_s: int, late_s: float
) -> None:
    """Due at a whole minute and the settling time; whenever it is ready, it leaves at once."""
    clock = ManualClock(NINE + timedelta(seconds=settle_s + HOLD_S + late_s))
    outbox = PunctualOutbox(
        tmp_path / "outbox.sqlite", 8, "kiosk-7", None, clock=clock, settle_s=settle_s
    )
    outbox.append(lambda epoch, seq: f"{epoch} {seq}".encode(), b"")
    while not outbox.pending(9):
        clock.advance(0.1)
    left_s = (clock.now - NINE).total_seconds()
    assert left_s == pytest.approx(settle_s + MARK_S, abs=0.11)
    outbox.close()


@pytest.mark.parametrize("step_s", [-5.0, -3600.0, 5.0])
@pytest.mark.parametrize("late_s", [-0.3, 0.3])
def test_a_step_of_the_wall_clock_moves_no_mark(
    tmp_path: Path, step_s: float, late_s: float
) -> None:
    """A window is due at ten; the message leaves a second after, by the windows' own time."""
    clock, stamp, due_s = ManualClock(NINE), Stamp(), 3600.0
    stamp.offer(0.0, NINE, "synchronised", 0.0)
    present = SteadyPresent(clock.monotonic_s)
    outbox = PunctualOutbox(
        *(tmp_path / "outbox.sqlite", 8, "kiosk-7", None),
        clock=clock,
        settle_s=1800,
        present=present,
    )
    present.at(stamp, 0.0, 0.0)
    clock.now += timedelta(seconds=step_s)
    clock.advance(due_s + HOLD_S + late_s)
    outbox.pending(9)
    outbox.append(lambda epoch, seq: f"{epoch} {seq}".encode(), b"")
    while not outbox.pending(9):
        clock.advance(0.1)
    assert clock.elapsed_s == pytest.approx(due_s + MARK_S, abs=0.11)
    outbox.close()


@pytest.mark.parametrize("late_s", [0.0, 1.9, 2.1, 3.9, 4.5])
def test_no_mark_follows_frames_that_are_busy_for_minutes(tmp_path: Path, late_s: float) -> None:
    clock, stamp, settle_s = ManualClock(NINE), Stamp(), 60
    stamp.offer(0.0, NINE, "synchronised", 0.0)
    present = SteadyPresent(clock.monotonic_s)
    path = tmp_path / "outbox.sqlite"
    outbox = PunctualOutbox(
        path, 8, "kiosk-7", None, clock=clock, settle_s=settle_s, present=present
    )
    due = NINE + timedelta(seconds=1800 + settle_s)
    closed = False
    for step in range(8 * (1800 + settle_s + 30)):
        now_s = step / 8
        clock.advance(now_s - clock.elapsed_s)
        lag_s = late_s if now_s >= 1500 else 0.0
        if present.at(stamp, now_s - lag_s, now_s) >= due and not closed:
            outbox.append(lambda epoch, seq: f"{epoch} {seq}".encode(), b"")
            closed = True
        if outbox.pending(9):
            break
    assert clock.elapsed_s == 1800 + settle_s + MARK_S
    outbox.close()


@pytest.mark.parametrize("drift", [-0.0005, 0.0005])
def test_marks_follow_a_camera_s_clock_that_drifts(drift: float) -> None:
    """Windows keep half a mark's distance, or nearly, for a day."""
    clock, stamp = ManualClock(NINE), Stamp()
    stamp.offer(0.0, NINE, "synchronised", 0.0)
    present = SteadyPresent(clock.monotonic_s)
    marks = Marks(clock, 0, present)
    for _ in range(8640):
        clock.advance(10.0)
        closing = present.at(stamp, clock.elapsed_s * (1 + drift), clock.elapsed_s)
        off_s = (marks.since_s() - closing.timestamp() % MARK_S - HOLD_S) % MARK_S
        assert min(off_s, MARK_S - off_s) < 2 * STEP_S


def test_marks_go_on_while_the_wall_clock_stands_still() -> None:
    clock, stamp = ManualClock(NINE), Stamp()
    stamp.offer(0.0, NINE, "estimated")
    present = SteadyPresent(clock.monotonic_s)
    marks = Marks(clock, 0, present)
    stamp.offer(120.0, NINE, "estimated", 120.0)
    present.at(stamp, 120.0, 0.0)
    before = marks.number()
    clock.elapsed_s += 10 * MARK_S
    assert marks.number() == before + 10


def test_what_waited_before_the_start_is_shown_at_once(tmp_path: Path) -> None:
    for _ in range(2):
        outbox = PunctualOutbox(
            tmp_path / "outbox.sqlite", 8, "kiosk-7", None, clock=ManualClock(NINE), settle_s=60
        )
        waiting = outbox.pending(9)
        outbox.append(lambda epoch, seq: f"{epoch} {seq}".encode(), b"")
        outbox.close()
    assert [one.seq for one in waiting] == [1]
