"""The canary film: what the seed says stands in its bytes, and the same seed films the same."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from edge.audit.canary.film import BUSY_X_PX, QUIET_X_PX, Plan, Visitor, visitors, write_film
from edge.audit.canary.markers import (
    HEIGHT_PX,
    STRIP_PX,
    TURN_CELL_PX,
    WIDTH_PX,
    Plane,
    fresh_seed,
    random_bits,
    strips,
    turns,
)
from edge.audit.canary.records import records_of
from edge.audit.canary.site_file import write_site
from firmware_cfg.load import load_site
from firmware_cfg.record import RECORD_BYTES, unpack

SEED = "55" * 16
FRAME_BYTES = len("FRAME\n") + WIDTH_PX * HEIGHT_PX * 3 // 2


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("film") / "f.y4m"
    write_film(path, Plan(SEED, 12, Fraction(1, 2)))
    return path.read_bytes()


def luma_of(film: bytes, number: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    begin = film.index(b"\n") + 1 + (number - 1) * FRAME_BYTES + len("FRAME\n")
    return np.frombuffer(film, np.uint8, WIDTH_PX * HEIGHT_PX, begin).reshape(HEIGHT_PX, WIDTH_PX)


def test_its_header_says_what_follows(film: bytes) -> None:
    head, _, rest = film.partition(b"\n")
    assert head.startswith(b"YUV4MPEG2 W416 H240 F1:2 ")
    assert len(rest) == 12 * FRAME_BYTES


def test_each_frame_shows_its_own_turn(film: bytes) -> None:
    shown = [luma_of(film, n)[STRIP_PX // 2, TURN_CELL_PX // 2 :: TURN_CELL_PX] for n in (1, 7, 12)]
    expected = turns(SEED, 12)
    for frame, cells in zip((1, 7, 12), shown, strict=True):
        assert (cells > 128).tolist() == expected[frame - 1].tolist()


def test_the_strips_stand_in_every_frame(film: bytes) -> None:
    for strip in strips(SEED):
        if strip.plane is Plane.LUMA:
            part = luma_of(film, 5)[strip.top_px : strip.top_px + STRIP_PX]
            cells = part[:: strip.cell_px, :: strip.cell_px] > 128
            assert (cells == strip.cells).all()


def test_a_seed_repeats_and_another_differs(tmp_path: Path, film: bytes) -> None:
    for seed, same in ((SEED, True), ("66" * 16, False)):
        write_film(tmp_path / "again.y4m", Plan(seed, 12, Fraction(1, 2)))
        assert ((tmp_path / "again.y4m").read_bytes() == film) is same
    assert fresh_seed() != fresh_seed()
    assert 400 < random_bits(SEED, "fair", 1000).sum() < 600


def test_many_come_to_one_counter_and_few_to_the_other(tmp_path: Path) -> None:
    plan = Plan(SEED, 1000)
    by_place = [one.counter_x_px for one in visitors(plan) if one.goes_s < 900]
    assert by_place.count(BUSY_X_PX) >= 12  # more than k = 10
    assert 1 <= by_place.count(QUIET_X_PX) < 5
    assert load_site(write_site(tmp_path / "site.toml", tmp_path)).privacy.k == 10


def at(plan: Plan, t_s: float) -> list[Visitor]:
    return [one for one in visitors(plan) if one.place_px(t_s) is not None]


def test_records_follow_the_visitors() -> None:
    plan = Plan(SEED, 60)
    data = records_of(plan)
    counts = [
        len(unpack(data[begin : begin + RECORD_BYTES]).scores)
        for begin in range(0, len(data), RECORD_BYTES)
    ]
    # two who meet at the door in one place are one box
    there = [
        len({(one.place_px(t), one.figures[0].mask.shape) for one in at(plan, t)})
        for t in map(float, range(60))
    ]
    assert counts == there
    assert sum(counts) > 20
