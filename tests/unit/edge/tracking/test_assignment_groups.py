"""Assignment in a crowd: groups that no allowed entry links, each as if it were alone."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge.tracking.assignment import assign

LIMIT = 1.0
NEVER = 9.0

Costs = NDArray[np.float64]


def saved(cost: Costs, pairs: list[tuple[int, int]]) -> float:
    """What the pairs cost less than leaving their rows alone."""
    return sum(LIMIT - float(cost[pair]) for pair in pairs)


def most_saved(cost: Costs) -> float:
    """The most that any pairs save, by trying all of them."""
    rows, columns = cost.shape
    best = 0.0
    for count in range(1, min(rows, columns) + 1):
        for chosen in combinations(range(rows), count):
            for places in permutations(range(columns), count):
                pairs = list(zip(chosen, places, strict=True))
                if all(cost[pair] <= LIMIT for pair in pairs):
                    best = max(best, saved(cost, pairs))
    return best


def is_matching(cost: Costs, pairs: list[tuple[int, int]]) -> bool:
    """Whether no row or column is used twice, and every entry is allowed."""
    once = len({row for row, _ in pairs}) == len({column for _, column in pairs}) == len(pairs)
    return once and all(cost[pair] <= LIMIT for pair in pairs)


# Steps of 0.05 make ties, and entries on the limit, common.
entries = st.integers(-4, 30).map(lambda step: step * 0.05)
shapes = st.tuples(st.integers(1, 4), st.integers(1, 4))


@st.composite
def tables(draw: st.DrawFn) -> Costs:
    """A small table of costs."""
    rows, columns = draw(shapes)
    return np.array([[draw(entries) for _ in range(columns)] for _ in range(rows)])


@st.composite
def shuffled(draw: st.DrawFn) -> tuple[list[Costs], Costs]:
    """Small tables, and one of all of them with rows and columns in any order."""
    groups = draw(st.lists(tables(), min_size=2, max_size=4))
    shape = np.sum([group.shape for group in groups], axis=0)
    whole = np.full(tuple(shape), NEVER)
    row = column = 0
    for group in groups:
        whole[row : row + group.shape[0], column : column + group.shape[1]] = group
        row, column = row + group.shape[0], column + group.shape[1]
    rows = draw(st.permutations(range(int(shape[0]))))
    columns = draw(st.permutations(range(int(shape[1]))))
    return groups, whole[np.ix_(rows, columns)]


@given(tables())
def test_total_cost_is_least_with_ties_and_entries_on_the_limit(cost: Costs) -> None:
    pairs = assign(cost, LIMIT)
    assert is_matching(cost, pairs)
    assert abs(saved(cost, pairs) - most_saved(cost)) < 1e-9


@given(shuffled())
def test_groups_get_what_each_would_get_alone(case: tuple[list[Costs], Costs]) -> None:
    groups, whole = case
    pairs = assign(whole, LIMIT)
    assert pairs == sorted(pairs)
    assert is_matching(whole, pairs)
    assert abs(saved(whole, pairs) - sum(most_saved(group) for group in groups)) < 1e-9


def test_a_chain_moves_on_to_its_free_end() -> None:
    cost = np.full((5, 5), NEVER)
    for row in range(5):
        cost[row, row] = 0.2
        cost[row, row - 1] = 0.1 if row else NEVER
    cost[0, 0] = 0.1
    assert assign(cost, LIMIT) == [(row, row) for row in range(5)]
    cost[1, 1] = 1.1
    assert assign(cost, LIMIT) == [(0, 0), (2, 1), (3, 2), (4, 3)]


def test_infinite_and_unknown_costs_are_never_chosen() -> None:
    cost = np.array([[np.inf, 0.4, np.nan], [np.nan, 0.3, np.inf], [np.nan, np.inf, np.nan]])
    assert assign(cost, LIMIT) == [(1, 1)]
