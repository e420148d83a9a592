"""The pipe's record: what is packed comes back, and nothing else is accepted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from firmware_cfg.errors import RecordError
from firmware_cfg.record import (
    MAX_PEOPLE,
    MAX_SIDE_PX,
    RECORD_BYTES,
    VERSION,
    CameraHealth,
    FrameRecord,
    Jail,
    max_health,
    pack,
    unpack,
)
from firmware_cfg.record_layout import HEADER_BYTES, LAYOUT, coordinate_step_px, grid
from firmware_cfg.region import Region
from tests.bench.fuzz_records import fuzz

SIZE_PX = (1280, 720)
STEP_PX = coordinate_step_px(SIZE_PX)
LATEST_US = LAYOUT.time_us(2**40 - 1)


@st.composite
def records(draw: st.DrawFn, people_max: int = MAX_PEOPLE + 3) -> FrameRecord:
    people = draw(st.integers(0, people_max))
    width, height = draw(st.integers(1, MAX_SIDE_PX)), draw(st.integers(1, MAX_SIDE_PX))
    corners = draw(arrays(np.float64, (people, 2, 2), elements=st.floats(0, 1)))
    scale = np.array([width, height])
    boxes = np.concatenate([corners.min(1) * scale, corners.max(1) * scale], axis=1)
    return FrameRecord(
        frame=draw(st.integers(1, 2**32 - 1)),
        t_us=draw(st.integers(0, LATEST_US)),
        size_px=(width, height),
        boxes_xyxy_px=boxes,
        scores=draw(arrays(np.float64, people, elements=st.floats(0, 1))),
        health=CameraHealth(draw(st.integers(0, max_health()))) & ~CameraHealth.TOO_MANY_PEOPLE,
        jail=draw(st.sampled_from(Jail)),
    )


def record_of(boxes: list[list[float]], scores: list[float], frame: int = 1) -> FrameRecord:
    table = np.array(boxes, np.float64).reshape(-1, 4)
    return FrameRecord(frame, 0, SIZE_PX, table, np.array(scores, np.float64))


@given(records())
def test_a_header_comes_back_and_packing_again_gives_the_same_bytes(record: FrameRecord) -> None:
    data = pack(record)
    again = unpack(data)
    assert len(data) == RECORD_BYTES
    assert (again.frame, again.size_px, again.jail) == (record.frame, record.size_px, record.jail)
    assert abs(again.t_us - record.t_us) <= 500_000 / LAYOUT.time_hz + 1
    assert again.health & ~CameraHealth.TOO_MANY_PEOPLE == record.health
    assert pack(again) == data


@given(records(people_max=MAX_PEOPLE))
def test_each_person_comes_back_within_the_quantisation(record: FrameRecord) -> None:
    again = unpack(pack(record))
    half_px = 0.5 * coordinate_step_px(record.size_px) + 0.125 + 1e-9
    low, high = again.boxes_xyxy_px[:, :2], again.boxes_xyxy_px[:, 2:]
    assert ((low >= 0) & (low < high) & (high <= record.size_px)).all()
    assert len(again.scores) <= len(record.scores)
    for box, score in zip(record.boxes_xyxy_px, record.scores, strict=True):
        near = (np.abs(again.boxes_xyxy_px - box) <= half_px).all(axis=1)
        if (box[2:] - box[:2] > 2 * half_px).all():
            above = again.scores[near].max(initial=-1.0) - score
            assert above >= -1 / LAYOUT.score_steps - 1e-12


@pytest.mark.parametrize("fps", [10, 12, 12.5, 15, 20, 24, 25, 30, 50, 60])
def test_times_of_usual_rates_come_back_as_they_are(fps: float) -> None:
    for frame in (1, 2, 3, 1000, 99_999):
        t_us = round((frame - 1) / fps * 1e6)
        assert unpack(pack(replace(record_of([], []), t_us=t_us))).t_us == t_us


@pytest.mark.parametrize("twentieths", range(21))
def test_a_threshold_in_twentieths_stays_where_it_was(twentieths: int) -> None:
    threshold = twentieths / 20
    just_below = [threshold - 0.001] if twentieths else []
    scores = [threshold, float(np.float32(threshold)), *just_below]
    boxes = [[100.0 * i, 0.0, 100.0 * i + 50, 90.0] for i in range(len(scores))]
    again = unpack(pack(record_of(boxes, scores)))
    assert (again.scores >= threshold).tolist() == [True, True, *([False] if twentieths else [])]


@pytest.mark.parametrize(
    "size_px", [(64, 64), (320, 240), (511, 511), (1280, 720), (720, 1280), (4056, 3040), (7, 3)]
)
def test_positions_rise_end_at_the_edge_and_are_quarter_pixels(size_px: tuple[int, int]) -> None:
    place = grid(LAYOUT, size_px)
    for positions, side in zip((place.x_px, place.y_px), size_px, strict=True):
        assert (np.diff(positions) > 0).all()
        assert (positions[0], positions[-1]) == (0.0, side)
        assert (positions * 4 == np.rint(positions * 4)).all()


def test_what_is_written_to_a_table_of_detections_is_read_back_exactly() -> None:
    place = grid(LAYOUT, (9999, 5000))
    for left in place.x_px[:-1].tolist():
        for right in place.x_px[-3:].tolist():
            assert float(f"{left:g}") + float(f"{right - left:g}") == right or left == right


def test_a_box_that_ends_at_a_region_s_edge_is_inside_it_after_the_pipe() -> None:
    for left in range(100, 900, 2):
        region = Region(left, left // 2, left + 256, left // 2 + 144)
        ends = [left, left // 2, left + 100, left // 2 + 144]
        assert region.holds(unpack(pack(record_of([[*map(float, ends)]], [0.9]))).boxes_xyxy_px)
        beyond = unpack(pack(record_of([[left + 100, 200, left + 270, 300]], [0.9])))
        assert not region.holds(beyond.boxes_xyxy_px)


@given(st.binary(min_size=RECORD_BYTES, max_size=RECORD_BYTES))
def test_random_bytes_are_refused_or_exact(data: bytes) -> None:
    accept_exactly_or_refuse(data)


@given(st.binary(min_size=RECORD_BYTES - 4, max_size=RECORD_BYTES - 4))
def test_random_bytes_behind_a_good_beginning_are_refused_or_exact(data: bytes) -> None:
    accept_exactly_or_refuse(b"EV" + bytes([VERSION, 0]) + data)


@given(records(), st.lists(st.integers(0, RECORD_BYTES * 8 - 1), min_size=1, max_size=4))
def test_flipped_bits_are_refused_or_exact(record: FrameRecord, bits: list[int]) -> None:
    data = bytearray(pack(record))
    for bit in bits:
        data[bit // 8] ^= 1 << bit % 8
    accept_exactly_or_refuse(bytes(data))


def accept_exactly_or_refuse(data: bytes) -> None:
    try:
        record = unpack(data)
    except RecordError:
        return
    assert pack(record) == data


def test_fifty_thousand_hostile_records_are_refused_or_exact() -> None:
    tally = fuzz(50_000, seed=1)
    assert tally.tried == 50_000
    assert tally.not_exact == 0
    assert min(tally.accepted.values()) > 0  # each kind of attack has near misses
    assert min(tally.refused.values()) > 0


@pytest.mark.parametrize("length", [0, 1, RECORD_BYTES - 1, RECORD_BYTES + 1, 4096])
def test_another_length_is_refused(length: int) -> None:
    with pytest.raises(RecordError, match=f"expected {RECORD_BYTES} bytes, found {length}"):
        unpack(bytes(length))


@given(records(), st.randoms())
def test_the_order_of_people_tells_nothing(record: FrameRecord, chance: object) -> None:
    order = np.random.default_rng(hash(chance) % 2**32).permutation(len(record.scores))
    if len(order) > MAX_PEOPLE:
        return  # among equal scores the order may say who stays
    boxes, scores = record.boxes_xyxy_px[order], record.scores[order]
    assert pack(replace(record, boxes_xyxy_px=boxes, scores=scores)) == pack(record)


def test_people_in_another_order_are_refused() -> None:
    data = bytearray(pack(record_of([[100, 50, 180, 300], [700, 60, 790, 310]], [0.9, 0.8])))
    bits = np.unpackbits(np.frombuffer(bytes(data[HEADER_BYTES:]), np.uint8))
    size = LAYOUT.person_bits
    bits[: 2 * size] = np.concatenate([bits[size : 2 * size], bits[:size]])
    swapped = bytes(data[:HEADER_BYTES]) + np.packbits(bits).tobytes()
    with pytest.raises(RecordError, match="out of order"):
        unpack(swapped)
    bits[size : 2 * size] = bits[:size]
    with pytest.raises(RecordError, match="one twice"):
        unpack(bytes(data[:HEADER_BYTES]) + np.packbits(bits).tobytes())


def test_the_best_scores_stay_when_there_are_too_many_people() -> None:
    scores = [0.5] * MAX_PEOPLE + [0.9, 0.2]
    boxes = [[9.0 * i, 0.0, 9.0 * i + 30, 90.0] for i in range(len(scores))]
    again = unpack(pack(record_of(boxes, scores)))
    assert len(again.scores) == MAX_PEOPLE
    assert again.health == CameraHealth.TOO_MANY_PEOPLE
    assert sorted(again.scores.tolist())[-2:] == [0.5, 0.9]
    assert 0.2 not in again.scores


def test_the_same_box_twice_is_one_person_with_the_higher_score() -> None:
    left = float(grid(LAYOUT, SIZE_PX).x_px[160])
    boxes = [[left, 50, 600, 300], [left + 0.1 * STEP_PX, 50, 600, 300]]
    assert unpack(pack(record_of(boxes, [0.6, 0.8]))).scores.tolist() == [0.8]


def test_a_box_of_less_than_a_step_is_left_out() -> None:
    place = grid(LAYOUT, SIZE_PX)
    x, y = float(place.x_px[160]), float(place.y_px[80])
    thin, flat = [x, y, x + 0.1 * STEP_PX, 300.0], [x, y, 600.0, y + 0.1 * STEP_PX]
    again = unpack(pack(record_of([thin, flat, [x, y, 600.0, 300.0]], [0.9, 0.9, 0.8])))
    assert again.scores.tolist() == [0.8]


def test_what_sticks_out_of_the_picture_is_clipped() -> None:
    again = unpack(pack(record_of([[-5, -7, 2000, 900]], [1.7])))
    assert again.boxes_xyxy_px.tolist() == [[0, 0, *SIZE_PX]]
    assert again.scores.tolist() == [1.0]


@pytest.mark.parametrize(
    ("box", "score"),
    [
        ([10.0, 0.0, 5.0, 9.0], 0.5),
        ([0.0, 10.0, 5.0, 9.0], 0.5),
        ([float("nan"), 0.0, 5.0, 9.0], 0.5),
        ([0.0, 0.0, 5.0, float("nan")], 0.5),
        ([0.0, 0.0, 5.0, 9.0], float("nan")),
        ([0.0, 0.0, 5.0, 9.0], float("inf")),
    ],
)
def test_an_inverted_or_undefined_box_is_not_packed(box: list[float], score: float) -> None:
    with pytest.raises(RecordError, match="frame 7: a box or score"):
        pack(record_of([box], [score], frame=7))


@pytest.mark.parametrize(
    ("frame", "t_us", "size_px", "health", "jail"),
    [
        (0, 0, SIZE_PX, 0, 0),
        (2**32, 0, SIZE_PX, 0, 0),
        (1, -1000, SIZE_PX, 0, 0),
        (1, LATEST_US + 1000, SIZE_PX, 0, 0),
        (1, 0, (MAX_SIDE_PX + 1, 720), 0, 0),
        (1, 0, (1280, 0), 0, 0),
        (1, 0, SIZE_PX, max_health() + 1, 0),
        (1, 0, SIZE_PX, CameraHealth.TOO_MANY_PEOPLE, 0),
        (1, 0, SIZE_PX, 0, 2),
    ],
)
def test_a_header_that_does_not_fit_is_not_packed(
    frame: int, t_us: int, size_px: tuple[int, int], health: int, jail: int
) -> None:
    record = FrameRecord(
        frame, t_us, size_px, np.zeros((0, 4)), np.zeros(0), CameraHealth(health), Jail(jail)
    )
    with pytest.raises(RecordError):
        pack(record)


def test_boxes_and_scores_must_agree_in_number() -> None:
    record = FrameRecord(1, 0, SIZE_PX, np.zeros((2, 4)), np.zeros(1))
    with pytest.raises(RecordError, match="1 scores, boxes of shape"):
        pack(record)
