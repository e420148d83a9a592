"""The canary as a film: raw YUV4MPEG2, which needs no encoder and loses no bit.

Visitors come to one of two counters, stand there and leave, so that the device has something
to detect, count and release: many at `BUSY`, fewer than any threshold at `QUIET`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray

from edge.audit.canary.figures import Figure, draw
from edge.audit.canary.markers import (
    BADGE_COLUMNS,
    BADGE_ROWS,
    HEIGHT_PX,
    SCENE_TOP_PX,
    STRIP_PX,
    TURN_CELL_PX,
    WIDTH_PX,
    Plane,
    badge,
    random_number,
    strips,
    turns,
)

Picture = NDArray[np.uint8]

BUSY, QUIET = "busy", "quiet"
BUSY_X_PX, QUIET_X_PX, DOOR_X_PX = 120, 330, 208
QUIET_VISITORS = 3
_DARK, _BRIGHT, _GREY = 16, 235, 128
_HEIGHT_PX = 92
SOLE_PX = 236
_STEP_PX_PER_S = 60.0
_STAY_S = (16.0, 30.0)
_PAUSE_S = (8.0, 22.0)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is filmed.

    Attributes:
        seed: of all that is random.
        frames: how many.
        rate_hz: frames a second of the film's own time.
        peopled: whether visitors come.
    """

    seed: str
    frames: int
    rate_hz: Fraction = Fraction(1)
    peopled: bool = True

    @property
    def length_s(self) -> float:
        """How long the film lasts by its own time."""
        return float(self.frames / self.rate_hz)


@dataclass(frozen=True, slots=True, eq=False)
class Visitor:
    """Somebody who walks from the door to a counter, stays, and walks back.

    Attributes:
        figures: two drawings, taken by turns.
        comes_s: when at the door, in the film's time.
        stays_s: time at the counter.
        counter_x_px: where the counter is.
    """

    figures: tuple[Figure, Figure]
    comes_s: float
    stays_s: float
    counter_x_px: int

    @property
    def goes_s(self) -> float:
        """When out of the door again."""
        return self.comes_s + self.stays_s + 2 * self._way_s

    @property
    def _way_s(self) -> float:
        return abs(self.counter_x_px - DOOR_X_PX) / _STEP_PX_PER_S

    def place_px(self, t_s: float) -> float | None:
        """Middle of the body along the picture at `t_s`; None: not there."""
        if not self.comes_s <= t_s < self.goes_s:
            return None
        way_s = self._way_s
        share = min(1.0, (t_s - self.comes_s) / way_s, (self.goes_s - t_s) / way_s)
        return DOOR_X_PX + share * (self.counter_x_px - DOOR_X_PX)


def visitors(plan: Plan) -> tuple[Visitor, ...]:
    """Everyone in the film: one after another at `BUSY`, a few at `QUIET`."""
    random = Random(random_number(plan.seed, "visitors"))  # noqa: S311 - repeated from the seed
    found, now_s = [], 4.0
    while plan.peopled and now_s < plan.length_s:
        one = _visitor(random, now_s, BUSY_X_PX)
        found.append(one)
        now_s = one.goes_s + random.uniform(*_PAUSE_S)
    if plan.peopled:
        times_s = np.linspace(0.15, 0.75, QUIET_VISITORS) * plan.length_s
        found += [_visitor(random, float(at_s), QUIET_X_PX) for at_s in times_s]
    return tuple(found)


def _visitor(random: Random, comes_s: float, counter_x_px: int) -> Visitor:
    height_px = 2 * (_HEIGHT_PX // 2 - random.randrange(4))
    stays_s, clothes = random.uniform(*_STAY_S), random.random()
    figures = tuple(draw(height_px, stride, Random(clothes)) for stride in (0.2, 1.2))  # noqa: S311
    return Visitor((figures[0], figures[1]), comes_s, stays_s, counter_x_px)


def write_film(path: Path, plan: Plan) -> None:
    """Write the film; about `frames` × 150 kB."""
    still, bits = still_picture(plan.seed), turns(plan.seed, plan.frames)
    everyone, worn = visitors(plan), np.where(badge(plan.seed), _BRIGHT, _DARK).astype(np.uint8)
    rate = plan.rate_hz
    head = f"YUV4MPEG2 W{WIDTH_PX} H{HEIGHT_PX} F{rate.numerator}:{rate.denominator} Ip A1:1 C420"
    with path.open("wb") as file:
        file.write(f"{head}\n".encode())
        for number in range(plan.frames):
            planes = [plane.copy() for plane in still]
            turn = np.where(bits[number], _BRIGHT, _DARK).astype(np.uint8)
            planes[0][:STRIP_PX] = turn.repeat(TURN_CELL_PX)
            t_s = float(number / rate)
            for one in everyone:
                place_px = one.place_px(t_s)
                if place_px is not None:
                    _paste(planes, one.figures[number % 2], place_px, worn)
            file.write(b"FRAME\n" + b"".join(plane.tobytes() for plane in planes))


def still_picture(seed: str) -> tuple[Picture, Picture, Picture]:
    """Y (240, 416), U and V (120, 208) of a frame without visitors and without its turn."""
    rows, columns = np.mgrid[0:HEIGHT_PX, 0:WIDTH_PX]
    wall = np.where(rows < SCENE_TOP_PX + 50, 160.0, 118.0)
    luma = (wall + 16 * np.sin(columns / 37) + 8 * np.cos(rows / 23)).astype(np.uint8)
    chroma = {plane: np.full((HEIGHT_PX // 2, WIDTH_PX // 2), _GREY, np.uint8) for plane in Plane}
    luma[:SCENE_TOP_PX] = _GREY
    for strip in strips(seed):
        shown = np.where(strip.cells, _BRIGHT, _DARK).astype(np.uint8)
        bottom_px = strip.top_px + STRIP_PX
        if strip.plane is Plane.LUMA:
            grown = shown.repeat(strip.cell_px, axis=0).repeat(strip.cell_px, axis=1)
            luma[strip.top_px : bottom_px] = grown
        else:
            chroma[strip.plane][strip.top_px // 2 : bottom_px // 2] = shown
    return luma, chroma[Plane.BLUE], chroma[Plane.RED]


def _paste(planes: list[Picture], figure: Figure, place_px: float, worn: Picture) -> None:
    """Put a figure with its badge into a frame; its sole stands on the floor's line."""
    rows, columns = figure.mask.shape
    left, top = 2 * round(place_px / 2) - columns // 2 & ~1, SOLE_PX - rows
    luma = planes[0][top : top + rows, left : left + columns]
    luma[figure.mask] = figure.yuv[0][figure.mask]
    chest, side = rows // 4, (columns - BADGE_COLUMNS) // 2
    luma[chest : chest + BADGE_ROWS, side : side + BADGE_COLUMNS] = worn
    small = figure.mask[::2, ::2]
    for plane, colour in zip(planes[1:], figure.yuv[1:], strict=True):
        part = plane[top // 2 : (top + rows) // 2, left // 2 : (left + columns) // 2]
        part[small] = colour[::2, ::2][small]
