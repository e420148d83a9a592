"""How badly two pieces of tracks fit as one person, and what an end or beginning costs alone.

Costs are negative logarithms of likelihoods, relative to somebody at any place in the room.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from edge.tracking.floor import BODY_HEIGHT_M
from edge.visits.pieces import STATE_MIN

if TYPE_CHECKING:
    from edge.tracking.floor import Floor, Position
    from edge.visits.pieces import Glimpse, Piece

ROOM_M2 = 20.0
STATE_LONGEST_S = 2.5
STAND_SD_M = 0.2
DRIFT_M2_PER_S = 0.01
WALK_SD_M = 0.25
WALK_SD_MPS = 0.5
WALKING_MPS = 0.35
AHEAD_S = 1.5
REACH_M = 0.6
REACH_MPS = 1.2
REACH_MOST_M = 4.0
STAYED, WALKED_ON, ELSEWHERE = 0.65, 0.6, 0.35
EMPTY_PER_S = 0.8
GONE_PER_S = 0.12
GAP_PER_S = 0.04
SIZE_SD = 0.035
PEOPLE_SD = 0.11
LEAST_SIZES = 4
SIZE_MOST = 6.0
OTHER_ROLE = 5.0
ROLE_S = 1.0
ROLE_SHARE = 0.3
EDGE_CROSSED = 3.0
EXPLAINED, BEHIND, NOWHERE = 0.3, 3.0, 4.5
ESTIMATED = 1.8


def link_cost(floor: Floor, earlier: Piece, later: Piece, gap_s: float) -> float:
    """How badly two pieces fit as one person with `gap_s` in between."""
    scale = 1.0 if floor.calibrated else ESTIMATED
    cost = _place_cost(floor, earlier, later, gap_s) + GAP_PER_S * gap_s
    cost += _size_cost(earlier, later, scale)
    if earlier.track.walked_out:
        cost += EDGE_CROSSED
    if later.track.from_edge:
        cost += EDGE_CROSSED
    return cost + _role_cost(earlier, later)


def _place_cost(floor: Floor, earlier: Piece, later: Piece, gap_s: float) -> float:
    scale = 1.0 if floor.calibrated else ESTIMATED
    (x1, y1), (vx1, vy1) = _state(floor, earlier.lasts, last=True)
    (x2, y2), (vx2, vy2) = _state(floor, later.firsts, last=False)
    away = math.hypot(x2 - x1, y2 - y1)
    stood = (scale * STAND_SD_M) ** 2 + DRIFT_M2_PER_S * gap_s
    still = min(away, _heads_m(earlier.lasts, later.firsts))
    stay = math.exp(-EMPTY_PER_S * earlier.empty_before_s(later)) * _normal(still, stood)
    ahead = min(gap_s, AHEAD_S)
    walk = (scale * WALK_SD_M + WALK_SD_MPS * gap_s) ** 2
    walked = 0.0
    for speed, x, y in (
        (math.hypot(vx1, vy1), x1 + vx1 * ahead - x2, y1 + vy1 * ahead - y2),
        (math.hypot(vx2, vy2), x2 - vx2 * ahead - x1, y2 - vy2 * ahead - y1),
    ):
        if speed > WALKING_MPS:
            walked = max(walked, _normal(math.hypot(x, y), walk))
    reach_m = scale * REACH_M + REACH_MPS * gap_s
    reach_m = min(reach_m, REACH_MOST_M)
    anywhere = math.exp(-((away / reach_m) ** 2)) / (math.pi * reach_m**2)
    anywhere *= math.exp(-GONE_PER_S * earlier.empty_before_s(later))
    density = STAYED * stay + WALKED_ON * walked + ELSEWHERE * anywhere
    return -math.log(max(density * ROOM_M2, 1e-9))


def _state(floor: Floor, sightings: Iterable[Glimpse], *, last: bool) -> tuple[Position, Position]:
    """Place and velocity on the floor, m and m/s, at the end or beginning of a piece."""
    rows = [(one.t_s, *floor.position_m(one.measure)) for one in sightings]
    ts, xs, ys = np.array(rows).T
    middle = float(ts.mean())
    spread = float(((ts - middle) ** 2).sum())
    if len(rows) < STATE_MIN or not 0.3 <= ts[-1] - ts[0] <= STATE_LONGEST_S:
        return (float(xs.mean()), float(ys.mean())), (0.0, 0.0)
    vx = float(((ts - middle) * xs).sum()) / spread
    vy = float(((ts - middle) * ys).sum()) / spread
    if math.hypot(vx, vy) < WALKING_MPS * (1.0 if floor.calibrated else ESTIMATED):
        return (float(xs.mean()), float(ys.mean())), (0.0, 0.0)
    at = float(ts[-1] if last else ts[0]) - middle
    return (float(xs.mean()) + vx * at, float(ys.mean()) + vy * at), (vx, vy)


def start_cost(piece: Piece, since_s: float) -> float:
    """What it costs that a piece begins with nobody before it; seeing began at `since_s`."""
    if piece.track.from_edge or piece.start_s - since_s < 1.0:
        return EXPLAINED
    return BEHIND if piece.begun_behind else NOWHERE


def end_cost(piece: Piece) -> float:
    """What it costs that nobody follows a piece."""
    if piece.track.walked_out:
        return EXPLAINED
    return NOWHERE if piece.vanished else BEHIND


def _heads_m(lasts: Sequence[Glimpse], firsts: Sequence[Glimpse]) -> float:
    """How far apart two heads are, in metres at their distance; inf where feet tell better.

    Somebody hidden up to the head is placed on the floor as an adult: a guess. That the head
    is where one was before is no guess.
    """
    if not (lasts[-1].by_head or firsts[0].by_head):
        return math.inf
    (x1, y1), (x2, y2) = _head_px(lasts), _head_px(firsts)
    height_px = max(lasts[-1].height_px, firsts[0].height_px, 1.0)
    return BODY_HEIGHT_M * math.hypot(x2 - x1, y2 - y1) / height_px


def _head_px(sightings: Sequence[Glimpse]) -> tuple[float, float]:
    count = len(sightings)
    return (
        sum(one.head_px[0] for one in sightings) / count,
        sum(one.head_px[1] for one in sightings) / count,
    )


def _role_cost(earlier: Piece, later: Piece) -> float:
    """What it costs that staff turn customer, or a customer staff."""
    staff_s = earlier.before_s[0] + earlier.staff_s
    customer_s = earlier.before_s[1] + earlier.customer_s
    was_staff = staff_s > ROLE_S and staff_s > ROLE_SHARE * customer_s
    was_customer = customer_s > ROLE_S and staff_s < 0.1 * customer_s
    is_staff = later.staff_s > ROLE_S and later.staff_s > ROLE_SHARE * later.customer_s
    is_customer = later.customer_s > ROLE_S and later.staff_s < 0.1 * later.customer_s
    return OTHER_ROLE if (was_staff and is_customer) or (was_customer and is_staff) else 0.0


def _size_cost(earlier: Piece, later: Piece, scale: float) -> float:
    """Log likelihood ratio of two people's sizes against one person's."""
    (n1, total1, _), (n2, total2, _) = earlier.track.sizes, later.track.sizes
    if min(n1, n2) < LEAST_SIZES:
        return 0.0
    off = total1 / n1 - total2 / n2
    same = (scale * SIZE_SD) ** 2 * (1 + 1 / n1 + 1 / n2)
    other = PEOPLE_SD**2 + same
    cost = 0.5 * off * off * (1 / same - 1 / other) - 0.5 * math.log(other / same)
    return min(cost, SIZE_MOST)


def _normal(distance: float, variance: float) -> float:
    """Density of a two-dimensional normal distribution at a distance from its middle."""
    return math.exp(-0.5 * distance * distance / variance) / (2 * math.pi * variance)
