"""Which detection belongs to which track: assignment at least cost."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FORBIDDEN = 1e6


def assign(cost: NDArray[np.float64], limit: float) -> list[tuple[int, int]]:
    """Pairs (row, column) of least total cost, none above `limit`.

    A row or column left alone costs `limit`, so no pair is made at the price of a worse
    one elsewhere. Where every row's best column is wanted by that row alone, that is the
    answer; else the shortest augmenting path method decides (Jonker and Volgenant,
    Computing 38, 1987).

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
    rows, columns = cost.shape
    if not rows or not columns:
        return []
    allowed = cost <= limit
    best = np.where(allowed, cost, FORBIDDEN).argmin(axis=1)
    wanting = [row for row in range(rows) if allowed[row, best[row]]]
    chosen = best[wanting].tolist()
    if len(set(chosen)) == len(chosen):
        return list(zip(wanting, chosen, strict=True))
    padded = np.full((rows, columns + rows), limit)
    padded[:, :columns] = np.where(allowed, cost, FORBIDDEN)
    matched = _shortest_augmenting_paths(padded)
    return [(row, col) for row, col in enumerate(matched) if col < columns and allowed[row, col]]


def _shortest_augmenting_paths(cost: NDArray[np.float64]) -> list[int]:
    """Column of each row at least total cost; needs at least as many columns as rows."""
    rows, columns = cost.shape
    row_price = np.zeros(rows + 1)
    column_price = np.zeros(columns + 1)
    owner = np.zeros(columns + 1, int)  # row (from 1) that owns a column; column 0 is virtual
    for row in range(1, rows + 1):
        owner[0] = row
        slack = np.full(columns + 1, np.inf)
        came_from = np.zeros(columns + 1, int)
        visited = np.zeros(columns + 1, bool)
        column = 0
        while owner[column]:
            visited[column] = True
            here = owner[column]
            reduced = cost[here - 1] - row_price[here] - column_price[1:]
            better = ~visited[1:] & (reduced < slack[1:])
            slack[1:][better] = reduced[better]
            came_from[1:][better] = column
            column = 1 + int(np.where(visited[1:], np.inf, slack[1:]).argmin())
            step = slack[column]
            row_price[owner[visited]] += step
            column_price[visited] -= step
            slack[~visited] -= step
        while column:
            previous = int(came_from[column])
            owner[column] = owner[previous]
            column = previous
    result = [0] * rows
    for column in range(1, columns + 1):
        if owner[column]:
            result[owner[column] - 1] = column - 1
    return result
