"""From delivered pixels to positions on the floor.

Frames of reference: delivered pixels (x right, y down); undistorted pixels (the same
camera matrix, straight lines straight); floor metres (x, y of `[ground].world_m`). Without
calibration the floor is estimated from body heights: x to the right of the optical axis,
y away from the camera, for a person of `BODY_HEIGHT_M` and a focal length of
`FOCAL_PER_WIDTH` picture widths.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from firmware_cfg.site import Lens, Site

BODY_HEIGHT_M = 1.70
FOCAL_PER_WIDTH = 0.9

FloatArray = NDArray[np.float64]
Position = tuple[float, float]


class Floor(Protocol):
    """Where on the floor a person stands."""

    calibrated: bool

    def position_m(self, foot_x_px: float, foot_y_px: float, height_px: float) -> Position:
        """Floor position of a foot point, given the body's height in the picture."""
        ...


def floor_of(site: Site) -> Floor:
    """Floor of a site: by its calibration, else estimated from body heights."""
    if site.ground is None:
        return EstimatedFloor(site.camera.size_px)
    image = np.array(site.ground.image_px, float)
    lens = site.camera.lens
    return CalibratedFloor(
        homography(undistort(image, lens), np.array(site.ground.world_m, float)), lens
    )


class CalibratedFloor:
    """Floor through the lens model and a homography."""

    calibrated = True

    def __init__(self, image_to_floor: FloatArray, lens: Lens) -> None:
        """Keep the (3, 3) homography from undistorted pixels to metres."""
        self._rows = tuple(tuple(float(v) for v in row) for row in image_to_floor)
        self._lens = lens if lens.model != "none" else None

    def position_m(self, foot_x_px: float, foot_y_px: float, height_px: float) -> Position:
        """Floor position in metres; `height_px` is not needed."""
        del height_px
        x, y = foot_x_px, foot_y_px
        if self._lens is not None:
            x, y = undistort(np.array([[x, y]]), self._lens)[0].tolist()
        (a, b, c), (d, e, f), (g, h, i) = self._rows
        w = g * x + h * y + i
        if abs(w) < 1e-9:
            w = math.copysign(1e-9, w)
        return (a * x + b * y + c) / w, (d * x + e * y + f) / w


class EstimatedFloor:
    """Floor guessed from body heights; distances on it carry that mark."""

    calibrated = False

    def __init__(self, size_px: tuple[int, int]) -> None:
        """Place the optical axis in the middle of a picture of `size_px`."""
        self._centre_x_px = size_px[0] / 2
        self._focal_px = FOCAL_PER_WIDTH * size_px[0]

    def position_m(self, foot_x_px: float, foot_y_px: float, height_px: float) -> Position:
        """(to the right, away) in metres, both from the height in the picture."""
        del foot_y_px
        metres_per_px = BODY_HEIGHT_M / max(height_px, 1.0)
        return (foot_x_px - self._centre_x_px) * metres_per_px, self._focal_px * metres_per_px


def homography(image: FloatArray, world: FloatArray) -> FloatArray:
    """(3, 3) homography with world ~ H image, by the direct linear transform.

    Args:
        image: (n, 2) points, n >= 4, not all on a line.
        world: (n, 2) points that they map to; least squares where n > 4.

    Source: Hartley and Zisserman, Multiple View Geometry, algorithm 4.2 (normalised).

    >>> square = np.array([[0, 0], [2, 0], [2, 2], [0, 2]], float)
    >>> h = homography(square, square * 3 + 1)
    >>> [round(float(v), 6) for v in (h @ [1, 1, 1])[:2] / (h @ [1, 1, 1])[2]]
    [4.0, 4.0]
    """
    from_image, from_world = _normaliser(image), _normaliser(world)
    points = _apply(from_image, image)
    targets = _apply(from_world, world)
    rows = []
    for (x, y), (u, v) in zip(points, targets, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y, -u])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y, -v])
    null = np.linalg.svd(np.array(rows))[2][-1].reshape(3, 3)
    result = np.linalg.inv(from_world) @ null @ from_image
    scaled: FloatArray = result / np.linalg.norm(result)
    return scaled


def _normaliser(points: FloatArray) -> FloatArray:
    """(3, 3) similarity that centres `points` and scales their mean radius to sqrt(2)."""
    centre = points.mean(axis=0)
    radius = float(np.linalg.norm(points - centre, axis=1).mean())
    scale = math.sqrt(2) / radius if radius else 1.0
    return np.array(
        [[scale, 0, -scale * centre[0]], [0, scale, -scale * centre[1]], [0, 0, 1]], float
    )


def _apply(transform: FloatArray, points: FloatArray) -> FloatArray:
    lifted = np.column_stack([points, np.ones(len(points))]) @ transform.T
    flat: FloatArray = lifted[:, :2] / lifted[:, 2:]
    return flat


def undistort(points_px: FloatArray, lens: Lens) -> FloatArray:
    """(n, 2) delivered pixels → undistorted pixels of the same camera matrix.

    Brown's model is inverted by fixed-point iteration, the fisheye's (Kannala–Brandt)
    by Newton's method on the angle, both as OpenCV defines them.
    """
    if lens.model == "none":
        return points_px
    (fx, skew, cx), (_, fy, cy), _ = lens.matrix
    y = (points_px[:, 1] - cy) / fy
    x = (points_px[:, 0] - cx - skew * y) / fx
    if lens.model == "brown":
        x, y = _undo_brown(x, y, lens.k)
    else:
        x, y = _undo_fisheye(x, y, lens.k)
    return np.column_stack([fx * x + skew * y + cx, fy * y + cy])


def _undo_brown(x0: FloatArray, y0: FloatArray, k: tuple[float, ...]) -> tuple[FloatArray, FloatArray]:
    k1, k2, p1, p2 = k
    x, y = x0, y0
    for _ in range(25):
        r2 = x * x + y * y
        radial = 1 + r2 * (k1 + k2 * r2)
        radial = np.where(np.abs(radial) < 1e-6, 1e-6, radial)
        x = (x0 - (2 * p1 * x * y + p2 * (r2 + 2 * x * x))) / radial
        y = (y0 - (p1 * (r2 + 2 * y * y) + 2 * p2 * x * y)) / radial
    return x, y


def _undo_fisheye(
    x0: FloatArray, y0: FloatArray, k: tuple[float, ...]
) -> tuple[FloatArray, FloatArray]:
    distorted = np.minimum(np.hypot(x0, y0), math.pi / 2)
    theta = distorted.copy()
    for _ in range(15):
        t2 = theta * theta
        value = theta * (1 + t2 * (k[0] + t2 * (k[1] + t2 * (k[2] + t2 * k[3])))) - distorted
        slope = 1 + t2 * (3 * k[0] + t2 * (5 * k[1] + t2 * (7 * k[2] + t2 * 9 * k[3])))
        theta = np.clip(theta - value / np.where(np.abs(slope) < 1e-6, 1e-6, slope), 0, 1.55)
    scale = np.where(distorted > 1e-9, np.tan(theta) / np.maximum(distorted, 1e-9), 1.0)
    return x0 * scale, y0 * scale
