"""A camera above a floor, with OpenCV's Brown or fisheye lens: floor metres to delivered pixels.

World: x and y on the floor, z up, metres; the camera stands at (`x_m`, `y_m`, `height_m`),
looks along +y, turned by `pan_deg` to the right and down by `tilt_deg`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Point = tuple[float, float]
Box = tuple[float, float, float, float]
Rect = tuple[float, float, float, float]  # x from, y from, x to, y to, metres
FloatArray = NDArray[np.float64]

PROFILE = ((0.0, 0.06), (0.82, 0.24), (1.0, 0.09))  # (share of height, half width in metres)
SIDES = ((-1, 0), (1, 0), (0, -1), (0, 1))
WIDEST_RAD = 1.5
WIDEST_R2 = 1.0
NEAREST_M = 0.6
NEAREST_FISHEYE_M = 0.2


@dataclass(frozen=True)
class Camera:
    """Where the camera is, and how it sees.

    Attributes:
        k: k1, k2, p1, p2 of Brown's lens, or k1 … k4 of the fisheye (Kannala and Brandt), as
            OpenCV defines them.
    """

    height_m: float = 2.8
    tilt_deg: float = 25.0
    focal_px: float = 1088.0
    size_px: tuple[int, int] = (1280, 720)
    pan_deg: float = 0.0
    x_m: float = 0.0
    y_m: float = 0.0
    k: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    fisheye: bool = False

    def depth_m(self, x: float, y: float, z: float = 0.0) -> float:
        """Distance along the optical axis; positive in front."""
        return float(self.depths_m(np.array([x, y, z], float)))

    def depths_m(self, points_m: FloatArray) -> FloatArray:
        """(…, 3) world points → (…) distances along the optical axis."""
        depths: FloatArray = self._view(points_m)[..., 2]
        return depths

    def pixel(self, x: float, y: float, z: float = 0.0) -> Point:
        """Delivered pixel of a point in front of the camera."""
        u, v = self.pixels(np.array([x, y, z], float)).tolist()
        return u, v

    def pixels(self, points_m: FloatArray) -> FloatArray:
        """(…, 3) world points → (…, 2) delivered pixels.

        A point beyond what the lens can show lands far out in its own direction.
        """
        view = self._view(points_m)
        flat = self._fisheye(view) if self.fisheye else self._brown(view)
        width, height = self.size_px
        px: FloatArray = self.focal_px * flat + np.array([width / 2, height / 2])
        return px

    def body(self, x: float, y: float, height_m: float, visible_from_m: float = 0.0) -> Box | None:
        """Box of a standing body, seen from `visible_from_m` upwards; None: not before us."""
        place = np.array([[x, y]], float)
        box = self.bodies(place, np.array([height_m]), np.array([visible_from_m]))[0].tolist()
        return None if math.isnan(box[0]) else (box[0], box[1], box[2], box[3])

    def bodies(self, xy_m: FloatArray, height_m: FloatArray, from_m: FloatArray) -> FloatArray:
        """Boxes of bodies at (n, 2) places, seen from (n,) `from_m` upwards: (n, 4), NaN: none."""
        points = np.empty((len(xy_m), len(PROFILE) * len(SIDES), 3))
        column = 0
        for share, half in PROFILE:
            z = np.maximum(share * height_m, from_m)
            for side, depth in SIDES:
                points[:, column, 0] = xy_m[:, 0] + side * half
                points[:, column, 1] = xy_m[:, 1] + depth * half
                points[:, column, 2] = z
                column += 1
        px = self.pixels(points)
        boxes = np.concatenate([px.min(axis=1), px.max(axis=1)], axis=1)
        feet = np.column_stack([xy_m, np.zeros(len(xy_m))])
        heads = np.column_stack([xy_m, height_m])
        nearest = NEAREST_FISHEYE_M if self.fisheye else NEAREST_M
        boxes[np.minimum(self.depths_m(feet), self.depths_m(heads)) < nearest] = np.nan
        return boxes

    def hidden_below_m(
        self, desks: Sequence[tuple[Rect, float]], x: FloatArray, y: FloatArray
    ) -> FloatArray:
        """Height up to which `desks` (floor rectangle, height) hide what stands at (x, y): (n,).

        The line of sight that grazes the desk's top where it leaves the desk, at the share s of
        the way, comes down to camera_h + (desk_h - camera_h) / s at the end of the way. Whoever
        stands within a rectangle is not hidden by it.
        """
        hidden = np.zeros(np.shape(x))
        for rect, desk_m in desks:
            enter, leave = self._crossing(rect, x, y)
            behind = (enter < leave) & (leave > 1e-6) & (leave < 1 - 1e-9)
            share = np.where(behind, leave, 1.0)
            height = self.height_m + (desk_m - self.height_m) / share
            hidden = np.where(behind, np.maximum(hidden, height), hidden)
        return hidden

    def _crossing(self, rect: Rect, x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Shares of the way from below the camera to (x, y) at which it enters and leaves."""
        enter, leave = np.full(np.shape(x), -np.inf), np.full(np.shape(x), np.inf)
        for start, end, low, high in (
            (self.x_m, x, rect[0], rect[2]),
            (self.y_m, y, rect[1], rect[3]),
        ):
            way = end - start
            way = np.where(np.abs(way) < 1e-9, 1e-9, way)  # along the slab: far out on both sides
            one, other = (low - start) / way, (high - start) / way
            enter = np.maximum(enter, np.minimum(one, other))
            leave = np.minimum(leave, np.maximum(one, other))
        return enter, leave

    @cached_property
    def _turn(self) -> FloatArray:
        """(3, 3): east, north, up → right, down, forward."""
        pan, tilt = math.radians(self.pan_deg), math.radians(self.tilt_deg)
        right = (math.cos(pan), -math.sin(pan), 0.0)
        ahead = (math.sin(pan), math.cos(pan))
        down = (-math.sin(tilt) * ahead[0], -math.sin(tilt) * ahead[1], -math.cos(tilt))
        forward = (math.cos(tilt) * ahead[0], math.cos(tilt) * ahead[1], -math.sin(tilt))
        return np.array([right, down, forward])

    def _view(self, points_m: FloatArray) -> FloatArray:
        """(…, 3) world points → (…, 3) right, down and forward of the camera."""
        view: FloatArray = (points_m - np.array([self.x_m, self.y_m, self.height_m])) @ self._turn.T
        return view

    def _brown(self, view: FloatArray) -> FloatArray:
        depth = np.maximum(view[..., 2], 1e-3)
        u, v = view[..., 0] / depth, view[..., 1] / depth
        k1, k2, p1, p2 = self.k
        r2 = np.minimum(u * u + v * v, self._widest)  # beyond, the polynomial may fold back
        radial = 1 + r2 * (k1 + k2 * r2)
        du = u * radial + 2 * p1 * u * v + p2 * (r2 + 2 * u * u)
        dv = v * radial + p1 * (r2 + 2 * v * v) + 2 * p2 * u * v
        return np.stack([du, dv], axis=-1)

    def _fisheye(self, view: FloatArray) -> FloatArray:
        off = np.maximum(np.hypot(view[..., 0], view[..., 1]), 1e-9)
        theta = np.minimum(np.arctan2(off, view[..., 2]), self._widest)
        k1, k2, k3, k4 = self.k
        t2 = theta * theta
        bent = theta * (1 + t2 * (k1 + t2 * (k2 + t2 * (k3 + t2 * k4))))
        flat: FloatArray = view[..., :2] * (bent / off)[..., None]
        return flat

    @cached_property
    def _widest(self) -> float:
        """Where the lens polynomial stops rising: r² for Brown's lens, radians for the fisheye."""
        k1, k2, k3, k4 = self.k
        if not self.fisheye:
            r2 = np.linspace(0.0, WIDEST_R2, 201)
            rises = 1 + r2 * (3 * k1 + 5 * k2 * r2) > 0
            return float(r2[rises.cumprod().sum() - 1])
        t2 = np.linspace(0.0, WIDEST_RAD, 301) ** 2
        rises = 1 + t2 * (3 * k1 + t2 * (5 * k2 + t2 * (7 * k3 + t2 * 9 * k4))) > 0
        return float(np.sqrt(t2[rises.cumprod().sum() - 1]))
