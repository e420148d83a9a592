"""The background plate: nobody is on it, and what is not certain is not shown."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest

from vision.frames import Picture
from vision.plate.builder import PlateBuilder, PlateState
from vision.plate.errors import PlateError
from vision.plate.looking import Sightings
from vision.plate.policy import RELEASED_WIDTH_PX, TILE_PX, PlatePolicy
from vision.plate.release import HATCH_BGR, Look, Plate
from vision.plate.samples import Samples
from vision.plate.tiles import Grid, without_holes

SIZE_PX = (640, 360)
POLICY = PlatePolicy(observe_s=60, sample_every_s=2.0)
NOISE = np.random.default_rng(3).normal(0, 3, (5, 360, 640, 3)).astype(np.float32)
NOBODY = Sightings(np.empty((0, 4)), np.empty(0))
PLACE_PX = (300, 120, 360, 300)  # where somebody stands
ELSEWHERE_PX = (60, 60, 120, 240)

Boxes = list[tuple[int, int, int, int]]


def found(boxes: Boxes, score: float = 0.6) -> Sightings:
    return Sightings(np.array(boxes, float).reshape(-1, 4), np.full(len(boxes), score))


def room() -> Picture:
    """An empty place with some content: blocks of grey levels from 90 to 200."""
    random = np.random.default_rng(1)
    blocks = random.integers(90, 200, (9, 16, 3), np.uint8)
    return blocks.repeat(40, axis=0).repeat(40, axis=1)


def person() -> Picture:
    """Somebody of 60 × 180 px in dark clothes with a pattern."""
    random = np.random.default_rng(2)
    return random.integers(5, 60, (18, 6, 3), np.uint8).repeat(10, axis=0).repeat(10, axis=1)


def seen(t_s: float, people: Boxes, light: int = 0) -> Picture:
    """The place at a time: with people, noise of 3 grey levels, and light added."""
    picture = room().astype(np.float32)
    for x1, y1, x2, y2 in people:
        picture[y1:y2, x1:x2] = cv2.resize(person(), (x2 - x1, y2 - y1))
    picture += light + NOISE[round(t_s * 10) % 7 % len(NOISE)]
    shown: Picture = np.clip(picture, 0, 255).astype(np.uint8)
    return shown


def nobody(_picture: Picture) -> Sightings:
    """A last check that finds nobody."""
    return NOBODY


def watched(
    there: Callable[[float], Boxes],
    detected: Callable[[float], Boxes] | None = None,
    *,
    look: Look = nobody,
    policy: PlatePolicy = POLICY,
    light: Callable[[float], int] = lambda _t_s: 0,
) -> PlateBuilder:
    """A builder that watched the place for as long as it asks for."""
    builder = PlateBuilder(SIZE_PX, look, 0.0, policy)
    for t_s in np.arange(0.0, policy.observe_s + 3.0, policy.sample_every_s).tolist():
        boxes = there(t_s) if detected is None else detected(t_s)
        builder.add(t_s, seen(t_s, there(t_s), light(t_s)), found(boxes))
    return builder


def released(builder: PlateBuilder) -> Plate:
    assert builder.plate is not None, builder.refusal
    return builder.plate


def unlike_the_room(plate: Plate) -> int:
    """Pixels on certain tiles that are not the empty place's."""
    height, width = plate.picture_bgr.shape[:2]
    factor = SIZE_PX[0] // width
    known = room().reshape(height, factor, width, factor, 3).mean(axis=(1, 3))
    certain = plate.certain.repeat(TILE_PX, axis=0).repeat(TILE_PX, axis=1)
    apart = np.abs(plate.picture_bgr - known).max(axis=2)
    return int(((apart > 12) & certain).sum())


def hatched_at(plate: Plate, box_px: tuple[int, int, int, int]) -> float:
    """Share of the tiles under a box that are hatched."""
    side_px = TILE_PX * SIZE_PX[0] / plate.picture_bgr.shape[1]
    x1, y1, x2, y2 = (round(value / side_px) for value in box_px)
    return 1 - float(plate.certain[y1:y2, x1:x2].mean())


def test_an_empty_place_is_shown_whole_and_small() -> None:
    plate = released(watched(lambda _t_s: []))
    assert plate.hatched_share == 0
    assert unlike_the_room(plate) == 0
    assert plate.picture_bgr.shape == (90, RELEASED_WIDTH_PX, 3)
    assert plate.observed_s == 60


