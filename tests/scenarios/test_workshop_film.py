"""How a simulated day is filmed: exact without faults, and with the faults that were asked for."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from edge.tracking.lens import undistort_point
from firmware_cfg.record import pack, unpack
from firmware_cfg.site import Lens
from tests.scenarios.camera import Box, Camera
from tests.scenarios.layouts import COUNTER, TWO, WIDE, Counter, Layout
from tests.scenarios.workshop.conditions import CLEAN, ROUGH, USUAL
from tests.scenarios.workshop.day import GRID_S, Day, Figure, Role, Walker
from tests.scenarios.workshop.film import film

LONG_S = 600.0


def walker(number: int, *waypoints: tuple[float, float, float], height_m: float = 1.7) -> Walker:
    """Somebody who walks straight between (t, x, y)."""
    times, xs, ys = zip(*waypoints, strict=True)
    grid = np.arange(times[0], times[-1] + GRID_S / 2, GRID_S)
    places = np.stack([np.interp(grid, times, xs), np.interp(grid, times, ys)], axis=1)
    return Walker(number, Role.CUSTOMER, number, height_m, times[0], places, np.ones(len(grid)))


def standing(number: int, x: float, y: float, end_s: float = 20.0) -> Walker:
    return walker(number, (0.0, x, y), (end_s, x, y))


def iou(one: Box, other: Box) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    common = max(width, 0.0) * max(height, 0.0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return common / (sum(areas) - common)


def test_without_faults_boxes_are_the_camera_s() -> None:
    person = walker(7, (1.0, -1.0, 3.5), (9.0, 1.0, 5.5))
    found = film(Day(WIDE, (person,), 10.0), CLEAN, 1)
    assert len(found.records) == len(found.boxes) == 101
    for record, known in zip(found.records, found.boxes, strict=True):
        place = person.at(record.t_s)
        assert (place is not None) == (len(record.scores) == 1) == (7 in known)
        if place is None:
            continue
        x, y, _ = place
        box = WIDE.camera.body(x, y, 1.7)
        assert box is not None
        width, height = WIDE.camera.size_px
        inside = np.clip(box, 0, [width, height, width, height])
        assert known[7] == pytest.approx(inside, abs=1e-6)
        assert record.boxes_xyxy_px[0] == pytest.approx(inside, abs=0.126)
        assert record.scores[0] == pytest.approx(0.85, abs=0.003)


def test_seated_is_lower_and_behind_the_desk_is_cut() -> None:
    upright = standing(1, 0.0, 7.2)
    seated = replace(standing(2, 1.2, 7.2), shown=np.full(201, 0.8))
    boxes = film(Day(COUNTER, (upright, seated), 20.0), CLEAN, 1).boxes[50]
    hidden = COUNTER.hidden_below_m(0.0, 7.2)
    assert 0.7 < hidden < 1.0
    assert boxes[1] == pytest.approx(COUNTER.camera.body(0.0, 7.2, 1.7, hidden))
    assert boxes[2] == pytest.approx(COUNTER.camera.body(1.2, 7.2, 1.7 * 0.8, hidden))


def test_who_stands_straight_behind_another_is_known_but_not_detected() -> None:
    found = film(Day(COUNTER, (standing(1, 0.0, 4.0), standing(2, 0.0, 4.4)), 20.0), CLEAN, 1)
    assert all(sorted(known) == [1, 2] for known in found.boxes)
    assert all(len(record.scores) == 1 for record in found.records)
    box = COUNTER.camera.body(0.0, 4.0, 1.7)
    assert box is not None
    assert found.records[3].boxes_xyxy_px[0] == pytest.approx(box, abs=0.126)


def test_who_is_half_behind_another_has_a_narrower_box_and_a_lower_score() -> None:
    found = film(Day(COUNTER, (standing(1, 0.0, 4.0), standing(2, 0.25, 4.8)), 20.0), CLEAN, 1)
    record, known = found.records[3], found.boxes[3]
    assert len(record.scores) == 2
    left, _, right, _ = known[2]
    seen = record.boxes_xyxy_px[1]
    assert 0.3 * (right - left) < right - seen[0] < 0.9 * (right - left)
    assert seen[2] == pytest.approx(right, abs=0.2)
    assert 0.5 < record.scores[1] < 0.8


def test_frames_come_irregularly_but_in_order() -> None:
    conditions = replace(USUAL, freezes_per_h=30.0)
    day = Day(COUNTER, (), LONG_S, blind=((100.0, 130.0),))
    records = film(day, conditions, 3).records
    steps = np.diff([record.t_s for record in records])
    assert records[0].t_us == 0
    assert [record.frame for record in records] == list(range(1, len(records) + 1))
    assert steps.min() > 0.01
    assert len(set(np.round(steps, 4))) > 100
    assert not any(100.0 < record.t_s < 130.0 for record in records)
    assert np.count_nonzero((steps > 2.9) & (steps < 17.0)) >= 2


@pytest.mark.parametrize("fps", [2.0, 10.0, 30.0])
def test_so_many_frames_come(fps: float) -> None:
    conditions = replace(CLEAN, fps=fps, jitter=0.2, drop=0.1)
    records = film(Day(COUNTER, (), LONG_S), conditions, 1).records
    assert len(records) == pytest.approx(0.9 * fps * LONG_S, rel=0.03)
    assert all(one.t_us < other.t_us for one, other in pairwise(records))


def test_the_same_seed_gives_the_same_film_and_another_does_not() -> None:
    day = Day(COUNTER, (standing(1, 0.0, 4.0), standing(2, 0.4, 4.8)), 20.0)
    films = [film(day, ROUGH, seed) for seed in (5, 5, 6)]
    told = [[pack(record) for record in one.records] for one in films]
    assert told[0] == told[1] != told[2]
    assert films[0].boxes == films[1].boxes
    assert all(pack(unpack(record)) == record for record in told[0])


def test_the_channel_keeps_every_person_of_a_film_and_every_threshold() -> None:
    day = Day(COUNTER, (standing(1, 0.0, 4.0), standing(2, 0.4, 4.8)), 20.0)
    for record in film(day, ROUGH, 5).records:
        again = unpack(pack(record))
        assert again.boxes_xyxy_px.shape == record.boxes_xyxy_px.shape
        assert again.scores.min(initial=1.0) >= ROUGH.threshold


def test_misses_are_as_frequent_as_asked() -> None:
    people = tuple(standing(n, x, 5.0, LONG_S) for n, x in enumerate((-1.6, -0.5, 0.5, 1.6), 1))
    conditions = replace(CLEAN, miss=0.04, miss_burst=0.1)
    records = film(Day(COUNTER, people, LONG_S), conditions, 2).records
    seen = sum(len(record.scores) for record in records) / (4 * len(records))
    assert 1 - seen == pytest.approx(1 - 0.96 * 0.9, abs=0.025)


def test_second_boxes_are_as_frequent_as_asked() -> None:
    conditions = replace(CLEAN, double=0.1, edge_sd=0.01)
    day = Day(COUNTER, (standing(1, 0.0, 4.5, LONG_S),), LONG_S)
    records = film(day, conditions, 2).records
    counts = [len(record.scores) for record in records]
    assert min(counts) == 1
    assert max(counts) == 2
    assert np.mean(counts) - 1 == pytest.approx(0.1, abs=0.025)
    assert all(record.scores[0] > record.scores[-1] for record in records if len(record.scores) > 1)


def test_boxes_on_nothing_are_as_frequent_as_asked() -> None:
    records = film(Day(COUNTER, (), LONG_S), replace(CLEAN, false_per_min=6.0), 2).records
    counts = np.array([len(record.scores) for record in records])
    starts = np.count_nonzero(np.diff(counts) > 0)
    assert starts == pytest.approx(60, abs=18)
    assert counts.mean() == pytest.approx(6 / 60 * 0.85, abs=0.03)


def test_two_who_overlap_get_one_box_as_often_as_asked() -> None:
    people = (standing(1, 0.0, 4.0, LONG_S), standing(2, 0.18, 4.3, LONG_S))
    known = film(Day(COUNTER, people, 1.0), CLEAN, 2).boxes[0]
    assert iou(known[1], known[2]) > 0.4
    apart = film(Day(COUNTER, people, LONG_S), CLEAN, 2).records
    merged = film(Day(COUNTER, people, LONG_S), replace(CLEAN, merged=0.2), 2).records
    changed = [
        not np.array_equal(one.boxes_xyxy_px, other.boxes_xyxy_px)
        for one, other in zip(apart, merged, strict=True)
    ]
    assert all(len(record.scores) == 2 for record in apart)
    assert np.mean(changed) == pytest.approx(0.2, abs=0.06)
    assert all(len(record.scores) == 1 for record, new in zip(merged, changed, strict=True) if new)


def test_noise_has_the_size_asked_for_whatever_the_frame_rate() -> None:
    day = Day(COUNTER, (standing(1, 0.0, 4.5, LONG_S),), LONG_S)
    box = COUNTER.camera.body(0.0, 4.5, 1.7)
    assert box is not None
    for fps in (3.0, 20.0):
        boxes = film(day, replace(CLEAN, fps=fps, edge_sd=0.02), 4).boxes
        feet = np.array([known[1][3] for known in boxes]) - box[3]
        assert feet.std() / (box[3] - box[1]) == pytest.approx(0.02, rel=0.12)


def test_feet_are_clipped_for_a_while() -> None:
    day = Day(COUNTER, (standing(1, 0.0, 4.5, LONG_S),), LONG_S)
    boxes = film(day, replace(CLEAN, feet=0.1), 4).boxes
    tall = np.array([known[1][3] - known[1][1] for known in boxes])
    lost = 1 - tall / tall.max()
    assert np.mean(lost > 0.03) == pytest.approx(0.1, abs=0.04)
    assert 0.1 < lost.max() < 0.16


def test_a_frame_rate_changes_no_person() -> None:
    day = Day(COUNTER, (standing(1, 0.0, 4.5, 100.0),), 100.0)
    slow, fast = (
        film(day, replace(CLEAN, fps=fps, miss_burst=0.2, feet=0.2), 4) for fps in (5.0, 10.0)
    )
    assert fast.boxes[::2] == slow.boxes
    seen = [[len(record.scores) for record in one.records] for one in (slow, fast)]
    assert 0 < seen[0].count(0) < len(seen[0])
    assert seen[1][::2] == seen[0]


def test_a_figure_flickers_and_is_hidden_by_people() -> None:
    figure = Figure(0.0, 5.0, 1.7, 0.5, 0.4)
    alone = film(Day(COUNTER, (), LONG_S, (figure,)), CLEAN, 1)
    assert np.mean([len(r.scores) for r in alone.records]) == pytest.approx(0.4, abs=0.1)
    assert not any(alone.boxes)
    day = Day(COUNTER, (standing(1, 0.0, 4.6, LONG_S),), LONG_S, (figure,))
    assert all(len(record.scores) == 1 for record in film(day, CLEAN, 1).records)


@pytest.mark.parametrize("layout", [COUNTER, TWO])
def test_a_desk_hides_from_the_front_what_it_always_did(layout: Layout) -> None:
    camera, desk = layout.camera, layout.counters[0].desk
    assert desk is not None
    x = (desk[0] + desk[2]) / 2
    expected = camera.height_m + (1.0 - camera.height_m) * 7.4 / 6.6
    assert layout.hidden_below_m(x, 7.4) == pytest.approx(expected)
    assert layout.hidden_below_m(x, 5.5) == 0.0
    assert layout.hidden_below_m(x, 6.3) == 0.0


def test_a_desk_hides_from_the_side_what_is_beyond_its_end() -> None:
    camera = Camera(2.5, 20.0, pan_deg=90.0, x_m=-5.0, y_m=6.3)
    shop = Layout(camera, (Counter("c", (-1.0, 6.0, 1.0, 6.6), (0.0, 5.0, 1.0, 6.0)),), ())
    assert shop.hidden_below_m(2.0, 6.3) == pytest.approx(2.5 - 1.5 * 7.0 / 6.0)
    assert shop.hidden_below_m(0.0, 7.4) == 0.0
    assert shop.hidden_below_m(-2.0, 6.3) == 0.0
    # across a corner: in at the near end, out at the far side y = 6.6, 0.6 of the way
    high = replace(shop, counters=(replace(shop.counters[0], desk_m=1.4),))
    assert high.hidden_below_m(3.0, 6.8) == pytest.approx(2.5 - 1.1 / 0.6)


def test_the_fisheye_is_the_one_that_the_product_undoes() -> None:
    k = (-0.02, 0.004, -0.001, 0.0)
    camera = Camera(2.8, 35.0, 420.0, pan_deg=20.0, k=k, fisheye=True)
    lens = Lens.model_validate(
        {"model": "fisheye", "matrix": [[420, 0, 640], [0, 420, 360], [0, 0, 1]], "k": k}
    )
    plain = replace(camera, k=(0.0, 0.0, 0.0, 0.0), fisheye=False)
    for x, y in ((0.0, 1.5), (-2.0, 3.0), (4.0, 4.0), (1.0, 9.0)):
        assert undistort_point(*camera.pixel(x, y), lens) == pytest.approx(
            plain.pixel(x, y), abs=1e-4
        )


def test_beyond_the_fisheye_s_view_a_point_stays_in_its_direction() -> None:
    camera = Camera(2.8, 0.0, 420.0, k=(-0.1, 0.0, 0.0, 0.0), fisheye=True)
    u, v = camera.pixel(-3.0, -4.0, 2.8)
    assert u < camera.pixel(-3.0, 2.0, 2.8)[0] < 640
    assert v == pytest.approx(360)
    assert math.isfinite(u)
