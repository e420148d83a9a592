"""Shops of the workshop: a layout before a camera, and how people use it.

World: the desk lies along x, customers at smaller y, staff at larger y.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tests.scenarios.camera import Camera, Point
from tests.scenarios.layouts import Counter, Layout, Rect

OUT_OF_VIEW_PX = 40
FARTHEST_M = 16.0

Slots = tuple[Point, ...]


@dataclass(frozen=True)
class Shop:
    """A layout, and where people stand and walk in it.

    Attributes:
        slots: for each queue of the layout, standing places from its head to its tail.
        spots: for each counter, where the customer stands.
        posts: for each counter, where staff stand.
        doors: points outside the picture from which customers come and to which they go.
        back: where staff go to be away: the last point outside the picture.
        gate: the way of staff from behind the counter to the customers' side.
        aside: where somebody waits in view, outside every zone.
    """

    layout: Layout
    slots: tuple[Slots, ...]
    spots: tuple[Point, ...]
    posts: tuple[Point, ...]
    doors: tuple[Point, ...]
    back: tuple[Point, ...]
    gate: tuple[Point, ...]
    aside: Point

    @property
    def exits(self) -> tuple[tuple[Point, ...], ...]:
        """For each door, the way out from a counter: past the side of the queue."""
        service = self.layout.counters[0].service
        y = (service[1] + service[3]) / 2
        return tuple(((door[0] * 0.35, y), (door[0], y + 0.1)) for door in self.doors)


def beyond(camera: Camera, start: Point, way: Point) -> Point:
    """The first point from `start` along `way` at which nothing of a body is in the picture."""
    (x, y), (dx, dy) = start, way
    for step in range(int(FARTHEST_M / 0.25)):
        here = x + 0.25 * step * dx, y + 0.25 * step * dy
        box = camera.body(*here, 1.9)
        if box is None:
            return here
        left, _, right, _ = box
        out_px, width = OUT_OF_VIEW_PX, camera.size_px[0]
        if right < -out_px or left > width + out_px or box[1] > camera.size_px[1] + out_px:
            return here
    return x + FARTHEST_M * dx, y + FARTHEST_M * dy


def shop(
    camera: Camera,
    counters: tuple[Counter, ...],
    queues: tuple[tuple[str, Rect, tuple[str, ...]], ...],
    slots: tuple[Slots, ...],
    *,
    calibrated: bool = True,
    sides: tuple[int, ...] = (1, -1),
    aside: Point = (2.6, 5.1),
) -> Shop:
    """A shop whose doors lie just outside the picture, on the `sides` given as signs of x."""
    layout = Layout(camera, counters, queues, calibrated=calibrated)
    middles = [((c.service[0] + c.service[2]) / 2, c.service[3] - 0.45) for c in counters]
    desks = [c.desk or c.service for c in counters]
    entry_y = slots[0][min(1, len(slots[0]) - 1)][1] if slots else counters[0].service[1] - 0.4
    side = sides[0]
    edge = max(abs(x) for desk in desks for x in (desk[0], desk[2]))
    back_y = desks[0][3] + 0.45
    return Shop(
        layout,
        slots,
        tuple(middles),
        tuple((x, back_y) for x, _ in middles),
        tuple(beyond(camera, (s * 2.2, entry_y), (s, 0.0)) for s in sides),
        ((side * 2.0, back_y + 0.3), beyond(camera, (side * 2.2, back_y + 0.3), (side, 0.0))),
        ((side * (edge + 0.7), back_y), (side * (edge + 0.8), counters[0].service[3] - 0.3)),
        aside,
    )


def _row(count: int, first: Point, step: Point) -> Slots:
    return tuple((first[0] + i * step[0], first[1] + i * step[1]) for i in range(count))


DESK: Rect = (-1.5, 6.0, 1.5, 6.6)
SERVICE: Rect = (-0.8, 5.0, 0.8, 6.0)
ONE = (Counter("counter-1", DESK, SERVICE),)
SEATED = (Counter("counter-1", DESK, SERVICE, 1.0, 1.3),)
ACROSS: Rect = (-2.0, 3.4, 2.0, 4.8)
AHEAD: Rect = (-0.75, 1.6, 0.75, 4.8)
FEEDS = ("counter-1",)
LEFT = Counter("counter-1", (-2.7, 6.0, -0.3, 6.6), (-2.3, 5.0, -0.7, 6.0))
RIGHT = Counter("counter-2", (0.3, 6.0, 2.7, 6.6), (0.7, 5.0, 2.3, 6.0))
SIDEWAYS = _row(4, (-0.85, 4.4), (0.85, -0.1))
TIGHT = _row(5, (-0.9, 4.4), (0.62, -0.08))
STRAIGHT = _row(4, (0.0, 4.25), (0.02, -0.85))

CEILING = Camera(3.3, 29.0, 1000.0, y_m=-0.3)

FRONT = shop(CEILING, ONE, (("queue-1", ACROSS, FEEDS),), (SIDEWAYS,))
STRAIGHT_LINE = shop(
    Camera(3.1, 27.0, 900.0, y_m=-1.0), ONE, (("queue-1", AHEAD, FEEDS),), (STRAIGHT,)
)
TIGHT_LINE = shop(Camera(3.1, 27.0, 950.0), ONE, (("queue-1", ACROSS, FEEDS),), (TIGHT,))
FROM_THE_SIDE = shop(
    Camera(2.9, 22.0, 850.0, (1280, 720), 38.0, -4.2, 1.2),
    ONE,
    (("queue-1", ACROSS, FEEDS),),
    (SIDEWAYS,),
    sides=(-1,),
    aside=(-2.4, 4.9),
)
STEEP = shop(
    Camera(3.7, 44.0, 760.0, (1280, 960), 5.0, 0.3, 1.4, (-0.2, 0.04, 0.001, 0.0)),
    ONE,
    (("queue-1", ACROSS, FEEDS),),
    (SIDEWAYS,),
)
LOW = shop(
    Camera(2.15, 13.0, 980.0, (1280, 720), y_m=-0.5),
    ONE,
    (("queue-1", ACROSS, FEEDS),),
    (SIDEWAYS,),
)
FISHEYE = shop(
    Camera(3.3, 38.0, 520.0, (1280, 960), 0.0, 0.0, 1.5, (0.02, -0.006, 0.001, 0.0), fisheye=True),
    ONE,
    (("queue-1", ACROSS, FEEDS),),
    (SIDEWAYS,),
)
SMALL_PICTURE = shop(
    Camera(3.0, 27.0, 560.0, (640, 480)), ONE, (("queue-1", ACROSS, FEEDS),), (SIDEWAYS,)
)
LARGE_PICTURE = shop(
    Camera(3.2, 28.0, 1500.0, (1920, 1080), y_m=-0.2),
    ONE,
    (("queue-1", ACROSS, FEEDS),),
    (SIDEWAYS,),
)
CASHIER = shop(CEILING, SEATED, (("queue-1", ACROSS, FEEDS),), (SIDEWAYS,))
NO_QUEUE = shop(CEILING, (Counter("bar", DESK, (-1.5, 4.6, 1.5, 6.0)),), (), ())
SHARED = shop(
    Camera(3.1, 25.0, 860.0),
    (LEFT, RIGHT),
    (("queue-1", ACROSS, ("counter-1", "counter-2")),),
    (SIDEWAYS,),
    aside=(3.3, 4.9),
)
SEPARATE = shop(
    Camera(3.2, 27.0, 860.0, y_m=-0.5),
    (LEFT, RIGHT),
    (
        ("queue-1", (-2.4, 1.9, -0.4, 4.8), ("counter-1",)),
        ("queue-2", (0.4, 1.9, 2.4, 4.8), ("counter-2",)),
    ),
    (_row(3, (-1.4, 4.3), (-0.15, -0.9)), _row(3, (1.4, 4.3), (0.15, -0.9))),
    aside=(3.4, 4.9),
)


def uncalibrated(one: Shop) -> Shop:
    """The same shop, as installed without `[ground]`."""
    return replace(one, layout=replace(one.layout, calibrated=False))


def all_shops() -> Iterator[tuple[str, Shop]]:
    """Every shop with its name."""
    for name, value in globals().items():
        if isinstance(value, Shop):
            yield name.lower(), value