def test_who_walks_past_leaves_nothing() -> None:
    def walking(t_s: float) -> Boxes:
        x = 20 + round(t_s * 9)
        return [(x, 120, x + 60, 300)]

    plate = released(watched(walking))
    assert unlike_the_room(plate) == 0
    assert plate.hatched_share < 0.05


def test_who_walks_past_unseen_by_the_detector_leaves_nothing() -> None:
    def walking(t_s: float) -> Boxes:
        x = 20 + round(t_s * 9)
        return [(x, 120, x + 60, 300)]

    assert unlike_the_room(released(watched(walking, lambda _t_s: []))) == 0


def test_who_never_moves_is_hatched() -> None:
    plate = released(watched(lambda _t_s: [PLACE_PX]))
    assert hatched_at(plate, PLACE_PX) == 1
    assert unlike_the_room(plate) == 0


@pytest.mark.parametrize("every", [2, 3, 5, 9])
def test_who_never_moves_and_is_seldom_found_is_hatched(every: int) -> None:
    plate = released(
        watched(lambda _t_s: [PLACE_PX], lambda t_s: [PLACE_PX] * (round(t_s / 2) % every == 0))
    )
    assert hatched_at(plate, PLACE_PX) == 1
    assert unlike_the_room(plate) == 0


@pytest.mark.parametrize("share", [0.25, 0.4, 0.5, 0.6, 0.75])
def test_who_stays_unfound_and_leaves_is_not_shown(share: float) -> None:
    plate = released(watched(lambda t_s: [PLACE_PX] if t_s < share * 60 else [], lambda _t_s: []))
    assert unlike_the_room(plate) == 0
    assert hatched_at(plate, PLACE_PX) > 0.9


def test_who_stays_half_of_the_time_and_is_found_hides_nothing() -> None:
    plate = released(watched(lambda t_s: [PLACE_PX] if 10 < t_s < 40 else []))
    assert unlike_the_room(plate) == 0
    assert plate.hatched_share < 0.05


def test_seen_empty_at_the_end_alone_is_not_enough() -> None:
    plate = released(watched(lambda t_s: [PLACE_PX] if t_s < 42 else []))
    assert hatched_at(plate, PLACE_PX) == 1


def test_seen_empty_in_one_long_stretch_alone_is_not_enough() -> None:
    plate = released(watched(lambda t_s: [PLACE_PX] if t_s >= 30 else []))
    assert hatched_at(plate, PLACE_PX) == 1


def test_light_that_changes_is_no_reason_to_doubt() -> None:
    plate = released(watched(lambda _t_s: [], light=lambda t_s: 25 if t_s > 20 else 0))
    assert plate.hatched_share == 0


def test_hatching_shows_nothing_of_the_camera() -> None:
    plate = released(watched(lambda _t_s: [PLACE_PX, ELSEWHERE_PX]))
    hidden = (~plate.certain).repeat(TILE_PX, axis=0).repeat(TILE_PX, axis=1)
    shades = {tuple(int(value) for value in pixel) for pixel in plate.picture_bgr[hidden]}
    assert shades == set(HATCH_BGR)
    assert plate.hatched_share == pytest.approx(1 - plate.certain.mean())


