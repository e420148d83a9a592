"""Who is who: pieces of tracks joined to persons, with hindsight.

A track ends when its person is not seen for a moment. Whether a later track is the same
person is not judged at once: for as long as the analysis stays behind the camera, all ends
and all beginnings compete. Each end is explained by walking out, by vanishing, or by one
later beginning; each beginning by coming in, by appearing from nowhere, or by one earlier
end. The explanations of least total cost are taken (assignment); costs are negative
logarithms of likelihoods, relative to somebody at any place in the room:

* place: nearby after standing, along the way after walking, anywhere within reach else;
* behind another: where the place stayed in full view and empty, nobody stood there;
* size: how tall the body is, as far as it was seen whole;
* side of the counter; crossing the edge of the picture.

An end is decided at last when the analysis reaches it, and sooner where nothing competes.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from edge.tracking.assignment import assign
from edge.tracking.floor import BODY_HEIGHT_M

if TYPE_CHECKING:
    from edge.tracking.floor import Floor, Measure, Position
    from edge.tracking.track import Box, Track, TrackId

ROOM_M2 = 20.0
STATE_S = 0.8
STATE_MIN = 4
STATE_LONGEST_S = 2.5
OVERLAP_S = 0.6
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
LONGEST_STEP_S = 1.0
EDGE_CROSSED = 3.0
EXPLAINED, BEHIND, NOWHERE = 0.3, 3.0, 4.5
WEAK_S = 0.7
DOUBTFUL_S = 2.0
LIKELY_SCORE = 0.6
DOUBTFUL_SHARE = 0.6
COVERED = 0.45
SURE = -2.0
MARGIN = 3.0
ESTIMATED = 1.8


@dataclass(frozen=True, slots=True)
class Glimpse:
    """A sighting as evidence on identity.

    Attributes:
        measure: what the floor keeps of its place.
        head_px: middle of the box's upper end.
        by_head: the feet are hidden, so that its place on the floor is a guess.
        height_px: of the whole body.
    """

    t_s: float
    measure: Measure
    head_px: tuple[float, float]
    by_head: bool
    height_px: float


@dataclass(slots=True, eq=False)
class Piece:
    """A track as evidence on identity.

    Attributes:
        firsts, lasts: its first and last sightings, `STATE_S` long.
        doubtful_s: for how long of its first seconds another's box overlapped it.
        staff_s, customer_s: how long it was seen on a staff side, and in a customers' zone.
        before_s: the same of the pieces that it follows.
        begun_behind: its first box was partly behind another, or in front of one.
        empty_s: since it ended, for how long its place was in full view, and empty.
        ended: it is not tracked any more.
        asked: whether it surely follows another was asked; once is enough.
        follows: it follows another.
    """

    track: Track
    begun_behind: bool
    firsts: list[Glimpse] = field(default_factory=list)
    lasts: deque[Glimpse] = field(default_factory=deque)
    staff_s: float = 0.0
    customer_s: float = 0.0
    before_s: tuple[float, float] = (0.0, 0.0)
    doubtful_s: float = 0.0
    empty_s: float = 0.0
    ended: bool = False
    asked: bool = False
    follows: bool = False

    @property
    def start_s(self) -> float:
        """First sighting."""
        return self.firsts[0].t_s

    @property
    def end_s(self) -> float:
        """Last sighting."""
        return self.lasts[-1].t_s

    @property
    def weak(self) -> bool:
        """Whether it may be a box on nothing, or a second one on somebody: short-lived."""
        lasted_s = self.end_s - self.start_s
        doubtful = self.doubtful_s > 0.5 * lasted_s or self.track.best_score < LIKELY_SCORE
        return lasted_s < (DOUBTFUL_S if doubtful else WEAK_S)


Link = tuple["TrackId", "TrackId"]


class Identity:
    """Joins tracks to persons."""

    def __init__(self, floor: Floor, merge_s: float, staff_bits: int, customer_bits: int) -> None:
        """Join over gaps of up to `merge_s`; the bits are those of either side's zones."""
        self._floor = floor
        self._merge_s = merge_s
        self._staff_bits = staff_bits
        self._customer_bits = customer_bits
        self._scale = 1.0 if floor.calibrated else ESTIMATED
        self._pieces: dict[TrackId, Piece] = {}
        self._lost: list[Piece] = []
        self._begun: list[Piece] = []
        self._since_s = math.inf

    def begin(self, track: Track, boxes: Sequence[Box]) -> None:
        """A track was confirmed; `boxes` are the frame's."""
        behind = track.last is not None and _overlapped(track.last.box_xyxy_px, boxes)
        piece = Piece(track, behind)
        self._pieces[track.id] = piece
        self._begun.append(piece)

    def see(self, track_id: TrackId, seen: Glimpse, mask: int) -> None:
        """A sighting of a confirmed track, in the zones of `mask`."""
        piece, t_s = self._pieces[track_id], seen.t_s
        if piece.lasts:
            step_s = min(t_s - piece.lasts[-1].t_s, LONGEST_STEP_S)
            if mask & self._staff_bits:
                piece.staff_s += step_s
            elif mask & self._customer_bits:
                piece.customer_s += step_s
        if len(piece.firsts) < STATE_MIN or t_s - piece.firsts[0].t_s <= STATE_S:
            piece.firsts.append(seen)
        piece.lasts.append(seen)
        while len(piece.lasts) > STATE_MIN and t_s - piece.lasts[0].t_s > STATE_S:
            piece.lasts.popleft()
        self._since_s = min(self._since_s, t_s)

    def end(self, track: Track) -> bool:
        """A track ended; whether it was too short to be anybody, and is forgotten."""
        piece = self._pieces[track.id]
        piece.ended = True
        if piece.weak and not track.walked_out and not track.from_edge and not piece.follows:
            del self._pieces[track.id]
            self._begun = [one for one in self._begun if one is not piece]
            return True
        self._lost.append(piece)
        return False

    def look(self, dt_s: float, boxes: Sequence[Box]) -> None:
        """Take in a frame's boxes: where the lost may stand behind one, and where not."""
        for piece in self._begun:
            track = piece.track
            if not piece.ended and track.last is not None and track.seen_s - piece.start_s < 2.0:
                piece.doubtful_s += dt_s * _shares(track.last.box_xyxy_px, boxes)
        for piece in self._lost:
            last = piece.track.last
            if last is not None and not _covered(last.box_xyxy_px, boxes):
                piece.empty_s += dt_s

    def foresee(self) -> list[Link]:
        """The (earlier, later) links that would be made now, by the time of the later."""
        chosen = self._explain() if self._lost else {}
        ordered = sorted(chosen.items(), key=lambda link: link[1].start_s)
        return [(earlier, later.track.id) for earlier, later in ordered]

    def decide(self, horizon_s: float) -> tuple[list[Link], list[Track]]:
        """Decide what is due, or sure: (earlier, later) links, and those who are gone.

        Args:
            horizon_s: up to where ends must be decided now.
        """
        horizon_s += OVERLAP_S
        links = self._sure()
        gone: list[Track] = []
        if any(piece.end_s <= horizon_s for piece in self._lost):
            chosen = self._explain()
            for piece in [one for one in self._lost if one.end_s <= horizon_s]:
                later = chosen.get(piece.track.id)
                if later is None:
                    gone.append(piece.track)
                else:
                    links.append(self._join(piece, later))
                self._lost = [one for one in self._lost if one is not piece]
        self._begun = [
            piece for piece in self._begun if not piece.follows and piece.start_s > horizon_s
        ]
        for track_id in (*(track.id for track in gone), *(earlier for earlier, _ in links)):
            del self._pieces[track_id]
        return links, gone

    def _join(self, earlier: Piece, later: Piece) -> Link:
        later.follows = True
        staff_s, customer_s = earlier.before_s
        later.before_s = staff_s + earlier.staff_s, customer_s + earlier.customer_s
        return earlier.track.id, later.track.id

    def _sure(self) -> list[Link]:
        """Links that nothing competes with."""
        links: list[Link] = []
        for later in self._begun:
            if later.asked or later.weak:
                continue
            later.asked = True
            gains = sorted(
                ((self._gain(one, later), index) for index, one in enumerate(self._lost)),
            )
            if not gains or gains[0][0] > SURE:
                continue
            best, index = gains[0]
            if len(gains) > 1 and gains[1][0] < min(best + MARGIN, 0.0):
                continue
            earlier = self._lost[index]
            others = (
                self._gain(earlier, one)
                for one in self._begun
                if one is not later and not one.follows
            )
            if min(others, default=0.0) < min(best + MARGIN, 0.0):
                continue
            links.append(self._join(earlier, later))
            del self._lost[index]
        return links

    def _explain(self) -> dict[TrackId, Piece]:
        """For each lost piece that has one, the beginning that follows it."""
        free = [piece for piece in self._begun if not piece.follows]
        if not free:
            return {}
        cost = np.array([[self._gain(one, other) for other in free] for one in self._lost])
        pairs = assign(cost, 0.0)
        return {self._lost[row].track.id: free[column] for row, column in pairs}

    def _gain(self, earlier: Piece, later: Piece) -> float:
        """Cost of the link, less the costs of explaining both ends without it."""
        gap_s = later.start_s - earlier.end_s
        if not -OVERLAP_S < gap_s <= self._merge_s or later.end_s <= earlier.end_s:
            return math.inf
        gap_s = max(gap_s, 0.0)
        return self._link_cost(earlier, later, gap_s) - _end_cost(earlier) - self._start_cost(later)

    def _link_cost(self, earlier: Piece, later: Piece, gap_s: float) -> float:
        cost = self._place_cost(earlier, later, gap_s) + GAP_PER_S * gap_s
        cost += _size_cost(earlier, later, self._scale)
        if earlier.track.walked_out:
            cost += EDGE_CROSSED
        if later.track.from_edge:
            cost += EDGE_CROSSED
        return cost + _role_cost(earlier, later)

    def _place_cost(self, earlier: Piece, later: Piece, gap_s: float) -> float:
        (x1, y1), (vx1, vy1) = self._state(earlier.lasts, last=True)
        (x2, y2), (vx2, vy2) = self._state(later.firsts, last=False)
        away = math.hypot(x2 - x1, y2 - y1)
        stood = (self._scale * STAND_SD_M) ** 2 + DRIFT_M2_PER_S * gap_s
        still = min(away, _heads_m(earlier.lasts, later.firsts))
        stay = math.exp(-EMPTY_PER_S * earlier.empty_s) * _normal(still, stood)
        ahead = min(gap_s, AHEAD_S)
        walk = (self._scale * WALK_SD_M + WALK_SD_MPS * gap_s) ** 2
        walked = 0.0
        for speed, x, y in (
            (math.hypot(vx1, vy1), x1 + vx1 * ahead - x2, y1 + vy1 * ahead - y2),
            (math.hypot(vx2, vy2), x2 - vx2 * ahead - x1, y2 - vy2 * ahead - y1),
        ):
            if speed > WALKING_MPS:
                walked = max(walked, _normal(math.hypot(x, y), walk))
        reach_m = self._scale * REACH_M + REACH_MPS * gap_s
        reach_m = min(reach_m, REACH_MOST_M)
        anywhere = math.exp(-((away / reach_m) ** 2)) / (math.pi * reach_m**2)
        anywhere *= math.exp(-GONE_PER_S * earlier.empty_s)
        density = STAYED * stay + WALKED_ON * walked + ELSEWHERE * anywhere
        return -math.log(max(density * ROOM_M2, 1e-9))

    def _state(self, sightings: Iterable[Glimpse], *, last: bool) -> tuple[Position, Position]:
        """Place and velocity on the floor, m and m/s, at the end or beginning of a piece."""
        rows = [(one.t_s, *self._floor.position_m(one.measure)) for one in sightings]
        ts, xs, ys = np.array(rows).T
        middle = float(ts.mean())
        spread = float(((ts - middle) ** 2).sum())
        if len(rows) < STATE_MIN or not 0.3 <= ts[-1] - ts[0] <= STATE_LONGEST_S:
            return (float(xs.mean()), float(ys.mean())), (0.0, 0.0)
        vx = float(((ts - middle) * xs).sum()) / spread
        vy = float(((ts - middle) * ys).sum()) / spread
        if math.hypot(vx, vy) < WALKING_MPS * self._scale:
            return (float(xs.mean()), float(ys.mean())), (0.0, 0.0)
        at = float(ts[-1] if last else ts[0]) - middle
        return (float(xs.mean()) + vx * at, float(ys.mean()) + vy * at), (vx, vy)

    def _start_cost(self, piece: Piece) -> float:
        if piece.track.from_edge or piece.start_s - self._since_s < 1.0:
            return EXPLAINED
        return BEHIND if piece.begun_behind else NOWHERE


