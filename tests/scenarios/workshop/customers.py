"""What customers do: queue, are served, give up, look, pass by, come in company."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

from tests.scenarios.camera import Point
from tests.scenarios.workshop.day import Role
from tests.scenarios.workshop.world import Line, Person, Steps, Till, World

SERVED_NEAR_M = 0.9


@dataclass(frozen=True)
class Errand:
    """What a party came for.

    Attributes:
        patience_s: how long it waits for anybody to serve it.
        service_s: how long it takes with staff.
        via: points on the way in; `out`: on the way out, the last outside the picture.
        aside_s: how long it steps out of the line, in view, and comes back; 0: not.
        leans: whether it bends over the counter now and then.
        back_s: after how long outside it comes again, for one more errand; 0: not.
    """

    patience_s: float
    service_s: float
    via: tuple[Point, ...]
    out: tuple[Point, ...]
    aside_s: float = 0.0
    aside_at: Point = (0.0, 0.0)
    leans: bool = False
    back_s: float = 0.0


def buyer(world: World, me: Person, line: Line, errand: Errand) -> Steps:
    """Come in, queue, be served or give up, and go."""
    for point in errand.via:
        yield from world.walk(me, point)
    if line.full:
        yield from leave(world, me, errand)
        return
    line.waiting.append(me)
    came_s = world.now_s
    till: Till | None = None
    if errand.aside_s:
        yield from _queue_for(world, me, line, 8.0)
        line.waiting.remove(me)
        yield from world.walk(me, errand.aside_at)
        yield from world.stand(me, errand.aside_s)
        line.waiting.append(me)
    while till is None:
        if world.now_s - came_s > errand.patience_s:
            line.waiting.remove(me)
            yield from leave(world, me, errand)
            return
        world.stride(me, line.slot_of(me))
        first = line.waiting[0] is me
        near = me.near(line.slot_of(me), 0.6) or len(line.waiting) == 1
        till = line.free_till() if first and near else None
        yield
    line.waiting.remove(me)
    till.customer = me
    yield from _be_served(world, me, till, errand, came_s)
    till.customer = None
    yield from leave(world, me, errand)


def _queue_for(world: World, me: Person, line: Line, lasting_s: float) -> Steps:
    end_s = world.now_s + lasting_s
    while world.now_s < end_s:
        world.stride(me, line.slot_of(me))
        yield


def _be_served(world: World, me: Person, till: Till, errand: Errand, came_s: float) -> Steps:
    """Stand at the counter until served, or until patience ends without any staff."""
    served_s, begun = 0.0, False
    lean_s = world.now_s + world.rng.uniform(4, 15)
    while served_s < errand.service_s:
        if not begun and world.now_s - came_s > errand.patience_s:
            return
        there = world.stride(me, till.spot)
        if there and till.staffed_by is not None:
            served_s, begun = served_s + 0.1, True
        if errand.leans and there and world.now_s > lean_s:
            yield from _lean(world, me, till)
            served_s += 3.0
            lean_s = world.now_s + world.rng.uniform(8, 25)
        yield


def _lean(world: World, me: Person, till: Till) -> Steps:
    """Bend over the counter for some seconds."""
    (x, y), (px, py) = till.spot, till.post
    way = math.dist((x, y), (px, py))
    goal = (x + 0.25 * (px - x) / way, y + 0.25 * (py - y) / way)
    for _ in range(int(world.rng.uniform(20, 50))):
        world.stride(me, goal, 0.4)
        me.shown = max(0.84, me.shown - 0.03)
        yield
    while me.shown < 1.0:
        world.stride(me, till.spot, 0.4)
        me.shown = min(1.0, me.shown + 0.03)
        yield


def leave(world: World, me: Person, errand: Errand) -> Steps:
    """Walk out of the picture, and perhaps come in once more to the last point on the way in."""
    for point in errand.out:
        yield from world.walk(me, point)
    if errand.back_s and errand.via:
        yield from world.stand(me, errand.back_s)
        for point in errand.via:
            yield from world.walk(me, point)
        yield from world.stand(me, world.rng.uniform(7, 30))
        for point in errand.out:
            yield from world.walk(me, point)


def follower(world: World, me: Person, leader: Person, beside: Point, goes_s: float = 1e9) -> Steps:
    """Keep at the leader's side, `beside` metres off; go `goes_s` after coming, or with it."""
    end_s = world.now_s + goes_s
    while not leader.gone and world.now_s < end_s:
        goal = leader.xy[0] + beside[0], leader.xy[1] + beside[1]
        if math.dist(me.xy, goal) > 0.25:
            world.stride(me, goal, 1.15)
        else:
            world.sway(me)
        yield


def joiner(
    world: World, me: Person, leader: Person, beside: Point, via: tuple[Point, ...]
) -> Steps:
    """Come in alone, later, and join the leader."""
    for point in via:
        if leader.gone:
            break
        yield from world.walk(me, point)
    yield from follower(world, me, leader, beside)


def wanderer(world: World, me: Person, stops: tuple[tuple[Point, float], ...]) -> Steps:
    """Walk from stop to stop, and stay at each for its seconds."""
    for point, lasting_s in stops:
        yield from world.walk(me, point)
        if lasting_s:
            yield from world.stand(me, lasting_s)


BESIDE: tuple[Point, ...] = ((0.58, 0.05), (-0.55, -0.08), (0.12, -0.62))


def come(world: World, party: int, door: Point, line: Line, errand: Errand, *, size: int) -> Person:
    """A party comes in by `door`: its leader, and company within a few seconds."""
    leader = world.enter(Role.CUSTOMER, party, door, lambda me: buyer(world, me, line, errand))
    for index in range(size - 1):
        child = index >= 1 or world.rng.random() < 0.2
        height_m = float(world.rng.uniform(1.05, 1.4)) if child else None
        beside = BESIDE[index]
        behind = door[0] + 0.6 * (index + 1) * math.copysign(1, door[0]), door[1] + beside[1]
        member = world.enter(
            Role.CUSTOMER,
            party,
            behind,
            partial(follower, world, leader=leader, beside=beside),
            height_m,
        )
        member.pace_mps = max(member.pace_mps, leader.pace_mps)
    return leader