def test_whom_the_last_check_finds_is_hatched_until_nobody_is_found() -> None:
    shown: list[Picture] = []

    def once(picture: Picture) -> Sightings:
        """Finds whoever is dark at the place, at half of the camera's size."""
        shown.append(picture.copy())
        x1, y1, x2, y2 = (value // 2 for value in PLACE_PX)
        dark = picture[y1:y2, x1:x2].mean() < 60
        return found([(x1, y1, x2, y2)] if dark else [], 0.31)

    plate = released(watched(lambda _t_s: [PLACE_PX], lambda _t_s: [], look=once))
    assert hatched_at(plate, PLACE_PX) == 1
    assert unlike_the_room(plate) == 0
    assert shown[0].shape == (180, 320, 3)
    assert len(shown) >= 2


@pytest.mark.parametrize("there", [[], [(0, 0, 400, 360)]], ids=["released", "refused"])
def test_the_picture_before_its_hatching_is_overwritten(there: Boxes) -> None:
    held: list[Picture] = []

    def holds(picture: Picture) -> Sightings:
        held.append(picture)
        return found([(0, 0, 200, 180)] if there else [])

    builder = watched(lambda _t_s: there, lambda _t_s: [], look=holds)
    assert (builder.plate is None) == bool(there)
    assert not held[0].any()


def test_a_last_check_that_never_ends_refuses() -> None:
    calls = 0

    def someone_new(_picture: Picture) -> Sightings:
        nonlocal calls
        calls += 1
        return found([(20 * calls, 20, 20 * calls + 20, 40)])

    builder = watched(lambda _t_s: [], look=someone_new)
    assert builder.state is PlateState.COLLECTING
    assert "expected nobody on it after 8 checks" in builder.refusal


def test_below_the_least_share_nothing_is_released_and_the_reason_is_said() -> None:
    builder = watched(lambda _t_s: [(0, 0, 400, 360)], policy=replace(POLICY, give_up_s=600))
    assert builder.plate is None
    assert "at least 50% of the picture certain, found" in builder.refusal
    assert "people too long in 7" in builder.refusal


def test_scores_below_the_floor_are_no_evidence() -> None:
    builder = PlateBuilder(SIZE_PX, nobody, 0.0, POLICY)
    for t_s in np.arange(0, 63, 2.0).tolist():
        builder.add(t_s, seen(t_s, []), found([PLACE_PX], POLICY.score_floor - 0.01))
    assert released(builder).hatched_share == 0


def test_samples_stay_spread_over_the_time_in_little_memory() -> None:
    samples = Samples(SIZE_PX, 1.0, 20 * 320 * 180 * 3)
    picture = np.zeros((360, 640, 3), np.uint8)
    for t_s in range(400):
        if samples.due(float(t_s)):
            picture[:] = t_s // 2
            samples.add(float(t_s), picture, NOBODY)
    times_s = samples.times_s
    assert 10 <= len(samples) <= 20
    assert np.ptp(np.diff(times_s)) == 0
    assert samples.observed_s > 350
    assert samples.pictures_bgr[:, 0, 0, 0].tolist() == [int(t_s) // 2 for t_s in times_s]


def test_memory_is_bounded() -> None:
    frames = [seen(t_s, [PLACE_PX]) for t_s in (0.0, 1.0)]
    tracemalloc.start()
    try:
        builder = PlateBuilder((640, 480), nobody, 0.0, replace(POLICY, sample_every_s=0.1))
        for t in range(620):
            builder.add(t / 10, frames[t % 2], found([PLACE_PX]))
        assert builder.state is PlateState.READY
        assert tracemalloc.get_traced_memory()[1] <= 20e6
    finally:
        tracemalloc.stop()


def test_wiping_overwrites_the_samples() -> None:
    samples = Samples(SIZE_PX, 1.0, 10_000_000)
    samples.add(0.0, np.full((360, 640, 3), 200, np.uint8), NOBODY)
    kept = samples.pictures_bgr
    assert kept.all()
    samples.wipe()
    assert not kept.any()
    assert len(samples) == 0


@pytest.mark.parametrize("size_px", [(1920, 1080), (768, 576), (100, 80), (640, 361), (360, 640)])
def test_no_plate_is_wider_than_the_limit_or_than_the_camera(size_px: tuple[int, int]) -> None:
    width, height = Grid.of(size_px).size_px
    assert width <= min(2 * RELEASED_WIDTH_PX, size_px[0])
    assert width / height == pytest.approx(size_px[0] / size_px[1], rel=0.07)


def test_a_tile_among_hatched_ones_is_hatched() -> None:
    uncertain = np.ones((5, 5), bool)
    uncertain[2, 2:4] = False
    assert without_holes(uncertain).all()
    alone = np.zeros((5, 5), bool)
    alone[2, 2] = True
    assert without_holes(alone).sum() == 1


def test_boxes_beyond_the_picture_touch_nothing_there() -> None:
    grid = Grid.of(SIZE_PX)
    beyond = np.array([[-50.0, -50.0, -1.0, -1.0], [400.0, 0.0, 500.0, 100.0]])
    assert not grid.under(beyond).any()
    assert grid.under(np.array([[-10.0, -10.0, 1.0, 1.0]])).sum() == 1


def test_nothing_before_the_first_sample() -> None:
    builder = PlateBuilder(SIZE_PX, nobody, 0.0, POLICY)
    with pytest.raises(PlateError, match="expected a plate that is ready, found it collecting"):
        builder.confirm(0.0)
