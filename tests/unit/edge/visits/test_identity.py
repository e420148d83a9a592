"""Who is who, on small tables of people seen and lost, through the real tracker.

Metres on the floor before a camera at the origin, y away from it. Whoever stands at y = 3 hides
who stands behind at y = 4.6, as far as their boxes tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

import numpy as np
import pytest

from edge.tracking.floor import floor_of
from edge.tracking.track import Box, Track, TrackId
from edge.tracking.tracker import Sighting, Tracker
from edge.visits.identity import Glimpse, Identity
from firmware_cfg.region import Region
from tests.scenarios.camera import Camera
from tests.scenarios.layouts import Counter, Layout

STEP_S = 0.1
LAG_S = 28.0
MERGE_S = 30.0
STAFF, CUSTOMER = 1, 2
CAMERA = Camera(3.0, 25.0, 860.0, (1280, 960))
LEAST_PX = 20.0
SITE = Layout(
    CAMERA, (Counter("counter-1", (-1.5, 6.0, 1.5, 6.6), (-0.8, 5.0, 0.8, 6.0)),), ()
).site()


@dataclass(frozen=True, slots=True)
class Leg:
    """Somebody in view from one time to another, on a straight way.

    Attributes:
        start_m, goal_m: (x, y); they stand where there is no goal.
        zones: bits of the zones they are in.
    """

    name: str
    from_s: float
    to_s: float
    start_m: tuple[float, float]
    goal_m: tuple[float, float] | None = None
    height_m: float = 1.7
    zones: int = 0
    score: float = 0.9

    def box(self, t_s: float) -> Box | None:
        """What the picture shows of them; None: nothing."""
        if not self.from_s <= t_s < self.to_s:
            return None
        (x1, y1), (x2, y2) = self.start_m, self.goal_m or self.start_m
        part = (t_s - self.from_s) / (self.to_s - self.from_s)
        body = CAMERA.body(x1 + part * (x2 - x1), y1 + part * (y2 - y1), self.height_m)
        assert body is not None
        width, height = CAMERA.size_px
        left, right = (min(max(x, 0.0), width) for x in (body[0], body[2]))
        top, bottom = (min(max(y, 0.0), height) for y in (body[1], body[3]))
        return None if right - left < LEAST_PX else (left, top, right, bottom)


@dataclass(slots=True)
class Told:
    """What was decided: by name, with the time of the decision."""

    links: dict[tuple[str, str], float] = field(default_factory=dict)
    gone: dict[str, float] = field(default_factory=dict)
    forgotten: list[str] = field(default_factory=list)


class Stage:
    """The real tracker and identity, fed as the engine feeds them."""

    def __init__(self, legs: Sequence[Leg], ids: Iterator[int]) -> None:
        self.legs, self.told = legs, Told()
        self.floor = floor_of(SITE)
        view = Region(0, 0, *CAMERA.size_px)
        self.tracker = Tracker(CAMERA.size_px, view, self.floor, ids=ids)
        self.identity = Identity(self.floor, MERGE_S, STAFF, CUSTOMER)
        self.names: dict[TrackId, Leg] = {}

    def frame(self, number: int, t_s: float) -> None:
        shown = [(leg, box) for leg in self.legs if (box := leg.box(t_s)) is not None]
        table = np.array([box for _, box in shown], float).reshape(-1, 4)
        scores = np.array([leg.score for leg, _ in shown], float)
        step = self.tracker.update(t_s, number, table, scores)
        boxes = [one.observations[-1].box_xyxy_px for one in step.seen]
        for track in step.started:
            self._name(track, [(leg, box) for leg, box in shown])
            self.identity.begin(track, boxes)
        for sighting in step.seen:
            self._see(sighting)
        for track in step.ended:
            if self.identity.end(track):
                self.told.forgotten.append(self.names[track.id].name)
        self.identity.look(STEP_S, boxes)
        self.decide(t_s, t_s - LAG_S)

    def decide(self, t_s: float, horizon_s: float) -> None:
        links, gone = self.identity.decide(horizon_s)
        for earlier, later in links:
            self.told.links[self.names[earlier].name, self.names[later].name] = t_s
        self.told.gone |= {self.names[one].name: t_s for one in gone}

    def _name(self, track: Track, shown: Sequence[tuple[Leg, Box]]) -> None:
        assert track.last is not None
        seen = np.array(track.last.box_xyxy_px)
        off = [float(np.abs(seen - np.array(box)).max()) for _, box in shown]
        self.names[track.id] = shown[int(np.argmin(off))][0]

    def _see(self, sighting: Sighting) -> None:
        for seen in sighting.observations:
            left, top, right, bottom = seen.box_xyxy_px
            foot_px = seen.foot_xy_px[1] if seen.feet_hidden else bottom
            middle = (left + right) / 2
            measure = self.floor.measure(middle, top, foot_px, by_head=seen.feet_hidden)
            glimpse = Glimpse(
                seen.t_s, measure, (middle, top), by_head=seen.feet_hidden, height_px=seen.height_px
            )
            self.identity.see(sighting.id, glimpse, self.names[sighting.id].zones)


def told(
    legs: Sequence[Leg], *, ids: Iterator[int] | None = None, end_s: float | None = None
) -> Told:
    """Run until everybody is decided upon, or until `end_s` and no further."""
    stage = Stage(legs, count(1) if ids is None else ids)
    last_s = max(leg.to_s for leg in legs) if end_s is None else end_s
    for number in range(1, round(last_s / STEP_S) + 1):
        stage.frame(number, number * STEP_S)
    if end_s is None:
        stage.decide(float("inf"), float("inf"))
    return stage.told


def before(x_m: float, from_s: float, to_s: float) -> list[Leg]:
    """Somebody who comes from the side to stand before `x_m`, and goes back again."""
    side = 2.0 if x_m > 0 else -2.0
    name = f"before {x_m}"
    return [
        Leg(f"{name} comes", 0.0, from_s - 2, (side, 3.0)),
        Leg(f"{name} walks", from_s - 2, from_s, (side, 3.0), (x_m, 3.0)),
        Leg(f"{name} stands", from_s, to_s, (x_m, 3.0)),
        Leg(f"{name} goes", to_s, to_s + 2, (x_m, 3.0), (side, 3.0)),
        Leg(f"{name} stays", to_s + 2, to_s + 22, (side, 3.0)),
    ]


BEHIND = 4.6
HIDES = Leg("hides", 0.0, 60.0, (0.0, 3.0))
LOST = Leg("lost", 0.0, 10.0, (0.0, BEHIND))
FOUND = Leg("found", 30.0, 60.0, (0.05, BEHIND))


def test_who_is_lost_behind_another_and_found_there_is_the_same() -> None:
    result = told([HIDES, LOST, FOUND])
    assert set(result.links) == {("lost", "found")}
    assert set(result.gone) == {"hides", "found"} - set(result.gone) or "lost" not in result.gone
