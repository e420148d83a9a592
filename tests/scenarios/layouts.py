"""Shops: where counters, queues and staff are on the floor, as a camera sees them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from firmware_cfg.site import Site
from tests.scenarios.camera import Camera, FloatArray, Point

Rect = tuple[float, float, float, float]  # x from, y from, x to, y to, metres

STAFF_BAND_M = 0.22


@dataclass(frozen=True)
class Counter:
    """A service point: the desk, and the customers' side in front of it."""

    id: str
    desk: Rect | None
    service: Rect
    desk_m: float = 1.0
    seated_m: float | None = None


@dataclass(frozen=True)
class Layout:
    """A shop in front of a camera."""

    camera: Camera
    counters: tuple[Counter, ...]
    queues: tuple[tuple[str, Rect, tuple[str, ...]], ...]
    calibrated: bool = True
    terms: dict[str, float] = field(default_factory=dict)

    def hidden_below_m(self, x: float, y: float) -> float:
        """Height up to which a desk hides what stands at (x, y)."""
        return float(self.hidden_below_each_m(np.array([x], float), np.array([y], float))[0])

    def hidden_below_each_m(self, x: FloatArray, y: FloatArray) -> FloatArray:
        """The same for (n,) places."""
        desks = [(one.desk, one.desk_m) for one in self.counters if one.desk is not None]
        return self.camera.hidden_below_m(desks, x, y)

    def site(self) -> Site:
        """The site file that an installer would have made."""
        width, height = self.camera.size_px
        lens: dict[str, object] = {}
        if any(self.camera.k):
            focal = self.camera.focal_px
            matrix = [[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]]
            model = "fisheye" if self.camera.fisheye else "brown"
            lens = {"lens": {"model": model, "matrix": matrix, "k": self.camera.k}}
        site: dict[str, object] = {
            "camera": {"size_px": (width, height), **lens},
            "queue": [
                {"id": name, "zone_px": self._floor(rect), "feeds": feeds}
                for name, rect, feeds in self.queues
            ],
            "service_point": [self._point(counter) for counter in self.counters],
            "encounter": self.terms,
        }
        if self.calibrated:
            rect = self.counters[0].service
            world = [(-1.5, 4.0), (1.5, 4.0), (1.5, rect[3]), (-1.5, rect[3]), (0.2, 4.8)]
            image = [self.camera.pixel(x, y) for x, y in world]
            site["ground"] = {"image_px": image, "world_m": world}
        return Site.model_validate(site)

    def _point(self, counter: Counter) -> dict[str, object]:
        point: dict[str, object] = {
            "id": counter.id,
            "service_zone_px": self._floor(counter.service),
        }
        if counter.desk is not None:
            x1, _, x2, far = counter.desk
            z, anchor = counter.desk_m, "foot"
            if counter.seated_m is not None:
                z, anchor, far = (counter.desk_m + counter.seated_m) / 2, "centre", far + 0.5
            (u1, v1), (u2, v2) = self.camera.pixel(x1, far, z), self.camera.pixel(x2, far, z)
            depth_m = self.camera.depth_m((x1 + x2) / 2, far, z)
            band = STAFF_BAND_M * self.camera.focal_px / depth_m
            zone = [(u1, v1 - band), (u2, v2 - band), (u2, v2 + band), (u1, v1 + band)]
            point |= {"staff_zone_px": self._clipped(zone), "staff_anchor": anchor}
        return point

    def _floor(self, rect: Rect) -> list[Point]:
        x1, y1, x2, y2 = rect
        steps = [i / 4 for i in range(4)]
        ring = [
            *((x1 + s * (x2 - x1), y1) for s in steps),
            *((x2, y1 + s * (y2 - y1)) for s in steps),
            *((x2 + s * (x1 - x2), y2) for s in steps),
            *((x1, y2 + s * (y1 - y2)) for s in steps),
        ]
        return self._clipped([self.camera.pixel(x, y) for x, y in ring])

    def _clipped(self, points: list[Point]) -> list[Point]:
        width, height = self.camera.size_px
        return list(
            dict.fromkeys((min(max(u, 0.0), width), min(max(v, 0.0), height)) for u, v in points)
        )


DESK = (-1.5, 6.0, 1.5, 6.6)
SERVICE = (-0.8, 5.0, 0.8, 6.0)
QUEUE = (-2.0, 3.4, 2.0, 4.8)

COUNTER = Layout(
    Camera(), (Counter("counter-1", DESK, SERVICE),), (("queue-1", QUEUE, ("counter-1",)),)
)
UNCALIBRATED = Layout(COUNTER.camera, COUNTER.counters, COUNTER.queues, calibrated=False)
WIDE = Layout(
    Camera(3.2, 33.0, 800.0, (1280, 720), -8.0, -0.5, 0.3, (-0.22, 0.05, 0.0, 0.0)),
    COUNTER.counters,
    COUNTER.queues,
)
TWO = Layout(
    Camera(3.0, 24.0, 900.0),
    (
        Counter("counter-1", (-2.6, 6.0, -0.4, 6.6), (-2.2, 5.0, -0.7, 6.0)),
        Counter("counter-2", (0.4, 6.0, 2.6, 6.6), (0.7, 5.0, 2.2, 6.0)),
    ),
    (("queue-1", QUEUE, ("counter-1", "counter-2")),),
)
SELF_SERVICE = Layout(
    COUNTER.camera,
    (Counter("kiosk", None, SERVICE),),
    (("queue-1", QUEUE, ("kiosk",)),),
)
SEATED = Layout(COUNTER.camera, (Counter("counter-1", DESK, SERVICE, 1.0, 1.3),), COUNTER.queues)
