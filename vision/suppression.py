"""One box a person: what overlaps too much with a better box goes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatBoxes = NDArray[np.floating]

MAX_OVERLAP = 0.5  # intersection over union, as the detector's authors use
CONTAINED = 0.9  # intersection over the smaller box's area
SAME_HEAD = 0.1  # tops that differ by less than this share of the larger box's height


def surviving(boxes_xyxy_px: FloatBoxes, max_overlap: float = MAX_OVERLAP) -> list[int]:
    """Indices of the boxes to keep, of (n, 4) boxes in descending order of score.

    A box goes if a kept one before it overlaps it by more than `max_overlap` (intersection
    over union), or holds it nearly whole and begins at the same height: head and shoulders
    found a second time inside the whole person. A child in front of a parent, whose top lies
    lower, stays. Plain numbers, not columns: for the few boxes of a picture that is quicker.
    """
    kept: list[int] = []
    kept_boxes: list[list[float]] = []
    for index, box in enumerate(boxes_xyxy_px.tolist()):
        if not any(_doubled(box, better, max_overlap) for better in kept_boxes):
            kept.append(index)
            kept_boxes.append(box)
    return kept


def _doubled(box: list[float], better: list[float], max_overlap: float) -> bool:
    """Whether `box` shows the person that `better` shows; xyxy px each."""
    (a1, b1, a2, b2), (x1, y1, x2, y2) = box, better
    width, height = min(a2, x2) - max(a1, x1), min(b2, y2) - max(b1, y1)
    if width <= 0 or height <= 0:
        return False
    shared = width * height
    area, better_area = (a2 - a1) * (b2 - b1), (x2 - x1) * (y2 - y1)
    if shared > max_overlap * (area + better_area - shared):
        return True
    same_top = abs(b1 - y1) < SAME_HEAD * (y2 - y1)
    return area < better_area and same_top and shared > CONTAINED * area
