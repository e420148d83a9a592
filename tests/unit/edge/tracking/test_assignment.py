"""Assignment against brute force."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from edge.tracking.assignment import assign

LIMIT = 1.0


def least_cost(cost: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> float:
    """Least total by trying everything; who is left alone costs `LIMIT` a row."""
    rows, columns = cost.shape
    choices = list(range(columns)) + [-1] * rows
    best = float(rows)
    for pick in set(permutations(choices, rows)):
        total = sum(cost[r, c] if c >= 0 else LIMIT for r, c in enumerate(pick))
        if all(c < 0 or cost[r, c] <= LIMIT for r, c in enumerate(pick)):
            best = min(best, float(total))
    return best


@pytest.mark.parametrize("seed", range(60))
def test_total_cost_is_least(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, columns = rng.integers(1, 5, 2)
    cost = rng.random((rows, columns)) * 1.6
    pairs = assign(cost, LIMIT)
    assert len({r for r, _ in pairs}) == len({c for _, c in pairs}) == len(pairs)
    assert all(cost[r, c] <= LIMIT for r, c in pairs)
    total = sum(cost[r, c] for r, c in pairs) + LIMIT * (rows - len(pairs))
    assert total == pytest.approx(least_cost(cost))


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0)])
def test_nothing_to_assign(shape: tuple[int, int]) -> None:
    assert assign(np.zeros(shape), LIMIT) == []


def test_a_distant_row_does_not_push_others_on() -> None:
    assert assign(np.array([[0.05, 0.6], [0.9, 3.0]]), LIMIT) == [(0, 0)]
