"""Which part of the picture is looked at, so that people near the zones are large enough.

Pure geometry of the site file, the same on each start, for whoever must know where the view
ends: the detector, and the tracker that tells leaving from hiding. In delivered pixels, x to
the right and y down, left and top inside, right and bottom outside.

Where people at the zones would be `LARGE_ENOUGH_PX` tall in the detector's input anyway, the
view is the whole picture: someone who steps aside for a while is then seen to stay. Else it
is a region: every zone; above it the height of a person, whose feet are in the zone while the
box reaches up; around it a walkway of one person's height (about 1.7 m), so that people are
seen to come and to go; of the detector's aspect, so that no input pixel is wasted.

**Edges.** A box cut by the *picture's* lower edge has no observed foot. A box cut by the
*region's* edge inside the picture looks whole to that rule, and would put a foot where none
is. So a side of the region that lies near the picture's edge goes out to it, the lower one
most readily, and `cut` tells which boxes end at an inner edge: the detector leaves them out.
They are a walkway away from every zone, so no presence is lost; to the tracker a person is
gone at the region's edge as at the picture's own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firmware_cfg.plane import homography
from firmware_cfg.polygon import polygon_area
from firmware_cfg.site import Anchor, Ground, Point, Site

INPUT_PX = (512, 288)  # the usual detector's input; another's differs too little to matter
LARGE_ENOUGH_PX = 72.0  # a person in the input: from here on detection gains little
PERSON_PER_ZONE = 2.5  # a person's height over the root of the largest zone's area, at most
WHOLE_ABOVE = 0.7  # share of the picture's area from which the whole picture is looked at
PERSON_M = 1.9
WALKWAY = 1.0  # of a person's height, on all sides of the zones
SNAP_LOW = 0.25  # a lower side this near the picture's edge, of its height, goes out to it
SNAP = 0.1  # the other sides, of the picture's width or height
CUT_PX = 2.0  # a box that ends this near an inner edge is cut by it

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle of the delivered picture, px."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height."""
        return self.right - self.left, self.bottom - self.top

    @property
    def margin_px(self) -> float:
        """How near an edge a box counts as at it, px."""
        return 0.02 * max(self.size_px)

    def holds(self, boxes_xyxy_px: FloatArray) -> bool:
        """Whether all (n, 4) boxes lie inside, or out of it by no more than `margin_px`.

        Boxes that end at the edge come out of the records rounded, to either side of it.
        """
        low, high, out_px = boxes_xyxy_px.min(axis=0), boxes_xyxy_px.max(axis=0), self.margin_px
        inside = low[0] >= self.left - out_px and low[1] >= self.top - out_px
        return bool(inside and high[2] <= self.right + out_px and high[3] <= self.bottom + out_px)

    def inner(self, picture_px: tuple[int, int]) -> tuple[bool, bool, bool, bool]:
        """Whether the left, top, right and bottom side lie inside the picture."""
        width, height = picture_px
        return self.left > 0, self.top > 0, self.right < width, self.bottom < height


def region_of(site: Site) -> Region:
    """The part of the picture that `site` needs, of about the detector's aspect."""
    width, height = site.camera.size_px
    whole = Region(0, 0, width, height)
    if site.camera.lens.model != "none" and site.ground is not None:
        return whole  # floor scales of undistorted points say little about delivered pixels
    left, top, right, bottom = math.inf, math.inf, -math.inf, -math.inf
    shortest, widest = math.inf, _widest_zone_px(site)
    for x, y, anchor in _zone_points(site):
        tall = person_height_px((x, y), (width, height), site.ground)
        if site.ground is None:
            tall = min(tall, PERSON_PER_ZONE * widest)
        shortest = min(shortest, tall)
        above = {"foot": 1.0, "centre": 0.5, "head": 0.0}[anchor] * tall
        left, right = min(left, x - WALKWAY * tall), max(right, x + WALKWAY * tall)
        top = min(top, y - above - 0.5 * WALKWAY * tall)
        bottom = max(bottom, y - above + tall + 0.5 * WALKWAY * tall)
    if shortest * min(INPUT_PX[0] / width, INPUT_PX[1] / height) >= LARGE_ENOUGH_PX:
        return whole
    snapped = _snap((left, top, right, bottom), width, height)
    region = _to_aspect(snapped, INPUT_PX[0] / INPUT_PX[1], width, height)
    share = region.size_px[0] * region.size_px[1] / (width * height)
    return whole if share >= WHOLE_ABOVE else region


