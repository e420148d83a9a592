"""What one record may say after another, and how fast."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest

from firmware_cfg.errors import RecordError
from firmware_cfg.record import FrameRecord, Jail
from firmware_cfg.record_layout import LAYOUT
from firmware_cfg.record_stream import ARRIVAL_BURST, BURST, Succession
from vision.timeline import RateLimit

SIZE_PX = (1280, 720)
NOBODY = np.zeros((0, 4)), np.zeros(0)
HOUR_S = 3600.0


def at(t_s: float, frame: int, jail: Jail = Jail.WHOLE) -> FrameRecord:
    """An empty record, its time as it comes out of the pipe."""
    t_us = LAYOUT.time_us(LAYOUT.time_steps(round(t_s * 1e6)))
    return FrameRecord(frame, t_us, SIZE_PX, *NOBODY, jail=jail)


def follow(succession: Succession, records: Iterable[FrameRecord], arrival_s: float = 0.0) -> int:
    """How many records pass."""
    passed = 0
    for record in records:
        try:
            succession.follow(record, arrival_s)
        except RecordError:
            return passed
        passed += 1
    return passed


@pytest.mark.parametrize("rate_hz", [30.0, 29.97, 25.0, 12.5, 7.0, 2.0])
@pytest.mark.parametrize("camera_hz", [120.0, 60.0, 30.0, 29.97, 25.0, 10.0])
def test_what_the_camera_process_lets_pass_is_accepted(rate_hz: float, camera_hz: float) -> None:
    limit, succession, chance = RateLimit(rate_hz), Succession(rate_hz), np.random.default_rng(1)
    t_us, passed = 0, 0
    for frame in range(1, 1500):
        if t_us >= limit.earliest_us:
            limit.passed(t_us)
            succession.follow(at(t_us / 1e6, frame), 0.0)
            passed += 1
        t_us += max(1000, round((1 + 0.3 * chance.normal()) * 1e6 / camera_hz))
    assert passed > 0.5 * min(1.0, rate_hz / camera_hz) * 1500


def test_an_hour_at_the_very_rate_is_accepted() -> None:
    records = [at(n / 30, n + 1) for n in range(30 * 3600)]
    assert follow(Succession(), records) == len(records)


def test_more_than_the_rate_is_an_error_after_a_small_burst() -> None:
    assert follow(Succession(), [at(n * 1e-3, n + 1) for n in range(100)]) == BURST
    half = [at(n / 60, n + 1) for n in range(100)]
    assert BURST < follow(Succession(), half) <= 2 * BURST
    assert follow(Succession(10.0), [at(n / 20, n + 1) for n in range(100)]) <= 2 * BURST


def test_over_any_stretch_no_more_pass_than_the_rate_and_the_burst() -> None:
    chance = np.random.default_rng(3)
    for _ in range(50):
        steps_s = chance.choice(
            [0.001, 0.02, 0.033, 0.05, 0.3], size=400, p=[0.2, 0.3, 0.3, 0.15, 0.05]
        )
        times_s = np.cumsum(steps_s)
        passed = follow(Succession(), [at(t, n + 1) for n, t in enumerate(times_s)])
        assert passed <= 30.001 * (times_s[max(0, passed - 1)] - times_s[0]) + BURST + 1
        assert passed < 400


def test_a_camera_s_records_may_arrive_no_faster_either() -> None:
    records = [at(n / 30, n + 1) for n in range(2000)]
    assert follow(Succession(), records) == 2000  # a file is read as fast as it goes
    assert follow(Succession(paced=True), records) == int(ARRIVAL_BURST)
    camera = Succession(paced=True)
    for number, record in enumerate(records):  # a clock that is 0.05 % fast
        camera.follow(record, 100.0 + number / 30.015)


def test_what_waited_in_the_pipe_may_arrive_at_once() -> None:
    camera = Succession(paced=True)
    for number in range(5000):
        stalled = 5.0 * (number // 150)  # the reader looks every five seconds
        camera.follow(at(number / 30, number + 1), stalled)


def test_time_and_frame_rise_together() -> None:
    assert follow(Succession(), [at(0.0, 1), at(0.1, 2), at(0.2, 5), at(9.0, 200)]) == 4
    assert follow(Succession(), [at(0.0, 1), at(0.1, 103)]) == 1
    assert follow(Succession(), [at(5.0, 5003)]) == 0


def test_damaged_video_whose_frames_are_a_millisecond_apart_is_accepted() -> None:
    records = [at(0.0, 1), at(0.04, 41), at(0.08, 81)]
    assert follow(Succession(), records) == 3


def test_a_camera_process_started_anew_counts_anew() -> None:
    before = [at(n / 10, n + 1) for n in range(50)]
    after = [at(n / 10, n + 1, Jail.REDUCED) for n in range(50)]
    assert follow(Succession(), [*before, *after]) == 100
    far = [at(n / 10, n + 400) for n in range(5)]
    assert follow(Succession(), [*before, *far]) == 50


def test_starting_anew_again_and_again_earns_nothing_but_arrival_does() -> None:
    again = [at(0.0, 1)] * 100
    assert follow(Succession(), again) == BURST
    slowly = Succession(2.0)
    for number in range(100):
        slowly.follow(at(0.0, 1), 0.5 * number)


def test_the_jail_stays_as_it_is_within_a_life() -> None:
    assert follow(Succession(), [at(0.0, 1), at(0.1, 2, Jail.REDUCED)]) == 1


def test_the_picture_stays_the_site_s_or_the_first_one_s() -> None:
    other = replace(at(0.1, 2), size_px=(640, 480))
    assert follow(Succession(), [at(0.0, 1), other]) == 1
    assert follow(Succession(size_px=(640, 480)), [at(0.0, 1)]) == 0


def test_an_hour_without_a_picture_is_no_error() -> None:
    assert follow(Succession(), [at(0.0, 1), at(HOUR_S, 2), at(HOUR_S + 0.1, 3)]) == 3
