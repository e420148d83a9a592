"""Plane geometry that the schema needs."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_cfg.polygon import (
    Point,
    crossing_edges,
    fix_a_plane,
    on_a_line,
    polygon_area,
    turned_over,
    zones_overlap,
)

SQUARE = [(0, 0), (4, 0), (4, 4), (0, 4)]


@pytest.mark.parametrize(
    ("polygon", "edges"),
    [
        (SQUARE, None),
        ([(0, 0), (4, 0), (2, 1), (2, 4)], None),  # concave
        ([(0, 0), (4, 4), (4, 0), (0, 4)], (0, 2)),  # bow tie
        ([(0, 0), (4, 0), (4, 4), (2, 0), (0, 4)], (0, 2)),  # a corner on an edge
        ([(0, 0), (4, 0), (2, 0), (2, 3)], (0, 1)),  # back on its own line
        ([(4, 0), (2, 0), (2, 3), (0, 0)], (0, 3)),  # the same, over the end of the list
    ],
)
def test_crossing_edges(polygon: list[Point], edges: tuple[int, int] | None) -> None:
    assert crossing_edges(polygon) == edges


@given(st.integers(3, 20), st.floats(1, 1000), st.data())
def test_a_star_shaped_polygon_is_simple_until_two_corners_are_swapped(
    corners: int, radius: float, data: st.DataObject
) -> None:
    radii = data.draw(
        st.lists(st.floats(0.2, 1), min_size=corners, max_size=corners), label="radii"
    )
    polygon = [
        (
            radius * r * math.cos(2 * math.pi * i / corners),
            radius * r * math.sin(2 * math.pi * i / corners),
        )
        for i, r in enumerate(radii)
    ]
    assert crossing_edges(polygon) is None
    assert polygon_area(polygon) > 0


@pytest.mark.parametrize(
    ("points", "enough"),
    [
        (SQUARE, True),
        (SQUARE[:3], False),
        ([*SQUARE[:3], SQUARE[2]], False),  # one of them twice
        ([(0, 0), (1, 0), (2, 0), (3, 0)], False),
        ([(0, 0), (1, 0), (2, 0), (3, 0), (1, 4)], False),
        ([(0, 0), (1, 0), (2, 0), (3, 0), (1, 4), (2, 4)], True),
        ([(0, 0), (100, 0), (200, 0.1), (0, 100)], False),  # nearly straight
    ],
)
def test_points_that_fix_a_plane(points: list[Point], enough: bool) -> None:
    assert fix_a_plane(points) is enough


@pytest.mark.parametrize("flip", [1, -1])
def test_a_floor_seen_from_above_keeps_its_sense(flip: int) -> None:
    world = [(-2.5, 3.0), (2.5, 3.0), (2.5, 6.0), (-2.5, 6.0)]
    image = [(78 * flip, 722), (1201 * flip, 722), (973 * flip, 411), (306 * flip, 411)]
    assert turned_over(image, world) is None
    swapped = [image[1], image[0], *image[2:]]
    assert turned_over(swapped, world) is not None


@pytest.mark.parametrize(
    ("other", "overlap"),
    [
        (SQUARE, True),
        ([(1, 1), (2, 1), (2, 2), (1, 2)], True),  # inside
        ([(3, 3), (6, 3), (6, 6), (3, 6)], True),
        ([(-1, 1), (5, 1), (5, 2), (-1, 2)], True),  # across, no corner inside
        ([(4, 0), (8, 0), (8, 4), (4, 4)], False),  # side by side
        ([(9, 9), (10, 9), (10, 10)], False),
    ],
)
def test_zones_overlap(other: list[Point], overlap: bool) -> None:
    assert zones_overlap(SQUARE, other) is overlap
    assert zones_overlap(other, SQUARE) is overlap


def test_points_on_a_line() -> None:
    assert on_a_line([(0, 0), (3, 3), (1, 1)])
    assert not on_a_line(SQUARE)
