"""Plane geometry of polygons, needed by the schema: area and crossing edges."""

from __future__ import annotations

import math
from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

Point = tuple[float, float]


def polygon_area(polygon: Sequence[Point]) -> float:
    """Area by the shoelace formula, in square units of the points.

    >>> polygon_area([(0, 0), (2, 0), (2, 3), (0, 3)])
    6.0
    """
    return abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in _edges(polygon))) / 2


def crossing_edges(polygon: Sequence[Point]) -> tuple[int, int] | None:
    """First pair of edges that meet, other than neighbours at their corner.

    Edge i runs from point i to the next one.

    >>> crossing_edges([(0, 0), (2, 2), (2, 0), (0, 2)])
    (0, 2)
    >>> crossing_edges([(0, 0), (2, 0), (2, 2), (0, 2)]) is None
    True
    """
    edges, count = _edges(polygon), len(polygon)
    for i in range(count):
        for j in range(i + 1, count):
            if j == i + 1:
                meet = _folds_back(*edges[i], edges[j][1])
            elif i == 0 and j == count - 1:
                meet = _folds_back(*edges[j], edges[i][1])
            else:
                meet = _meet(*edges[i], *edges[j])
            if meet:
                return i, j
    return None


def fix_a_plane(points: Sequence[Point], tolerance: float = 0.005) -> bool:
    """Whether the points and their images determine a homography.

    They do when they are distinct and no line holds all of them but one; a point within
    `tolerance` of the points' extent counts as on the line.

    >>> fix_a_plane([(0, 0), (4, 0), (4, 3), (0, 3)])
    True
    >>> fix_a_plane([(0, 0), (1, 0), (2, 0), (0, 3)])
    False
    """
    extent = max((_distance(a, b) for a, b in combinations(points, 2)), default=0.0)
    reach = tolerance * extent
    distinct: list[Point] = []
    for point in points:
        if all(_distance(point, other) > reach for other in distinct):
            distinct.append(point)
    return len(distinct) >= 4 and all(
        sum(abs(_side(a, b, p)) > reach * _distance(a, b) for p in distinct) >= 2
        for a, b in combinations(distinct, 2)
    )


def turned_over(image: Sequence[Point], world: Sequence[Point]) -> tuple[int, int, int] | None:
    """First three points that go round the other way than most.

    A camera sees a floor from one side, so all triples of floor points keep their sense of
    rotation in the picture, or all change it. Nearly straight triples do not count.

    >>> square = [(0, 0), (4, 0), (4, 3), (0, 3)]
    >>> turned_over([(9, 9), (5, 9), (5, 6), (9, 6)], square) is None
    True
    >>> turned_over([(0, 0), (4, 0), (0, 3), (4, 3)], square)
    (0, 2, 3)
    """
    senses: dict[tuple[int, int, int], bool] = {}
    for i, j, k in combinations(range(min(len(image), len(world))), 3):
        turns = _turn(image[i], image[j], image[k]), _turn(world[i], world[j], world[k])
        if min(abs(turns[0]), abs(turns[1])) > 0.02:
            senses[i, j, k] = turns[0] * turns[1] > 0
    odd = sum(senses.values()) * 2 < len(senses)
    return next((triple for triple, sense in senses.items() if sense is odd), None)


def _turn(a: Point, b: Point, c: Point) -> float:
    """Twice the signed area of a triangle over its longest side squared."""
    longest = max(_distance(a, b), _distance(b, c), _distance(a, c))
    return _side(a, b, c) / longest**2 if longest else 0.0


def _distance(a: Point, b: Point) -> float:
    return math.hypot(a[0] - b[0], a[1] - b[1])


def zones_overlap(one: Sequence[Point], other: Sequence[Point]) -> bool:
    """Whether two simple polygons share an area; a shared border alone is none.

    >>> square, lower = [(0, 0), (2, 0), (2, 2), (0, 2)], [(0, 2), (2, 2), (2, 4), (0, 4)]
    >>> zones_overlap(square, lower), zones_overlap(square, [(1, 1), (3, 1), (3, 3), (1, 3)])
    (False, True)
    """
    return (
        any(_cross(a, b, c, d) for a, b in _edges(one) for c, d in _edges(other))
        or any(_well_inside(point, other) for point in _probes(one))
        or any(_well_inside(point, one) for point in _probes(other))
    )


def _edges(polygon: Sequence[Point]) -> list[tuple[Point, Point]]:
    return list(zip(polygon, [*polygon[1:], polygon[0]], strict=True))


def _probes(polygon: Sequence[Point]) -> list[Point]:
    """Corners, middles of edges, and a point inside each ear: enough for plain zones."""
    middles = [((a[0] + b[0]) / 2, (a[1] + b[1]) / 2) for a, b in _edges(polygon)]
    triples = zip(polygon, [*polygon[1:], polygon[0]], [*polygon[2:], *polygon[:2]], strict=True)
    hearts = [((a[0] + b[0] + c[0]) / 3, (a[1] + b[1] + c[1]) / 3) for a, b, c in triples]
    return [*polygon, *middles, *(heart for heart in hearts if _well_inside(heart, polygon))]


def _well_inside(point: Point, polygon: Sequence[Point]) -> bool:
    """Whether a point lies inside a polygon and not on its border (even-odd rule)."""
    x, y = point
    inside = False
    for a, b in _edges(polygon):
        if _side(a, b, point) == 0 and _between(point, a, b):
            return False
        if (a[1] > y) != (b[1] > y) and x < a[0] + (y - a[1]) * (b[0] - a[0]) / (b[1] - a[1]):
            inside = not inside
    return inside


def _cross(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Whether segments ab and cd cross, each passing to both sides of the other."""
    return _side(a, b, c) * _side(a, b, d) < 0 and _side(c, d, a) * _side(c, d, b) < 0


def on_a_line(points: Sequence[Point]) -> bool:
    """Whether all points lie on one line exactly.

    >>> on_a_line([(0, 0), (1, 2), (2, 4)]), on_a_line([(0, 0), (1, 2), (2, 3)])
    (True, False)
    """
    start = points[0]
    end = max(points, key=lambda point: _distance(start, point))
    return all(_side(start, end, point) == 0 for point in points)


def _folds_back(a: Point, b: Point, c: Point) -> bool:
    """Whether the walk a, b, c returns on its own line at b."""
    ahead = (b[0] - a[0]) * (c[0] - b[0]) + (b[1] - a[1]) * (c[1] - b[1])
    return _side(a, b, c) == 0 and ahead < 0


def _meet(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Whether segments ab and cd share a point."""
    sides = _side(a, b, c), _side(a, b, d), _side(c, d, a), _side(c, d, b)
    if _cross(a, b, c, d):
        return True
    ends = zip(sides, (c, d, a, b), ((a, b), (a, b), (c, d), (c, d)), strict=True)
    return any(side == 0 and _between(p, *segment) for side, p, segment in ends)


def _side(a: Point, b: Point, p: Point) -> float:
    return (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0])


def _between(p: Point, a: Point, b: Point) -> bool:
    return min(a[0], b[0]) <= p[0] <= max(a[0], b[0]) and min(a[1], b[1]) <= p[1] <= max(a[1], b[1])
