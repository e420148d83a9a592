"""How a piece of a track begins and ends: where its box is, and how it moves.

The box's middle, top (head) and bottom are taken from a line through the sightings of a
moment: least squares with a prior for the pace, normal with mean 0. Places are delivered
pixels; deviations are in body heights, so that they are the same near and far.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from edge.tracking.floor import Position

WINDOW_S = 0.4
LEAST = 3
NOISE_H = 0.03
PACE_SD_H = 0.35
INDEPENDENT = 0.5

State = tuple[float, ...]
"""One row of a table of states; the columns below."""

T, X, TOP, BOTTOM, X_PACE, TOP_PACE, BOTTOM_PACE = range(7)
VAR, COVAR, PACE_VAR, HEIGHT, WHOLE, FLOOR_X, FLOOR_Y = range(7, 14)


@dataclass(frozen=True, slots=True)
class Glimpse:
    """A sighting as evidence on identity.

    Attributes:
        floor_m: place on the floor.
        box_px: middle, top and bottom of the box.
        height_px: of the whole body.
        whole: the box shows the feet.
    """

    t_s: float
    floor_m: Position
    box_px: tuple[float, float, float]
    height_px: float
    whole: bool


def state_of(sightings: Sequence[Glimpse]) -> State:
    """State at the first of `sightings`, which are the first or (reversed) the last ones.

    Returns:
        time (s); middle, top, bottom (px); their paces (px/s); variance of a place (body
        heights²), its covariance with the pace, variance of the pace; body height (px);
        whether the feet are seen; floor x, y (m).
    """
    first = sightings[0]
    count = len(sightings)
    ts = np.array([one.t_s - first.t_s for one in sightings])
    boxes = np.array([one.box_px for one in sightings])
    # what is off on one box is off on the next, in part
    weight = (1 + INDEPENDENT * (count - 1)) / count / NOISE_H**2
    a, b = weight * count, weight * float(ts.sum())
    c = weight * float(ts @ ts) + 1 / PACE_SD_H**2
    det = a * c - b * b
    sums, moments = weight * boxes.sum(axis=0), weight * (ts @ boxes)
    # moments are taken about the first box, so that the prior's mean pace is none
    sums, moments = sums - a * boxes[0], moments - b * boxes[0]
    places = boxes[0] + (c * sums - b * moments) / det
    paces = (a * moments - b * sums) / det
    floor_x, floor_y = np.mean([one.floor_m for one in sightings], axis=0).tolist()
    height = max(float(np.mean([one.height_px for one in sightings])), 1.0)
    spread = (c / det, -b / det, a / det)
    return (
        first.t_s,
        *places.tolist(),
        *paces.tolist(),
        *spread,
        height,
        float(first.whole),
        floor_x,
        floor_y,
    )
