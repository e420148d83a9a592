"""Capture times that always rise; the rate cap; falling behind."""

from __future__ import annotations

import pytest

from vision.timeline import Continuity, Lag, RateLimit, Timeline

MS = 1000
TABLE = {
    "regular, from any start": ([500, 600, 700], [0, 100, 200]),
    "a gap stays a gap": ([0, 100, 5100], [0, 100, 5100]),
    "repeated stamps rise": ([0, 100, 100, 200], [0, 100, 101, 200]),
    "out of order": ([0, 100, 400, 300, 500], [0, 100, 400, 401, 500]),
    "a clock set back goes on by one step": ([90_000, 90_100, 0, 100], [0, 100, 200, 300]),
}


@pytest.mark.parametrize(("stamps", "expected"), TABLE.values(), ids=TABLE.keys())
def test_table(stamps: list[int], expected: list[int]) -> None:
    timeline = Timeline(10.0)
    assert [timeline.stamp(ms * MS) for ms in stamps] == [ms * MS for ms in expected]


def test_a_source_begun_anew_goes_on() -> None:
    timeline = Timeline(10.0)
    assert [timeline.stamp(0), timeline.stamp(100 * MS)] == [0, 100 * MS]
    assert timeline.resume(0) == 200 * MS
    assert timeline.stamp(100 * MS) == 300 * MS


@pytest.mark.parametrize("rate_hz", [0.0, float("nan"), float("inf"), -5.0, 90_000.0])
def test_a_nonsense_rate_is_replaced(rate_hz: float) -> None:
    assert Timeline(rate_hz).step_us == 40_000


@pytest.mark.parametrize(
    ("camera_hz", "limit_hz", "passed"),
    [(10.0, 30.0, 100), (30.0, 30.0, 300), (30.0, 10.0, 100), (25.0, 10.0, 100), (60.0, 30.0, 300)],
)
def test_no_more_than_the_rate_passes(camera_hz: float, limit_hz: float, passed: int) -> None:
    limit, count = RateLimit(limit_hz), 0
    for index in range(round(10 * camera_hz)):
        t_us = round(index / camera_hz * 1e6)
        if t_us >= limit.earliest_us:
            limit.passed(t_us)
            count += 1
    assert abs(count - passed) <= 2


def test_a_camera_at_the_very_rate_loses_nothing_to_jitter() -> None:
    limit, jitter = RateLimit(30.0), (0, 4000, -4000, 3000, -2000)
    for index in range(1, 300):
        t_us = index * 33_333 + jitter[index % 5]
        assert t_us >= limit.earliest_us
        limit.passed(t_us)


def test_lag_is_told_against_the_quickest_arrival() -> None:
    lag = Lag()
    assert lag.behind_us(1_000_000, 0) == 0
    assert lag.behind_us(1_100_000, 100_000) <= 100
    assert lag.behind_us(1_900_000, 300_000) == pytest.approx(600_000, abs=2000)
    assert lag.behind_us(1_900_000, 950_000) == 0


def test_clocks_that_drift_apart_are_no_lag() -> None:
    lag = Lag()
    worst = max(lag.behind_us(round(t * 1.0002), t) for t in range(1, 86_400_000_000, 600_000_000))
    assert worst < 250_000


CLOCKS = {  # (read at, stamped), milliseconds; whether the last one is of the same clock
    "regular": ([(0, 0), (100, 100), (200, 200)], True),
    "a gap that passed here too": ([(0, 0), (60_000, 60_000)], True),
    "a stall, then all at once": ([(0, 0), (9000, 100), (9001, 9000)], True),
    "a stall, then frame by frame": ([(0, 0), (9000, 100), (9001, 1100), (9002, 2100)], True),
    "out of order": ([(0, 0), (100, 400), (200, 300)], True),
    "begun anew": ([(0, 60_000), (100, 60_100), (2100, 0)], False),
    "late at first, then quicker": ([(9000 + n, 1000 * n) for n in range(10)], True),
    "set forward": ([(0, 0), (100, 3_600_000)], False),
    "first, whatever it says": ([(5, 10**9)], True),
}


@pytest.mark.parametrize(("frames", "same"), CLOCKS.values(), ids=CLOCKS.keys())
def test_another_clock_is_known_by_its_stamps(frames: list[tuple[int, int]], same: bool) -> None:
    continuity = Continuity()
    held = [continuity.holds(arrival * MS, stamp * MS) for arrival, stamp in frames]
    assert held == [True] * (len(frames) - 1) + [same]
