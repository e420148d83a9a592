"""From delivered pixels to positions on the floor.

Frames of reference: delivered pixels (x right, y down); undistorted pixels (the same
camera matrix, straight lines straight); floor metres (x, y of `[ground].world_m`). Without
calibration the floor is estimated from body heights: x to the right of the optical axis,
y away from the camera, for an adult of `BODY_HEIGHT_M` and a focal length of
`FOCAL_PER_WIDTH` picture widths.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from edge.tracking.lens import undistort, undistort_point
from firmware_cfg.plane import homography

if TYPE_CHECKING:
    from firmware_cfg.site import Lens, Site

BODY_HEIGHT_M = 1.70
FOCAL_PER_WIDTH = 0.9
LEAST_CAMERA_M = 2.0
LEARNED = 5.0
REMEMBERED = 3000.0
PRIOR_SLOPE = 0.62
PRIOR_WEIGHT = 20.0

FloatArray = NDArray[np.float64]
Position = tuple[float, float]
Measure = tuple[float, float, float]
Row = tuple[float, float, float]
Rows = tuple[Row, Row, Row]


class Floor(Protocol):
    """Where on the floor a person stands."""

    calibrated: bool

    def measure(self, middle_px: float, top_px: float, foot_px: float, by_head: bool) -> Measure:
        """What is kept of a body to tell its place, now or when the floor is known better.

        Args:
            middle_px: x of the box's middle.
            top_px: y of the head.
            foot_px: y of the feet.
            by_head: the feet are not seen; trust the head of an adult of `BODY_HEIGHT_M`.
        """
        ...

    def position_m(self, measure: Measure) -> Position:
        """Floor position of a measured body, by what is known of the floor now."""
        ...

    def body_m(self, middle_px: float, top_px: float, foot_px: float) -> float | None:
        """How tall a body is that stands at `foot_px`; None: not known yet."""
        ...

    def learn(self, foot_px: float, height_px: float) -> None:
        """Take in a whole body as evidence of the scale at the row `foot_px`."""
        ...


def floor_of(site: Site) -> Floor:
    """Floor of a site: by its calibration, else estimated from body heights."""
    if site.ground is None:
        return EstimatedFloor(site.camera.size_px)
    lens = site.camera.lens
    image = undistort(np.array(site.ground.image_px, float), lens)
    world = np.array(site.ground.world_m, float)
    return CalibratedFloor(homography(image, world), lens, site.camera.size_px)


class CalibratedFloor:
    """Floor through the lens model and a homography; heads through the camera's pose."""

    calibrated = True

    def __init__(self, image_to_floor: FloatArray, lens: Lens, size_px: tuple[int, int]) -> None:
        """Keep the (3, 3) homography from undistorted pixels to metres."""
        self._floor = _rows(image_to_floor)
        self._lens = lens if lens.model != "none" else None
        matrix = np.array(lens.matrix, float) if lens.matrix else None
        to_image: FloatArray = np.linalg.inv(image_to_floor).astype(float)
        at_head, camera_m = head_plane(to_image, size_px, matrix, BODY_HEIGHT_M)
        self._above = _rows(at_head @ image_to_floor)
        low = camera_m < LEAST_CAMERA_M  # heads at the horizon tell no distance
        self._heads = self._floor if low else _rows(np.linalg.inv(at_head).astype(float))
        self._by_feet_only = low

    def measure(self, middle_px: float, top_px: float, foot_px: float, by_head: bool) -> Measure:
        """(x, y, 0) in metres: the calibration does not change."""
        if by_head and not self._by_feet_only:
            return (*_map(self._heads, *self._straight(middle_px, top_px)), 0.0)
        return (*_map(self._floor, *self._straight(middle_px, foot_px)), 0.0)

    def position_m(self, measure: Measure) -> Position:
        """The measure itself."""
        return measure[0], measure[1]

    def body_m(self, middle_px: float, top_px: float, foot_px: float) -> float | None:
        """Height by the share that the body has of an adult's on the same spot."""
        foot = self._straight(middle_px, foot_px)
        adult_px = foot[1] - _map(self._above, *foot)[1]
        if adult_px < 1.0:
            return None
        return BODY_HEIGHT_M * (foot[1] - self._straight(middle_px, top_px)[1]) / adult_px

    def learn(self, foot_px: float, height_px: float) -> None:
        """Nothing: the calibration is known."""

    def _straight(self, x_px: float, y_px: float) -> Position:
        return (x_px, y_px) if self._lens is None else undistort_point(x_px, y_px, self._lens)


