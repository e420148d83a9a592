"""Who is who: pieces of tracks joined to persons, with hindsight.

A track ends when its person is not seen for a moment. Whether a later track is the same
person is not judged at once: for as long as the analysis stays behind the camera, all ends
and all beginnings compete. Each end is explained by walking out, by vanishing, or by one
later beginning; each beginning by coming in, by appearing from nowhere, or by one earlier
end. The explanations of least total cost are taken (assignment); costs are negative
logarithms of likelihoods (`edge.visits.likeness`):

* place and pace: stayed, moved on, or went anywhere within reach;
* behind another: where the place stayed in full view and empty, nobody stood there;
* size: how tall the body is, as far as it was seen whole;
* side of the counter; crossing the edge of the picture; the time in between.

An end is decided when the analysis reaches it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from edge.tracking.assignment import assign
from edge.visits.likeness import OVERLAP_S, gains
from edge.visits.pieces import Boxes, Piece, covered, overlapped, shares

if TYPE_CHECKING:
    from edge.tracking.track import Observation, Track, TrackId
    from edge.visits.states import Glimpse

LONGEST_STEP_S = 1.0
SOON_S = 1.0
BEGINNING_S = 2.0
DECIDE_EVERY_S = 0.5

Link = tuple["TrackId", "TrackId"]


class Identity:
    """Joins tracks to persons."""

    def __init__(
        self, merge_s: float, staff_bits: int, customer_bits: int, *, metric: bool
    ) -> None:
        """Join over gaps of up to `merge_s`.

        Args:
            merge_s: longest gap.
            staff_bits: the zones of the staff's side.
            customer_bits: the customers' zones.
            metric: floor places are measured, not estimated.
        """
        self._merge_s = merge_s
        self._staff_bits = staff_bits
        self._customer_bits = customer_bits
        self._metric = metric
        self._pieces: dict[TrackId, Piece] = {}
        self._lost: list[Piece] = []
        self._begun: list[Piece] = []
        self._since_s = math.inf
        self._decided_s = -math.inf

    def begin(self, track: Track, boxes: Boxes) -> None:
        """A track was confirmed; `boxes` are the frame's, (n, 4) xyxy, px."""
        behind = overlapped(_boxes_of([track.last]), boxes)
        piece = Piece(track, behind)
        piece.empties_s = {one.track.id: one.empty_s for one in self._lost}
        self._pieces[track.id] = piece
        self._begun.append(piece)

    def see(self, track_id: TrackId, seen: Glimpse, mask: int) -> None:
        """A sighting of a confirmed track, in the zones of `mask`."""
        piece = self._pieces[track_id]
        if piece.lasts:
            step_s = min(seen.t_s - piece.end_s, LONGEST_STEP_S)
            if mask & self._staff_bits:
                piece.staff_s += step_s
            elif mask & self._customer_bits:
                piece.customer_s += step_s
        piece.see(seen)
        self._since_s = min(self._since_s, seen.t_s)

    def end(self, track: Track) -> bool:
        """A track ended; whether it was too short to be anybody, and is forgotten."""
        piece = self._pieces[track.id]
        piece.ended = True
        if piece.weak and not (track.walked_out or track.from_edge or piece.follows):
            del self._pieces[track.id]
            self._begun = [one for one in self._begun if one is not piece]
            return True
        self._lost.append(piece)
        return False

    def look(self, dt_s: float, boxes: Boxes) -> None:
        """Take in a frame's boxes: where the lost may stand behind one, and where not.

        Args:
            dt_s: time since the frame before.
            boxes: (n, 4) xyxy, px, of the people seen.
        """
        new = [
            (piece, track.last)
            for piece in self._begun
            if not piece.ended
            and (track := piece.track).last
            and track.seen_s - piece.start_s < BEGINNING_S
        ]
        doubtful = shares(_boxes_of([last for _, last in new]), boxes)
        for (piece, _), doubt in zip(new, doubtful.tolist(), strict=True):
            piece.doubtful_s += dt_s * doubt
        hidden = covered(_boxes_of([piece.track.last for piece in self._lost]), boxes)
        for piece, behind in zip(self._lost, hidden.tolist(), strict=True):
            piece.lost_s += dt_s
            if not behind:
                piece.empty_s += dt_s
            if piece.lost_s <= SOON_S:
                piece.vanished = piece.empty_s >= 0.5 * piece.lost_s

    def foresee(self) -> list[Link]:
        """The (earlier, later) links that would be made now, by the time of the later."""
        chosen = self._explain()
        ordered = sorted(chosen.items(), key=lambda link: link[1].start_s)
        return [(earlier, later.track.id) for earlier, later in ordered]

    def decide(self, horizon_s: float) -> tuple[list[Link], list[Track]]:
        """Decide what is due: (earlier, later) links, and those who are gone.

        Args:
            horizon_s: up to where ends and beginnings must be decided now.
        """
        links: list[Link] = []
        gone: list[Track] = []
        if horizon_s - self._decided_s < DECIDE_EVERY_S:
            return links, gone
        self._decided_s = horizon_s
        horizon_s += DECIDE_EVERY_S
        due = [piece for piece in self._lost if piece.end_s <= horizon_s + OVERLAP_S]
        chosen = self._explain() if due else {}
        for piece in due:
            later = chosen.get(piece.track.id)
            if later is None:
                gone.append(piece.track)
            else:
                later.continues(piece)
                links.append((piece.track.id, later.track.id))
            del self._pieces[piece.track.id]
        self._lost = [piece for piece in self._lost if piece.end_s > horizon_s + OVERLAP_S]
        self._begun = [
            piece for piece in self._begun if not piece.follows and piece.start_s > horizon_s
        ]
        return links, gone

    def _explain(self) -> dict[TrackId, Piece]:
        """For each lost piece that has one, the beginning that follows it."""
        free = [piece for piece in self._begun if not piece.follows]
        if not free or not self._lost:
            return {}
        cost = gains(self._lost, free, self._since_s, self._merge_s, metric=self._metric)
        pairs = assign(cost, 0.0)
        return {self._lost[row].track.id: free[column] for row, column in pairs}


def _boxes_of(seen: Sequence[Observation | None]) -> Boxes:
    """(n, 4) boxes, xyxy, px; of those never seen, none at all."""
    nothing = (np.nan,) * 4
    boxes = [nothing if one is None else one.box_xyxy_px for one in seen]
    return np.array(boxes, np.float64).reshape(len(boxes), 4)
