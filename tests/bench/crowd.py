"""A lively hall before one camera: people who queue, are served, stand about and walk by.

Two counters with staff behind them, one queue before both. Each place in the crowd is taken
by one person after another, so that about as many are in view at any time; people enter and
leave at the picture's left and right edge, and hide one another as they do. A detector with
noise, misses and double boxes sees them (`tests/scenarios/detector.py`).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from firmware_cfg.record import FrameRecord
from firmware_cfg.site import Site
from tests.scenarios.camera import Camera
from tests.scenarios.detector import NOISY
from tests.scenarios.layouts import Counter, Layout
from tests.scenarios.story import Actor, Story, frames

PACE_MPS = 1.2
OUTSIDE_M = 0.3
QUEUE = (-4.5, 6.4, 4.5, 9.0)
LEFT = Counter("counter-1", (-5.0, 11.0, -0.6, 11.6), (-4.6, 9.4, -0.8, 11.0))
RIGHT = Counter("counter-2", (0.6, 11.0, 5.0, 11.6), (0.8, 9.4, 4.6, 11.0))
HALL = Layout(
    Camera(height_m=4.0, tilt_deg=26.0, focal_px=800.0),
    (LEFT, RIGHT),
    (("queue-1", QUEUE, ("counter-1", "counter-2")),),
)

Point = tuple[float, float]
Plan = Callable[[np.random.Generator, float], tuple[str, float]]


def hall() -> Site:
    """The site of the hall."""
    return HALL.site()


def crowd(people: int, fps: float, end_s: float, seed: int) -> list[FrameRecord]:
    """Frames of a hall with about `people` in view: a fifth staff, two fifths customers.

    Of the rest one half stands about for a while, the other walks by.
    """
    rng = np.random.default_rng(seed)
    actors: list[Actor] = []
    for place in range(people):
        share = (place + 0.5) / people
        if share < 0.2:
            actors.append(_staff(rng, place, end_s))
            continue
        plan = _customer if share < 0.6 else _stander if share < 0.8 else _walker
        t_s = -float(rng.uniform(0.0, 60.0))
        while t_s < end_s:
            path, t_s = plan(rng, t_s)
            actors.append(Actor(path, float(rng.uniform(1.5, 1.9))))
    story = Story("crowd", end_s, tuple(actors), (), layout=HALL)
    return frames(story, fps, NOISY, seed)


def _walk(points: list[tuple[Point, float]], t_s: float) -> tuple[str, float]:
    """A path through points, standing at each for so many seconds; and when it ends."""
    steps: list[str] = []
    before = points[0][0]
    for (x, y), stay_s in points:
        t_s += float(np.hypot(x - before[0], y - before[1])) / PACE_MPS
        steps.append(f"{t_s:.3f} {x:.3f} {y:.3f}")
        if stay_s:
            t_s += stay_s
            steps.append(f"{t_s:.3f} {x:.3f} {y:.3f}")
        before = (x, y)
    return "; ".join(steps), t_s


def _edge(rng: np.random.Generator, y_m: float) -> Point:
    """A place just outside the picture, to the left or to the right."""
    camera = HALL.camera
    half_m = camera.depth_m(0.0, y_m, 1.0) * camera.size_px[0] / 2 / camera.focal_px
    side = 1 if rng.random() < 0.5 else -1
    return side * (half_m + OUTSIDE_M), y_m


def _customer(rng: np.random.Generator, t_s: float) -> tuple[str, float]:
    """Queue, be served at one of the counters, leave."""
    x1, y1, x2, y2 = QUEUE
    waits = (float(rng.uniform(x1 + 0.3, x2 - 0.3)), float(rng.uniform(y1 + 0.2, y2 - 0.2)))
    s1, front, s2, desk = (LEFT if rng.random() < 0.5 else RIGHT).service
    served = (float(rng.uniform(s1 + 0.2, s2 - 0.2)), float(rng.uniform(front + 0.3, desk - 0.2)))
    stays = rng.uniform(10.0, 40.0, 2).tolist()
    enter, leave = _edge(rng, waits[1]), _edge(rng, float(rng.uniform(6.0, 9.0)))
    return _walk([(enter, 0.0), (waits, stays[0]), (served, stays[1]), (leave, 0.0)], t_s)


def _stander(rng: np.random.Generator, t_s: float) -> tuple[str, float]:
    """Stand somewhere between the camera and the queue, and go."""
    place = (float(rng.uniform(-3.0, 3.0)), float(rng.uniform(4.0, 6.2)))
    stay_s = float(rng.uniform(20.0, 60.0))
    return _walk([(_edge(rng, place[1]), 0.0), (place, stay_s), (_edge(rng, 5.0), 0.0)], t_s)


def _walker(rng: np.random.Generator, t_s: float) -> tuple[str, float]:
    """Walk by, from one side to the other, some through the queue."""
    start = _edge(rng, float(rng.uniform(4.0, 9.0)))
    _, y = _edge(rng, float(rng.uniform(4.0, 9.0)))
    return _walk(
        [(start, 0.0), (_edge(rng, y) if rng.random() < 0.1 else (-start[0], y), 0.0)], t_s
    )


def _staff(rng: np.random.Generator, place: int, end_s: float) -> Actor:
    """Behind one of the counters all the time, stepping aside now and then."""
    x1, _, x2, far = (RIGHT if place % 2 else LEFT).desk or QUEUE
    points: list[tuple[Point, float]] = []
    while sum(stay_s for _, stay_s in points) < end_s:
        x = float(rng.uniform(x1 + 0.3, x2 - 0.3))
        points.append(((x, far + 0.4), float(rng.uniform(5.0, 30.0))))
    path, _ = _walk(points, 0.0)
    return Actor(path, float(rng.uniform(1.6, 1.85)))
