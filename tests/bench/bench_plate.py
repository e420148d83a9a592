"""Background plates of real footage, and whether anybody is left on them.

Each scene of `plate_scenes` is watched for 30 s, 75 s or 120 s from a drawn start, and a plate is
built as the product would build it, by the int8 detector. Three judges (`plate_judges`) look at
what is released. Beside it, two controls. The same judges at what a simpler way would have
released, a single frame and the plain median of ten seconds, at the same low resolution: they must
find somebody there. And, where it is known, at the empty place with the same tiles hatched: what
they find there is a false alarm.

usage: python -m tests.bench.bench_plate [--seed 1] [--only WORD] [--pictures FOLDER]
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read once, when onnxruntime is imported
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import cv2
import numpy as np

from tests.bench.plate_cases import Case, Footage, cases
from tests.bench.plate_counts import pixels, residue, resting
from tests.bench.plate_judges import MoveNet, NanoDet, Verdict
from vision.detector import OnnxDetector
from vision.models import find_models_dir, load_model
from vision.plate.builder import PlateBuilder
from vision.plate.looking import Looker
from vision.plate.release import painted_over
from vision.plate.tiles import Grid

if TYPE_CHECKING:
    from vision.frames import Picture
    from vision.plate.release import Plate
    from vision.plate.tiles import Tiles

MODEL = "nanodet-288x512-int8"
NAIVE_S = 10.0


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A picture to judge: what of it is the camera's, and the empty place if known."""

    picture_bgr: Picture
    certain: Tiles
    empty: Picture | None


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """A case, what came of it, and what is judged.

    Attributes:
        name: of the scene and the share of faults.
        plate: what was released, if anything;
        refusal: else why not.
        pictures: the plate, the empty place hatched alike, a frame and a short median.
    """

    name: str
    plate: Plate | None
    refusal: str
    pictures: tuple[Shown | None, Shown | None, Shown, Shown]


