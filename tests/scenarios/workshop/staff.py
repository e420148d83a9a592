"""What staff do: stand at a counter, step away, go round, greet, change shifts."""

from __future__ import annotations

import math

from tests.scenarios.camera import Point
from tests.scenarios.workshop.world import Person, Steps, Till, World


def clerk(
    world: World,
    me: Person,
    till: Till,
    away: tuple[Point, ...],
    every_s: float,
    *,
    for_s: tuple[float, float],
    until_s: float = math.inf,
) -> Steps:
    """Serve at a till; every now and then step away along `away`, and come back.

    Args:
        world: the world.
        me: the staff member.
        till: where to serve.
        away: the way from the post to where one goes.
        every_s: mean time between absences; inf: never.
        for_s: range of their lengths.
        until_s: when the shift ends; then along `away` and gone.
    """
    yield from world.walk(me, till.post)
    while world.now_s < until_s:
        till.staffed_by = me
        stays_s = world.rng.exponential(every_s) + 8 if every_s < math.inf else until_s
        yield from _serve(world, me, till, min(world.now_s + stays_s, until_s))
        till.staffed_by = None
        for point in away:
            yield from world.walk(me, point)
        if world.now_s >= until_s:
            return
        yield from world.stand(me, world.rng.uniform(*for_s))
        for point in (*reversed(away[:-1]), till.post):
            yield from world.walk(me, point)


def _serve(world: World, me: Person, till: Till, until_s: float) -> Steps:
    """Be at the post, with a step to the side now and then."""
    while world.now_s < until_s:
        side = till.post[0] + world.rng.uniform(-0.35, 0.35), till.post[1]
        yield from world.walk(me, side, 0.5)
        rest_s = min(world.rng.uniform(3, 12), until_s - world.now_s)
        yield from world.stand(me, max(rest_s, 0.1))


def between(world: World, me: Person, tills: tuple[Till, ...]) -> Steps:
    """One member of staff for several tills: to where a customer waits, for as long as it takes."""
    at = tills[0]
    while True:
        waiting = [till for till in tills if till.customer is not None]
        if waiting and at not in waiting:
            at = waiting[0]
        elif len(waiting) > 1 and world.rng.random() < 0.004:
            at = next(till for till in waiting if till is not at)
        for till in tills:
            if till.staffed_by is me and till is not at:
                till.staffed_by = None
        if world.stride(me, at.post):
            at.staffed_by = me
        yield


def greeter(
    world: World, me: Person, home: Point, gate: tuple[Point, ...], rests_s: tuple[float, float]
) -> Steps:
    """Wait behind the counter at `home`; go round by `gate` to those who wait, one by one."""
    yield from world.walk(me, home)
    greeted: set[int] = set()
    while True:
        yield from world.stand(me, world.rng.uniform(*rests_s))
        waiting = [p for line in world.lines for p in line.waiting if p.number not in greeted]
        if not waiting:
            continue
        for point in gate:
            yield from world.walk(me, point)
        for customer in waiting[:2]:
            greeted.add(customer.number)
            end_s = world.now_s + world.rng.uniform(7, 20)
            beside = world.rng.choice([-1, 1]) * 0.45, 0.6
            while world.now_s < end_s and not customer.gone:
                if not any(customer in line.waiting for line in world.lines):
                    break
                goal = customer.xy[0] + beside[0], customer.xy[1] + beside[1]
                if math.dist(me.xy, goal) > 0.25:
                    world.stride(me, goal)
                else:
                    world.sway(me)
                yield
        for point in (*reversed(gate), home):
            yield from world.walk(me, point)
