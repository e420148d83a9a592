"""Which detection belongs to which track: assignment at least cost.

Only allowed entries are looked at. In a crowd these are the few people close to each other,
so the time grows with their number, not with that of all pairs.
"""

from __future__ import annotations

import math
from heapq import heappop, heappush

import numpy as np
from numpy.typing import NDArray

Choices = dict[int, dict[int, float]]
"""For each row, the columns that it may get and their costs."""


def assign(cost: NDArray[np.float64], limit: float) -> list[tuple[int, int]]:
    """Pairs (row, column) of least total cost, none above `limit`, by row.

    A row or column left alone costs `limit`, so no pair is made at the price of a worse
    one elsewhere.

    Args:
        cost: (rows, columns), any numbers.
        limit: entries above it are never chosen.

    >>> assign(np.array([[0.1, 0.2], [0.15, 0.9]]), limit=1.0)
    [(0, 1), (1, 0)]
    >>> assign(np.array([[0.1, 3.0], [0.2, 3.0]]), limit=1.0)
    [(0, 0)]
    >>> assign(np.array([[0.1, 0.7], [0.9, 3.0]]), limit=1.0)
    [(0, 0)]
    """
    rows, columns = np.nonzero(cost <= limit)
    choices: Choices = {}
    for row, column, price in zip(
        rows.tolist(), columns.tolist(), cost[rows, columns].tolist(), strict=True
    ):
        choices.setdefault(row, {})[column] = price
    matched = _best(choices)
    if len(set(matched.values())) < len(matched):
        matched = _Assignment(choices, limit).solve()
    return sorted(matched.items())


def _best(choices: Choices) -> dict[int, int]:
    """The column that each row likes best, whoever else does.

    >>> _best({0: {0: 0.3, 1: 0.2}, 4: {1: 0.1}})
    {0: 1, 4: 1}
    """
    return {row: min(costs, key=costs.__getitem__) for row, costs in choices.items()}


class _Assignment:
    """Least total cost by shortest augmenting paths (Jonker and Volgenant, Computing 38, 1987).

    Rows are placed one after another. Each takes the cheapest way to a place: a free column,
    or one whose owner moves on, and so on, or until one of them is left alone. Prices of rows
    and columns keep what an entry costs beyond them at 0 or more, so that Dijkstra's search
    finds the way.
    """

    def __init__(self, choices: Choices, limit: float) -> None:
        """Nobody is placed yet; a row left alone costs `limit`."""
        self._choices = choices
        self._limit = limit
        self._owner: dict[int, int] = {}
        self._column: dict[int, int] = {}
        self._row_price: dict[int, float] = {}
        self._column_price = dict.fromkeys((c for costs in choices.values() for c in costs), 0.0)

    def solve(self) -> dict[int, int]:
        """Column of each row, but of those left alone.

        >>> _Assignment({0: {0: 0.1, 1: 0.2}, 1: {0: 0.15}, 2: {0: 0.2}}, 1.0).solve()
        {0: 1, 1: 0}
        """
        for row, costs in self._choices.items():
            least = min(price - self._column_price[column] for column, price in costs.items())
            self._row_price[row] = min(least, self._limit)
            self._place(row)
        return self._column

    def _place(self, start: int) -> None:
        """Give `start` a column, or leave somebody alone, at least cost."""
        came_from: dict[int, int] = {}
        reached: dict[int, float] = {}
        done: dict[int, float] = {}
        ways: list[tuple[float, int]] = []
        alone, alone_at = start, math.inf
        row, so_far = start, 0.0
        while True:
            beyond = so_far - self._row_price[row]
            if beyond + self._limit < alone_at:
                alone, alone_at = row, beyond + self._limit
            for column, price in self._choices[row].items():
                length = beyond + price - self._column_price[column]
                if column not in done and length < reached.get(column, math.inf):
                    reached[column], came_from[column] = length, row
                    heappush(ways, (length, column))
            while ways and ways[0][1] in done:
                heappop(ways)
            if not ways or alone_at <= ways[0][0]:
                length, end = alone_at, None
                break
            length, column = heappop(ways)
            if column not in self._owner:
                end = column
                break
            done[column] = length
            row, so_far = self._owner[column], length
        self._reprice(start, done, length)
        self._hand_on(self._column.pop(alone, None) if end is None else end, came_from)

    def _reprice(self, start: int, done: dict[int, float], length: float) -> None:
        self._row_price[start] += length
        for column, at in done.items():
            self._row_price[self._owner[column]] += length - at
            self._column_price[column] -= length - at

    def _hand_on(self, column: int | None, came_from: dict[int, int]) -> None:
        """Along the way back from `column`, each row takes the column that it came to."""
        while column is not None:
            row = came_from[column]
            before = self._column.get(row)
            self._owner[column], self._column[row] = row, column
            column = before
