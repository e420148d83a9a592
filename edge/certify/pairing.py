"""Which logged visit is which of the device's: by time alone, one to one.

The observer's clock and the device's may differ. The offset is found in two steps: the one
of a grid of offsets at which the two accounts overlap best, then the median difference of
arrivals over the pairs made there, which a few wrong pairs do not move.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.certify.values import Logged, Timed
from edge.tracking.assignment import assign

MOST_OFFSET_S = 60.0
GRID_S = 1.0
LEAST_OVERLAP = 0.2
ROUNDS = 4

Spans = NDArray[np.float64]
"""(n, 2): start and end, seconds; the end of who was still present is infinite."""


@dataclass(frozen=True, slots=True)
class Pairing:
    """Pairs of (index into the log, index into the device's visits).

    Attributes:
        offset_s: how far the observer's clock is ahead of the device's.
    """

    pairs: tuple[tuple[int, int], ...]
    offset_s: float


def pair(log: Sequence[Logged], visits: Sequence[Timed]) -> Pairing:
    """Pair two accounts of the same visits, whatever their order.

    Two visits can be a pair if they share at least `LEAST_OVERLAP` of the time that either
    covers; the pairs are those that share most in all.
    """
    logged = np.array([(row.arrived_s, row.left_s) for row in log], float).reshape(-1, 2)
    ends_s = (math.inf if visit.departed_s is None else visit.departed_s for visit in visits)
    arrivals_s = (visit.arrived_s for visit in visits)
    device = np.array(list(zip(arrivals_s, ends_s, strict=True)), float).reshape(-1, 2)
    known = np.array([not visit.left_censored for visit in visits], bool)
    offset_s = _coarse_offset_s(logged, device)
    pairs = _matched(logged, device + offset_s)
    for _ in range(ROUNDS):
        fresh_s = _median_offset_s(logged, device, known, pairs, offset_s)
        pairs = _matched(logged, device + fresh_s)
        if fresh_s == offset_s:
            break
        offset_s = fresh_s
    return Pairing(tuple(pairs), offset_s)


def overlap(one: Spans, other: Spans) -> NDArray[np.float64]:
    """Shared time over covered time of spans, row by row, in [0, 1].

    Where the other has no end, it is taken to end with the one.

    >>> overlap(np.array([[0.0, 10.0]]), np.array([[5.0, 15.0]])).round(3).tolist()
    [0.333]
    """
    open_end_s = np.maximum(one[..., 1], other[..., 0])
    other_end_s = np.where(np.isinf(other[..., 1]), open_end_s, other[..., 1])
    start_s = np.maximum(one[..., 0], other[..., 0])
    shared = np.clip(np.minimum(one[..., 1], other_end_s) - start_s, 0.0, None)
    covered = np.maximum(one[..., 1], other_end_s) - np.minimum(one[..., 0], other[..., 0])
    shares: NDArray[np.float64] = shared / np.where(covered > 0, covered, 1.0)
    return shares


def _coarse_offset_s(logged: Spans, device: Spans) -> float:
    """The offset of the grid with the most overlap in all; of equals the smallest."""
    rows, columns = np.nonzero(
        (device[None, :, 0] - MOST_OFFSET_S < logged[:, None, 1])
        & (device[None, :, 1] + MOST_OFFSET_S > logged[:, None, 0])
    )
    if not len(rows):
        return 0.0
    steps = np.arange(-MOST_OFFSET_S, MOST_OFFSET_S + GRID_S, GRID_S)
    scores = []
    for offset_s in steps:
        best = np.zeros(len(logged))
        np.maximum.at(best, rows, overlap(logged[rows], device[columns] + offset_s))
        scores.append(float(best.sum()))
    return float(min(zip(scores, steps, strict=True), key=lambda s: (-s[0], abs(s[1])))[1])


def _median_offset_s(
    logged: Spans,
    device: Spans,
    known: NDArray[np.bool_],
    pairs: Sequence[tuple[int, int]],
    offset_s: float,
) -> float:
    """Median of logged minus device arrivals over `pairs`; `offset_s` where there are none."""
    differences = [logged[row, 0] - device[column, 0] for row, column in pairs if known[column]]
    if not differences:
        return offset_s
    return float(np.clip(np.median(differences), -MOST_OFFSET_S, MOST_OFFSET_S))


def _matched(logged: Spans, device: Spans) -> list[tuple[int, int]]:
    """One-to-one pairs with the most overlap in all."""
    if not len(logged) or not len(device):
        return []
    return assign(1.0 - overlap(logged[:, None], device[None]), 1.0 - LEAST_OVERLAP)
