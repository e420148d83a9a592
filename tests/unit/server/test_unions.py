"""Unions merge exactly: any roll-ups of the same cells give the figures of the cells at once."""

import json
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from server.figures import Expectations, PointFigures, point_figures
from server.leaving import leaving
from server.released_cell import ReleasedCell
from server.rollups.bodies import from_json, to_json
from server.statistics import Share
from server.suppression import Released, Suppressed
from server.unions import Measure, Union, merged_unions, union_of, union_of_cells
from tests.unit.server.rollup_cells import periods, random_cell

START = datetime(2026, 3, 2, tzinfo=UTC)
UNSHRUNK = (Phase.explicit, Phase.generate)
"""A seed does not become simpler by becoming smaller."""
POINTS = (UUID(int=1), UUID(int=2))


def some_cells(rng: random.Random, days: int = 3) -> list[ReleasedCell]:
    found = [
        random_cell(rng, one, period)
        for one in POINTS
        for period in periods(rng, START, START + timedelta(days=days))
    ]
    rng.shuffle(found)
    return found or [
        random_cell(rng, POINTS[0], next(periods(rng, START, START.replace(year=2030))))
    ]


def parted(rng: random.Random, cells: list[ReleasedCell]) -> list[Union]:
    """Unions of cells, of unions of cells, and so on, as it falls out."""
    unions = [union_of(one) for one in cells]
    while len(unions) > 1 and rng.random() < 0.8:
        size = rng.randrange(1, len(unions) + 1)
        unions = [
            from_json(json.loads(json.dumps(to_json(merged_unions(unions[at : at + size])))))
            for at in range(0, len(unions), size)
        ]
        rng.shuffle(unions)
    return unions


@given(seed=st.integers(0, 2**32))
@settings(max_examples=30, deadline=None, phases=UNSHRUNK)
def test_any_partition_into_roll_ups_merges_to_the_figures_of_the_cells(seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 invented, not secret
    cells = some_cells(rng)
    at_once = union_of_cells(sorted(cells, key=lambda one: one.period.start))
    rolled = merged_unions(parted(rng, cells))
    assert rolled == at_once
    expectations = Expectations()
    assert point_figures(rolled, expectations) == point_figures(at_once, expectations)
    assert point_figures(rolled, expectations) == point_figures(
        Released(tuple(cells)), expectations
    )
    assert leaving(rolled) == leaving(at_once)


@given(seed=st.integers(0, 2**32))
@settings(max_examples=20, deadline=None, phases=UNSHRUNK)
def test_adding_is_free_of_order_and_of_brackets(seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 invented, not secret
    cells = (some_cells(rng, 2) * 3)[:3]
    one, two, three = (union_of(each) for each in cells)
    assert (one + two) + three == one + (two + three)
    assert one + two == two + one


@given(seed=st.integers(0, 2**32))
@settings(max_examples=20, deadline=None, phases=UNSHRUNK)
def test_a_measure_holds_only_cells_whose_own_base_reaches_their_k(seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 invented, not secret
    cells = some_cells(rng)
    union = union_of_cells(cells)
    judged = [one for one in cells if one.staff is not None]
    own = [(one, one.staff) for one in judged if one.staff and one.staff.judged >= one.k]
    out = [one.k - 1 for one in judged if one.staff and one.staff.judged < one.k]
    assert union.missing.get(Measure.FLAWLESS, 0) == sum(out)
    part = union.parts.get(Measure.FLAWLESS)
    if part is None:
        assert not own
        return
    assert part.counts == (
        sum(staff.flawless for _, staff in own),
        sum(staff.judged for _, staff in own),
        sum(one.abandoned + one.greeted_only for one, _ in own),
    )
    assert part.base == part.counts[1]
    assert part.visits == sum(one.visits for one, _ in own)
    assert part.k == max(one.k for one, _ in own)


@given(seed=st.integers(0, 2**32))
@settings(max_examples=20, deadline=None, phases=UNSHRUNK)
def test_one_union_less_another_inside_it_is_a_union_of_shown_cells(seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 invented, not secret
    cells = some_cells(rng)
    inside = rng.sample(cells, rng.randrange(1, len(cells) + 1))
    rest = [one for one in cells if one not in inside]
    large, small = union_of_cells(cells), union_of_cells(inside)
    for name in Measure:
        alone = [union_of(one).parts.get(name) for one in rest]
        of_rest = sum(part.visits for part in alone if part is not None)
        parts = [one.parts.get(name) for one in (large, small)]
        visits = [0 if part is None else part.visits for part in parts]
        assert visits[0] - visits[1] == of_rest


def test_cuts_lie_where_neighbours_differ_however_the_cells_were_rolled_up() -> None:
    rng = random.Random(11)  # noqa: S311 invented, not secret
    cells = some_cells(rng, 12)
    figures = point_figures(merged_unions(parted(rng, cells)), Expectations())
    assert isinstance(figures, PointFigures)
    expected = set()
    for point_id in POINTS:
        mine = sorted((o for o in cells if o.point_id == point_id), key=lambda o: o.period.start)
        expected |= {
            after.period.start
            for before, after in pairwise(mine)
            if before.comparability != after.comparability
        }
    assert expected
    assert {cut.at for cut in figures.cuts} == expected


def test_a_union_without_its_points_has_the_same_figures_but_cuts() -> None:
    rng = random.Random(5)  # noqa: S311 invented, not secret
    union = union_of_cells(some_cells(rng))
    full = point_figures(union, Expectations())
    without = point_figures(from_json(to_json(union.without_points())), Expectations())
    assert isinstance(full, PointFigures)
    assert isinstance(without, PointFigures)
    assert isinstance(full.served_within, Share)
    assert without.served_within == full.served_within
    assert without.covered == full.covered
    assert without.cuts == ()


@pytest.mark.parametrize("given_as", [Suppressed()])
def test_nothing_stays_nothing(given_as: Suppressed) -> None:
    assert point_figures(given_as, Expectations()) == Suppressed()
    assert leaving(given_as) is None


def test_leaving_unserved_means_the_same_of_a_small_team_and_of_a_large_one() -> None:
    """A cell of a small team has as `abandoned` what one of a large team has in two words."""
    rng = random.Random(2)  # noqa: S311 invented, not secret
    period = next(periods(rng, START, START.replace(year=2030)))
    large = random_cell(rng, POINTS[0], period)
    while large.staff is None:
        large = random_cell(rng, POINTS[0], period)
    large = replace(large, visits=200, k=10, still_present=0, abandoned=20, greeted_only=40)
    small = replace(large, point_id=POINTS[1], abandoned=60, greeted_only=0, staff=None)
    alone, both = (
        point_figures(union_of_cells(cells), Expectations()) for cells in ([large], [large, small])
    )
    for found in (alone, both):
        assert isinstance(found, PointFigures)
        assert isinstance(found.left_unserved, Share)
        assert isinstance(found.abandoned, Share)
        assert (found.left_unserved.value, found.abandoned.value) == (0.3, 0.1)
        assert found.abandoned.base == 200
    nothing = point_figures(union_of(small), Expectations())
    assert isinstance(nothing, PointFigures)
    assert isinstance(nothing.abandoned, Suppressed)
    queue = leaving(union_of_cells([large, small]))
    assert queue is not None
    assert queue.left == 120