class EstimatedFloor:
    """Floor guessed from body heights; distances on it carry that mark.

    The height of an adult is taken as linear in the foot's row, as for a level floor, and
    learned from whole bodies: least squares with a prior for the slope (body over camera
    height) and a slow forgetting. So a child counts as near as its feet say. Until
    `LEARNED` bodies were seen each body's own height decides.
    """

    calibrated = False

    def __init__(self, size_px: tuple[int, int]) -> None:
        """Place the optical axis in the middle of a picture of `size_px`."""
        self._centre_x_px = size_px[0] / 2
        self._focal_px = FOCAL_PER_WIDTH * size_px[0]
        self._prior = PRIOR_WEIGHT * (0.1 * size_px[1]) ** 2
        self._n = self._y = self._h = self._yy = self._yh = 0.0

    def learn(self, foot_px: float, height_px: float) -> None:
        """Take in a whole body; those far shorter than the model's adult weigh little."""
        weight = 1.0
        if self._n > LEARNED:
            ratio = height_px / max(self._adult_px(foot_px), 1.0)
            weight = 1.0 if 0.85 < ratio < 1.2 else 0.05
        keep = 1 - 1 / REMEMBERED
        self._n = keep * self._n + weight
        self._y = keep * self._y + weight * foot_px
        self._h = keep * self._h + weight * height_px
        self._yy = keep * self._yy + weight * foot_px * foot_px
        self._yh = keep * self._yh + weight * foot_px * height_px

    def measure(self, middle_px: float, top_px: float, foot_px: float, by_head: bool) -> Measure:
        """(x, y, height) in pixels: y of the feet, or, with a negative height, of the head."""
        height_px = max(foot_px - top_px, 1.0)
        return (middle_px, top_px, -height_px) if by_head else (middle_px, foot_px, height_px)

    def position_m(self, measure: Measure) -> Position:
        """(to the right, away) in metres; by the body's own height until heights are learned."""
        middle_px, y_px, height_px = measure
        adult_px = abs(height_px)
        if self._n > LEARNED:
            slope, offset = self._line()
            if height_px > 0:
                adult_px = slope * y_px + offset
            elif slope < 0.95:
                adult_px = (slope * y_px + offset) / (1 - slope)
            # a body shows no less than a part of itself, and a child is no shorter than half
            least, most = (0.4, 2.5) if height_px > 0 else (1.0, 2.2)
            adult_px = min(max(adult_px, least * abs(height_px)), most * abs(height_px))
        metres_per_px = BODY_HEIGHT_M / max(adult_px, 1.0)
        return (middle_px - self._centre_x_px) * metres_per_px, self._focal_px * metres_per_px

    def body_m(self, middle_px: float, top_px: float, foot_px: float) -> float | None:
        """Height by the share that the body has of the heights learned on its row."""
        del middle_px
        if self._n <= LEARNED:
            return None
        return BODY_HEIGHT_M * (foot_px - top_px) / max(self._adult_px(foot_px), 1.0)

    def _adult_px(self, foot_y_px: float) -> float:
        slope, offset = self._line()
        return slope * foot_y_px + offset

    def _line(self) -> tuple[float, float]:
        mean_y, mean_h = self._y / self._n, self._h / self._n
        spread = self._yy - self._n * mean_y * mean_y
        shared = self._yh - self._n * mean_y * mean_h
        slope = (shared + self._prior * PRIOR_SLOPE) / (spread + self._prior)
        return slope, mean_h - slope * mean_y


def head_plane(
    floor_to_image: FloatArray,
    size_px: tuple[int, int],
    matrix: FloatArray | None,
    height_m: float,
) -> tuple[FloatArray, float]:
    """(3, 3) homography from floor metres to the picture of a plane `height_m` above.

    Returns it with the camera's height above the floor, metres.

    The camera's pose follows from the floor's homography K [r1 r2 t]; where the camera
    matrix K is unknown, the principal point is taken in the middle, pixels as square, and
    the focal length such that r1 and r2 are orthogonal and equally long (Zhang, PAMI 22,
    2000).
    """
    if matrix is None:
        focal_px = _focal_px(floor_to_image, size_px)
        matrix = np.array([[focal_px, 0, size_px[0] / 2], [0, focal_px, size_px[1] / 2], [0, 0, 1]])
    pose = np.linalg.inv(matrix) @ floor_to_image
    pose = pose / math.sqrt(float(np.linalg.norm(pose[:, 0]) * np.linalg.norm(pose[:, 1])))
    low = np.linalg.solve(floor_to_image, [size_px[0] / 2, size_px[1], 1.0])
    if low[2] < 0:  # what the picture shows at its lower edge stands before the camera
        pose = -pose
    normal = np.cross(pose[:, 0], pose[:, 1])
    # the camera is above the floor: the vector from the floor to it has a part along "up"
    if float(normal @ pose[:, 2]) > 0:
        normal = -normal
    raised = pose.copy()
    raised[:, 2] += height_m * normal
    camera_m = -float(normal @ pose[:, 2]) / float(np.linalg.norm(normal))
    return matrix @ raised, camera_m


def _focal_px(floor_to_image: FloatArray, size_px: tuple[int, int]) -> float:
    """Focal length by Zhang's two constraints, least squares; a usual one where they fail."""
    centred = floor_to_image.copy()
    centred[0] -= size_px[0] / 2 * centred[2]
    centred[1] -= size_px[1] / 2 * centred[2]
    (a1, a2, a3), (b1, b2, b3) = centred[:, 0], centred[:, 1]
    # (a·b)/f² + a3 b3 = 0 and (a·a − b·b)/f² + a3² − b3² = 0
    left = np.array([a1 * b1 + a2 * b2, a1 * a1 + a2 * a2 - b1 * b1 - b2 * b2])
    right = np.array([-a3 * b3, b3 * b3 - a3 * a3])
    usual = FOCAL_PER_WIDTH * size_px[0]
    inverse_square = float(left @ right) / max(float(left @ left), 1e-300)
    if inverse_square <= 0:
        return usual
    return min(max(1 / math.sqrt(inverse_square), 0.4 * usual), 4 * usual)


def _map(rows: Rows, x: float, y: float) -> Position:
    """A point through a homography."""
    (a, b, c), (d, e, f), (g, h, i) = rows
    w = g * x + h * y + i
    if abs(w) < 1e-9:
        w = math.copysign(1e-9, w)
    return (a * x + b * y + c) / w, (d * x + e * y + f) / w


def _rows(matrix: FloatArray) -> Rows:
    a, b, c, d, e, f, g, h, i = (float(v) for v in matrix.ravel())
    return (a, b, c), (d, e, f), (g, h, i)
