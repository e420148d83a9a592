"""Small questions behind the pages: coverage, and the windows of a time."""

import random
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from firmware_cfg.messages import Coverage
from server.periods import Period
from server.queries import CoverageRange, coverage_of, coverage_range, windows_in
from server.testing import MONDAY

MINUTE = timedelta(minutes=1)


def test_bounds_of_the_mean_coverage_are_weighted_by_length() -> None:
    seen = {Coverage.FULL: 3_000, Coverage.POOR: 1_000}
    assert coverage_of(seen) == CoverageRange(0.74, 0.88)
    assert coverage_of({}) is None


def test_windows_and_their_lengths_tell_the_same_coverage() -> None:
    half_hour = Period(MONDAY, MONDAY + 30 * MINUTE)
    hour = Period(MONDAY + 30 * MINUTE, MONDAY + 90 * MINUTE)
    received = [(half_hour, Coverage.HIGH), (hour, Coverage.LOW)]
    lengths = {Coverage.HIGH: 1_800_000, Coverage.LOW: 3_600_000}
    assert coverage_range(received) == coverage_of(lengths)


@given(st.integers(0, 2**32))
def test_windows_in_some_periods_are_those_that_meet_one_of_them(seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 invented, not secret

    def some(count: int) -> list[Period]:
        starts = [MONDAY + rng.randrange(500) * MINUTE for _ in range(count)]
        return [Period(start, start + rng.randrange(1, 90) * MINUTE) for start in starts]

    received = [(one, Coverage.FULL) for one in some(20)]
    periods = some(rng.randrange(6))
    expected = [one for one in received if any(one[0].meets(other) for other in periods)]
    assert windows_in(received, periods) == expected
