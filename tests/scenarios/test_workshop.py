"""Whole days of the workshop: truth, film, the real engine, and how near it comes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from tests.scenarios.workshop.day import Day
from tests.scenarios.workshop.film import film
from tests.scenarios.workshop.oracle import oracle_visits
from tests.scenarios.workshop.scenes import SCENES, Scene, day
from tests.scenarios.workshop.score import Score, record_ends, score, share, spread
from tests.scenarios.workshop.timing import timed
from tests.scenarios.workshop.told import table
from tests.scenarios.workshop.truth import truth_of

SEED = 11
BY_NAME = {scene.name: scene for scene in SCENES}


@dataclass(frozen=True)
class Bounds:
    """What a scene's day must reach; seconds are medians of absolute errors.

    Medians, because one exchange of identities moves a mean by seconds.
    """

    scene: str
    visits: int
    f1: float
    waiting_s: float
    greeting_s: float
    interaction_s: float
    outcomes: float
    points: float


BOUNDS = (
    Bounds("plain", 12, 0.90, 0.4, 0.4, 0.4, 0.9, 0.93),
    Bounds("opening", 15, 0.65, 0.6, 0.6, 1.0, 0.8, 0.9),
    Bounds("separate_queues", 20, 0.85, 0.4, 0.4, 0.8, 0.9, 0.85),
    Bounds("from_the_side", 20, 0.75, 0.6, 0.6, 1.5, 0.75, 0.9),
)


@pytest.mark.parametrize("bounds", BOUNDS, ids=lambda bounds: bounds.scene)
def test_a_day_is_found_and_timed(bounds: Bounds) -> None:
    scene = BY_NAME[bounds.scene]
    shown = day(scene, SEED)
    truth, recorded, ends_s = (
        truth_of(shown),
        film(shown, scene.conditions, SEED),
        record_ends(shown),
    )
    assert len(truth.visits) >= bounds.visits
    ours = timed(scene, recorded)
    one = score(truth.visits, ours.visits, ends_s, (truth.passers_by, ours.passers_by))
    assert one.f1 >= bounds.f1
    assert spread(one.waiting).median_abs_s <= bounds.waiting_s
    assert spread(one.greeting).median_abs_s <= bounds.greeting_s
    assert spread(one.interaction).median_abs_s <= bounds.interaction_s
    assert share(one.outcomes, one.tp) >= bounds.outcomes
    assert share(one.points, one.tp) >= bounds.points
    assert abs(one.passers_found - one.passers_true) <= 5
    oracle = score(truth.visits, oracle_visits(shown, recorded), ends_s)
    assert oracle.f1 >= 0.97
    assert spread(oracle.waiting).median_abs_s <= 1.0


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_each_scene_has_a_valid_site_and_visits(scene: Scene) -> None:
    site = scene.shop.layout.site()
    assert {point.id for point in site.service_point} == {c.id for c in scene.shop.layout.counters}
    early = replace(scene, length_s=300.0)
    visits = truth_of(day(early, SEED)).visits
    assert len(visits) >= 3
    assert all(0 <= visit.arrived_s < visit.until_s <= early.length_s for visit in visits)


def positions(shown: Day) -> list[tuple[int, float, list[list[float]]]]:
    return [(one.number, one.from_s, one.xy_m.tolist()) for one in shown.walkers]


def test_the_same_seed_gives_the_same_day_and_film() -> None:
    scene = replace(BY_NAME["plain"], length_s=120.0)
    ones, others = (day(scene, SEED) for _ in range(2))
    assert positions(ones) == positions(others)
    assert positions(ones) != positions(day(scene, SEED + 1))
    first, second = (film(one, scene.conditions, SEED) for one in (ones, others))
    assert [record.t_s for record in first.records] == [record.t_s for record in second.records]
    for one, other in zip(first.records, second.records, strict=True):
        np.testing.assert_array_equal(one.boxes_xyxy_px, other.boxes_xyxy_px)


def last_columns(line: str) -> list[str]:
    """Role and passers-by of a line of the table."""
    return line.split()[-2:]


def test_what_was_not_judged_is_a_dash_in_the_table() -> None:
    judged, quiet = Score(roles=3, sightings=4, passers_true=2), Score(roles=4, sightings=4)
    first, second, _, everything = table({"busy": judged, "quiet": quiet}).splitlines()[1:]
    assert last_columns(first) == ["0.750", "0/2"]
    assert last_columns(second) == ["1.000", "0/0"]
    assert last_columns(everything) == ["0.875", "0/2"]
    assert last_columns(table({"busy": Score(tp=3)}).splitlines()[-1]) == ["–", "–"]
    only_passers = Score(passers_found=1)
    assert last_columns(table({"busy": only_passers}).splitlines()[-1]) == ["–", "1/0"]
