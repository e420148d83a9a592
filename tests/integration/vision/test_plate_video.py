"""Background plates of real video: nobody is left on them.

Judged by the difference from the place when it is empty, and by the float32 model at another size
than the one that built the plate. The benchmark `bench_plate.py` has more scenes, and a judge of
another make.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from tests.bench.plate_cases import PHOTOGRAPHS, photograph
from tests.bench.plate_counts import pixels, residue, resting
from tests.bench.plate_scenes import (
    Scene,
    behind_board,
    empty_room,
    played,
    put_into,
    staying,
    still,
)
from vision.detector import OnnxDetector
from vision.models import find_models_dir, load_model
from vision.plate.builder import PlateBuilder, PlateState
from vision.plate.looking import Looker
from vision.plate.policy import PlatePolicy
from vision.plate.release import painted_over
from vision.plate.tiles import Grid

if TYPE_CHECKING:
    from pathlib import Path

    from vision.frames import Picture
    from vision.plate.release import Plate
    from vision.plate.tiles import Tiles

EVERY_S = 4.0  # between samples; sparser than the product, and so more is hatched
JUDGE_FLOOR = 0.35
STANDS_S = (26.0, 42.0)
STANDS_PX = (400, 20, 530, 360)
BOARD = (slice(180, 432), slice(0, 768))


@dataclass(frozen=True, slots=True, eq=False)
class Judge:
    """The float32 model at 256 × 416."""

    detector: OnnxDetector

    def people(self, picture: Picture, certain: Tiles) -> int:
        """How many boxes rest on what of a small picture is certain."""
        shown = painted_over(picture, ~pixels(certain))
        looker = Looker(self.detector, (shown.shape[1], shown.shape[0]))
        return resting(looker.look(shown).boxes_xyxy_px, certain)


@pytest.fixture(scope="module")
def detector() -> OnnxDetector:
    return OnnxDetector(load_model("nanodet-288x512-int8", find_models_dir()), 2, 0.05)


@pytest.fixture(scope="module")
def judge() -> Judge:
    model = load_model("nanodet-256x416", find_models_dir())
    return Judge(OnnxDetector(model, 2, JUDGE_FLOOR))


@pytest.fixture(scope="module")
def photographs() -> Path:
    """The folder of photographs; the set-up fetches it, so under CI it must be there."""
    if not PHOTOGRAPHS.is_dir():
        say = pytest.fail if os.environ.get("CI") else pytest.skip
        say(f"{PHOTOGRAPHS}: not there; make setup")
    return PHOTOGRAPHS


def built(scene: Scene, detector: OnnxDetector, missed_share: float = 0.0) -> Plate:
    """The plate of a scene; in some samples the detector is made to miss everybody."""
    policy = replace(PlatePolicy(), observe_s=scene.lasts_s - EVERY_S, sample_every_s=EVERY_S)
    first, random = scene.at(0.0), np.random.default_rng(1)
    size_px = first.shape[1], first.shape[0]
    looker, last = Looker(detector, size_px), Looker(detector, Grid.of(size_px).size_px)
    builder = PlateBuilder(size_px, last.look, 0.0, policy)
    for t_s, picture in scene.frames(EVERY_S):
        found = looker.look(picture)
        missed = random.random() < missed_share
        if builder.add(t_s, picture, found.at_least(2.0) if missed else found) is PlateState.READY:
            break
    assert builder.plate is not None, builder.refusal
    return builder.plate


def small(picture: Picture) -> Picture:
    """A picture as small as a plate."""
    width, height = Grid.of((picture.shape[1], picture.shape[0])).size_px
    size_px = width // 2, height // 2
    return cv2.resize(picture, size_px, interpolation=cv2.INTER_AREA).astype(np.uint8)


def hatched_at(plate: Plate, box_px: tuple[int, int, int, int], width_px: int = 768) -> float:
    scale = 160 / width_px
    x1, y1, x2, y2 = (round(value * scale) for value in box_px)
    return 1 - float(pixels(plate.certain)[y1:y2, x1:x2].mean())


def test_people_come_and_go(one_by_one: Path, detector: OnnxDetector, judge: Judge) -> None:
    scene = played("one by one", one_by_one, 5, 120, empty_room(one_by_one))
    assert scene.empty is not None
    plate = built(scene, detector)
    assert residue(plate.picture_bgr, plate.certain, scene.empty) == 0
    assert judge.people(plate.picture_bgr, plate.certain) == 0
    assert plate.hatched_share < 0.5


def test_the_judges_find_people_on_a_single_frame(one_by_one: Path, judge: Judge) -> None:
    scene = played("one by one", one_by_one, 0, 120, empty_room(one_by_one))
    assert scene.empty is not None
    for t_s in (10.0, 40.0, 80.0):
        frame = small(scene.at(t_s))
        everywhere = np.ones((frame.shape[0] // 5, frame.shape[1] // 5), bool)
        assert residue(frame, everywhere, scene.empty) > 20
        assert judge.people(frame, everywhere) > 0
    empty = small(scene.empty)
    assert judge.people(empty, everywhere) == 0


def test_somebody_stands_there_all_the_time_and_is_often_missed(
    one_by_one: Path, detector: OnnxDetector, judge: Judge
) -> None:
    scene = staying("stands", one_by_one, STANDS_S, 120, empty_room(one_by_one))
    assert scene.empty is not None
    plate = built(scene, detector, 0.5)
    assert residue(plate.picture_bgr, plate.certain, scene.empty) == 0
    assert judge.people(plate.picture_bgr, plate.certain) == 0
    assert hatched_at(plate, STANDS_PX) > 0.95


def test_somebody_half_hidden_stands_there_all_the_time(
    one_by_one: Path, detector: OnnxDetector, judge: Judge
) -> None:
    room = empty_room(one_by_one)
    there = staying("stands", one_by_one, STANDS_S, 120, room)
    scene = behind_board(there, "half hidden", BOARD, room[20:150, 150:400])
    assert scene.empty is not None
    plate = built(scene, detector, 0.5)
    assert residue(plate.picture_bgr, plate.certain, scene.empty) == 0
    assert judge.people(plate.picture_bgr, plate.certain) == 0
    assert hatched_at(plate, (420, 20, 520, 180)) > 0.95


def test_people_sit_there_all_the_time(
    one_by_one: Path, photographs: Path, detector: OnnxDetector, judge: Judge
) -> None:
    room = empty_room(one_by_one)
    shown = put_into(room, photograph(photographs, 2), 216, 60)
    plate = built(still("seated", shown, 120, room), detector)
    assert residue(plate.picture_bgr, plate.certain, room) == 0
    assert judge.people(plate.picture_bgr, plate.certain) == 0
    assert hatched_at(plate, (70, 240, 360, 432)) > 0.95


def test_walkers_on_a_square(square: Path, detector: OnnxDetector, judge: Judge) -> None:
    plate = built(played("square", square, 3, 60, None), detector)
    assert judge.people(plate.picture_bgr, plate.certain) == 0
    assert plate.hatched_share < 0.4
