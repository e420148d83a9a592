"""Figures with faces: drawn, shaded bodies that the person detector takes for people.

Colours are Y, U, V in full range of the byte. A figure is drawn once, on a canvas of its own,
and pasted into each frame.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray

Plane8 = NDArray[np.uint8]
Floats = NDArray[np.float64]
Colour = tuple[float, float, float]

SKIN: Colour = (178.0, 110.0, 150.0)
HAIR: Colour = (38.0, 126.0, 130.0)
SHOE: Colour = (30.0, 128.0, 128.0)
EYE: Colour = (40.0, 128.0, 128.0)
LIPS: Colour = (105.0, 118.0, 160.0)
_HEADS = 8.0  # a body is eight heads tall


@dataclass(frozen=True, slots=True, eq=False)
class Figure:
    """A drawn body.

    Attributes:
        yuv: (3, rows, columns) its colours.
        mask: (rows, columns) where it is.
    """

    yuv: Plane8
    mask: NDArray[np.bool_]


@dataclass(slots=True, eq=False)
class _Canvas:
    yuv: Floats
    mask: NDArray[np.bool_]
    x: Floats
    y: Floats

    def limb(self, start: Floats, end: Floats, radii: tuple[float, float], colour: Colour) -> None:
        """A rounded limb between two points, lit from the left."""
        along = end - start
        length = float(along @ along) or 1e-9
        dx, dy = self.x - start[0], self.y - start[1]
        t = np.clip((dx * along[0] + dy * along[1]) / length, 0, 1)
        off_x, off_y = dx - t * along[0], dy - t * along[1]
        radius = radii[0] + (radii[1] - radii[0]) * t
        shade = 1.0 - 0.35 * np.clip(off_x / radius, -1, 1) - 0.1 * t
        self._paint(np.hypot(off_x, off_y) <= radius, shade, colour)

    def oval(self, centre: Floats, radii: tuple[float, float], colour: Colour) -> None:
        """A shaded oval."""
        u, v = (self.x - centre[0]) / radii[0], (self.y - centre[1]) / radii[1]
        shade = 1.05 - 0.35 * np.clip(u + 0.3 * v, -1, 1)
        self._paint(u * u + v * v <= 1, shade, colour)

    def _paint(self, where: NDArray[np.bool_], shade: Floats, colour: Colour) -> None:
        self.yuv[0][where] = np.clip(colour[0] * shade[where], 0, 255)
        self.yuv[1][where], self.yuv[2][where] = colour[1], colour[2]
        self.mask |= where


def draw(height_px: int, stride: float, random: Random) -> Figure:
    """A figure of `height_px` from crown to sole.

    Args:
        height_px: even, so that it sits well in the chroma planes.
        stride: position of the legs, in radians of a step.
        random: draws the clothes.
    """
    width_px = 2 * (height_px // 4)
    rows, columns = np.mgrid[0:height_px, 0:width_px].astype(float)
    canvas = _Canvas(
        np.zeros((3, height_px, width_px)),
        np.zeros((height_px, width_px), bool),
        columns,
        rows,
    )
    unit = height_px / _HEADS
    centre, sole = width_px / 2, height_px - 1.0
    shirt = random.uniform(60, 160), random.uniform(90, 165), random.uniform(90, 165)
    trousers = random.uniform(45, 80), random.uniform(120, 140), random.uniform(120, 135)

    _body(canvas, _Pose(centre, sole, unit, math.sin(stride) * 0.7), shirt, trousers)
    return Figure(np.clip(np.rint(canvas.yuv), 0, 255).astype(np.uint8), canvas.mask)


@dataclass(frozen=True, slots=True)
class _Pose:
    """Where a body stands: centre and sole in px, its unit (a head) in px, its step in units."""

    centre_px: float
    sole_px: float
    unit_px: float
    step: float

    def at(self, x_units: float, up_units: float) -> Floats:
        """(2,) the pixel of a point beside the body's axis, above its sole."""
        x_px = self.centre_px + x_units * self.unit_px
        return np.array([x_px, self.sole_px - up_units * self.unit_px])

    def radii(self, first: float, last: float) -> tuple[float, float]:
        """Two radii in px."""
        return first * self.unit_px, last * self.unit_px


def _body(canvas: _Canvas, pose: _Pose, shirt: Colour, trousers: Colour) -> None:
    at, radii, step = pose.at, pose.radii, pose.step
    for side in (-1, 1):
        foot = side * 0.5 + side * step
        canvas.limb(at(side * 0.45, 4.0), at(foot, 0.2), radii(0.55, 0.32), trousers)
        canvas.limb(at(foot, 0.15), at(foot - 0.4, 0.1), radii(0.22, 0.2), SHOE)
        elbow, hand = side * 1.35 - side * 0.5 * step, side * 1.2 - side * step
        canvas.limb(at(side * 1.0, 6.5), at(elbow, 5.1), radii(0.36, 0.3), shirt)
        canvas.limb(at(elbow, 5.1), at(hand, 3.8), radii(0.26, 0.2), SKIN)
    canvas.limb(at(0, 6.25), at(0, 4.0), radii(1.0, 0.85), shirt)
    canvas.limb(at(-0.8, 6.4), at(0.8, 6.4), radii(0.35, 0.35), shirt)
    canvas.limb(at(0, 7.1), at(0, 6.6), radii(0.28, 0.32), SKIN)
    canvas.oval(at(0, 7.4), radii(0.52, 0.68), SKIN)
    canvas.oval(at(0, 7.7), radii(0.56, 0.5), HAIR)
    canvas.oval(at(0, 7.3), radii(0.44, 0.5), SKIN)
    for side in (-1, 1):
        canvas.oval(at(side * 0.17, 7.4), radii(0.07, 0.06), EYE)
    canvas.oval(at(0, 7.05), radii(0.15, 0.05), LIPS)
