"""Who is who, on small tables of people seen and lost, through the real tracker.

Metres on the floor before a camera at the origin, y away from it. Whoever stands at y = 3 hides
who stands behind at y = 4.6, as far as their boxes tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import count

import numpy as np
import pytest

from edge.tracking.floor import floor_of
from edge.tracking.track import Box, Track, TrackId
from edge.tracking.tracker import Sighting, Tracker
from edge.visits.identity import DECIDE_EVERY_S, Identity
from edge.visits.likeness import OVERLAP_S
from edge.visits.states import Glimpse
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


@cache
def body_at(x_m: float, y_m: float, height_m: float) -> Box:
    """The box of somebody there; who stands still has the same in each frame."""
    body = CAMERA.body(x_m, y_m, height_m)
    assert body is not None
    return body


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
        body = body_at(x1 + part * (x2 - x1), y1 + part * (y2 - y1), self.height_m)
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
        self.identity = Identity(MERGE_S, STAFF, CUSTOMER, metric=self.floor.calibrated)
        self.names: dict[TrackId, Leg] = {}

    def frame(self, number: int, t_s: float) -> None:
        shown = [(leg, box) for leg in self.legs if (box := leg.box(t_s)) is not None]
        table = np.array([box for _, box in shown], float).reshape(-1, 4)
        scores = np.array([leg.score for leg, _ in shown], float)
        step = self.tracker.update(t_s, number, table, scores)
        seen = [one.observations[-1].box_xyxy_px for one in step.seen]
        boxes = np.array(seen, np.float64).reshape(len(seen), 4)
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
        self.told.gone |= {self.names[one.id].name: t_s for one in gone}

    def foreseen(self) -> set[tuple[str, str]]:
        """The links that would be made now, by name."""
        links = self.identity.foresee()
        return {(self.names[earlier].name, self.names[later].name) for earlier, later in links}

    def _name(self, track: Track, shown: Sequence[tuple[Leg, Box]]) -> None:
        assert track.last is not None
        seen = np.array(track.last.box_xyxy_px)
        off = [float(np.abs(seen - np.array(box)).max()) for _, box in shown]
        self.names[track.id] = shown[int(np.argmin(off))][0]

    def _see(self, sighting: Sighting) -> None:
        for seen in sighting.observations:
            left, top, right, bottom = seen.box_xyxy_px
            box_px = (left + right) / 2, top, bottom
            measure = self.floor.measure(box_px[0], top, seen.foot_xy_px[1], by_head=False)
            whole = seen.foot_seen and not (seen.feet_hidden or seen.behind_person)
            floor_m = self.floor.position_m(measure)
            glimpse = Glimpse(seen.t_s, floor_m, box_px, seen.height_px, whole)
            self.identity.see(sighting.id, glimpse, self.names[sighting.id].zones)


def staged(legs: Sequence[Leg], end_s: float, ids: Iterator[int] | None = None) -> Stage:
    """Run until `end_s` and no further."""
    stage = Stage(legs, count(1) if ids is None else ids)
    for number in range(1, round(end_s / STEP_S) + 1):
        stage.frame(number, number * STEP_S)
    return stage


def told(legs: Sequence[Leg], ids: Iterator[int] | None = None) -> Told:
    """Run until everybody is decided upon."""
    stage = staged(legs, max(leg.to_s for leg in legs), ids)
    stage.decide(float("inf"), float("inf"))
    return stage.told


def due(t_s: float, end_s: float) -> bool:
    """Whether `t_s` is when an end at `end_s` is to be decided: as late as can be."""
    latest_s = end_s + LAG_S - OVERLAP_S
    return latest_s - 2 * DECIDE_EVERY_S < t_s <= latest_s


def before(x_m: float) -> list[Leg]:
    """Somebody who comes from the side to stand at `x_m` from 10 s on."""
    start, goal = (2.0 if x_m > 0 else -2.0, 3.0), (x_m, 3.0)
    legs = ((0.0, 8.0, start, start), (8.0, 10.0, start, goal), (10.0, 44.0, goal, goal))
    return [Leg(f"before {x_m}", *leg) for leg in legs]


BEHIND = 4.6
HIDES = Leg("hides", 0.0, 60.0, (0.0, 3.0))
LOST = Leg("lost", 0.0, 10.0, (0.0, BEHIND))
FOUND = Leg("found", 30.0, 60.0, (0.05, BEHIND))

# two who stand side by side, are hidden from 10 s to 22 s, and come in sight again
LEFT = Leg("left", 0.0, 10.0, (-0.3, BEHIND))
RIGHT = Leg("right", 0.0, 10.0, (0.3, BEHIND))
ONE = Leg("one", 22.0, 44.0, (-0.3, BEHIND))
OTHER = Leg("other", 22.0, 44.0, (0.3, BEHIND))
HIDDEN = [*before(-0.2), *before(0.2), LEFT, RIGHT]


def test_who_is_lost_behind_another_and_found_there_is_the_same() -> None:
    result = told([HIDES, LOST, FOUND])
    assert set(result.links) == {("lost", "found")}
    assert "lost" not in result.gone
    assert due(result.links["lost", "found"], 10.0)  # though nobody competes


def test_who_is_lost_and_found_twice_is_the_same_all_along() -> None:
    legs = [replace(LOST, name=str(n), from_s=t, to_s=t + 8.0) for n, t in enumerate((0, 14, 26))]
    assert set(told([HIDES, *legs]).links) == {("0", "1"), ("1", "2")}


def test_names_of_tracks_and_the_order_of_people_do_not_matter() -> None:
    legs = [*HIDDEN, ONE, OTHER]
    expected = told(legs)
    assert len(expected.links) == 2
    assert told(legs, iter(range(900, 0, -1))) == expected
    assert told(legs[::-1]).links == expected.links


def test_two_lost_and_two_found_are_linked_by_place() -> None:
    result = told([*HIDDEN, ONE, OTHER])
    assert set(result.links) == {("left", "one"), ("right", "other")}


def test_the_better_total_wins_over_the_nearest_pair() -> None:
    hides = [Leg("one hides", 0.0, 44.0, (-0.2, 3.0)), Leg("other hides", 0.0, 44.0, (0.2, 3.0))]
    one = replace(ONE, start_m=(0.25, BEHIND))
    lost = [*hides, LEFT, RIGHT]
    assert set(told([*lost, one]).links) == {("right", "one")}
    other = replace(OTHER, start_m=(0.7, BEHIND))
    assert set(told([*lost, one, other]).links) == {("left", "one"), ("right", "other")}


def test_two_lost_and_two_found_are_linked_by_size() -> None:
    hidden = [*HIDDEN[:-2], replace(LEFT, height_m=1.55), replace(RIGHT, height_m=1.85)]
    tall = replace(ONE, start_m=(-1.1, BEHIND), height_m=1.85)
    small = replace(OTHER, start_m=(1.1, BEHIND), height_m=1.55)
    result = told([*hidden, tall, small])
    assert set(result.links) == {("left", "other"), ("right", "one")}
    alike = [*HIDDEN, replace(tall, height_m=1.7), replace(small, height_m=1.7)]
    assert set(told(alike).links) == {("left", "one"), ("right", "other")}


def test_staff_and_customer_are_not_swapped() -> None:
    hidden = [*HIDDEN[:-2], replace(LEFT, zones=STAFF), replace(RIGHT, zones=CUSTOMER)]
    crossed = [*hidden, replace(ONE, zones=CUSTOMER), replace(OTHER, zones=STAFF)]
    assert set(told(crossed).links) == {("left", "other"), ("right", "one")}
    straight = [*hidden, replace(ONE, zones=STAFF), replace(OTHER, zones=CUSTOMER)]
    assert set(told(straight).links) == {("left", "one"), ("right", "other")}


def test_who_walked_out_is_not_who_comes_in() -> None:
    goes = Leg("goes", 0.0, 6.0, (0.0, BEHIND), (4.5, BEHIND))
    comes = Leg("comes", 8.0, 14.0, (4.5, BEHIND), (0.0, BEHIND))
    result = told([goes, comes])
    assert result.links == {}
    assert "goes" in result.gone


def test_who_vanished_in_plain_view_long_ago_is_nobody_far_away() -> None:
    vanished = Leg("vanished", 0.0, 8.0, (-2.0, BEHIND), height_m=1.6)
    hides = Leg("hides", 0.0, 44.0, (1.3, 3.0))
    far = Leg("far", 34.0, 44.0, (2.3, BEHIND), height_m=1.75)
    result = told([vanished, hides, far])
    assert result.links == {}
    assert "vanished" in result.gone
    near = replace(far, start_m=(-2.0, BEHIND), from_s=12.0, to_s=22.0, height_m=1.6)
    assert set(told([vanished, hides, near]).links) == {("vanished", "far")}


def test_a_link_is_foreseen_at_once_but_decided_at_the_horizon() -> None:
    early = staged([HIDES, LOST, FOUND], 31.0)
    assert early.foreseen() == {("lost", "found")}
    assert early.told == Told()
    late = staged([HIDES, LOST, FOUND], 10.0 + LAG_S)
    assert late.foreseen() == set()
    assert due(late.told.links["lost", "found"], 10.0)


def test_who_comes_later_may_change_what_was_foreseen() -> None:
    hides = [Leg("one hides", 0.0, 44.0, (-0.2, 3.0)), Leg("other hides", 0.0, 44.0, (0.2, 3.0))]
    one, other = replace(ONE, start_m=(0.25, BEHIND)), replace(OTHER, start_m=(0.7, BEHIND))
    legs = [*hides, LEFT, RIGHT, one, replace(other, from_s=26.0)]
    assert staged(legs, 25.0).foreseen() == {("right", "one")}
    assert staged(legs, 28.0).foreseen() == {("left", "one"), ("right", "other")}
    assert set(told(legs).links) == {("left", "one"), ("right", "other")}


def test_what_competes_is_decided_at_the_horizon_and_not_later() -> None:
    legs = [*HIDDEN, ONE, OTHER]
    assert staged(legs, 10.0 + LAG_S - 2).told.links == {}
    decided_s = staged(legs, 10.0 + LAG_S).told.links.values()
    assert len(decided_s) == 2
    assert all(due(t_s, 10.0) for t_s in decided_s)


def test_who_is_never_found_is_gone_at_the_horizon() -> None:
    gone = staged([HIDES, LOST], 10.0 + LAG_S).told.gone
    assert set(gone) == {"lost"}
    assert due(gone["lost"], 10.0)


@pytest.mark.parametrize(
    ("lasts_s", "score", "forgotten"),
    [(1.5, 0.5, True), (1.5, 0.9, False), (0.5, 0.9, True), (2.6, 0.5, False)],
)
def test_short_doubtful_pieces_are_forgotten(
    lasts_s: float, score: float, *, forgotten: bool
) -> None:
    piece = Leg("piece", 3.0, 3.0 + lasts_s, (1.0, BEHIND), score=score)
    result = told([replace(LOST, start_m=(-1.5, BEHIND)), piece])
    assert result.forgotten == (["piece"] if forgotten else [])
    assert result.links == {}


def test_a_short_piece_that_came_in_over_the_edge_is_somebody() -> None:
    passing = Leg("passing", 3.0, 3.7, (4.2, BEHIND), (3.0, BEHIND))
    assert told([LOST, passing]).forgotten == []