def person_height_px(foot: Point, picture_px: tuple[int, int], ground: Ground | None) -> float:
    """About the height in the picture of a person who stands at `foot`, px; rather too tall.

    With [ground]: `PERSON_M` times the floor's larger scale there, px a metre, which is that
    across the view; a person looks no taller than that from any camera above the floor.
    Without: a quarter of the picture's height at its upper edge to six tenths at its lower.
    """
    height = picture_px[1]
    guess = height * (0.25 + 0.35 * min(1.0, max(0.0, foot[1] / height)))
    if ground is None:
        return guess
    to_floor = homography(np.array(ground.image_px, float), np.array(ground.world_m, float))
    scale = floor_scale(to_floor, foot)
    if not math.isfinite(scale) or scale <= 0:
        return guess
    return min(PERSON_M * scale, float(height))


def floor_scale(to_floor: FloatArray, point: Point) -> float:
    """Pixels a metre at `point`, along the direction in which they are most.

    >>> round(floor_scale(np.diag([0.01, 0.02, 1.0]), (5.0, 5.0)), 6)
    100.0
    """
    x, y, w = to_floor @ np.array([point[0], point[1], 1.0])
    if w == 0:
        return math.inf
    jacobian = (to_floor[:2, :2] * w - np.outer([x, y], to_floor[2, :2])) / w**2
    smallest = float(np.linalg.svd(jacobian, compute_uv=False)[-1])
    return math.inf if smallest == 0 else 1.0 / smallest


def cut(
    boxes_xyxy_px: FloatArray, region: Region, picture_px: tuple[int, int]
) -> NDArray[np.bool_]:
    """Which of the (n, 4) boxes of the picture end at an inner left, right or lower edge.

    A box cut above still has its feet, and stays.
    """
    left, _, right, bottom = region.inner(picture_px)
    ends = np.zeros(len(boxes_xyxy_px), bool)
    if left:
        ends |= boxes_xyxy_px[:, 0] < region.left + CUT_PX
    if right:
        ends |= boxes_xyxy_px[:, 2] > region.right - CUT_PX
    if bottom:
        ends |= boxes_xyxy_px[:, 3] > region.bottom - CUT_PX
    return ends


def _zone_points(site: Site) -> Iterable[tuple[float, float, Anchor]]:
    for queue in site.queue:
        yield from ((x, y, queue.anchor) for x, y in queue.zone_px)
    for point in site.service_point:
        yield from ((x, y, point.service_anchor) for x, y in point.service_zone_px)
        yield from ((x, y, point.staff_anchor) for x, y in point.staff_zone_px or ())


def _widest_zone_px(site: Site) -> float:
    """Root of the largest zone's area."""
    zones = [queue.zone_px for queue in site.queue]
    zones += [point.service_zone_px for point in site.service_point]
    return max(math.sqrt(polygon_area(zone)) for zone in zones)


def _snap(
    sides: tuple[float, float, float, float], width: int, height: int
) -> tuple[float, float, float, float]:
    """Sides clipped to the picture, those near its edges moved out to them."""
    left, top, right, bottom = sides
    return (
        0.0 if left < SNAP * width else left,
        0.0 if top < SNAP * height else top,
        float(width) if right > (1 - SNAP) * width else right,
        float(height) if bottom > (1 - SNAP_LOW) * height else bottom,
    )


def _to_aspect(
    sides: tuple[float, float, float, float], aspect: float, width: int, height: int
) -> Region:
    """The region grown, inside the picture, to `aspect`; even corners, whole pixels."""
    left, top, right, bottom = sides
    wide, tall = right - left, bottom - top
    if wide < aspect * tall:
        left, right = _grow(left, right, min(aspect * tall, width), width)
    else:
        top, bottom = _grow(top, bottom, min(wide / aspect, height), height)
    right, bottom = math.ceil(right / 2) * 2, math.ceil(bottom / 2) * 2
    return Region(int(left) // 2 * 2, int(top) // 2 * 2, min(width, right), min(height, bottom))


def _grow(low: float, high: float, length: float, limit: float) -> tuple[float, float]:
    """The span [low, high] made `length` long, evenly, moved to stay inside [0, limit]."""
    spare = (length - (high - low)) / 2
    low, high = low - spare, high + spare
    shift = max(0.0, -low) - max(0.0, high - limit)
    return max(0.0, low + shift), min(limit, high + shift)