def _end_cost(piece: Piece) -> float:
    if piece.track.walked_out:
        return EXPLAINED
    return BEHIND if piece.empty_s < 0.5 else NOWHERE


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


def _covered(box: Box, boxes: Iterable[Box]) -> bool:
    """Whether a box that reaches lower, so is nearer, covers much of `box`."""
    left, top, right, bottom = box
    area = (right - left) * (bottom - top)
    for x1, y1, x2, y2 in boxes:
        if y2 < bottom:
            continue
        width, height = min(right, x2) - max(left, x1), min(bottom, y2) - max(top, y1)
        if width > 0 and height > 0 and width * height > COVERED * area:
            return True
    return False


def _shares(box: Box, boxes: Iterable[Box]) -> bool:
    """Whether another box covers much of `box`, or is covered by it."""
    left, top, right, bottom = box
    area = (right - left) * (bottom - top)
    for other in boxes:
        if other == box:
            continue
        x1, y1, x2, y2 = other
        width, height = min(right, x2) - max(left, x1), min(bottom, y2) - max(top, y1)
        smaller = min(area, (x2 - x1) * (y2 - y1))
        if width > 0 and height > 0 and width * height > DOUBTFUL_SHARE * smaller:
            return True
    return False


def _overlapped(box: Box, boxes: Iterable[Box]) -> bool:
    """Whether another box covers a part of `box`."""
    left, top, right, bottom = box
    area = (right - left) * (bottom - top)
    for other in boxes:
        x1, y1, x2, y2 = other
        if other == box:
            continue
        width, height = min(right, x2) - max(left, x1), min(bottom, y2) - max(top, y1)
        if width > 0 and height > 0 and width * height > 0.15 * area:
            return True
    return False
