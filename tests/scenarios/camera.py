"""A pinhole camera above a floor, with OpenCV's Brown lens: floor metres to delivered pixels.

World: x and y on the floor, z up, metres; the camera stands at (`x_m`, `y_m`, `height_m`),
looks along +y, turned by `pan_deg` to the right and down by `tilt_deg`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

Point = tuple[float, float]
Box = tuple[float, float, float, float]

PROFILE = ((0.0, 0.06), (0.82, 0.24), (1.0, 0.09))  # (share of height, half width in metres)


@dataclass(frozen=True)
class Camera:
    """Where the camera is, and how it sees."""

    height_m: float = 2.8
    tilt_deg: float = 25.0
    focal_px: float = 1088.0
    size_px: tuple[int, int] = (1280, 720)
    pan_deg: float = 0.0
    x_m: float = 0.0
    y_m: float = 0.0
    k: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)

    def depth_m(self, x: float, y: float, z: float = 0.0) -> float:
        """Distance along the optical axis; positive in front."""
        return self._view(x, y, z)[2]

    def pixel(self, x: float, y: float, z: float = 0.0) -> Point:
        """Delivered pixel of a point in front of the camera."""
        u, v, depth = self._view(x, y, z)
        u, v = u / depth, v / depth
        k1, k2, p1, p2 = self.k
        r2 = min(u * u + v * v, 1.0)  # far outside the picture the lens polynomial folds back
        radial = 1 + r2 * (k1 + k2 * r2)
        du = u * radial + 2 * p1 * u * v + p2 * (r2 + 2 * u * u)
        dv = v * radial + p1 * (r2 + 2 * v * v) + 2 * p2 * u * v
        width, height = self.size_px
        return self.focal_px * du + width / 2, self.focal_px * dv + height / 2

    def _view(self, x: float, y: float, z: float) -> tuple[float, float, float]:
        pan, tilt = math.radians(self.pan_deg), math.radians(self.tilt_deg)
        east, north, up = x - self.x_m, y - self.y_m, z - self.height_m
        right = math.cos(pan) * east - math.sin(pan) * north
        ahead = math.sin(pan) * east + math.cos(pan) * north
        forward = math.cos(tilt) * ahead - math.sin(tilt) * up
        down = -math.sin(tilt) * ahead - math.cos(tilt) * up
        return right, down, forward

    def body(self, x: float, y: float, height_m: float, visible_from_m: float = 0.0) -> Box | None:
        """Box of a standing body, seen from `visible_from_m` upwards; None: not before us."""
        if self.depth_m(x, y, 0.0) < 0.6 or self.depth_m(x, y, height_m) < 0.6:
            return None
        points = [
            self.pixel(x + side * half, y + depth * half, max(share * height_m, visible_from_m))
            for share, half in PROFILE
            for side, depth in ((-1, 0), (1, 0), (0, -1), (0, 1))
        ]
        xs, ys = [p[0] for p in points], [p[1] for p in points]
        return min(xs), min(ys), max(xs), max(ys)
