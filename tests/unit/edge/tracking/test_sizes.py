"""How tall somebody is, from many boxes of which some are wrong."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.tracking.sizes import KEPT, Sizes

HEIGHTS_M = st.floats(0.5, 2.2)


def of(*bodies_m: float) -> Sizes:
    """Sizes that have taken in these heights."""
    sizes = Sizes()
    for body_m in bodies_m:
        sizes.add(body_m)
    return sizes


def kept_m(sizes: Sizes) -> list[float]:
    """The heights that are kept, in the order in which they were seen."""
    return [math.exp(one) for one in sizes._kept]  # the bound on memory is what is tested


def test_of_none_nothing_is_known() -> None:
    assert Sizes().count == 0
    assert Sizes().log_m == 0.0


@pytest.mark.parametrize(
    ("bodies_m", "median_m"),
    [((1.7,), 1.7), ((1.9, 1.6, 1.7), 1.7), ((1.0, 1.6, 1.7, 1.75, 2.1), 1.7)],
)
def test_the_middle_height_counts(bodies_m: tuple[float, ...], median_m: float) -> None:
    sizes = of(*bodies_m)
    assert sizes.body_m == pytest.approx(median_m)
    assert sizes.log_m == pytest.approx(math.log(median_m))
    assert sizes.count == len(bodies_m)


def test_of_two_it_is_between_them() -> None:
    assert of(1.6, 1.8).body_m == pytest.approx(math.sqrt(1.6 * 1.8))


def test_a_few_boxes_cut_short_or_around_two_do_not_count() -> None:
    seen = [1.72] * 40
    seen[5:10], seen[20:25] = [0.8] * 5, [2.05] * 5
    assert of(*seen).body_m == pytest.approx(1.72)


def test_no_height_at_all_is_a_small_one() -> None:
    assert of(0.0, -1.0).body_m == pytest.approx(0.1)


@pytest.mark.parametrize("count", [KEPT, KEPT + 1, 100, 1_000, 20_001])
def test_of_many_some_are_kept_evenly_spread(count: int) -> None:
    # heights that tell when they were seen
    times = np.array(kept_m(of(*(1.0 + n for n in range(count))))) - 1.0
    assert KEPT / 2 <= len(times) <= KEPT
    steps = np.diff(times)
    assert steps == pytest.approx(steps[0])
    assert times[0] == pytest.approx(0)
    assert count - times[-1] <= steps[0] + 1e-6


def test_who_seems_to_grow_is_as_tall_as_in_the_middle_of_the_time() -> None:
    grown = of(*np.linspace(1.5, 1.9, 5_000).tolist())
    assert grown.body_m == pytest.approx(1.7, abs=0.02)
    assert grown.count == 5_000


@given(st.lists(HEIGHTS_M, min_size=1, max_size=300))
def test_it_is_within_what_was_seen_and_all_are_counted(bodies_m: list[float]) -> None:
    sizes = of(*bodies_m)
    assert sizes.count == len(bodies_m)
    assert min(bodies_m) * 0.999 <= sizes.body_m <= max(bodies_m) * 1.001
    assert len(kept_m(sizes)) <= KEPT


@given(st.lists(HEIGHTS_M, min_size=1, max_size=KEPT))
def test_the_order_of_a_few_does_not_matter(bodies_m: list[float]) -> None:
    assert of(*bodies_m).log_m == of(*sorted(bodies_m)).log_m
