import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import edge.clock
from edge.clock import BUILT, SimulatedClock, Stamp, SystemClock
from edge.errors import ClockError
from edge.health import Vitals
from edge.testing import ManualClock, a_site

NINE = datetime(2027, 3, 1, 9, tzinfo=UTC)


def test_a_synchronised_clock_is_believed_at_once() -> None:
    stamp = Stamp()
    stamp.offer(100.0, NINE, "synchronised")
    assert stamp.utc(100.0) == NINE
    assert stamp.utc(0.5) == NINE - timedelta(seconds=99.5)


def test_an_estimated_clock_is_believed_after_a_while() -> None:
    stamp = Stamp(patience_s=120)
    stamp.offer(0.0, NINE, "estimated")
    stamp.offer(119.0, NINE + timedelta(seconds=119), "estimated")
    with pytest.raises(ClockError):
        stamp.utc(0.0)
    stamp.offer(120.0, NINE + timedelta(seconds=120), "estimated")
    assert (stamp.utc(0.0), stamp.quality) == (NINE, "estimated")


def test_a_step_of_the_wall_clock_moves_no_stamp_and_is_told() -> None:
    stamp = Stamp()
    stamp.offer(0.0, NINE, "rtc")
    stamp.offer(1.0, NINE + timedelta(seconds=1.2), "synchronised")
    before = stamp.stepped
    stamp.offer(2.0, NINE + timedelta(hours=1), "synchronised")
    assert (before, stamp.stepped) == (False, True)
    assert stamp.utc(0.0) == NINE


def test_an_estimate_gives_way_to_a_better_clock_once() -> None:
    stamp = Stamp(patience_s=0)
    stamp.offer(0.0, NINE, "estimated")
    stamp.offer(1.0, NINE + timedelta(hours=1), "estimated")
    assert (stamp.utc(0.0), stamp.stepped, stamp.fixes) == (NINE, True, 1)
    stamp.offer(2.0, NINE + timedelta(hours=5, seconds=2), "synchronised")
    assert (stamp.utc(0.0), stamp.stepped, stamp.fixes) == (NINE + timedelta(hours=5), False, 2)
    assert stamp.quality == "synchronised"
    stamp.offer(3.0, NINE, "synchronised")
    assert (stamp.utc(0.0), stamp.stepped, stamp.fixes) == (NINE + timedelta(hours=5), True, 2)


def test_an_estimate_that_a_better_clock_confirms_stays_and_is_called_better() -> None:
    stamp = Stamp(patience_s=0)
    stamp.offer(0.0, NINE, "estimated")
    stamp.offer(1.0, NINE + timedelta(seconds=1.5), "synchronised")
    assert (stamp.utc(0.0), stamp.fixes, stamp.quality) == (NINE, 1, "synchronised")


def test_the_clock_never_goes_below_the_build_or_the_last_report() -> None:
    future = datetime(2199, 1, 1, tzinfo=UTC)
    clock = SystemClock(floor=future)
    assert future <= clock.utc_now() < future + timedelta(minutes=1)
    assert clock.quality() == "estimated"
    assert SystemClock().utc_now() >= BUILT


