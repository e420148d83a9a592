"""The frames of a film: when they come, and which of all detections the detector delivers.

The channel from camera process to edge rounds more coarsely; what that changes is measured by
`tests/bench/bench_channel.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from firmware_cfg.record import FrameRecord
from tests.scenarios.workshop.conditions import Conditions
from tests.scenarios.workshop.day import Day, FloatArray
from tests.scenarios.workshop.film_hiding import IntArray
from tests.scenarios.workshop.film_noise import Purpose, bursts, stream

NMS_IOU = 0.5
COORDINATE_STEPS_PER_PX = 4  # fine enough for no rounding to matter, and short to print
SCORE_STEPS = 250


@dataclass(frozen=True, eq=False)
class Found:
    """Detections: the frame's index (n,), box (n, 4) and score (n,)."""

    frames: IntArray
    boxes: FloatArray
    scores: FloatArray


def frame_times(day: Day, conditions: Conditions, seed: int) -> FloatArray:
    """(n,) capture times in seconds of the day: rising, irregular, with gaps."""
    rng = stream(seed, Purpose.FRAMES)
    count = int(day.end_s * conditions.fps) + 1
    shift = np.clip(conditions.jitter * rng.normal(size=count), -0.4, 0.4)
    shift[0] = 0.0
    times: FloatArray = np.round((np.arange(count) + shift) / conditions.fps, 6)
    keep = (rng.random(count) >= conditions.drop) & (times <= day.end_s)
    span = (0.0, day.end_s)
    drops = bursts(
        stream(seed, Purpose.DROPS), span, conditions.drop_burst, conditions.drop_burst_s
    )
    freeze_share = conditions.freezes_per_h * sum(conditions.freeze_s) / 2 / 3600
    freezes = bursts(stream(seed, Purpose.FREEZES), span, freeze_share, conditions.freeze_s)
    keep &= np.isnan(drops.at(times)) & np.isnan(freezes.at(times))
    keep[0] = True  # the record's clock starts with the day
    for start, end in day.blind:
        keep &= ~((times > start) & (times < end))
    return times[keep]


def nothing() -> Found:
    """No detection."""
    return Found(np.empty(0, np.intp), np.empty((0, 4)), np.empty(0))


def joined(found: list[Found]) -> Found:
    """All of them in one table."""
    some = [nothing(), *found]
    return Found(
        np.concatenate([one.frames for one in some]),
        np.concatenate([one.boxes for one in some]),
        np.concatenate([one.scores for one in some]),
    )


def in_picture(boxes: FloatArray, size_px: tuple[int, int]) -> FloatArray:
    """(n, 4) boxes clipped to the picture, never inverted."""
    clipped = np.clip(boxes, 0.0, np.array([*size_px, *size_px], float))
    clipped[:, 2:] = np.maximum(clipped[:, 2:], clipped[:, :2])
    return clipped


def records(
    times_s: FloatArray, found: list[Found], size_px: tuple[int, int], threshold: float
) -> list[FrameRecord]:
    """Rounded detections above `threshold` that no better one suppresses, one record a time."""
    everything = joined(found)
    scores = np.rint(np.clip(everything.scores, 0, 0.99) * SCORE_STEPS) / SCORE_STEPS
    boxes = np.rint(everything.boxes * COORDINATE_STEPS_PER_PX) / COORDINATE_STEPS_PER_PX
    kept = scores >= threshold
    frames, boxes, scores = everything.frames[kept], boxes[kept], scores[kept]
    order = np.lexsort((-scores, frames))
    frames, boxes, scores = frames[order], boxes[order], scores[order]
    ends = np.searchsorted(frames, np.arange(len(times_s) + 1))
    found_records = []
    for index, t_s in enumerate(times_s.tolist()):
        rows = slice(ends[index], ends[index + 1])
        best = _unsuppressed(boxes[rows])
        found_records.append(
            FrameRecord(index + 1, round(t_s * 1e6), size_px, boxes[rows][best], scores[rows][best])
        )
    return found_records


def _unsuppressed(boxes: FloatArray) -> IntArray:
    """Rows of (n, 4) boxes, best first, that no better kept one overlaps by `NMS_IOU`."""
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    common = np.maximum(high - low, 0.0).prod(axis=2)
    areas = np.maximum((boxes[:, 2:] - boxes[:, :2]).prod(axis=1), 1e-9)
    over = common > NMS_IOU * (areas[:, None] + areas[None, :] - common)
    kept = np.ones(len(boxes), bool)
    for row in np.flatnonzero(over.sum(axis=1) > 1):  # each overlaps itself
        if kept[row]:
            kept[row + 1 :] &= ~over[row, row + 1 :]
    return np.flatnonzero(kept)
