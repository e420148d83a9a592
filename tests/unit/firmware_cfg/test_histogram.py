"""Histograms: merging and coarsening lose nothing."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_cfg.histogram import (
    MAX_SCALE,
    ZERO_BELOW_S,
    Fate,
    Histogram,
    bucket_bounds_s,
    bucket_index,
    scale_for,
)

DURATIONS = st.lists(st.tuples(st.floats(0, 1e5), st.sampled_from(Fate)), max_size=40)
SCALES = st.integers(0, MAX_SCALE)
HISTOGRAMS = st.builds(Histogram.of, DURATIONS, SCALES)


@given(DURATIONS, DURATIONS, SCALES)
def test_merging_equals_building_from_all(
    one: list[tuple[float, Fate]], other: list[tuple[float, Fate]], scale: int
) -> None:
    merged = Histogram.of(one, scale) + Histogram.of(other, scale)
    assert merged == Histogram.of([*one, *other], scale)


@given(HISTOGRAMS, HISTOGRAMS, HISTOGRAMS)
def test_merging_knows_no_order(one: Histogram, two: Histogram, three: Histogram) -> None:
    assert one + two == two + one
    assert (one + two) + three == one + (two + three)
    assert (one + two).total() == one.total() + two.total()


@given(DURATIONS, SCALES, SCALES)
def test_coarsening_equals_building_coarse(
    durations: list[tuple[float, Fate]], one: int, other: int
) -> None:
    fine, coarse = max(one, other), min(one, other)
    assert Histogram.of(durations, fine).at_scale(coarse) == Histogram.of(durations, coarse)


@given(st.floats(0, 1e6), SCALES)
def test_a_bucket_holds_its_durations(duration_s: float, scale: int) -> None:
    lower, upper = bucket_bounds_s(bucket_index(duration_s, scale), scale)
    assert lower * (1 - 1e-9) <= duration_s <= upper * (1 + 1e-9)
    assert lower < duration_s or math.isclose(lower, duration_s) or duration_s == 0.0
    if lower:
        assert upper / lower == pytest.approx(2.0 ** (2.0**-scale))


@pytest.mark.parametrize("scale", range(MAX_SCALE + 1))
@pytest.mark.parametrize("power", range(-3, 14))
def test_a_power_of_two_ends_its_bucket(power: int, scale: int) -> None:
    assert bucket_bounds_s(bucket_index(2.0**power, scale), scale)[1] == pytest.approx(2.0**power)


@pytest.mark.parametrize("duration_s", [0.0, ZERO_BELOW_S / 2, ZERO_BELOW_S])
def test_very_short_durations_share_the_lowest_bucket(duration_s: float) -> None:
    bounds = bucket_bounds_s(bucket_index(duration_s, MAX_SCALE), MAX_SCALE)
    assert bounds == (0.0, ZERO_BELOW_S)


@pytest.mark.parametrize(("visits", "scale"), [(0, 1), (29, 1), (30, 3), (99, 3), (100, 5)])
def test_few_visits_get_coarse_buckets(visits: int, scale: int) -> None:
    assert scale_for(visits) == scale


def test_refining_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot refine scale 1 to 3"):
        Histogram(1).at_scale(3)


def test_totals_by_fate() -> None:
    histogram = Histogram.of([(1.0, Fate.EVENT), (2.0, Fate.EVENT), (9.0, Fate.LEFT)])
    totals = [histogram.total(fate) for fate in Fate]
    assert (totals, histogram.total()) == ([2, 1, 0], 3)
