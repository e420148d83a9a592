"""What a frame's boxes show: cut by the picture, covered by one another, doubled."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edge.tracking.floor import BODY_HEIGHT_M
from edge.tracking.track import SHORTENED, Box, Detection

if TYPE_CHECKING:
    from edge.tracking.floor import Floor


class Cut(StrEnum):
    """What ends a box below, as far as the site tells."""

    NOTHING = "nothing"
    COUNTER = "counter"
    SEAT = "seat"


CutBy = Callable[[Box], Cut]

DOUBLE_IOU = 0.6
DOUBLE_CONTAINED = 0.85
GROWN_IOU = 0.35
LOWER_SHARE = 0.03
HALVINGS = 10


def detections_of(
    boxes: NDArray[np.float64],
    scores: NDArray[np.float64],
    edges_px: tuple[float, float],
    floor: Floor,
    cut_by: CutBy,
) -> list[Detection]:
    """A frame's detections, by place, so that their order in the frame does not matter.

    Args:
        boxes: (n, 4) xyxy, delivered pixels.
        scores: (n,) in [0, 1].
        edges_px: rows of the picture's upper and lower edge: beyond the one no head is
            seen, beyond the other no foot.
        floor: tells how tall a body is.
        cut_by: what ends a box below: a counter hides the rest; who sits tells no height.
    """
    rows: list[tuple[Box, float]] = sorted(
        (tuple(box), score) for box, score in zip(boxes.tolist(), scores.tolist(), strict=True)
    )
    covered = _covered([box for box, _ in rows])
    found: list[Detection] = []
    for (box, score), below in zip(rows, covered, strict=True):
        left, top, right, bottom = box
        foot_seen = bottom < edges_px[1]
        whole = foot_seen and top > edges_px[0]
        body_m = floor.body_m((left + right) / 2, top, bottom) if whole else None
        end = cut_by(box)
        seated = end is Cut.SEAT
        behind_person = below and not seated
        cut = behind_person or end is Cut.COUNTER
        body_m = None if seated or (cut and not behind_person) else body_m
        hidden = behind_person and body_m is not None and body_m < SHORTENED * BODY_HEIGHT_M
        adult_px = _adult_foot_px(box, edges_px[1], floor) if hidden else None
        found.append(Detection(box, score, foot_seen, body_m, cut, adult_px, behind_person))
    return found


def _adult_foot_px(box: Box, lowest_px: float, floor: Floor) -> float | None:
    """Row of the feet of an adult whose head is the box's; None: there is no such place."""
    left, top, right, bottom = box
    middle, low, high = (left + right) / 2, bottom, bottom + 2 * (lowest_px - top)
    tallest_m = floor.body_m(middle, top, high)
    if tallest_m is None or tallest_m < BODY_HEIGHT_M:
        return None
    for _ in range(HALVINGS):
        row = (low + high) / 2
        body_m = floor.body_m(middle, top, row)
        if body_m is not None and body_m < BODY_HEIGHT_M:
            low = row
        else:
            high = row
    return (low + high) / 2


def _covered(boxes: Sequence[Box]) -> list[bool]:
    """Whether the middle of each box's lower end lies in one that reaches lower, so is nearer.

    >>> _covered([(0, 0, 10, 20), (2, 15, 14, 60)])
    [True, False]
    """
    left, top, right, bottom = np.array(boxes, float).reshape(-1, 4).T
    middle, lower = ((left + right) / 2)[:, None], (bottom + LOWER_SHARE * (bottom - top))[:, None]
    nearer = (bottom > lower) & (top <= lower)
    below = nearer & (left <= middle) & (middle <= right)
    covered: list[bool] = np.logical_or.reduce(below, axis=1).tolist()
    return covered


def is_double(box: Box, others: Iterable[Box]) -> bool:
    """Whether `box` is a second detection of a person who has one already."""
    left, top, right, bottom = box
    area = (right - left) * (bottom - top)
    for o_left, o_top, o_right, o_bottom in others:
        width = min(right, o_right) - max(left, o_left)
        height = min(bottom, o_bottom) - max(top, o_top)
        if width <= 0 or height <= 0:
            continue
        shared = width * height
        other = (o_right - o_left) * (o_bottom - o_top)
        union = area + other - shared
        if shared > DOUBLE_IOU * union or shared > DOUBLE_CONTAINED * area:
            return True
        if shared > DOUBLE_CONTAINED * other and shared > GROWN_IOU * union:
            return True
    return False
