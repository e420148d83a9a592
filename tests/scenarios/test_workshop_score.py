"""Scores of visits that are compared by hand, and the oracle on a clean film."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from firmware_cfg.record import FrameRecord
from tests.scenarios.camera import Box
from tests.scenarios.detector import CLEAN as EXACT
from tests.scenarios.layouts import COUNTER
from tests.scenarios.stories_plain import ALONE, COUPLE
from tests.scenarios.story import Story, frames, run, visits_of
from tests.scenarios.workshop.conditions import CLEAN
from tests.scenarios.workshop.day import GRID_S, Day, Role, Walker
from tests.scenarios.workshop.film import Film, film
from tests.scenarios.workshop.found import FoundVisit, of_row, of_visit
from tests.scenarios.workshop.oracle import oracle_visits
from tests.scenarios.workshop.role_score import role_counts
from tests.scenarios.workshop.score import Score, matches, record_ends, score, spread
from tests.scenarios.workshop.told import misses, table
from tests.scenarios.workshop.truth import truth_of

SERVED = FoundVisit("counter-1", 1, 10.0, 30.0, 30.0, 60.0, 20.0, 20.0, 30.0, "served")
LEFT = FoundVisit("counter-1", 2, 70.0, None, None, 100.0, None, None, 0.0, "abandoned")
STAYED = FoundVisit("counter-1", 1, 150.0, None, None, None, None, None, 0.0, "still_present")
END = (200.0,)


def test_the_same_visits_score_fully() -> None:
    visits = [SERVED, LEFT, STAYED]
    one = score(visits, visits, END, passers=(2, 1), roles=(8, 10))
    assert (one.tp, one.fp, one.fn, one.f1) == (3, 0, 0, 1.0)
    assert (one.nulls, one.outcomes, one.sizes, one.points) == (6, 3, 3, 3)
    assert (one.waiting, one.greeting, one.interaction) == ((0.0,), (0.0,), (0.0, 0.0, 0.0))
    assert misses(visits, visits, END) == []


def test_what_is_missed_and_made_up_is_counted_and_told() -> None:
    late = replace(SERVED, arrived_s=14.0, waiting_s=16.0, greeting_s=None, party_size=2)
    made_up = replace(LEFT, arrived_s=110.0, departed_s=140.0)
    one = score([SERVED, LEFT], [late, made_up], END)
    assert (one.tp, one.fp, one.fn, one.f1) == (1, 1, 1, 0.5)
    assert (one.waiting, one.greeting, one.nulls, one.sizes) == ((-4.0,), (), 1, 0)
    told = "\n".join(misses([SERVED, LEFT], [late, made_up], END))
    for words in ("missed  [70.0", "made up [110.0", "size: true 1, found 2", "waiting -4.0 s"):
        assert words in told


def test_overlap_decides_then_the_service_point() -> None:
    elsewhere = replace(SERVED, service_point="counter-2")
    assert matches([SERVED, elsewhere], [elsewhere, SERVED], END) == [(0, 1), (1, 0)]
    longer, shorter = replace(SERVED, departed_s=90.0), replace(elsewhere, departed_s=61.0)
    assert matches([SERVED], [longer, shorter], END) == [(0, 1)]
    assert matches([SERVED], [replace(SERVED, arrived_s=36.0)], END) == []


def test_who_stayed_stays_until_its_own_record_ends() -> None:
    before = replace(STAYED, arrived_s=15.0)
    assert matches([before], [replace(before, departed_s=39.0)], (40.0, 200.0)) == [(0, 0)]
    day = Day(COUNTER, (), 200.0, blind=((40.0, 90.0), (120.0, 130.0)))
    assert record_ends(day) == (40.0, 200.0)


def test_errors_are_summed_up() -> None:
    found = spread([-1.0, 1.0, 3.0, -5.0])
    assert (found.mean_abs_s, found.median_abs_s, found.bias_s) == (2.5, 2.0, -0.5)
    assert found.p90_abs_s == pytest.approx(4.4)
    assert math.isnan(spread([]).mean_abs_s)


def test_scores_add_up_into_the_table() -> None:
    one, other = score([SERVED], [SERVED], END), score([LEFT], [], END)
    both = one + other
    assert (both.tp, both.fn, both.waiting) == (1, 1, (0.0,))
    lines = table({"first": one, "second": other}).splitlines()
    assert [line.split()[0] for line in (*lines[:3], lines[-1])] == [
        "scenario",
        "first",
        "second",
        "all",
    ]
    assert [line.split()[2] for line in (*lines[1:3], lines[-1])] == ["1.000", "0.000", "0.667"]
    assert "nan" not in table({"first": one})
    assert Score() + one == one


def test_rows_and_visits_of_the_engine_are_read_alike() -> None:
    (visit,) = visits_of(run(ALONE, frames(ALONE, 10, EXACT)))
    found = of_visit(visit)
    row = {name: getattr(found, name) for name in FoundVisit.__dataclass_fields__}
    assert of_row(row) == found
    assert found.outcome == "served"
    with pytest.raises(TypeError, match="party_size"):
        of_row({**row, "party_size": "two"})


def _walkers(story: Story, parties: tuple[int, ...]) -> tuple[Walker, ...]:
    walkers = []
    for number, (actor, party) in enumerate(zip(story.actors, parties, strict=True), 1):
        times = actor.times_s
        grid = times[0] + np.arange(round((times[-1] - times[0]) / GRID_S) + 1) * GRID_S
        xy = np.array([actor.at(min(t, times[-1])) for t in grid.tolist()], float)
        role = Role.CUSTOMER if party else Role.STAFF
        shown = np.ones(len(grid))
        walkers.append(Walker(number, role, party, actor.height_m, times[0], xy, shown))
    return tuple(walkers)


@pytest.mark.parametrize(("story", "parties"), [(ALONE, (0, 1)), (COUPLE, (0, 1, 1))])
def test_the_oracle_on_a_clean_film_finds_the_truth(story: Story, parties: tuple[int, ...]) -> None:
    day = Day(COUNTER, _walkers(story, parties), story.end_s)
    truth, found = truth_of(day).visits, oracle_visits(day, film(day, CLEAN, 1))
    one = score(truth, found, record_ends(day))
    assert (one.tp, one.fp, one.fn) == (len(story.want), 0, 0)
    assert (one.nulls, one.outcomes, one.sizes) == (2 * one.tp, one.tp, one.tp)
    for errors in (one.waiting, one.greeting, one.interaction):
        assert max(map(abs, errors)) < 0.3


def test_roles_count_where_somebody_is_and_may_be_known() -> None:
    """Staff behind the desk for 12 s, and a customer who never comes near."""
    x, y = COUNTER.camera.pixel(0.2, 6.6, 1.0)
    clerk: Box = (x - 30, y - 80, x + 30, y)
    other: Box = (20.0, 300.0, 90.0, 500.0)
    size = COUNTER.camera.size_px
    none = np.empty((0, 4)), np.empty(0)
    records = [FrameRecord(i + 1, i * 1_000_000, size, *none) for i in range(13)]
    seen = Film(records, [{1: clerk, 2: other}] * 13)
    here = np.zeros((2, 2)), np.ones(2)
    people = (
        Walker(1, Role.STAFF, 0, 1.7, 0.0, *here),
        Walker(2, Role.CUSTOMER, 1, 1.7, 0.0, *here),
    )
    day = Day(COUNTER, people, 12.0)
    told: list[list[tuple[Box, str]]] = [[(clerk, "unknown"), (other, "customer")]] * 13
    # the customer in 13 frames; the clerk from the tenth second on, then wrongly
    assert role_counts(day, seen, told) == (13, 16)
    shifted: Box = (x + 170, y - 80, x + 230, y)
    far: list[list[tuple[Box, str]]] = [[(shifted, "staff")]] * 13
    assert role_counts(day, seen, far) == (0, 0)
    right: list[list[tuple[Box, str]]] = [[(clerk, "staff"), (clerk, "customer")]] + [[]] * 12
    assert role_counts(day, seen, right) == (1, 1)
