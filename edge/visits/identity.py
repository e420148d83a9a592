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
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from edge.tracking.assignment import assign
from edge.visits.likeness import end_cost, link_cost, start_cost
from edge.visits.pieces import STATE_MIN, STATE_S, Glimpse, Piece, covered, overlapped, shares

if TYPE_CHECKING:
    from edge.tracking.floor import Floor
    from edge.tracking.track import Box, Track, TrackId

OVERLAP_S = 0.6
LONGEST_STEP_S = 1.0
SOON_S = 1.0
SURE = -2.0
MARGIN = 3.0

Link = tuple["TrackId", "TrackId"]


class Identity:
    """Joins tracks to persons."""

    def __init__(self, floor: Floor, merge_s: float, staff_bits: int, customer_bits: int) -> None:
        """Join over gaps of up to `merge_s`; the bits are those of either side's zones."""
        self._floor = floor
        self._merge_s = merge_s
        self._staff_bits = staff_bits
        self._customer_bits = customer_bits
        self._pieces: dict[TrackId, Piece] = {}
        self._lost: list[Piece] = []
        self._begun: list[Piece] = []
        self._since_s = math.inf

    def begin(self, track: Track, boxes: Sequence[Box]) -> None:
        """A track was confirmed; `boxes` are the frame's."""
        behind = track.last is not None and overlapped(track.last.box_xyxy_px, boxes)
        piece = Piece(track, behind)
        piece.empties_s = {one.track.id: one.empty_s for one in self._lost}
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
                piece.doubtful_s += dt_s * shares(track.last.box_xyxy_px, boxes)
        for piece in self._lost:
            last = piece.track.last
            piece.lost_s += dt_s
            if last is not None and not covered(last.box_xyxy_px, boxes):
                piece.empty_s += dt_s
            if piece.lost_s <= SOON_S:
                piece.vanished = piece.empty_s >= 0.5 * piece.lost_s

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
        return (
            link_cost(self._floor, earlier, later, gap_s)
            - end_cost(earlier)
            - start_cost(later, self._since_s)
        )
