"""A floor on which people move, step by step; behaviours are generators, one yield a step.

    Plan ──► World.enter(person, behaviour) ──► World.run ──► Walkers of a Day

Nobody here knows zones or definitions: people walk, stand, queue and serve as they do, and
`truth` times what came of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from tests.scenarios.camera import Point
from tests.scenarios.workshop.day import GRID_S, Role, Walker

Steps = Generator[None]
SWAY_S = 4.0
NEAR_M = 0.08
ROOM_M = 0.5
YIELD = 0.85


@dataclass(eq=False)
class Person:
    """Somebody on the floor, now.

    Attributes:
        goal: where the person is heading or stands, for those who follow.
        sway_m: how far people shift while they stand.
    """

    number: int
    role: Role
    party: int
    height_m: float
    xy: Point
    pace_mps: float
    sway_m: float
    shown: float = 1.0
    offset: Point = (0.0, 0.0)
    pushed: Point = (0.0, 0.0)
    track: list[tuple[float, float, float]] = field(default_factory=list)
    from_s: float = 0.0
    gone: bool = False

    def near(self, other: Point, within_m: float) -> bool:
        """Whether the person is within `within_m` of a point."""
        return math.dist(self.xy, other) <= within_m


@dataclass(eq=False)
class Till:
    """A counter as people use it: who is served there, and which staff are at it."""

    id: str
    spot: Point
    post: Point
    customer: Person | None = None
    staffed_by: Person | None = None


@dataclass(eq=False)
class Line:
    """A queue: slots from its head to its tail, the tills it feeds, and those who wait."""

    id: str
    slots: tuple[Point, ...]
    tills: tuple[Till, ...]
    waiting: list[Person] = field(default_factory=list)

    def slot_of(self, person: Person) -> Point:
        """Where `person` stands by its rank; beside the last slots, for those beyond."""
        rank = self.waiting.index(person)
        if rank < len(self.slots):
            return self.slots[rank]
        x, y = self.slots[-1 - (rank - len(self.slots)) % len(self.slots)]
        return x - 0.3, y - 0.45

    @property
    def full(self) -> bool:
        """Whether newcomers turn away."""
        return len(self.waiting) > len(self.slots)

    def free_till(self) -> Till | None:
        """A till without a customer, one with staff first."""
        free = [till for till in self.tills if till.customer is None]
        return min(free, key=lambda till: till.staffed_by is None, default=None)


class World:
    """People, tills and lines, and the time."""

    def __init__(self, rng: np.random.Generator, tills: list[Till], lines: list[Line]) -> None:
        """Start empty at time 0."""
        self.rng = rng
        self.tills = tills
        self.lines = lines
        self.step = 0
        self.people: list[Person] = []
        self.done: list[Person] = []
        self._acts: dict[int, Steps] = {}
        self._later: list[tuple[float, Callable[[], object]]] = []
        self._numbers = 0

    @property
    def now_s(self) -> float:
        """Time since the day's start."""
        return self.step * GRID_S

    def at(self, t_s: float, act: Callable[[], object]) -> None:
        """Do something later."""
        self._later.append((t_s, act))

    def enter(
        self,
        role: Role,
        party: int,
        xy: Point,
        act: Callable[[Person], Steps],
        height_m: float | None = None,
    ) -> Person:
        """Somebody comes to be at `xy`, and does what `act` says until it ends."""
        rng = self.rng
        self._numbers += 1
        tall = float(np.clip(rng.normal(1.7, 0.08), 1.5, 1.92)) if height_m is None else height_m
        pace = float(np.clip(rng.normal(1.15, 0.2), 0.7, 1.6))
        sway = float(rng.uniform(0.02, 0.09))
        person = Person(self._numbers, role, party, tall, xy, pace, sway, from_s=self.now_s)
        self.people.append(person)
        self._acts[person.number] = act(person)
        return person

    def run(self, end_s: float) -> tuple[Walker, ...]:
        """Let time pass until `end_s`; returns everybody who was there."""
        while self.now_s <= end_s:
            due = [act for t_s, act in self._later if t_s <= self.now_s]
            self._later = [one for one in self._later if one[0] > self.now_s]
            for act in due:
                act()
            for person in list(self.people):
                if next(self._acts[person.number], "end") == "end":
                    person.gone = True
                    self.people.remove(person)
                    self.done.append(person)
                    continue
            self._make_room()
            for person in self.people:
                (x, y), (dx, dy), (px, py) = person.xy, person.offset, person.pushed
                person.track.append((x + dx + px, y + dy + py, person.shown))
            self.step += 1
        everybody = sorted([*self.done, *self.people], key=lambda person: person.number)
        return tuple(_walker(person) for person in everybody if len(person.track) > 1)

    def _make_room(self) -> None:
        """Nobody stands in somebody else: those too close give way, and come back later."""
        for person in self.people:
            px, py = person.pushed
            person.pushed = (YIELD * px, YIELD * py)
        for one, other in combinations(self.people, 2):
            dx, dy = (one.xy[i] + one.pushed[i] - other.xy[i] - other.pushed[i] for i in range(2))
            away = math.hypot(dx, dy)
            if away >= ROOM_M:
                continue
            if away < 1e-3:
                dx, dy, away = 1.0, 0.0, 1.0
            push = 0.25 * (ROOM_M - away) / away
            one.pushed = one.pushed[0] + push * dx, one.pushed[1] + push * dy
            other.pushed = other.pushed[0] - push * dx, other.pushed[1] - push * dy

    # what people do, step by step

    def walk(self, me: Person, goal: Point, pace: float = 1.0) -> Steps:
        """Walk straight to `goal`."""
        while not self.stride(me, goal, pace):
            yield

    def stride(self, me: Person, goal: Point, pace: float = 1.0) -> bool:
        """One step towards `goal`; whether it is reached."""
        distance = math.dist(me.xy, goal)
        if distance <= NEAR_M:
            self.sway(me)
            return True
        # people slow down as they arrive
        speed = me.pace_mps * pace * min(1.0, 0.35 + distance / 0.8)
        share = min(1.0, speed * GRID_S / distance)
        (x, y), (gx, gy) = me.xy, goal
        me.xy = (x + share * (gx - x), y + share * (gy - y))
        self.sway(me)
        return False

    def stand(self, me: Person, lasting_s: float) -> Steps:
        """Stand for a while, not quite still."""
        end_s = self.now_s + lasting_s
        while self.now_s < end_s:
            self.sway(me)
            yield

    def sway(self, me: Person) -> None:
        """Shift a little: an Ornstein–Uhlenbeck walk about where one stands."""
        keep = math.exp(-GRID_S / SWAY_S)
        kick = me.sway_m * math.sqrt(1 - keep * keep)
        dx, dy = self.rng.normal(size=2)
        me.offset = (keep * me.offset[0] + kick * dx, keep * me.offset[1] + kick * dy)


def _walker(person: Person) -> Walker:
    table = np.array(person.track, float)
    return Walker(
        person.number,
        person.role,
        person.party,
        person.height_m,
        round(person.from_s, 3),
        table[:, :2],
        table[:, 2],
    )
