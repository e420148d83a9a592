"""What the channel can carry follows from the layout, and is what the documents say."""

from __future__ import annotations

import itertools
import math
import re
from pathlib import Path

import numpy as np
import pytest

from firmware_cfg.errors import RecordError
from firmware_cfg.record import (
    MAX_RATE_HZ,
    RECORD_BYTES,
    CameraHealth,
    FrameRecord,
    Jail,
    max_health,
    pack,
    unpack,
)
from firmware_cfg.record_layout import (
    FRAME_BITS,
    FREE_FLAGS,
    HEADER_BYTES,
    JAILS,
    LAYOUT,
    TIME_BITS,
    Layout,
    acceptable_records,
    bound_bps,
    face_template_s,
    grid,
    raw_bound_bps,
)
from firmware_cfg.site import Device

ARCHITECTURE = Path(__file__).parents[3] / "docs" / "architecture.md"
TINY = Layout(coordinate_steps=3, score_steps=2, most_people=2)


def test_the_fields_have_no_room_to_spare() -> None:
    assert LAYOUT.coordinate_steps + 1 == 1 << LAYOUT.coordinate_bits
    assert LAYOUT.person_bits == 4 * LAYOUT.coordinate_bits + 5
    assert HEADER_BYTES + 64 * LAYOUT.person_bits // 8 == RECORD_BYTES
    assert RECORD_BYTES <= 4096  # PIPE_BUF on Linux: one write is atomic


def test_the_raw_bound_is_every_bit_of_every_record() -> None:
    assert raw_bound_bps() == RECORD_BYTES * 8 * MAX_RATE_HZ
    assert Device.model_fields["max_rate_hz"].metadata[1].le == MAX_RATE_HZ


def test_the_bound_is_the_logarithm_of_the_records_that_can_be_told_apart() -> None:
    boxes = math.comb(LAYOUT.coordinate_steps + 1, 2) ** 2
    people = sum(math.comb(boxes, n) * 21**n for n in range(65))
    people += math.comb(boxes, 64) * 21**64  # and that some were left out
    records = people * FREE_FLAGS * JAILS * 2 ** (FRAME_BITS + TIME_BITS)
    assert acceptable_records() == records
    assert bound_bps() == pytest.approx(math.log2(records) * MAX_RATE_HZ)
    assert 0.75 * raw_bound_bps() < bound_bps() < raw_bound_bps()


def test_no_picture_has_more_records_than_a_square_one() -> None:
    sizes = [(16000, 9000), (1280, 720), (640, 480), (64, 64), (100, 1000)]
    assert all(bound_bps(size_px=size) < bound_bps() for size in sizes)


def all_people(layout: Layout, size_px: tuple[int, int]) -> set[bytes]:
    """Every record without its frame, time, flags, made by trying every pattern of bits."""
    told = set()
    empty = FrameRecord(1, 0, size_px, np.zeros((0, 4)), np.zeros(0))
    header = pack(empty, layout)[:HEADER_BYTES]
    body_bytes = layout.record_bytes - HEADER_BYTES
    for people in range(layout.most_people + 1):
        begun = header[:5] + bytes([people]) + header[6:]
        for body in range(1 << (people * layout.person_bits)):
            bits = body << (body_bytes * 8 - people * layout.person_bits)
            data = begun + bits.to_bytes(body_bytes, "big")
            try:
                record = unpack(data, layout)
            except RecordError:
                continue
            assert pack(record, layout) == data
            told.add(data)
    return told


@pytest.mark.parametrize("size_px", [(1, 1), (2, 1), (9, 5)])
def test_a_tiny_layout_accepts_exactly_as_many_as_are_counted(size_px: tuple[int, int]) -> None:
    layout = Layout(coordinate_steps=1, score_steps=2, most_people=2)
    layouts = [layout, Layout(coordinate_steps=3, score_steps=1, most_people=1)]
    for one in layouts:
        free = FREE_FLAGS * JAILS << (FRAME_BITS + TIME_BITS)
        told = all_people(one, size_px)
        full = sum(data[5] == one.most_people for data in told)  # may say that some are left out
        assert acceptable_records(one, size_px) == (len(told) + full) * free


def test_the_flags_and_jails_that_are_counted_are_those_that_are_accepted() -> None:
    boxes = np.array([[0.0, 0.0, 3.0 + i, 9.0] for i in range(64)])
    combinations = list(itertools.product(range(max_health() + 1), range(JAILS)))
    for people, expected in ((0, FREE_FLAGS * JAILS), (64, 2 * FREE_FLAGS * JAILS)):
        accepted = 0
        for health, jail in combinations:
            try:
                record = FrameRecord(
                    *(1, 0, (300, 300), boxes[:people], np.ones(people)),
                    *(CameraHealth(health), Jail(jail)),
                )
                accepted += unpack(pack(record)).health == CameraHealth(health)
            except RecordError:
                continue
        assert accepted == expected


def test_a_grid_has_as_many_steps_as_the_layout_says() -> None:
    assert grid(TINY, (100, 50)).x_px.tolist() == [0.0, 33.25, 66.75, 100.0]
    assert grid(TINY, (100, 50)).y_px.tolist() == [0.0, 25.0, 50.0]


def test_the_documents_name_the_bounds() -> None:
    page = re.sub(r"\s+", " ", ARCHITECTURE.read_text("utf-8"))
    assert f"{RECORD_BYTES} bytes" in page
    assert f"{raw_bound_bps() / 1e3:.1f} kbit/s" in page
    for rate_hz in (30.0, 10.0, 2.0):
        bps = bound_bps(rate_hz=rate_hz)
        row = f"| {rate_hz:g} | {bps / 1e3:.1f} kbit/s | {face_template_s(bps):.2f} s |"
        assert row in page