def built(case: Case, detector: OnnxDetector) -> list[Row]:
    """Watch a scene to its end and build its plates, one for each share of faults."""
    scene, policy = case.scene, case.policy
    first = scene.at(0.0)
    picture_px = first.shape[1], first.shape[0]
    looker = Looker(detector, picture_px)
    seen = [
        (t_s, picture, looker.look(picture)) for t_s, picture in scene.frames(policy.sample_every_s)
    ]
    early = [picture for t_s, picture, _ in seen if t_s <= NAIVE_S]
    grid = Grid.of(picture_px)
    plain = np.median(early, axis=0).astype(np.uint8)
    naive = [_reduced(one, grid, scene.empty) for one in (early[len(early) // 2], plain)]
    last, rows = Looker(detector, grid.size_px), []
    for blind_share in case.blind_shares:
        random = np.random.default_rng(1)
        builder = PlateBuilder(picture_px, last.look, 0.0, policy)
        for t_s, picture, found in seen:
            known = found.at_least(2.0) if random.random() < blind_share else found
            builder.add(t_s, picture, known)
        name = f"{scene.name}, -{blind_share:.0%}" if blind_share else scene.name
        pictures = (*_shown(builder.plate, grid, scene.empty), naive[0], naive[1])
        rows.append(Row(name, builder.plate, builder.refusal, pictures))
    return rows


def _shown(
    plate: Plate | None, grid: Grid, empty: Picture | None
) -> tuple[Shown | None, Shown | None]:
    """The plate, and the empty place hatched alike."""
    if plate is None:
        return None, None
    shown = Shown(plate.picture_bgr, plate.certain, empty)
    if empty is None:
        return shown, None
    return shown, replace(_reduced(empty, grid, None), certain=plate.certain)


def judged(shown: list[Shown], nanodet: NanoDet, movenet: MoveNet) -> list[Verdict]:
    """The verdict on each picture; the hatching, not a camera's, is painted over smoothly."""
    painted = [painted_over(one.picture_bgr, ~pixels(one.certain)) for one in shown]
    poses = movenet.boxes(painted)
    return [
        Verdict(
            resting(boxes, one.certain),
            resting(nanodet.boxes(picture), one.certain),
            None if one.empty is None else residue(one.picture_bgr, one.certain, one.empty),
        )
        for one, picture, boxes in zip(shown, painted, poses, strict=True)
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_Plain)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="cases whose name holds this")
    parser.add_argument("--pictures", type=Path, help="write each plate beside a frame here")
    parser.add_argument("--floor", type=float, help="another static floor than the policy's")
    options = parser.parse_args()
    chosen = [one for one in cases(Footage.find(), options.seed) if options.only in one.scene.name]
    detector = OnnxDetector(load_model(MODEL, find_models_dir()), 1, 0.05)
    rows = []
    for case in chosen:
        floor = options.floor or case.policy.static_floor
        rows += built(replace(case, policy=replace(case.policy, static_floor=floor)), detector)
        print(".", end="", flush=True, file=sys.stderr)
    if options.pictures is not None:
        _write(rows, options.pictures)
    # the control of a scene is the same for each share of faults: it is judged once
    pictures = {id(one): one for row in rows for one in row.pictures if one is not None}
    verdicts = judged(list(pictures.values()), NanoDet(), MoveNet())
    known = dict(zip(pictures, verdicts, strict=True))
    _table([(row, [known.get(id(one)) for one in row.pictures]) for row in rows])


def _table(rows: list[tuple[Row, list[Verdict | None]]]) -> None:
    print("-50%: so many of the samples' boxes thrown away")
    print("boxes by MoveNet / NanoDet 384x640, tiles unlike the empty place; -: not known")
    print(
        f"{'scene':38} {'plate':>12} {'left on it':>11} {'place empty':>11} "
        f"{'one frame':>12} {'10 s median':>12}"
    )
    released = clean = alarms = caught = 0
    for row, verdicts in rows:
        plate = row.plate
        what = "refused" if plate is None else f"hatched {plate.hatched_share:.0%}"
        left, empty, frame, median = (_text(one) for one in verdicts)
        print(f"{row.name:38} {what:>12} {left:>11} {empty:>11} {frame:>12} {median:>12}")
        released += plate is not None
        clean += verdicts[0] is not None and verdicts[0].clean
        alarms += _false_alarm(verdicts[0], verdicts[1])
        caught += any(one is not None and not one.clean for one in verdicts[2:])
    for row, _ in rows:
        if row.plate is None:
            print(f"{row.name}: {row.refusal}")
    print(
        f"{len(rows)} scenes: {released} plates released, {clean} of them clean to all judges, "
        f"{alarms} with what is found in the empty place too; the control was caught in {caught}"
    )


def _false_alarm(left: Verdict | None, empty: Verdict | None) -> bool:
    """Whether boxes, and nothing else, were found, and as many in the empty place."""
    if left is None or left.clean or left.residue or empty is None:
        return False
    return (left.movenet or 0) <= (empty.movenet or 0) and left.nanodet <= empty.nanodet


def _text(verdict: Verdict | None) -> str:
    if verdict is None:
        return ""
    return " / ".join(
        "-" if one is None else str(one)
        for one in (verdict.movenet, verdict.nanodet, verdict.residue)
    )


def _reduced(picture: Picture, grid: Grid, empty: Picture | None) -> Shown:
    """A picture as small as a plate, nothing hatched."""
    size_px = grid.size_px[0] // 2, grid.size_px[1] // 2
    small = cv2.resize(picture, size_px, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    return Shown(small, ~grid.none(), empty)


def _write(rows: list[Row], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for row in rows:
        shown = [one.picture_bgr for one in row.pictures if one is not None]
        name = row.name.replace(" ", "-").replace("/", "-")
        big = cv2.resize(np.hstack(shown), None, fx=4, fy=4, interpolation=cv2.INTER_NEAREST)
        cv2.imwrite(str(folder / f"{name}.png"), big)


class _Plain(argparse.RawDescriptionHelpFormatter):
    """Keeps the docstring's lines."""


if __name__ == "__main__":
    main()