class Machine:
    """The wall clock, the monotonic one, and who vouches."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, wall: datetime) -> None:
        self.wall, self.elapsed_s, self.vouched = wall, 1000.0, False
        monkeypatch.setattr(edge.clock, "wall_utc", lambda: self.wall)
        monkeypatch.setattr(edge.clock, "kernel_synchronised", lambda: self.vouched)
        monkeypatch.setattr(edge.clock, "_TIMESYNCD", Path("/nowhere"))
        monkeypatch.setattr(edge.clock, "_RTC", Path("/nowhere"))
        monkeypatch.setattr("edge.clock.time.monotonic", lambda: self.elapsed_s)

    def advance(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.elapsed_s += seconds


def test_below_its_floor_time_goes_on_from_there(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, NINE - timedelta(days=400))
    clock = SystemClock(floor=NINE)
    seen = []
    for _ in range(4):
        seen.append(clock.utc_now())
        machine.advance(600.0)
    assert seen == [NINE + timedelta(minutes=10 * n) for n in range(4)]
    assert clock.quality() == "estimated"


def test_a_synchronised_clock_is_believed_from_the_floor_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine = Machine(monkeypatch, NINE - timedelta(minutes=30))
    clock = SystemClock(floor=NINE)
    machine.advance(3600.0)
    assert (clock.utc_now(), clock.quality()) == (NINE + timedelta(hours=1), "estimated")
    machine.vouched = True
    assert (clock.utc_now(), clock.quality()) == (NINE + timedelta(minutes=30), "synchronised")
    machine.wall = NINE - timedelta(seconds=1)
    assert (clock.utc_now(), clock.quality()) == (NINE + timedelta(hours=1), "estimated")


def test_frames_that_are_worked_off_late_are_no_step_of_the_clock() -> None:
    stamp = Stamp()
    stamp.offer(0.0, NINE, "synchronised", 0.2)
    for lag_s in (0.1, 1.9, 2.3, 60.0, 0.2):
        came_s = 100.2 + lag_s
        at_utc = NINE + timedelta(seconds=100 + lag_s)
        stamp.offer(100.0, at_utc, "synchronised", came_s)
        assert not stamp.stepped
    stamp.offer(200.0, NINE + timedelta(seconds=203), "synchronised", 200.2)
    assert stamp.stepped


@pytest.mark.parametrize(
    ("vouching", "quality"),
    [
        ({"timesyncd"}, "synchronised"),
        ({"kernel"}, "synchronised"),
        ({"battery"}, "rtc"),
        (set(), "estimated"),
    ],
)
def test_the_clock_is_called_no_better_than_anything_vouches_for(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    vouching: set[str],
    quality: str,
) -> None:
    nowhere = tmp_path / "nowhere"
    monkeypatch.setattr(edge.clock, "_TIMESYNCD", tmp_path if "timesyncd" in vouching else nowhere)
    monkeypatch.setattr(edge.clock, "_RTC", tmp_path if "battery" in vouching else nowhere)
    monkeypatch.setattr(edge.clock, "kernel_synchronised", lambda: "kernel" in vouching)
    assert SystemClock().quality() == quality


def test_a_kernel_that_may_not_be_asked_vouches_for_nothing() -> None:
    code = """if True:
        import errno
        from edge.clock import SystemClock, kernel_synchronised
        from firmware_cfg.confine.native import PR_SET_NO_NEW_PRIVS, process_control
        from firmware_cfg.confine.seccomp import Verdict, load
        process_control(PR_SET_NO_NEW_PRIVS, 1)
        refused = [Verdict(name, error=errno.EPERM) for name in ("adjtimex", "clock_adjtime")]
        load(refused, default_error=0, every_thread=False)
        print(kernel_synchronised(), SystemClock().quality())
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] == "False"


def test_a_simulated_clock_runs_at_its_pace() -> None:
    clock = SimulatedClock(NINE, pace=3600.0)
    first = clock.utc_now()
    while clock.monotonic_s() < 60:
        pass
    assert clock.utc_now() - first >= timedelta(seconds=50)
    assert clock.quality() == "estimated"


def test_a_heartbeat_tells_of_the_device_and_not_of_the_scene() -> None:
    clock = ManualClock(NINE)
    vitals = Vitals(a_site(device={"state_dir": "/nowhere"}), "nanodet", clock, clock.monotonic_s())
    clock.advance(90.4)
    beat = vitals.heartbeat(["outbox"])
    assert (beat.uptime_s, beat.at) == (90, NINE + timedelta(seconds=90.4))
    assert "outbox" in beat.faults
    assert beat.disk_free_mb >= 0
