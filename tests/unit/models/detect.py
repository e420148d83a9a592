"""What the tests and the benchmark of the models share: pictures, sessions, matching."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read once, when onnxruntime is imported

import cv2
import numpy as np
import onnxruntime

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

ROOT = Path(__file__).parents[3]
MODELS = ROOT / "models"
VIDEO = ROOT / ".cache" / "vtest.avi"
SCORE = 0.35
OVERLAP = 0.5


class People(NamedTuple):
    """Boxes float32 [n, 4], xyxy in pixels of the model's picture, and scores [n]."""

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]


class Match(NamedTuple):
    """Two people found by two models: overlap in [0, 1], and the two scores."""

    iou: float
    first: float
    second: float


def session(path: Path) -> onnxruntime.InferenceSession:
    """One thread, as the device runs it."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def frames(indices: Sequence[int]) -> Iterator[NDArray[np.uint8]]:
    """Frames of the test video, BGR, uint8 [576, 768, 3]."""
    capture = cv2.VideoCapture(str(VIDEO))
    for index in indices:
        capture.set(cv2.CAP_PROP_POS_FRAMES, index)
        found, frame = capture.read()
        assert found, f"{VIDEO}: no frame {index}"
        yield frame.astype(np.uint8, copy=False)


def letterbox(frame: NDArray[np.uint8], height_px: int, width_px: int) -> NDArray[np.uint8]:
    """The frame, aspect kept, in the top-left corner of a black picture [1, H, W, 3]."""
    rows, columns = frame.shape[:2]
    scale = min(width_px / columns, height_px / rows)
    size = (round(columns * scale), round(rows * scale))
    picture = np.zeros((1, height_px, width_px, 3), np.uint8)
    picture[0, : size[1], : size[0]] = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    return picture


def iou(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Intersection over union of two boxes xyxy.

    >>> iou(np.array([0, 0, 2, 2], np.float32), np.array([1, 0, 3, 2], np.float32))
    0.3333333333333333
    """
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    common = float(np.prod(np.maximum(sides, 0)))
    areas = float(np.prod(one[2:] - one[:2])) + float(np.prod(other[2:] - other[:2]))
    return common / (areas - common) if areas > common else 0.0


def people(model: onnxruntime.InferenceSession, picture: NDArray[np.uint8]) -> People:
    """Run the model, keep scores of 0.35 and more, and drop boxes that overlap a better one."""
    boxes, scores = model.run(None, {"picture": picture})
    kept: list[int] = []
    for i in np.flatnonzero(scores >= SCORE):
        if all(iou(boxes[i], boxes[j]) <= OVERLAP for j in kept):
            kept.append(int(i))
    return People(boxes[kept], scores[kept])


def match(first: People, second: People, at_least: float) -> list[Match]:
    """Pair the boxes, best score first, each with the box that overlaps it most."""
    free = list(range(len(second.boxes)))
    pairs: list[Match] = []
    for box, score in zip(first.boxes, first.scores, strict=True):
        best = max(free, key=lambda j: iou(box, second.boxes[j]), default=None)
        if best is None or iou(box, second.boxes[best]) < at_least:
            continue
        free.remove(best)
        overlap = iou(box, second.boxes[best])
        pairs.append(Match(overlap, float(score), float(second.scores[best])))
    return pairs
