"""On which side of a counter somebody is, by the heads that were seen there."""

from __future__ import annotations

import pytest

from edge.tracking.floor import Measure, floor_of
from edge.visits.sides import KEPT, Sides
from tests.scenarios.camera import Camera
from tests.scenarios.layouts import Counter, Layout

CUSTOMERS, STAFF = 1, 2
CAMERA = Camera(3.0, 25.0, 860.0, (1280, 960))
LAYOUT = Layout(CAMERA, (Counter("counter-1", (-1.5, 6.0, 1.5, 6.6), (-0.8, 5.0, 0.8, 6.0)),), ())
FLOOR = floor_of(LAYOUT.site())


def head(x_m: float, y_m: float, height_m: float = 1.7) -> Measure:
    """What the floor keeps of somebody's head; the feet are far below, wherever that is."""
    x_px, y_px = CAMERA.pixel(x_m, y_m, height_m)
    return FLOOR.measure(x_px, y_px, y_px + 50, by_head=True)


def learned() -> Sides:
    """Customers stand at y = 5.6, staff at y = 7, for 10 s."""
    sides = Sides(FLOOR)
    for second in range(10):
        sides.learn(CUSTOMERS, float(second), head(0.05 * second, 5.6))
        sides.learn(STAFF, float(second), head(-0.05 * second, 7.0))
    return sides


def test_nothing_known_tells_nothing() -> None:
    assert Sides(FLOOR).nearest(head(0.0, 5.6)) == 0


@pytest.mark.parametrize(
    ("x_m", "y_m", "side"),
    [
        (0.0, 5.6, CUSTOMERS),
        (0.2, 6.1, CUSTOMERS),
        (0.0, 7.0, STAFF),
        (-0.3, 6.5, STAFF),
        (0.0, 7.6, STAFF),
        (0.0, 4.4, 0),
        (2.5, 7.0, 0),
    ],
)
def test_the_hidden_belong_to_the_nearest_heads(x_m: float, y_m: float, side: int) -> None:
    assert learned().nearest(head(x_m, y_m)) == side


def test_one_head_a_second_is_learned() -> None:
    sides = Sides(FLOOR)
    sides.learn(STAFF, 0.0, head(0.0, 7.0))
    sides.learn(STAFF, 0.5, head(2.0, 7.0))
    assert sides.nearest(head(2.0, 7.0)) == 0
    sides.learn(STAFF, 1.0, head(2.0, 7.0))
    assert sides.nearest(head(2.0, 7.0)) == STAFF


def test_old_heads_are_forgotten() -> None:
    sides = Sides(FLOOR)
    sides.learn(STAFF, 0.0, head(-2.0, 7.0))
    for second in range(1, KEPT):
        sides.learn(STAFF, float(second), head(2.0, 7.0))
    assert sides.nearest(head(-2.0, 7.0)) == STAFF
    sides.learn(STAFF, float(KEPT), head(2.0, 7.0))
    assert sides.nearest(head(-2.0, 7.0)) == 0
