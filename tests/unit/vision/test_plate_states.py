"""The background plate's states: a person's answer, overwriting, an end that comes by itself."""

from __future__ import annotations

import numpy as np
import pytest

from vision.frames import Picture
from vision.plate.builder import PlateBuilder, PlateState
from vision.plate.errors import PlateError
from vision.plate.looking import Looker, Sightings, views
from vision.plate.policy import PlatePolicy
from vision.testing import ScriptedDetector

SIZE_PX = (320, 180)
POLICY = PlatePolicy(observe_s=20, sample_every_s=1.0, give_up_s=100)
NOBODY = Sightings(np.empty((0, 4)), np.empty(0))
EVERYWHERE = Sightings(np.array([[0.0, 0.0, 320.0, 180.0]]), np.ones(1))
GREY: Picture = np.full((180, 320, 3), 120, np.uint8)


def nobody(_picture: Picture) -> Sightings:
    return NOBODY


def watch(builder: PlateBuilder, from_s: float, to_s: float, found: Sightings = NOBODY) -> None:
    """Frames of a grey place, or of people who fill it."""
    picture = GREY if found is NOBODY else GREY // 4
    for t_s in np.arange(from_s, to_s, 1.0).tolist():
        builder.add(t_s, picture, found)


def state_of(builder: PlateBuilder) -> PlateState:
    return builder.state


def ready() -> PlateBuilder:
    builder = PlateBuilder(SIZE_PX, nobody, 0.0, POLICY)
    watch(builder, 0, 21)
    assert state_of(builder) is PlateState.READY
    return builder


def test_collecting_until_watched_long_enough() -> None:
    builder = PlateBuilder(SIZE_PX, nobody, 0.0, POLICY)
    watch(builder, 0, 20)
    assert state_of(builder) is PlateState.COLLECTING
    assert builder.plate is None
    watch(builder, 20, 21)
    assert state_of(builder) is PlateState.READY


def test_samples_are_overwritten_as_soon_as_a_plate_is_ready() -> None:
    builder = PlateBuilder(SIZE_PX, nobody, 0.0, POLICY)
    watch(builder, 0, 20)
    held = builder._samples.pictures_bgr
    assert held.any()
    watch(builder, 20, 21)
    assert not held.any()


def test_confirmed_plates_stay_and_take_no_more_frames() -> None:
    builder = ready()
    plate = builder.confirm()
    assert state_of(builder) is PlateState.CONFIRMED
    assert not builder.due(50.0)
    assert builder.add(50.0, GREY, NOBODY) is PlateState.CONFIRMED
    assert builder.tick(1000.0) is PlateState.CONFIRMED
    assert builder.plate is plate
    assert plate.picture_bgr.any()


def test_a_rejected_plate_is_overwritten_and_work_starts_again() -> None:
    builder = ready()
    plate = builder.plate
    assert plate is not None
    builder.reject()
    assert state_of(builder) is PlateState.COLLECTING
    assert builder.plate is None
    assert not plate.picture_bgr.any()
    assert builder.rejections == 1
    watch(builder, 30, 50)
    assert state_of(builder) is PlateState.COLLECTING
    watch(builder, 50, 51)
    assert state_of(builder) is PlateState.READY


def test_a_plate_is_answered_once() -> None:
    builder = ready()
    builder.confirm()
    with pytest.raises(PlateError, match="found it confirmed"):
        builder.reject()


def test_it_ends_by_itself_while_nobody_answers() -> None:
    builder = ready()
    plate = builder.plate
    assert plate is not None
    assert builder.tick(99.9) is PlateState.READY
    assert builder.tick(100.0) is PlateState.ENDED
    assert builder.plate is None
    assert not plate.picture_bgr.any()
    assert "ready at the deadline" in builder.refusal


def test_it_ends_by_itself_while_people_are_in_the_way_and_says_so() -> None:
    builder = PlateBuilder(SIZE_PX, nobody, 0.0, POLICY)
    watch(builder, 0, 99, EVERYWHERE)
    assert state_of(builder) is PlateState.COLLECTING
    held = builder._samples.pictures_bgr
    assert builder.add(100.0, GREY, EVERYWHERE) is PlateState.ENDED
    assert not held.any()
    assert "people too long in 100%" in builder.refusal


def test_a_refusal_is_not_the_end() -> None:
    builder = PlateBuilder(SIZE_PX, nobody, 0.0, POLICY)
    watch(builder, 0, 21, EVERYWHERE)
    assert builder.refusal
    watch(builder, 21, 90)
    assert state_of(builder) is PlateState.READY
    assert builder.refusal == ""


def test_ending_overwrites_and_nothing_follows() -> None:
    builder = ready()
    builder.end()
    assert state_of(builder) is PlateState.ENDED
    assert not builder.due(30.0)
    assert builder.add(30.0, GREY, NOBODY) is PlateState.ENDED
    with pytest.raises(PlateError, match="found it ended"):
        builder.confirm()


def test_frames_that_are_not_due_are_passed_over() -> None:
    builder = PlateBuilder(SIZE_PX, nobody, 0.0, POLICY)
    builder.add(0.0, GREY, NOBODY)
    assert not builder.due(0.5)
    builder.add(0.5, GREY, NOBODY)
    assert len(builder._samples) == 1
    assert builder.due(1.0)


def test_every_view_is_looked_at_and_boxes_come_back_to_the_picture() -> None:
    box = (0.0, 0.0, 51.2, 28.8)  # a tenth of the input's sides, in its upper left corner
    detector = ScriptedDetector([[(box, 0.5)]])
    found = Looker(detector, SIZE_PX).look(GREY)
    assert detector.calls == len(views(SIZE_PX)) == 7
    whole, mirrored, first_part, *_, middle = found.boxes_xyxy_px.round(3).tolist()
    assert whole == pytest.approx([0, 0, 32, 18], abs=0.01)
    assert mirrored == pytest.approx([288, 0, 320, 18], abs=0.01)
    assert first_part == pytest.approx([0, 0, 19.2, 10.8], abs=0.01)
    assert middle == pytest.approx([64, 36, 83.2, 46.8], abs=0.01)


def test_the_mirrored_view_is_mirrored() -> None:
    half: Picture = GREY.copy()
    half[:, :160] = 250
    detector = ScriptedDetector()
    looker = Looker(detector, SIZE_PX)
    looker._views = [one for one in looker._views if one[1]]
    looker.look(half)
    assert detector.seen[:, :200].mean() == pytest.approx(120)
    assert detector.seen[:, 300:].mean() == pytest.approx(250)


def test_views_cover_the_picture() -> None:
    covered = np.zeros((180, 320), int)
    for region, _ in views(SIZE_PX):
        covered[region.top : region.bottom, region.left : region.right] += 1
    assert covered.min() >= 3
