"""Delays after failures, and the token buckets of the API: their growth, and their bounds."""

from datetime import timedelta

import pytest

from server.access.attempts import Attempts, Patience
from server.access.buckets import Buckets
from server.testing import MONDAY

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("failures", "delay_s"),
    [(0, 0), (4, 0), (5, 1), (6, 2), (9, 16), (13, 256), (14, 300), (99, 300)],
)
def test_delays_double_up_to_a_bound(failures: int, delay_s: float) -> None:
    assert Patience(free=5).delay_s(failures) == delay_s


def test_slips_are_free_then_each_failure_costs_more() -> None:
    attempts = Attempts(Patience(free=3))
    now = MONDAY
    waits = []
    for _ in range(6):
        wait_s = attempts.begin("ada", now)
        waits.append(wait_s)
        now += wait_s * SECOND
        if wait_s:
            assert attempts.begin("ada", now) == 0
    assert waits == [0, 0, 0, 1, 2, 4]


def test_asking_while_waiting_makes_it_no_longer() -> None:
    attempts = Attempts(Patience(free=1))
    assert attempts.begin("ada", MONDAY) == 0
    for _ in range(50):
        assert attempts.begin("ada", MONDAY) == 1
    assert attempts.begin("ada", MONDAY + SECOND) == 0


def test_a_success_or_an_hour_forgets() -> None:
    attempts = Attempts(Patience(free=1))
    attempts.begin("ada", MONDAY)
    attempts.succeeded("ada")
    assert attempts.wait_s("ada", MONDAY) == 0
    for _ in range(40):
        attempts.failed("eve", MONDAY)
    assert attempts.wait_s("eve", MONDAY) == 300
    assert attempts.wait_s("eve", MONDAY + timedelta(hours=1, seconds=1)) == 0


def test_one_key_does_not_wait_for_another() -> None:
    attempts = Attempts(Patience(free=1))
    attempts.failed("eve", MONDAY)
    assert attempts.wait_s("ada", MONDAY) == 0


def test_memory_is_bounded_and_the_oldest_goes_first() -> None:
    attempts = Attempts(Patience(free=1), remembered=100)
    buckets = Buckets(remembered=100)
    for index in range(1000):
        attempts.failed(str(index), MONDAY)
        buckets.take(str(index), MONDAY)
    assert (len(attempts), len(buckets)) == (100, 100)
    assert attempts.wait_s("999", MONDAY) == 1
    assert attempts.wait_s("0", MONDAY) == 0


def test_a_burst_is_answered_a_flood_is_not() -> None:
    buckets = Buckets(a_second=10, at_once=50)
    answered = sum(buckets.take("a", MONDAY) == 0 for _ in range(80))
    assert answered == 50
    assert buckets.take("a", MONDAY) == pytest.approx(0.1)
    assert buckets.take("b", MONDAY) == 0
    later = MONDAY + SECOND
    assert sum(buckets.take("a", later) == 0 for _ in range(80)) == 10


def test_a_clock_that_goes_back_fills_no_bucket() -> None:
    buckets = Buckets(a_second=10, at_once=1)
    assert buckets.take("a", MONDAY) == 0
    assert buckets.take("a", MONDAY - timedelta(hours=1)) > 0
    assert buckets.take("a", MONDAY) > 0
