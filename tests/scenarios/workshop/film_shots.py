"""Where everybody is in the picture, exactly: boxes without noise, and who is in front of whom."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tests.scenarios.layouts import Layout
from tests.scenarios.workshop.day import GRID_S, Day, FloatArray, Span
from tests.scenarios.workshop.film_hiding import IntArray, Nearer

INSIDE_WIDTH, INSIDE_HEIGHT = 0.3, 0.2
LEAST_ABOVE_DESK_M = 0.1
FIGURES_FROM = 1_000_000  # numbers of figures, beyond any walker's


@dataclass(frozen=True, eq=False)
class Shot:
    """A walker or a figure over the frames from `first` on; rows are NaN outside the picture.

    Attributes:
        number: of the walker; a figure's is `FIGURES_FROM` and up.
        span: seconds in which it exists.
        times_s: (n,) times of the frames.
        whole: (n, 4) box of the whole body, px.
        above: (n, 4) its part above the desks.
        inside: (n, 4) the part of `above` in the picture.
        depth_m: (n,) distance along the optical axis.
        feet: (n,) 1 where no desk hides the feet, else 0.
        nearer: bodies in front of it.
    """

    number: int
    first: int
    span: Span
    times_s: FloatArray
    whole: FloatArray
    above: FloatArray
    inside: FloatArray
    depth_m: FloatArray
    feet: FloatArray
    nearer: list[Nearer] = field(default_factory=list)

    @property
    def seen(self) -> IntArray:
        """Rows in which it is in the picture."""
        return np.flatnonzero(~np.isnan(self.inside[:, 0]))


@dataclass(frozen=True, eq=False)
class Pair:
    """Two shots whose boxes overlap in the frames `frames`, by (k,) `iou`."""

    near: Shot
    far: Shot
    frames: IntArray
    iou: FloatArray


def shots(day: Day, times_s: FloatArray) -> list[Shot]:
    """Everybody, and every figure, who is in the picture at all."""
    found = []
    for walker in day.walkers:
        grid = walker.from_s + GRID_S * np.arange(len(walker.xy_m))
        first, last = np.searchsorted(times_s, [grid[0] - 1e-6, grid[-1] + 1e-6])
        times = times_s[first:last]
        places = [np.interp(times, grid, walker.xy_m[:, axis]) for axis in (0, 1)]
        heights = walker.height_m * np.interp(times, grid, walker.shown)
        span = (walker.from_s, walker.until_s)
        found.append(
            _shot(
                day.shop,
                walker.number,
                int(first),
                span=span,
                times_s=times,
                xy_m=np.stack(places, 1),
                heights_m=heights,
            )
        )
    for index, figure in enumerate(day.figures):
        place = np.tile([figure.x_m, figure.y_m], (len(times_s), 1))
        heights = np.full(len(times_s), figure.height_m)
        span = (0.0, day.end_s)
        found.append(
            _shot(
                day.shop,
                FIGURES_FROM + index,
                0,
                span=span,
                times_s=times_s,
                xy_m=place,
                heights_m=heights,
            )
        )
    return [shot for shot in found if len(shot.seen)]


def _shot(
    shop: Layout,
    number: int,
    first: int,
    *,
    span: Span,
    times_s: FloatArray,
    xy_m: FloatArray,
    heights_m: FloatArray,
) -> Shot:
    camera = shop.camera
    hidden = shop.hidden_below_each_m(xy_m[:, 0], xy_m[:, 1])
    whole = camera.bodies(xy_m, heights_m, np.zeros(len(xy_m)))
    above = camera.bodies(xy_m, heights_m, np.minimum(hidden, heights_m))
    width, height = camera.size_px
    inside = np.clip(above, 0.0, np.array([width, height, width, height]))
    sides, clipped = above[:, 2:] - above[:, :2], inside[:, 2:] - inside[:, :2]
    there = (
        (clipped[:, 0] >= INSIDE_WIDTH * sides[:, 0])
        & (clipped[:, 1] >= INSIDE_HEIGHT * sides[:, 1])
        & (heights_m - hidden >= LEAST_ABOVE_DESK_M)
    )
    inside[~there] = np.nan
    depth = camera.depths_m(np.column_stack([xy_m, np.zeros(len(xy_m))]))
    feet = (hidden <= 0).astype(float)
    return Shot(number, first, span, times_s, whole, above, inside, depth, feet)


def pairs(people: list[Shot]) -> list[Pair]:
    """Who overlaps whom; fills `nearer` of the farther one."""
    found = []
    for index, one in enumerate(people):
        for other in people[index + 1 :]:
            first = max(one.first, other.first)
            last = min(one.first + len(one.times_s), other.first + len(other.times_s))
            if first < last:
                found += _overlaps(one, other, first, last)
    return found


def _overlaps(one: Shot, other: Shot, first: int, last: int) -> list[Pair]:
    a = one.inside[first - one.first : last - one.first]
    b = other.inside[first - other.first : last - other.first]
    low, high = np.maximum(a[:, :2], b[:, :2]), np.minimum(a[:, 2:], b[:, 2:])
    rows = np.flatnonzero((high > low).all(axis=1))  # comparisons with NaN are false
    if not len(rows):
        return []
    common = (high[rows] - low[rows]).prod(axis=1)
    areas = [(box[rows, 2:] - box[rows, :2]).prod(axis=1) for box in (a, b)]
    iou = common / (areas[0] + areas[1] - common)
    frames = rows + first
    nearer = one.depth_m[frames - one.first] < other.depth_m[frames - other.first]
    found = []
    for near, far, which in ((one, other, nearer), (other, one, ~nearer)):
        if which.any():
            chosen = frames[which]
            far.nearer.append(Nearer(chosen - far.first, near.whole[chosen - near.first]))
            found.append(Pair(near, far, chosen, iou[which]))
    return found
