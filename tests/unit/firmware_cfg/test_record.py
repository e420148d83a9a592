"""The pipe's record: what is packed comes back, and nothing else is accepted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from firmware_cfg.errors import RecordError
from firmware_cfg.record import (
    COORDINATE_STEPS_PER_PX,
    MAX_PEOPLE,
    MAX_SIDE_PX,
    RECORD_BYTES,
    SCORE_STEPS,
    CameraHealth,
    FrameRecord,
    channel_bound_bps,
    max_health,
    pack,
    unpack,
)

SIZE_PX = (1280, 720)


@st.composite
def records(draw: st.DrawFn, people_max: int = MAX_PEOPLE) -> FrameRecord:
    people = draw(st.integers(0, people_max))
    width, height = draw(st.integers(1, MAX_SIDE_PX)), draw(st.integers(1, MAX_SIDE_PX))
    corners = draw(arrays(np.float64, (people, 2, 2), elements=st.floats(0, 1)))
    scale = np.array([width, height])
    boxes = np.concatenate([corners.min(1) * scale, corners.max(1) * scale], axis=1)
    return FrameRecord(
        frame=draw(st.integers(1, 2**32 - 1)),
        t_us=draw(st.integers(0, 2**64 - 1)),
        size_px=(width, height),
        boxes_xyxy_px=boxes,
        scores=draw(arrays(np.float64, people, elements=st.floats(0, 1))),
        health=CameraHealth(draw(st.integers(0, max_health()))),
    )


def record_of(boxes: list[list[float]], scores: list[float], frame: int = 1) -> FrameRecord:
    table = np.array(boxes, np.float64).reshape(-1, 4)
    return FrameRecord(frame, 0, SIZE_PX, table, np.array(scores, np.float64))


@given(records())
def test_a_record_comes_back_within_its_quantisation(record: FrameRecord) -> None:
    data = pack(record)
    again = unpack(data)
    assert len(data) == RECORD_BYTES
    assert (again.frame, again.t_us, again.size_px) == (record.frame, record.t_us, record.size_px)
    assert again.health == record.health
    assert again.boxes_xyxy_px.shape == record.boxes_xyxy_px.shape
    step = 0.5 / COORDINATE_STEPS_PER_PX
    assert (np.abs(again.boxes_xyxy_px - record.boxes_xyxy_px) <= step + 1e-9).all()
    assert (np.abs(again.scores - record.scores) <= 0.5 / SCORE_STEPS + 1e-12).all()
    assert pack(again) == data


@given(st.binary(min_size=RECORD_BYTES, max_size=RECORD_BYTES))
def test_random_bytes_are_refused_or_exact(data: bytes) -> None:
    accept_exactly_or_refuse(data)


@given(st.binary(min_size=RECORD_BYTES - 4, max_size=RECORD_BYTES - 4))
def test_random_bytes_behind_a_good_beginning_are_refused_or_exact(data: bytes) -> None:
    accept_exactly_or_refuse(b"EV\x01\x00" + data)


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


@pytest.mark.parametrize("length", [0, 1, RECORD_BYTES - 1, RECORD_BYTES + 1, 4096])
def test_another_length_is_refused(length: int) -> None:
    with pytest.raises(RecordError, match=f"expected {RECORD_BYTES} bytes, found {length}"):
        unpack(bytes(length))


def test_the_best_scores_stay_in_their_order_when_there_are_too_many_people() -> None:
    scores = [0.5] * MAX_PEOPLE + [0.9, 0.2]
    boxes = [[float(i), 0.0, float(i) + 1, 1.0] for i in range(len(scores))]
    again = unpack(pack(record_of(boxes, scores)))
    assert len(again.scores) == MAX_PEOPLE
    assert again.health == CameraHealth.TOO_MANY_PEOPLE
    assert again.scores[-1] == pytest.approx(0.9)
    assert list(again.boxes_xyxy_px[:, 0]) == [*range(MAX_PEOPLE - 1), MAX_PEOPLE]


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
    ],
)
def test_an_inverted_or_undefined_box_is_not_packed(box: list[float], score: float) -> None:
    with pytest.raises(RecordError, match="frame 7: a box or score"):
        pack(record_of([box], [score], frame=7))


@pytest.mark.parametrize(
    ("frame", "t_us", "size_px", "health"),
    [
        (0, 0, SIZE_PX, 0),
        (2**32, 0, SIZE_PX, 0),
        (1, -1, SIZE_PX, 0),
        (1, 2**64, SIZE_PX, 0),
        (1, 0, (MAX_SIDE_PX + 1, 720), 0),
        (1, 0, (1280, 0), 0),
        (1, 0, SIZE_PX, max_health() + 1),
    ],
)
def test_a_header_that_does_not_fit_is_not_packed(
    frame: int, t_us: int, size_px: tuple[int, int], health: int
) -> None:
    record = FrameRecord(frame, t_us, size_px, np.zeros((0, 4)), np.zeros(0), CameraHealth(health))
    with pytest.raises(RecordError):
        pack(record)


def test_boxes_and_scores_must_agree_in_number() -> None:
    record = FrameRecord(1, 0, SIZE_PX, np.zeros((2, 4)), np.zeros(1))
    with pytest.raises(RecordError, match="1 scores, boxes of shape"):
        pack(record)


def test_one_write_is_atomic_and_the_channel_is_bounded() -> None:
    assert RECORD_BYTES <= 4096  # PIPE_BUF on Linux
    assert channel_bound_bps() == RECORD_BYTES * 8 * 30
