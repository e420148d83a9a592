"""A person detector with the faults that real ones have, over exact positions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tests.scenarios.camera import Box


@dataclass(frozen=True)
class Faults:
    """How bad the detector and the camera are.

    Attributes:
        noise: deviation of each edge of a box, in body heights.
        miss: share of detections that are missing at random.
        double: share of detections with a second box.
        jitter: deviation of the frame interval, in intervals.
        drop: share of frames that never arrive.
        hidden_share: a body of which more is covered by nearer ones is not detected.
    """

    noise: float = 0.0
    miss: float = 0.0
    double: float = 0.0
    jitter: float = 0.0
    drop: float = 0.0
    hidden_share: float = 0.65


CLEAN = Faults()
NOISY = Faults(noise=0.02, miss=0.04, double=0.02, jitter=0.15, drop=0.08, hidden_share=0.6)


@dataclass(frozen=True)
class Shape:
    """A person's exact box in one frame; smaller depth is nearer."""

    box: Box
    depth_m: float
    hidden: bool = False


def detect(
    shapes: list[Shape], size_px: tuple[int, int], faults: Faults, rng: np.random.Generator
) -> tuple[list[Box], list[float]]:
    """Boxes and scores of one frame, clipped to the picture, in no order."""
    boxes: list[Box] = []
    scores: list[float] = []
    for shape in shapes:
        covered = _covered(shape, shapes)
        draws = rng.normal(size=5), rng.random(3)
        if shape.hidden or covered > faults.hidden_share or draws[1][0] < faults.miss:
            continue
        for double in (False, True):
            if double and draws[1][1] >= faults.double:
                continue
            box = _jittered(shape.box, faults.noise * (2.5 if double else 1.0), draws[0])
            clipped = _clip(box, size_px)
            if clipped is None:
                continue
            boxes.append(clipped)
            score = 0.85 - 0.5 * covered - (0.25 if double else 0.0) + 0.06 * draws[0][4]
            scores.append(min(max(score, 0.21), 0.99) if faults.noise else 0.9)
    order = rng.permutation(len(boxes))
    return [boxes[i] for i in order], [scores[i] for i in order]


def frame_times(fps: float, end_s: float, faults: Faults, rng: np.random.Generator) -> list[float]:
    """Capture times from 0 to `end_s`, irregular and with drops as `faults` says."""
    count = int(end_s * fps) + 1
    shift = np.clip(rng.normal(size=count) * faults.jitter, -0.4, 0.4)
    kept = rng.random(count) >= faults.drop
    times = [(i + s) / fps for i, (s, keep) in enumerate(zip(shift, kept, strict=True)) if keep]
    return [round(t - times[0], 6) for t in times]


def _jittered(box: Box, noise: float, draws: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Box:
    left, top, right, bottom = box
    sd = noise * (bottom - top)
    return (
        left + sd * float(draws[0]) * 0.6,
        top + sd * float(draws[1]),
        right + sd * float(draws[2]) * 0.6,
        bottom + sd * float(draws[3]),
    )


def _clip(box: Box, size_px: tuple[int, int]) -> Box | None:
    """The part inside the picture; None where too little is left to be detected."""
    left, top, right, bottom = box
    width, height = size_px
    inside = (max(left, 0.0), max(top, 0.0), min(right, float(width)), min(bottom, float(height)))
    if inside[2] - inside[0] < 0.3 * (right - left) or inside[3] - inside[1] < 0.2 * (bottom - top):
        return None
    return inside


def _covered(shape: Shape, shapes: list[Shape]) -> float:
    """Largest share of a body's box that one nearer body covers."""
    left, top, right, bottom = shape.box
    most = 0.0
    for other in shapes:
        if other.depth_m >= shape.depth_m or other.hidden:
            continue
        # a body fills the middle of its box
        o_left, o_top, o_right, o_bottom = other.box
        slim = 0.1 * (o_right - o_left)
        width = min(right, o_right - slim) - max(left, o_left + slim)
        height = min(bottom, o_bottom) - max(top, o_top)
        if width > 0 and height > 0:
            most = max(most, width * height / ((right - left) * (bottom - top)))
    return most
