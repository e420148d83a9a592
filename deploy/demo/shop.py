"""A small simulated shop: people who walk, wait, are served and leave, by a script of days.

Floor metres: x along the counter, y away from the camera; the counter stands at y = 6.0.
One queue feeds two tills. Till 1's cashier tidies shelves while nobody is there and comes
some seconds after a customer has; a second person opens till 2 when the queue grows. Now
and then there is a break. Some customers come in pairs, some give up.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

Point = tuple[float, float]

TILLS: tuple[Point, ...] = ((-0.9, 5.3), (0.9, 5.3))
STAFF_PLACES: tuple[Point, ...] = ((-0.9, 6.7), (0.9, 6.7))
SHELVES: Point = (-3.2, 7.6)
BACK_ROOM: Point = (4.6, 7.4)
DOOR: Point = (-5.2, 2.6)
EXIT: Point = (5.4, 3.2)
SLOT_SPACING_M = 1.3
WALK_MPS = 1.15
QUEUE_OPENS_TILL_2 = 3
OPENS_H, CLOSES_H = 9.0, 19.0

ARRIVALS_PER_HOUR = {9: 9, 10: 14, 11: 20, 12: 34, 13: 30, 14: 18, 15: 16, 16: 20, 17: 30, 18: 22}
WEEKDAY_FACTOR = (0.8, 0.85, 0.9, 1.0, 1.2, 1.4, 1.0)


def queue_slot(place: int) -> Point:
    """Where the party at `place` (0 is first) waits."""
    return 0.0, 4.1 - SLOT_SPACING_M * place if place < 3 else 4.1 - SLOT_SPACING_M * 2


@dataclass(slots=True, eq=False)
class Person:
    """Someone on the floor, on the way to `target`."""

    at: Point
    target: Point
    height_m: float

    def walk(self, dt_s: float) -> bool:
        """Go on towards the target; whether it is reached."""
        dx, dy = self.target[0] - self.at[0], self.target[1] - self.at[1]
        distance = math.hypot(dx, dy)
        if distance <= WALK_MPS * dt_s:
            self.at = self.target
            return True
        share = WALK_MPS * dt_s / distance
        self.at = (self.at[0] + dx * share, self.at[1] + dy * share)
        return False


@dataclass(slots=True, eq=False)
class Party:
    """Customers who came together."""

    members: list[Person]
    patience_s: float
    needs_s: float
    till: int | None = None
    waited_s: float = 0.0
    leaving: bool = False

    def head_for(self, place: Point) -> None:
        """Send everyone to `place`, side by side."""
        for index, member in enumerate(self.members):
            member.target = (place[0] + 0.5 * index, place[1])


@dataclass(slots=True)
class Shop:
    """State of the shop; `step` moves it on."""

    random: random.Random
    parties: list[Party] = field(default_factory=list)
    staff: list[Person] = field(default_factory=list)
    break_left_s: float = 0.0
    reacts_in_s: float = 0.0

    def open(self) -> None:
        """Morning: two staff members come to the counter."""
        self.parties.clear()
        self.staff = [Person(BACK_ROOM, STAFF_PLACES[0], 1.68), Person(BACK_ROOM, BACK_ROOM, 1.76)]
        self.break_left_s = 0.0

    def step(self, at: datetime, dt_s: float) -> None:
        """Move on by `dt_s` seconds of shop time."""
        self._arrive(at, dt_s)
        self._staff(dt_s)
        waiting = [p for p in self.parties if p.till is None and not p.leaving]
        for place, party in enumerate(waiting):
            party.head_for(queue_slot(place))
            party.waited_s += dt_s
            if party.waited_s > party.patience_s:
                party.leaving = True
                party.head_for(EXIT)
        self._call(waiting)
        for party in list(self.parties):
            self._serve(party, dt_s)

    def _arrive(self, at: datetime, dt_s: float) -> None:
        hour = at.hour + at.minute / 60
        if hour > CLOSES_H - 0.25:
            return
        rate = ARRIVALS_PER_HOUR.get(at.hour, 0) * WEEKDAY_FACTOR[at.weekday()] / 3600
        if self.random.random() < rate * dt_s:
            count = 2 if self.random.random() < 0.2 else 1
            people = [
                Person((DOOR[0], DOOR[1] + 0.5 * i), DOOR, self.random.gauss(1.70, 0.07))
                for i in range(count)
            ]
            patience_s = max(30.0, self.random.expovariate(1 / 420))
            needs_s = min(400.0, self.random.lognormvariate(math.log(85), 0.55))
            self.parties.append(Party(people, patience_s, needs_s))

    def _staff(self, dt_s: float) -> None:
        """Breaks at till 1, help at till 2."""
        first, second = self.staff
        waiting = sum(p.till is None and not p.leaving for p in self.parties)
        serving = {p.till for p in self.parties if not p.leaving}
        if self.break_left_s > 0:
            self.break_left_s -= dt_s
        elif 0 not in serving and self.random.random() < dt_s / 2400:
            self.break_left_s = self.random.uniform(60, 240)
        first.target = self._cashier_place(waiting, 0 in serving, dt_s)
        if waiting >= QUEUE_OPENS_TILL_2 or self.break_left_s > 0:
            second.target = STAFF_PLACES[1]
        elif waiting == 0 and 1 not in serving:
            second.target = BACK_ROOM
        for one in self.staff:
            one.walk(dt_s)

    def _cashier_place(self, waiting: int, wanted: bool, dt_s: float) -> Point:
        """Where till 1's cashier should be: on a break, at the shelves, or at the till."""
        if self.break_left_s > 0 and not wanted:
            return BACK_ROOM
        if not wanted and not waiting:
            self.reacts_in_s = self.random.expovariate(1 / 9)
            return SHELVES
        self.reacts_in_s -= dt_s
        return STAFF_PLACES[0] if self.reacts_in_s <= 0 else self.staff[0].target

    def _call(self, waiting: list[Party]) -> None:
        """Send the first in the queue to a free, staffed till."""
        taken = {p.till for p in self.parties if not p.leaving}
        for till, staff in enumerate(self.staff):
            on_duty = self.break_left_s <= 0 if till == 0 else staff.at == STAFF_PLACES[1]
            free = till not in taken and on_duty
            first = next((p for p in waiting if p.till is None and not p.leaving), None)
            if free and first is not None and first.members[0].at == first.members[0].target:
                first.till = till
                first.head_for(TILLS[till])

    def _serve(self, party: Party, dt_s: float) -> None:
        there = [member.walk(dt_s) for member in party.members]
        if not all(there):
            return
        if party.leaving:
            self.parties.remove(party)
        elif party.till is not None:
            attended = self.staff[party.till].at == STAFF_PLACES[party.till]
            party.needs_s -= dt_s * attended
            if party.needs_s <= 0:
                party.leaving = True
                party.head_for(EXIT)

    def people(self) -> Iterator[Person]:
        """Everyone on the floor."""
        for party in self.parties:
            yield from party.members
        yield from self.staff


def opening_frames(first_day: datetime, dt_s: float) -> Iterator[datetime]:
    """Times of frames from `first_day` (local midnight) on, without end.

    Opening hours only, and two more frames after closing, so that the day's last windows
    close in the evening.
    """
    day = first_day
    while True:
        count = round((CLOSES_H - OPENS_H) * 3600 / dt_s)
        for index in range(count):
            yield day + timedelta(hours=OPENS_H, seconds=index * dt_s)
        yield day + timedelta(hours=CLOSES_H, minutes=31)
        yield day + timedelta(hours=CLOSES_H, minutes=62)
        day += timedelta(days=1)
