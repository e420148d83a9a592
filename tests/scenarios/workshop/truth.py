"""The exact truth of a day: exact boxes, no noise, nobody hidden by anybody.

A desk hides what stands behind it, and the picture cuts what is outside. Desks lie along x,
customers stand at smaller y, staff at larger y.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from firmware_cfg.site import Site
from tests.scenarios.layouts import Layout
from tests.scenarios.workshop.day import GRID_S, Day, Walker
from tests.scenarios.workshop.definitions import visits_in
from tests.scenarios.workshop.people import Person
from tests.scenarios.workshop.visit import Truth

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Polygon = tuple[tuple[float, float], ...]

STEP_S = 0.05
LEAST_WIDTH, LEAST_HEIGHT = 0.3, 0.2  # shares of a box inside the picture
PAST_DESK_M = 0.2
EDGE_SHARE, EDGE_PX = 0.005, 2.0  # no foot is observed this near to the lower edge


def truth_of(day: Day) -> Truth:
    """Visits and passers-by of the day."""
    times_s, people = people_of(day)
    return visits_in(day.shop.site(), times_s, people, day.blind)


def people_of(day: Day) -> tuple[FloatArray, list[Person]]:
    """Times, without long blindness, and where everybody is by their exact boxes."""
    site = day.shop.site()
    times_s: FloatArray = np.arange(round(day.end_s / STEP_S) + 1, dtype=np.float64) * STEP_S
    for start, end in day.blind:
        if end - start > site.encounter.merge_s:
            times_s = times_s[(times_s <= start) | (times_s >= end)]
    return times_s, [_person(walker, day.shop, site, times_s) for walker in day.walkers]


def _person(walker: Walker, shop: Layout, site: Site, times_s: FloatArray) -> Person:
    """Where the walker is seen to be, by its exact boxes."""
    x, y, shown = places(walker, times_s)
    there = ~np.isnan(x)
    boxes = np.full((len(times_s), 4), np.nan)
    boxes[there] = shop.camera.bodies(
        np.stack([x, y], axis=1)[there],
        walker.height_m * shown[there],
        shop.hidden_below_each_m(x[there], y[there]),
    )
    clipped, seen = in_picture(boxes, shop.camera.size_px)
    queue, service, staff = stands_in(site, clipped, seen)
    return Person(
        walker.number,
        walker.role,
        walker.party,
        seen,
        queue,
        service,
        staff,
        customers_side(shop, x, y),
        np.stack([x, y], axis=1),
    )


def places(walker: Walker, times_s: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """x, y and the share of the height at each time, NaN where the walker is not there.

    The last position holds until the grid's next step, so that who is there at the end of a
    day's last step is there when the day ends.
    """
    own_s = walker.from_s + np.arange(len(walker.xy_m)) * GRID_S
    there = (times_s >= own_s[0] - 1e-6) & (times_s <= own_s[-1] + GRID_S + 1e-6)
    columns = (walker.xy_m[:, 0], walker.xy_m[:, 1], walker.shown)
    x, y, shown = (np.where(there, np.interp(times_s, own_s, c), np.nan) for c in columns)
    return x, y, shown


def customers_side(shop: Layout, x: FloatArray, y: FloatArray) -> BoolArray:
    """Whether each place is on the floor in front of every desk, or past its ends."""
    front = ~np.isnan(x)
    for counter in shop.counters:
        if counter.desk is not None:
            x1, near, x2, _ = counter.desk
            front &= ~((x1 - PAST_DESK_M <= x) & (x <= x2 + PAST_DESK_M) & (y > near))
    return front


def in_picture(boxes: FloatArray, size_px: tuple[int, int]) -> tuple[FloatArray, BoolArray]:
    """Boxes cut to the picture, and whether enough of each is inside; NaN: nobody."""
    limits = np.array([*size_px, *size_px], float)
    clipped = np.clip(boxes, 0.0, limits)
    whole, inside = boxes[:, 2:] - boxes[:, :2], clipped[:, 2:] - clipped[:, :2]
    seen: BoolArray = np.all(inside >= np.array([LEAST_WIDTH, LEAST_HEIGHT]) * whole, axis=1)
    return clipped, seen


def stands_in(
    site: Site, boxes: FloatArray, seen: BoolArray
) -> tuple[BoolArray, BoolArray, BoolArray]:
    """Which zones one person is in, sample by sample.

    Args:
        site: the zones and their anchors.
        boxes: (n, 4) cut to the picture.
        seen: (n,) whether there is a box.

    Returns:
        (n, queues), (n, service points) and (n, staff sides), in the site's order.
    """
    foot = boxes[:, 3] < site.camera.size_px[1] - max(EDGE_PX, EDGE_SHARE * site.camera.size_px[1])

    def columns(zones: list[tuple[Polygon | None, str]]) -> BoolArray:
        table = np.zeros((len(boxes), len(zones)), bool)
        for index, (polygon, anchor) in enumerate(zones):
            if polygon is not None:
                table[:, index] = _zone(polygon, anchor, boxes, seen, foot)
        return table

    points = site.service_point
    return (
        columns([(queue.zone_px, queue.anchor) for queue in site.queue]),
        columns([(point.service_zone_px, point.service_anchor) for point in points]),
        columns([(point.staff_zone_px, point.staff_anchor) for point in points]),
    )


def _zone(
    polygon: Polygon, anchor: str, boxes: FloatArray, seen: BoolArray, foot: BoolArray
) -> BoolArray:
    """(n,) in the zone; without an observed foot, as with the last one while the box stays."""
    left, top, right, bottom = boxes.T
    y = {"foot": bottom, "centre": (top + bottom) / 2, "head": top}[anchor]
    inside = seen & inside_polygon(polygon, (left + right) / 2, y)
    if anchor != "foot":
        return inside
    known = ~seen | foot
    last = np.maximum.accumulate(np.where(known, np.arange(len(seen)), -1))
    carried: BoolArray = np.where(last >= 0, inside[last], False)
    return carried


def inside_polygon(polygon: Polygon, x: FloatArray, y: FloatArray) -> BoolArray:
    """Even-odd rule, for (n,) points.

    >>> square = ((0.0, 0.0), (2.0, 0.0), (2.0, 2.0), (0.0, 2.0))
    >>> inside_polygon(square, np.array([1.0, 3.0]), np.array([1.0, 1.0])).tolist()
    [True, False]
    """
    inside = np.zeros(len(x), bool)
    x1, y1 = polygon[-1]
    for x2, y2 in polygon:
        if y1 != y2:
            crosses = ((y1 > y) != (y2 > y)) & (x < (x2 - x1) * (y - y1) / (y2 - y1) + x1)
            inside ^= crosses
        x1, y1 = x2, y2
    return inside
