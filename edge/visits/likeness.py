"""How badly two pieces of tracks fit as one person, and what an end or beginning costs alone.

Costs are negative logarithms of likelihoods, relative to somebody anywhere in the picture.
Pieces are compared as tables: rows are those who were lost, columns those who began.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edge.visits import states
from edge.visits.states import PACE_SD_H

if TYPE_CHECKING:
    from edge.visits.pieces import Piece

OVERLAP_S = 0.6
STAYED, MOVED, ELSEWHERE = 0.35, 0.45, 0.2
PICTURE_H2 = 6.0
SWAY_H = 0.03
DRIFT_H2_PER_S = 0.002
SWAY_H_PER_S = 0.1
JERK_H2_PER_S3 = 0.3
FOOT_SD_H = 0.08
FEET_MOST = 3.0
ANY_FOOT_SD_H = 0.3
ROOM_M2 = 20.0
REACH_M = 0.6
REACH_MPS = 1.2
REACH_MOST_M = 4.0
ESTIMATED = 1.8
EMPTY_PER_S = 0.8
GONE_PER_S = 0.12
GAP_PER_S = 0.15
GAP_COST, GAP_SOON_S = 0.5, 0.5
SIZE_SD = 0.012
SIZE_OUT, SIZE_OUT_SD = 0.1, 0.08
PEOPLE_SD = 0.07
LEAST_SIZES = 3
FEW = 4.0
OTHER_ROLE = 5.0
ROLE_S = 1.0
ROLE_SHARE, NO_ROLE_SHARE = 0.3, 0.1
EDGE_CROSSED = 3.0
EXPLAINED, BEHIND, NOWHERE, WEAK = 0.3, 5.0, 6.0, 3.0

Table = NDArray[np.float64]


def gains(
    lost: Sequence[Piece], begun: Sequence[Piece], since_s: float, merge_s: float, *, metric: bool
) -> Table:
    """(lost, begun) cost of each link, less that of explaining both ends without it.

    Args:
        lost: pieces that ended.
        begun: pieces that begin somebody or go on.
        since_s: when seeing began.
        merge_s: longest gap.
        metric: floor places are measured, not estimated.
    """
    ends = np.array([piece.ending for piece in lost])[:, None, :]
    starts = np.array([piece.beginning for piece in begun])[None, :, :]
    gap_s = starts[..., states.T] - ends[..., states.T]
    until_s = np.array([piece.end_s for piece in begun])
    possible = (gap_s > -OVERLAP_S) & (gap_s <= merge_s) & (until_s > ends[..., states.T])
    gap_s = np.maximum(gap_s, 0.0)
    scale = 1.0 if metric else ESTIMATED
    cost = _place_cost(ends, starts, gap_s, _empties_s(lost, begun), scale)
    by_size = _size_cost(lost, begun, scale)
    cost += np.where(np.isnan(by_size), _feet_cost(ends, starts, gap_s), by_size)
    cost += GAP_PER_S * gap_s + GAP_COST * np.log1p(gap_s / GAP_SOON_S)
    cost += _role_cost(lost, begun)
    out = np.array([piece.track.walked_out for piece in lost])
    came = np.array([piece.track.from_edge for piece in begun])
    cost += EDGE_CROSSED * (out[:, None].astype(float) + came[None, :])
    cost -= np.array([_end_cost(piece) for piece in lost])[:, None]
    cost -= np.array([_start_cost(piece, since_s) for piece in begun])[None, :]
    return np.where(possible, cost, math.inf)


def _start_cost(piece: Piece, since_s: float) -> float:
    """What it costs that a piece begins with nobody before it; seeing began at `since_s`."""
    if piece.track.from_edge or piece.start_s - since_s < 1.0:
        return EXPLAINED
    if piece.ended and piece.weak:
        return WEAK
    return BEHIND if piece.begun_behind else NOWHERE


def _end_cost(piece: Piece) -> float:
    """What it costs that nobody follows a piece."""
    if piece.track.walked_out:
        return EXPLAINED
    if piece.weak:
        return WEAK
    return NOWHERE if piece.vanished else BEHIND


def _empties_s(lost: Sequence[Piece], begun: Sequence[Piece]) -> Table:
    """(lost, begun) for how long the place of the one was seen empty before the other began."""
    empties = [[later.empties_s.get(one.track.id, 0.0) for later in begun] for one in lost]
    return np.array(empties, np.float64)


def _place_cost(ends: Table, starts: Table, gap_s: Table, empty_s: Table, scale: float) -> Table:
    """By where and how fast: stayed, moved on, or went elsewhere in the room."""
    stayed = np.full(gap_s.shape, math.log(STAYED * PICTURE_H2)) - EMPTY_PER_S * empty_s
    moved = np.full(gap_s.shape, math.log(MOVED * PICTURE_H2))
    height = (ends[..., states.HEIGHT] + starts[..., states.HEIGHT]) / 2
    var1, covar1, pace_var1 = (ends[..., i] for i in (states.VAR, states.COVAR, states.PACE_VAR))
    var2, pace_var2 = starts[..., states.VAR], starts[..., states.PACE_VAR]
    any_pace = PACE_SD_H**2
    for place, pace in ((states.X, states.X_PACE), (states.TOP, states.TOP_PACE)):
        off = (starts[..., place] - ends[..., place]) / height
        pace1, pace2 = ends[..., pace] / height, starts[..., pace] / height
        anybody = _log_normal(pace2, any_pace + pace_var2)
        moved += _log_normal_2(
            off - pace1 * gap_s,
            pace2 - pace1,
            var1 + 2 * gap_s * covar1 + gap_s**2 * pace_var1 + var2 + JERK_H2_PER_S3 * gap_s**3 / 3,
            covar1 + gap_s * pace_var1 + JERK_H2_PER_S3 * gap_s**2 / 2,
            pace_var1 + pace_var2 + JERK_H2_PER_S3 * gap_s,
        )
        stayed += _log_normal(off, var1 + var2 + SWAY_H**2 + DRIFT_H2_PER_S * gap_s)
        stayed += _log_normal(pace2, pace_var2 + SWAY_H_PER_S**2)
        stayed += _log_normal(pace1, pace_var1 + SWAY_H_PER_S**2)
        stayed -= _log_normal(pace1, pace_var1 + any_pace)
        moved -= anybody
        stayed -= anybody
    away_m = np.hypot(
        starts[..., states.FLOOR_X] - ends[..., states.FLOOR_X],
        starts[..., states.FLOOR_Y] - ends[..., states.FLOOR_Y],
    )
    reach_m = np.minimum(scale * REACH_M + REACH_MPS * gap_s, REACH_MOST_M)
    went = math.log(ELSEWHERE * ROOM_M2 / math.pi) - 2 * np.log(reach_m)
    went = went - (away_m / reach_m) ** 2 - GONE_PER_S * empty_s
    return np.asarray(-np.logaddexp(np.logaddexp(stayed, moved), went))


def _feet_cost(ends: Table, starts: Table, gap_s: Table) -> Table:
    """By where the feet are, for those whose size is not known: else it tells the same."""
    height = (ends[..., states.HEIGHT] + starts[..., states.HEIGHT]) / 2
    off = (
        starts[..., states.BOTTOM]
        - ends[..., states.BOTTOM]
        - ends[..., states.BOTTOM_PACE] * np.minimum(gap_s, 1.0)
    )
    same = FOOT_SD_H**2 + DRIFT_H2_PER_S * gap_s + (0.2 * gap_s) ** 2
    cost = _log_normal(off / height, ANY_FOOT_SD_H**2 + same) - _log_normal(off / height, same)
    whole = ends[..., states.WHOLE] * starts[..., states.WHOLE]
    return np.asarray(np.minimum(cost, FEET_MOST) * whole)


def _size_cost(lost: Sequence[Piece], begun: Sequence[Piece], scale: float) -> Table:
    """Logarithm of two people's likelihood by their sizes over one person's; NaN: not known.

    One person's sizes agree but for posture and the floor's error, now and then not at all.
    """
    count1, size1 = (column[:, None] for column in _sizes(lost))
    count2, size2 = (column[None, :] for column in _sizes(begun))
    known = np.isfinite(size1) & np.isfinite(size2)
    off = np.where(known, size1 - size2, 0.0)
    core = (scale * SIZE_SD) ** 2 * (2 + FEW / count1 + FEW / count2)
    same = np.logaddexp(
        math.log(1 - SIZE_OUT) + _log_normal(off, core),
        math.log(SIZE_OUT) + _log_normal(off, core + SIZE_OUT_SD**2),
    )
    return np.where(known, _log_normal(off, core + 2 * PEOPLE_SD**2) - same, np.nan)


def _sizes(pieces: Sequence[Piece]) -> tuple[Table, Table]:
    """How many whole bodies were seen, and the logarithm of how tall; NaN: too few."""
    sizes = [piece.sizes for piece in pieces]
    counts = np.array([one.count for one in sizes], np.float64)
    logs = np.array([one.log_m for one in sizes])
    return np.maximum(counts, 1), np.where(counts < LEAST_SIZES, np.nan, logs)


def _role_cost(lost: Sequence[Piece], begun: Sequence[Piece]) -> Table:
    """What it costs that staff turn customer, or a customer staff."""
    was_staff, was_customer = _roles(lost)
    is_staff, is_customer = _roles(begun)
    other = was_staff[:, None] & is_customer | was_customer[:, None] & is_staff
    return np.asarray(OTHER_ROLE * other)


def _roles(pieces: Sequence[Piece]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    staff_s = np.array([piece.staff_s for piece in pieces])
    customer_s = np.array([piece.customer_s for piece in pieces])
    staff = (staff_s > ROLE_S) & (staff_s > ROLE_SHARE * customer_s)
    return staff, (customer_s > ROLE_S) & (staff_s < NO_ROLE_SHARE * customer_s)


def _log_normal(off: Table, variance: Table) -> Table:
    """Logarithm of a normal density of mean 0."""
    return np.asarray(-0.5 * (off * off / variance + np.log(2 * math.pi * variance)))


def _log_normal_2(off: Table, pace: Table, var: Table, covar: Table, pace_var: Table) -> Table:
    """Logarithm of the density of place and pace together, of mean 0."""
    det = var * pace_var - covar * covar
    square = pace_var * off * off - 2 * covar * off * pace + var * pace * pace
    return np.asarray(-0.5 * (square / det + np.log(det)) - math.log(2 * math.pi))
