"""Which staff a shop has, and when they are there."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from tests.scenarios.camera import Point
from tests.scenarios.workshop.day import Role, Span
from tests.scenarios.workshop.shops import Shop
from tests.scenarios.workshop.staff import between, clerk, greeter
from tests.scenarios.workshop.world import Person, Steps, Till, World

Staffing = Callable[[World, Shop], None]


def steady(world: World, shop: Shop) -> None:
    """One clerk a till, who hardly ever leaves."""
    _clerks(world, shop, 400.0, (10.0, 25.0))


def absent(world: World, shop: Shop) -> None:
    """One clerk a till, often away for half a minute, in mid-service too."""
    _clerks(world, shop, 45.0, (8.0, 40.0))


def nobody_first(world: World, shop: Shop) -> None:
    """Staff come only when the day has begun, and leave before its end."""
    for till in world.tills:
        come = partial(_clerk, world, shop, till, 60.0, for_s=(15.0, 40.0), until_s=700.0)
        world.at(60.0, come)


def shift_change(world: World, shop: Shop) -> None:
    """At mid-day another clerk comes through the customers' side, and takes over."""
    for till in world.tills:
        _clerk(world, shop, till, math.inf, for_s=(0.0, 0.0), until_s=400.0)

        world.at(385.0, partial(_relieve, world, shop, till))


def one_for_all(world: World, shop: Shop) -> None:
    """One member of staff serves every till in turn."""
    tills = tuple(world.tills)
    world.enter(Role.STAFF, 0, shop.posts[0], lambda me: between(world, me, tills))


def with_greeter(world: World, shop: Shop) -> None:
    """A clerk at each till, and one who goes round to greet those who wait."""
    steady(world, shop)
    home = shop.posts[0][0] + 1.0, shop.posts[0][1] + 0.1
    world.enter(Role.STAFF, 0, home, lambda me: greeter(world, me, home, shop.gate, (12.0, 30.0)))


def two_behind(world: World, shop: Shop) -> None:
    """Two clerks at each till; the second goes about its own work."""
    _clerks(world, shop, 90.0, (10.0, 30.0))
    for till in world.tills:
        beside = (till.post[0] + 0.75, till.post[1] + 0.15)
        idle = Till("", beside, beside)
        world.enter(
            Role.STAFF,
            0,
            shop.back[-1],
            partial(clerk, world, till=idle, away=shop.back, every_s=60.0, for_s=(10.0, 50.0)),
        )


def seated(world: World, shop: Shop) -> None:
    """A cashier who sits, and hardly ever leaves."""
    steady(world, shop)
    for person in world.people:
        person.height_m, person.shown = 1.3, 1.0


def _clerks(world: World, shop: Shop, every_s: float, for_s: tuple[float, float]) -> None:
    for till in world.tills:
        _clerk(world, shop, till, every_s, for_s=for_s, until_s=math.inf)


def _clerk(
    world: World, shop: Shop, till: Till, every_s: float, *, for_s: Span, until_s: float
) -> Person:
    start = till.post if world.now_s == 0 else shop.back[-1]
    return world.enter(
        Role.STAFF,
        0,
        start,
        lambda me: clerk(world, me, till, shop.back, every_s, for_s=for_s, until_s=until_s),
    )


def _relieve(world: World, shop: Shop, till: Till) -> Person:
    way = (*reversed(shop.gate), till.post)
    return world.enter(Role.STAFF, 0, shop.doors[0], lambda me: _relief(world, me, shop, till, way))


def _relief(world: World, me: Person, shop: Shop, till: Till, way: tuple[Point, ...]) -> Steps:
    for point in way[:-1]:
        yield from world.walk(me, point)
    yield from clerk(world, me, till, shop.back, math.inf, for_s=(0.0, 0.0))
