"""The kinds of scene of the workshop: a shop, a crowd, its staff, and how it is seen.

`day(scene, seed)` makes a day of a scene. At least `VISITS` visits over `SEEDS` seeds come of
each kind; what is tuned on is never what is reported: `tests/bench` names the seeds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from tests.scenarios.workshop import shops
from tests.scenarios.workshop.conditions import CLEAN, GOOD, ROUGH, USUAL, Conditions
from tests.scenarios.workshop.customers import BESIDE, Errand, come, joiner, wanderer
from tests.scenarios.workshop.day import Day, Figure, Role, Span
from tests.scenarios.workshop.shops import Shop, uncalibrated
from tests.scenarios.workshop.staffing import (
    Staffing,
    absent,
    nobody_first,
    one_for_all,
    seated,
    shift_change,
    steady,
    two_behind,
    with_greeter,
)
from tests.scenarios.workshop.world import Line, Till, World


@dataclass(frozen=True)
class Crowd:
    """Who comes, in seconds and shares.

    Attributes:
        every_s: mean time between parties.
        alone: share of parties of one; `couples` of two; the rest are families of three or four.
        patience_s, service_s: medians of log-normal times.
        aside, back, leans: shares who step out of the line, come in again, bend over.
        joined: share of those alone whom a friend joins later.
        browsers_s, passers_s: mean time between people who look about, and who cross; 0: none.
    """

    every_s: float = 32.0
    alone: float = 0.8
    couples: float = 0.15
    patience_s: float = 120.0
    service_s: float = 20.0
    aside: float = 0.0
    back: float = 0.0
    leans: float = 0.1
    joined: float = 0.0
    browsers_s: float = 0.0
    passers_s: float = 120.0


@dataclass(frozen=True)
class Scene:
    """A kind of scene.

    Attributes:
        length_s: of a day; enough for about 25 visits.
        opens_s: when the first customers come, with the shop empty before.
    """

    name: str
    shop: Shop
    crowd: Crowd
    staff: Staffing
    conditions: Conditions
    length_s: float = 800.0
    opens_s: float = 2.0
    figures: tuple[Figure, ...] = ()
    blind: tuple[Span, ...] = ()


def day(scene: Scene, seed: int) -> Day:
    """A day of the scene."""
    rng = np.random.default_rng([seed, *scene.name.encode()])
    shop = scene.shop
    tills = [
        Till(counter.id, spot, post)
        for counter, spot, post in zip(shop.layout.counters, shop.spots, shop.posts, strict=True)
    ]
    by_id = {till.id: till for till in tills}
    lines = [
        Line(name, slots, tuple(by_id[one] for one in feeds))
        for (name, _, feeds), slots in zip(shop.layout.queues, shop.slots, strict=True)
    ]
    if not lines:
        waiting = shop.spots[0][0] + 0.9, shop.spots[0][1] - 0.4
        lines = [Line("", (waiting,), tuple(tills))]
    world = World(rng, tills, lines)
    scene.staff(world, shop)
    _plan(world, scene)
    walkers = world.run(scene.length_s)
    return Day(shop.layout, walkers, scene.length_s, scene.figures, scene.blind)


def _plan(world: World, scene: Scene) -> None:
    """Set the times at which everybody comes."""
    rng, crowd = world.rng, scene.crowd
    t_s, party = scene.opens_s + rng.exponential(crowd.every_s / 2), 0
    while t_s < scene.length_s - 40:
        party += 1
        world.at(t_s, partial(_party_comes, world, scene, party))
        t_s += 1.5 + rng.exponential(crowd.every_s - 1.5)
    for every_s, act in ((crowd.browsers_s, _browser_comes), (crowd.passers_s, _passer_comes)):
        t_s = rng.exponential(every_s) if every_s else np.inf
        while t_s < scene.length_s - 20:
            party += 1
            world.at(t_s, partial(act, world, scene, party))
            t_s += rng.exponential(every_s)


def _party_comes(world: World, scene: Scene, party: int) -> None:
    rng, crowd, shop = world.rng, scene.crowd, scene.shop
    kind = rng.random()
    size = 1 if kind < crowd.alone else 2 if kind < crowd.alone + crowd.couples else 3
    line = min(world.lines, key=lambda line: (len(line.waiting), rng.random()))
    door = int(rng.integers(len(shop.doors)))
    goes = int(rng.integers(len(shop.doors)))
    near_door = shop.doors[door][0] * 0.5, shop.doors[door][1]
    errand = Errand(
        patience_s=crowd.patience_s * float(rng.lognormal(0.0, 0.5)),
        service_s=max(6.0, crowd.service_s * float(rng.lognormal(0.0, 0.5))),
        via=(near_door,),
        out=_way_out(shop, goes),
        aside_s=float(rng.uniform(8, 22)) if rng.random() < crowd.aside else 0.0,
        aside_at=shop.aside,
        leans=bool(rng.random() < crowd.leans),
        back_s=float(rng.uniform(4, 30)) if rng.random() < crowd.back else 0.0,
    )
    leader = come(world, party, shop.doors[door], line, errand, size=size)
    if size == 1 and rng.random() < crowd.joined:
        world.at(
            world.now_s + rng.uniform(12, 35),
            lambda: (
                leader.gone
                or world.enter(
                    Role.CUSTOMER,
                    party,
                    shop.doors[door],
                    lambda me: joiner(world, me, leader, BESIDE[0], (near_door,)),
                )
            ),
        )


def _way_out(shop: Shop, goes: int) -> tuple[tuple[float, float], ...]:
    """From wherever one stands, past the side of the line, to a door."""
    (turn_x, y), door = shop.exits[goes]
    return (turn_x, y), door


def _browser_comes(world: World, scene: Scene, party: int) -> None:
    rng, shop = world.rng, scene.shop
    x, y = shop.aside
    stops = [((x + rng.uniform(-0.2, 0.6), y + rng.uniform(-0.3, 0.3)), rng.uniform(5, 40))]
    if rng.random() < 0.4:
        middle = world.lines[0].slots[-1]
        stops.append((middle, rng.uniform(1, 14)))
    stops.append((shop.doors[0], 0.0))
    world.enter(Role.CUSTOMER, party, shop.doors[0], lambda me: wanderer(world, me, tuple(stops)))


def _passer_comes(world: World, scene: Scene, party: int) -> None:
    shop = scene.shop
    start = shop.doors[0]
    goal = shop.doors[1] if len(shop.doors) > 1 else (-start[0], start[1] - 0.8)
    if world.rng.random() < 0.5:
        start, goal = goal, start
    away = float(world.rng.uniform(-0.6, 0.1))
    stops = (((start[0] * 0.4, start[1] + away), 0.0), ((goal[0] * 0.4, goal[1] + away), 0.0))
    world.enter(Role.CUSTOMER, party, start, lambda me: wanderer(world, me, (*stops, (goal, 0.0))))


def at(conditions: Conditions, fps: float) -> Conditions:
    """The same conditions at another frame rate."""
    return replace(conditions, fps=fps)


MANNEQUINS = (Figure(1.55, 4.6, 1.75, 0.62, 0.85), Figure(-1.9, 5.3, 1.7, 0.45, 0.4))
POSTER = (Figure(0.55, 5.75, 1.6, 0.5, 0.6),)
BUSY = Crowd(every_s=21.0, service_s=15.0, passers_s=60.0)
FAMILIES = Crowd(alone=0.25, couples=0.45, every_s=38.0)

SCENES: tuple[Scene, ...] = (
    Scene("plain", shops.FRONT, Crowd(), steady, at(USUAL, 10)),
    Scene("clean", shops.FRONT, Crowd(), steady, at(CLEAN, 15)),
    Scene("thirty_a_second", shops.LARGE_PICTURE, Crowd(), absent, at(GOOD, 30)),
    Scene("two_a_second", shops.FRONT, Crowd(), steady, at(USUAL, 2)),
    Scene("five_a_second", shops.SMALL_PICTURE, Crowd(), absent, at(USUAL, 5)),
    Scene("straight_line", shops.STRAIGHT_LINE, Crowd(every_s=28.0), steady, at(USUAL, 8)),
    Scene("tight_line", shops.TIGHT_LINE, BUSY, steady, at(USUAL, 10), 620.0),
    Scene("from_the_side", shops.FROM_THE_SIDE, Crowd(), absent, at(USUAL, 8)),
    Scene("steep_lens", shops.STEEP, Crowd(aside=0.15), steady, at(USUAL, 8)),
    Scene("low_camera", shops.LOW, Crowd(), steady, at(USUAL, 10)),
    Scene("fisheye", shops.FISHEYE, Crowd(), absent, at(USUAL, 6)),
    Scene("families", shops.FRONT, FAMILIES, steady, at(USUAL, 10), 950.0),
    Scene("friends_join", shops.FRONT, Crowd(joined=0.4, every_s=40.0), absent, at(USUAL, 7), 1050),
    Scene(
        "impatient", shops.FRONT, Crowd(patience_s=22.0, every_s=22.0), absent, at(USUAL, 9), 620
    ),
    Scene("staff_away", shops.FRONT, Crowd(), absent, at(USUAL, 12)),
    Scene("shift_change", shops.FRONT, Crowd(), shift_change, at(USUAL, 6)),
    Scene("greeter", shops.FRONT, Crowd(service_s=24.0), with_greeter, at(USUAL, 10)),
    Scene("two_behind", shops.TIGHT_LINE, Crowd(), two_behind, at(USUAL, 5)),
    Scene("shared_queue", shops.SHARED, BUSY, absent, at(USUAL, 8), 620.0),
    Scene(
        "one_for_two", shops.SHARED, Crowd(every_s=26.0, service_s=20), one_for_all, at(USUAL, 10)
    ),
    Scene("separate_queues", shops.SEPARATE, BUSY, steady, at(USUAL, 10), 620.0),
    Scene("seated_cashier", shops.CASHIER, Crowd(), seated, at(USUAL, 8)),
    Scene("bar", shops.NO_QUEUE, Crowd(alone=0.6, couples=0.3), absent, at(USUAL, 10)),
    Scene(
        "browsers",
        shops.FRONT,
        Crowd(browsers_s=28.0, passers_s=30.0, back=0.3),
        steady,
        at(USUAL, 10),
    ),
    Scene("mannequins", shops.FRONT, Crowd(), steady, at(USUAL, 8), figures=MANNEQUINS),
    Scene("rough", shops.FRONT, Crowd(), steady, at(ROUGH, 10)),
    Scene("rough_slow", shops.STRAIGHT_LINE, Crowd(), absent, at(ROUGH, 4)),
    Scene("opening", shops.FRONT, Crowd(patience_s=60.0), nobody_first, at(USUAL, 8)),
    Scene("uncalibrated", uncalibrated(shops.FRONT), Crowd(), steady, at(USUAL, 10)),
    Scene(
        "uncalibrated_families", uncalibrated(shops.STEEP), FAMILIES, absent, at(USUAL, 6), 950.0
    ),
    Scene("uncalibrated_greeter", uncalibrated(shops.FRONT), Crowd(), with_greeter, at(USUAL, 8)),
    Scene("blind", shops.FRONT, Crowd(), steady, at(USUAL, 8), blind=((200, 218), (500, 560))),
)
