"""Which detection belongs to which track: assignment at least cost.

Rows and columns that no allowed entry links cannot disturb one another, so each linked
group is solved on its own: in a crowd these are the few people close to each other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FREE = -1

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
        matched = {}
        for group in _groups(choices):
            matched |= _solved(group, limit)
    return sorted(matched.items())


def _best(choices: Choices) -> dict[int, int]:
    """The column that each row likes best, whoever else does.

    >>> _best({0: {0: 0.3, 1: 0.2}, 4: {1: 0.1}})
    {0: 1, 4: 1}
    """
    return {row: min(costs, key=costs.__getitem__) for row, costs in choices.items()}


def _groups(choices: Choices) -> list[Choices]:
    """The rows apart, so that no two groups have a column in common.

    >>> _groups({0: {0: 0.1}, 1: {1: 0.2}, 2: {0: 0.4, 2: 0.3}})
    [{0: {0: 0.1}, 2: {0: 0.4, 2: 0.3}}, {1: {1: 0.2}}]
    """
    wanting: dict[int, list[int]] = {}
    for row, costs in choices.items():
        for column in costs:
            wanting.setdefault(column, []).append(row)
    groups: list[Choices] = []
    left = set(choices)
    for first in choices:
        if first not in left:
            continue
        left.remove(first)
        linked = [first]
        for row in linked:
            near = {other for column in choices[row] for other in wanting[column]} & left
            left -= near
            linked += near
        groups.append({row: choices[row] for row in sorted(linked)})
    return groups


def _solved(group: Choices, limit: float) -> dict[int, int]:
    """Column of each row of a group at least total cost, but of those left alone.

    >>> _solved({0: {0: 0.1, 1: 0.2}, 1: {0: 0.15}, 2: {0: 0.2}}, limit=1.0)
    {0: 1, 1: 0}
    """
    best = _best(group)
    wanted = set(best.values())
    if len(wanted) == len(group):
        return best
    columns = sorted({column for costs in group.values() for column in costs})
    if len(columns) == 1:
        row = min(group, key=lambda row: group[row][columns[0]])
        return {row: columns[0]}
    alone = [limit] * len(group)
    table = [
        [costs.get(column, math.inf) for column in columns] + alone for costs in group.values()
    ]
    places = zip(group, _shortest_augmenting_paths(table), strict=True)
    return {row: columns[place] for row, place in places if place < len(columns)}


def _shortest_augmenting_paths(cost: Sequence[Sequence[float]]) -> list[int]:
    """Column of each row at least total cost (Jonker and Volgenant, Computing 38, 1987).

    Args:
        cost: lists of equal length, at least as many columns as rows; the infinite entries
            leave each row a column of its own.

    >>> _shortest_augmenting_paths([[0.1, 0.2, 1.0], [0.15, 0.9, 1.0]])
    [1, 0]
    """
    rows, columns = len(cost), len(cost[0])
    nowhere = columns  # a virtual column, whose owner is the row to be placed next
    owner = [FREE] * (columns + 1)
    row_price = [0.0] * rows
    column_price = [0.0] * (columns + 1)
    for start in range(rows):
        owner[nowhere] = start
        slack = [math.inf] * columns
        came_from = [nowhere] * columns
        left, visited = list(range(columns)), [nowhere]
        column = nowhere
        while (row := owner[column]) != FREE:
            costs, price = cost[row], row_price[row]
            for other in left:
                reduced = costs[other] - price - column_price[other]
                if reduced < slack[other]:
                    slack[other], came_from[other] = reduced, column
            column = min(left, key=slack.__getitem__)
            step = slack[column]
            for other in visited:
                row_price[owner[other]] += step
                column_price[other] -= step
            for other in left:
                slack[other] -= step
            left.remove(column)
            visited.append(column)
        while column != nowhere:
            owner[column] = owner[came_from[column]]
            column = came_from[column]
    return [owner.index(row) for row in range(rows)]
