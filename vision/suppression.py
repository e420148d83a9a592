"""One box a person: what overlaps too much with a better box goes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatBoxes = NDArray[np.floating]

MAX_OVERLAP = 0.5  # intersection over union, as the detector's authors use
CONTAINED = 0.9  # intersection over the smaller box's area
SAME_HEAD = 0.1  # tops that differ by less than this share of the larger box's height


def surviving(boxes_xyxy_px: FloatBoxes, max_overlap: float = MAX_OVERLAP) -> NDArray[np.intp]:
    """Indices of the boxes to keep, of (n, 4) boxes in descending order of score.

    A box goes if a kept one before it overlaps it by more than `max_overlap` (intersection
    over union), or holds it nearly whole and begins at the same height: head and shoulders
    found a second time inside the whole person. A child in front of a parent, whose top lies
    lower, stays.
    """
    count = len(boxes_xyxy_px)
    if count < 2:
        return np.arange(count)
    x1, y1, x2, y2 = boxes_xyxy_px.T
    areas = (x2 - x1) * (y2 - y1)
    width = np.minimum.outer(x2, x2) - np.maximum.outer(x1, x1)
    height = np.minimum.outer(y2, y2) - np.maximum.outer(y1, y1)
    shared = np.maximum(width, 0) * np.maximum(height, 0)
    union = np.add.outer(areas, areas) - shared
    doubled = shared > max_overlap * union
    smaller = areas[None, :] < areas[:, None]
    same_top = np.abs(np.subtract.outer(y1, y1)) < SAME_HEAD * (y2 - y1)[:, None]
    doubled |= smaller & same_top & (shared > CONTAINED * areas[None, :])
    kept = np.ones(count, bool)
    for best in range(count - 1):
        if kept[best]:
            kept[best + 1 :] &= ~doubled[best, best + 1 :]
    return np.flatnonzero(kept)
