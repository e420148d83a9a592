"""The scenes of the background plate's benchmark, drawn from a seed."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from tests.bench.plate_scenes import (
    Scene,
    behind_board,
    cropped,
    dim,
    empty_room,
    film,
    leaving,
    played,
    put_into,
    staying,
    still,
)
from vision.plate.policy import PlatePolicy

if TYPE_CHECKING:
    from vision.frames import Picture

ROOT = Path(__file__).resolve().parents[2]
PHOTOGRAPHS = ROOT / "node_modules" / "@vladmandic" / "face-api" / "demo"
SEATED = (1, 2, 3, 5)  # of its samples, those with seated people; all by its author, MIT
STANDING_S = ((9.0, 18.0), (26.0, 42.0), (54.0, 68.0), (77.0, 85.0))  # who stands in one-by-one
BOARD = (slice(180, 432), slice(0, 768))
FAULTS = (0.0, 0.5, 0.9, 1.0)
PILLAR = (slice(0, 432), slice(470, 768))
RIGHT_OF_IT = (slice(60, 432), slice(460, 768))


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A scene, the limits to build its plate by, and how often the detector finds nobody.

    A plate is built for each of `blind_shares`: so often the detector's boxes are thrown away
    while the samples are taken.
    """

    scene: Scene
    policy: PlatePolicy
    blind_shares: tuple[float, ...] = (0.0,)


@dataclass(frozen=True, slots=True)
class Footage:
    """Where the videos and the photographs lie."""

    one_by_one: Path
    square: Path
    photographs: Path

    @classmethod
    def find(cls) -> Footage:
        """What is there.

        Raises:
            SystemExit: something is missing; what, and how it comes here.
        """
        samples = Path(os.environ.get("ENCOUNTER_SAMPLES", ROOT.parent / "shared" / "data"))
        found = cls(samples / "one-by-one.mp4", ROOT / ".cache" / "vtest.avi", PHOTOGRAPHS)
        for path, how in (
            (found.one_by_one, "ENCOUNTER_SAMPLES names a folder with it"),
            (found.square, "make setup"),
            (found.photographs, "make setup"),
        ):
            if not path.exists():
                raise SystemExit(f"{path}: not there; {how}")
        return found


def photograph(folder: Path, number: int) -> Picture:
    """One photograph of the package's folder, BGR."""
    path = folder / f"sample{number}.jpg"
    decoded = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if decoded is None:
        raise SystemExit(f"{path}: expected a picture; make setup fetches it")
    return decoded.astype(np.uint8, copy=False)


def cases(footage: Footage, seed: int) -> list[Case]:
    """All cases, their starts drawn from `seed`."""
    random = np.random.default_rng(seed)
    return [
        *_videos(footage, random),
        *_standing(footage, random),
        *_seated(footage, random),
    ]


def limits(lasts_s: float) -> PlatePolicy:
    """The default limits, but for the time: as long as the scene, in 48 samples or fewer."""
    policy = PlatePolicy()
    every_s = max(0.5, lasts_s / 48)
    return replace(policy, observe_s=lasts_s - 2 * every_s, sample_every_s=every_s)


def _videos(footage: Footage, random: np.random.Generator) -> list[Case]:
    """The two videos as they are, from drawn starts."""
    room, found = empty_room(footage.one_by_one), []
    for name, path, lengths, empty in (
        ("one by one", footage.one_by_one, (120, 120, 60, 30, 30, 30), room),
        ("square", footage.square, (75, 60, 30, 30), None),
    ):
        for lasts_s in lengths:
            start_s = round(random.uniform(0, film(path).lasts_s - lasts_s), 1)
            scene = played(f"{name} {lasts_s} s from {start_s} s", path, start_s, lasts_s, empty)
            found.append(Case(scene, limits(lasts_s)))
    return found


def _standing(footage: Footage, random: np.random.Generator) -> list[Case]:
    """Somebody stands for all of the time or some of it; whole, half hidden, cut, in the dark."""
    path, policy = footage.one_by_one, limits(120)
    room = empty_room(path)
    found, texture = [], room[20:150, 150:400]
    going = played("", path, round(random.uniform(0, 19), 1), 120, room)
    found.append(
        Case(behind_board(going, "half hidden, come and go", BOARD, texture), policy, FAULTS)
    )
    found.append(Case(dim(going, "in the dark, come and go", 0.35, 8.0), policy))
    for person, stretch_s in enumerate(STANDING_S, 1):
        there = staying(f"stands {person}, all the time", path, stretch_s, 120, room)
        found.append(Case(there, policy, FAULTS))
        hidden = behind_board(there, f"half hidden {person}, all the time", BOARD, texture)
        found.append(Case(hidden, policy, FAULTS))
        beside = behind_board(there, f"behind a pillar {person}", PILLAR, room[:, 600:700])
        found.append(Case(beside, policy))
        found.append(Case(cropped(there, f"at the edge {person}", RIGHT_OF_IT), policy))
        share = round(random.uniform(0.2, 0.9), 2)
        found.append(Case(leaving(there, f"stands {person}, leaves at {share:.0%}", share), policy))
    return found


def _seated(footage: Footage, random: np.random.Generator) -> list[Case]:
    """Photographs of seated people in the empty room, near and farther, all or some of the time."""
    room, found = empty_room(footage.one_by_one), []
    for number in SEATED:
        picture = photograph(footage.photographs, number)
        for height_px in (400, 216, 130):
            left_px = int(random.integers(0, 768 - height_px))
            shown = put_into(room, picture, height_px, left_px)
            scene = still(f"seated {number}, {height_px} px, all the time", shown, 120, room)
            found.append(Case(scene, limits(120), FAULTS if height_px == 216 else (0.0,)))
            if height_px == 216:
                share = round(random.uniform(0.2, 0.9), 2)
                scene = leaving(scene, f"seated {number}, leaves at {share:.0%}", share)
                found.append(Case(scene, limits(120)))
    return found
