"""Undoing the lens: delivered pixels to undistorted pixels of the same camera matrix."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from firmware_cfg.site import Lens

MOST_STEPS = 60
CLOSE = 1e-10
WIDEST_RAD = 1.55


def undistort(points_px: NDArray[np.float64], lens: Lens) -> NDArray[np.float64]:
    """(n, 2) delivered pixels → (n, 2) undistorted pixels."""
    return np.array([undistort_point(x, y, lens) for x, y in points_px.tolist()], float)


def undistort_point(x_px: float, y_px: float, lens: Lens) -> tuple[float, float]:
    """One delivered pixel → undistorted pixel of the same camera matrix.

    Brown's model is inverted by fixed-point iteration, the fisheye's (Kannala and Brandt)
    by Newton's method on the angle, both as OpenCV defines them.
    """
    if lens.model == "none":
        return x_px, y_px
    (fx, skew, cx), (_, fy, cy), _ = lens.matrix
    y = (y_px - cy) / fy
    x = (x_px - cx - skew * y) / fx
    x, y = _undo_brown(x, y, lens.k) if lens.model == "brown" else _undo_fisheye(x, y, lens.k)
    return fx * x + skew * y + cx, fy * y + cy


def _undo_brown(x0: float, y0: float, k: tuple[float, ...]) -> tuple[float, float]:
    k1, k2, p1, p2 = k
    x, y = x0, y0
    for _ in range(MOST_STEPS):
        r2 = x * x + y * y
        radial = 1 + r2 * (k1 + k2 * r2)
        if radial < 0.05:  # beyond what the lens can show
            return x, y
        new_x = (x0 - (2 * p1 * x * y + p2 * (r2 + 2 * x * x))) / radial
        new_y = (y0 - (p1 * (r2 + 2 * y * y) + 2 * p2 * x * y)) / radial
        moved = abs(new_x - x) + abs(new_y - y)
        x, y = new_x, new_y
        if moved < CLOSE:
            break
    return x, y


def _undo_fisheye(x0: float, y0: float, k: tuple[float, ...]) -> tuple[float, float]:
    distorted = min(math.hypot(x0, y0), math.pi / 2)
    if distorted < 1e-9:
        return x0, y0
    theta = distorted
    for _ in range(MOST_STEPS):
        t2 = theta * theta
        value = theta * (1 + t2 * (k[0] + t2 * (k[1] + t2 * (k[2] + t2 * k[3])))) - distorted
        slope = 1 + t2 * (3 * k[0] + t2 * (5 * k[1] + t2 * (7 * k[2] + t2 * 9 * k[3])))
        if abs(slope) < 1e-6:
            break
        step = value / slope
        theta = min(max(theta - step, 0.0), WIDEST_RAD)
        if abs(step) < CLOSE:
            break
    scale = math.tan(theta) / math.hypot(x0, y0)
    return x0 * scale, y0 * scale
