"""Shifts of level: found where they are, rarely where there is none, and held to a rate."""

import math
import random

import pytest

from server.level_shifts import FEWEST_WEEKS, Level, benjamini_hochberg, clearest_shift
from server.student_t import outside, reached


@pytest.mark.parametrize(
    ("t", "degrees", "chance"),
    [(6.314, 1, 0.1), (4.303, 2, 0.05), (3.182, 3, 0.05), (2.776, 4, 0.05), (2.228, 10, 0.05)],
)
def test_students_t_is_that_of_the_tables(t: float, degrees: int, chance: float) -> None:
    assert outside(t, degrees) == pytest.approx(chance, abs=5e-5)
    assert outside(-t, degrees) == outside(t, degrees)
    assert reached(chance, degrees) == pytest.approx(t, abs=5e-3)


@pytest.mark.parametrize("weeks", range(2 * FEWEST_WEEKS))
def test_too_few_weeks_have_no_shift(weeks: int) -> None:
    assert clearest_shift([Level(0.5, 100)] * weeks, shares=True) is None


@pytest.mark.parametrize("at", [3, 6, 9])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_step_is_found_where_it_is(at: int, sign: int) -> None:
    rng = random.Random(at)  # noqa: S311 draws, not secrets
    levels = [
        Level(0.5 + sign * 0.1 * (week >= at) + rng.gauss(0, 0.01), 900) for week in range(12)
    ]
    shift = clearest_shift(levels, shares=True)
    assert shift is not None
    assert shift.at == at
    assert shift.after - shift.before == pytest.approx(sign * 0.1, abs=0.02)
    assert shift.low < sign * 0.1 < shift.high
    assert shift.chance < 0.01


def test_without_a_step_a_clear_one_is_as_rare_as_it_says() -> None:
    rng = random.Random(4)  # noqa: S311 as above
    found = 0
    for _ in range(600):
        shares = [sum(rng.random() < 0.7 for _ in range(60)) / 60 for _ in range(12)]
        shift = clearest_shift([Level(one, 60) for one in shares], shares=True)
        found += shift is not None and shift.chance <= 0.05
    assert found / 600 <= 0.05


def test_weeks_that_agree_by_luck_do_not_make_a_step_of_a_rounding_sure() -> None:
    levels = [Level(0.50, 40)] * 6 + [Level(0.52, 40)] * 6
    shift = clearest_shift(levels, shares=True)
    assert shift is not None
    assert shift.chance > 0.5
    times = [Level(math.log(100), 40)] * 6 + [Level(math.log(100.2), 40)] * 6
    shift = clearest_shift(times, shares=False)
    assert shift is not None
    assert shift.chance > 0.05


@pytest.mark.parametrize(
    ("chances", "most"),
    [([], 0.0), ([0.2, 0.9], 0.0), ([0.04], 0.04), ([0.04, 0.05], 0.05), ([0.03, 0.5], 0.0)],
)
def test_the_rate_of_false_ones_is_held(chances: list[float], most: float) -> None:
    assert benjamini_hochberg(chances) == most
