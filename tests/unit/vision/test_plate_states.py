"""The background plate's states: a person's answer, overwriting, an end that comes by itself."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest

from vision.frames import Picture
from vision.plate.builder import PlateBuilder, PlateState
from vision.plate.errors import PlateError
from vision.plate.looking import Looker, Sightings, views
from vision.plate.policy import PlatePolicy
from vision.testing import ScriptedDetector

SIZE_PX = (320, 180)
SMALL_PX = (80, 60)  # enough for the states, and quick
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
    builder = PlateBuilder(SMALL_PX, nobody, 0.0, POLICY)
    watch(builder, 0, 21)
    assert state_of(builder) is PlateState.READY
    return builder


def test_collecting_until_watched_long_enough() -> None:
    builder = PlateBuilder(SMALL_PX, nobody, 0.0, POLICY)
    watch(builder, 0, 20)
    assert state_of(builder) is PlateState.COLLECTING
    assert builder.plate is None
    watch(builder, 20, 21)
    assert state_of(builder) is PlateState.READY


def test_samples_are_overwritten_as_soon_as_a_plate_is_ready() -> None:
    builder = PlateBuilder(SMALL_PX, nobody, 0.0, POLICY)
    watch(builder, 0, 20)
    held = builder._samples.pictures_bgr
    assert held.any()
    watch(builder, 20, 21)
    assert not held.any()


def test_confirmed_plates_stay_and_take_no_more_frames() -> None:
    builder = ready()
    plate = builder.confirm(25.0)
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
    builder.reject(25.0)
    assert state_of(builder) is PlateState.COLLECTING
    assert builder.plate is None
    assert not plate.picture_bgr.any()
    assert builder.rejections == 1
    watch(builder, 30, 50)
    assert state_of(builder) is PlateState.COLLECTING
    watch(builder, 50, 51)
    assert state_of(builder) is PlateState.READY


def collecting() -> PlateBuilder:
    return PlateBuilder(SMALL_PX, nobody, 0.0, POLICY)


def confirmed() -> PlateBuilder:
    builder = ready()
    builder.confirm(25.0)
    return builder


def ended() -> PlateBuilder:
    builder = ready()
    builder.end()
    return builder


MADE = {
    PlateState.COLLECTING: collecting,
    PlateState.READY: ready,
    PlateState.CONFIRMED: confirmed,
    PlateState.ENDED: ended,
}
EVENTS: dict[str, Callable[[PlateBuilder], object]] = {
    "a frame": lambda builder: builder.add(30.0, GREY, NOBODY),
    "a frame, too late": lambda builder: builder.add(100.0, GREY, NOBODY),
    "time": lambda builder: builder.tick(99.9),
    "time is up": lambda builder: builder.tick(100.0),
    "confirm": lambda builder: builder.confirm(99.9),
    "confirm, too late": lambda builder: builder.confirm(100.0),
    "reject": lambda builder: builder.reject(99.9),
    "reject, too late": lambda builder: builder.reject(100.0),
    "end": lambda builder: builder.end(),
}
REFUSED = "refused"
TABLE = """
                  | collecting         | ready         | confirmed          | ended
a frame           | collecting         | ready         | confirmed          | ended
a frame, too late | ended              | ended         | confirmed          | ended
time              | collecting         | ready         | confirmed          | ended
time is up        | ended              | ended         | confirmed          | ended
confirm           | refused collecting | confirmed     | refused confirmed  | refused ended
confirm, too late | refused ended      | refused ended | refused confirmed  | refused ended
reject            | refused collecting | collecting    | refused confirmed  | refused ended
reject, too late  | refused ended      | refused ended | refused confirmed  | refused ended
end               | ended              | ended         | ended              | ended
"""


def rows() -> list[tuple[str, PlateState, str]]:
    """Event, state, and what comes of it, for each cell of the table."""
    lines = [[cell.strip() for cell in line.split("|")] for line in TABLE.strip("\n").split("\n")]
    states = [PlateState(name) for name in lines[0][1:]]
    return [
        (event, state, becomes)
        for event, *cells in lines[1:]
        for state, becomes in zip(states, cells, strict=True)
    ]


@pytest.mark.parametrize(("event", "state", "becomes"), rows())
def test_every_event_in_every_state(event: str, state: PlateState, becomes: str) -> None:
    builder = MADE[state]()
    shown = builder.plate
    if becomes.startswith(REFUSED):
        with pytest.raises(PlateError, match=f"found it {becomes.removeprefix(REFUSED).strip()}"):
            EVENTS[event](builder)
    else:
        EVENTS[event](builder)
    assert state_of(builder) == becomes.removeprefix(REFUSED).strip()
    has_plate = state_of(builder) in {PlateState.READY, PlateState.CONFIRMED}
    assert (builder.plate is not None) == has_plate
    assert shown is None or shown.picture_bgr.any() == has_plate


def test_the_table_has_every_event_and_every_state() -> None:
    assert {(event, state) for event, state, _ in rows()} == set(product(EVENTS, PlateState))


def test_who_rejects_again_and_again_does_not_move_the_deadline() -> None:
    builder = collecting()
    for rejections, t_s in enumerate((21, 42, 63), 1):
        watch(builder, t_s - 21, t_s)
        assert state_of(builder) is PlateState.READY
        builder.reject(float(t_s))
        assert builder.rejections == rejections
    watch(builder, 84, 100)
    assert state_of(builder) is PlateState.COLLECTING
    assert builder.tick(100.0) is PlateState.ENDED
    assert builder.refusal == "background plate: collecting at the deadline"


def test_whom_the_detector_never_finds_is_shown_until_a_person_rejects() -> None:
    """The method's known limit, and the reason why a person is asked."""
    dark = GREY.copy()
    dark[60:180, 120:200] = 10
    builder = collecting()
    for t_s in range(21):
        builder.add(float(t_s), dark, NOBODY)
    plate = builder.plate
    assert plate is not None
    shown = plate.picture_bgr
    assert shown[25, 20].max() < 20  # of 30 × 40 px: somebody is on it
    builder.reject(25.0)
    assert not shown.any()
    watch(builder, 30, 51)  # who was asked to has gone
    assert builder.plate is not None
    assert (builder.plate.picture_bgr == 120).all()


def test_what_was_seen_before_a_rejection_counts_no_more() -> None:
    builder = ready()
    builder.reject(25.0)
    watch(builder, 30, 51, EVERYWHERE)
    assert state_of(builder) is PlateState.COLLECTING
    assert "people too long in 100%" in builder.refusal


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
    builder = PlateBuilder(SMALL_PX, nobody, 0.0, POLICY)
    watch(builder, 0, 99, EVERYWHERE)
    assert state_of(builder) is PlateState.COLLECTING
    held = builder._samples.pictures_bgr
    assert builder.add(100.0, GREY, EVERYWHERE) is PlateState.ENDED
    assert not held.any()
    assert "people too long in 100%" in builder.refusal


def test_a_refusal_is_not_the_end() -> None:
    builder = PlateBuilder(SMALL_PX, nobody, 0.0, POLICY)
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
        builder.confirm(30.0)


def test_frames_that_are_not_due_are_passed_over() -> None:
    builder = PlateBuilder(SMALL_PX, nobody, 0.0, POLICY)
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
