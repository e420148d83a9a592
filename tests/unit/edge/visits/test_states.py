"""How a piece of a track begins and ends: states from the sightings of a moment."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.visits import states
from edge.visits.states import NOISE_H, PACE_SD_H, Glimpse, state_of

HEIGHT_PX = 200.0
PLACES = (states.X, states.TOP, states.BOTTOM)
PACES = (states.X_PACE, states.TOP_PACE, states.BOTTOM_PACE)
START_PX = (600.0, 300.0, 500.0)
PACE_PX_S = (60.0, 12.0, 15.0)
STANDS = (0.0, 0.0, 0.0)


def walk(
    count: int,
    pace_px_s: tuple[float, float, float] = PACE_PX_S,
    *,
    step_s: float = 0.1,
    noise_px: float = 0.0,
    seed: int = 0,
) -> list[Glimpse]:
    """`count` sightings from 20 s on of somebody who moves straight on from `START_PX`."""
    rng = np.random.default_rng(seed)
    result = []
    for n in range(count):
        moved = np.array(START_PX) + n * step_s * np.array(pace_px_s)
        middle, top, bottom = (moved + rng.normal(0, noise_px, 3)).tolist()
        floor_m = (1.0 + 0.1 * n, 4.0 - 0.2 * n)
        seen = Glimpse(20 + n * step_s, floor_m, (middle, top, bottom), HEIGHT_PX, whole=True)
        result.append(seen)
    return result


def picked(sightings: list[Glimpse], columns: tuple[int, ...]) -> list[float]:
    """Columns of the state of `sightings`."""
    state = state_of(sightings)
    return [state[column] for column in columns]


def test_one_sighting_is_a_place_without_a_pace() -> None:
    sightings = walk(1)
    state = state_of(sightings)
    assert state[states.T] == 20.0
    assert picked(sightings, PLACES) == pytest.approx(START_PX)
    assert picked(sightings, PACES) == pytest.approx(STANDS)
    assert state[states.VAR] == pytest.approx(NOISE_H**2)
    assert state[states.PACE_VAR] == pytest.approx(PACE_SD_H**2)
    assert state[states.COVAR] == pytest.approx(0)


def test_a_long_straight_walk_is_taken_as_it_is() -> None:
    sightings = walk(41)
    assert picked(sightings, PLACES) == pytest.approx(START_PX, abs=0.5)
    assert picked(sightings, PACES) == pytest.approx(PACE_PX_S, rel=0.01)


def test_of_a_moment_the_pace_is_taken_with_caution() -> None:
    for found, true in zip(picked(walk(5), PACES), PACE_PX_S, strict=True):
        assert 0.5 * true < found < true


def test_place_and_pace_of_a_noisy_walk_are_as_far_off_as_is_said() -> None:
    noise_px = NOISE_H * HEIGHT_PX
    off, said = [], []
    for seed in range(200):
        state = state_of(walk(5, noise_px=noise_px, seed=seed))
        paces = zip(PACES, PACE_PX_S, strict=True)
        off.append([state[i] - at for i, at in zip(PLACES, START_PX, strict=True)])
        off[-1] += [state[i] - at for i, at in paces]
        said.append([state[states.VAR]] * 3 + [state[states.PACE_VAR]] * 3)
    squares = np.mean(np.square(off), axis=0) / HEIGHT_PX**2
    # each box is off on its own here: less than is allowed for
    assert (squares < np.array(said)[0]).all()
    assert np.array(off)[:, :3].mean(axis=0) == pytest.approx(STANDS, abs=0.02 * HEIGHT_PX)


def test_backwards_the_last_place_and_the_pace_in_the_direction_of_time() -> None:
    sightings = walk(41)
    ends = sightings[::-1]
    assert state_of(ends)[states.T] == pytest.approx(24.0)
    assert picked(ends, PLACES) == pytest.approx(sightings[-1].box_px, abs=0.5)
    assert picked(ends, PACES) == pytest.approx(PACE_PX_S, rel=0.01)
    assert picked(ends, PACES) == pytest.approx(picked(sightings, PACES))


def test_backwards_who_is_faster_than_thought_is_further_on() -> None:
    sightings = walk(5)
    assert state_of(sightings)[states.COVAR] < 0  # at the start a faster one was further back
    assert state_of(sightings[::-1])[states.COVAR] == pytest.approx(
        -state_of(sightings)[states.COVAR]
    )


def test_who_stands_has_no_pace() -> None:
    for sightings in (walk(5, STANDS), walk(5, STANDS)[::-1]):
        assert picked(sightings, PLACES) == pytest.approx(START_PX)
        assert picked(sightings, PACES) == pytest.approx(STANDS, abs=1e-9)
    trembling = [
        picked(walk(5, STANDS, noise_px=0.01 * HEIGHT_PX, seed=seed), PACES) for seed in range(200)
    ]
    assert float(np.std(trembling)) < 0.04 * HEIGHT_PX
    assert float(np.mean(trembling)) == pytest.approx(0, abs=0.01 * HEIGHT_PX)


@pytest.mark.parametrize("step_s", [1 / 30, 0.1, 0.2])
def test_the_longer_somebody_is_seen_the_more_is_known(step_s: float) -> None:
    found = [state_of(walk(number, step_s=step_s)) for number in range(1, 20)]
    variances = [state[states.PACE_VAR] for state in found]
    assert variances == sorted(variances, reverse=True)
    assert found[-1][states.VAR] < 0.6 * found[0][states.VAR]


@pytest.mark.parametrize("column", [states.VAR, states.PACE_VAR])
def test_the_same_moment_at_more_frames_tells_a_little_more(column: int) -> None:
    found = [state_of(walk(number, step_s=0.4 / (number - 1))) for number in (3, 5, 7, 13)]
    variances = [state[column] for state in found]
    assert variances == sorted(variances, reverse=True)
    assert variances[-1] > 3 / 13 * variances[0]  # what is off on one box is off on the next


def test_height_floor_and_feet() -> None:
    sightings = walk(5)
    sightings[0] = replace(sightings[0], whole=False, height_px=HEIGHT_PX + 10)
    state = state_of(sightings)
    assert state[states.HEIGHT] == pytest.approx(HEIGHT_PX + 2)
    assert (state[states.FLOOR_X], state[states.FLOOR_Y]) == pytest.approx((1.2, 3.6))
    assert state[states.WHOLE] == 0.0
    assert state_of(sightings[::-1])[states.WHOLE] == 1.0


paces = st.tuples(*[st.floats(-300, 300)] * 3)


@given(paces, st.integers(1, 15), st.floats(0.02, 0.5))
def test_all_is_finite_and_the_spread_is_one(
    pace_px_s: tuple[float, float, float], count: int, step_s: float
) -> None:
    state = state_of(walk(count, pace_px_s, step_s=step_s))
    assert all(math.isfinite(one) for one in state)
    assert state[states.VAR] > 0
    assert state[states.VAR] * state[states.PACE_VAR] > state[states.COVAR] ** 2


@given(st.floats(-500, 500), st.integers(1, 10))
def test_elsewhere_in_the_picture_it_is_the_same(aside_px: float, count: int) -> None:
    sightings = walk(count)
    moved = [replace(one, box_px=(one.box_px[0] + aside_px, *one.box_px[1:])) for one in sightings]
    expected = list(state_of(sightings))
    expected[states.X] += aside_px
    assert list(state_of(moved)) == pytest.approx(expected, abs=1e-6)
