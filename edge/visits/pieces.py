"""Pieces of tracks as evidence on who is who, and what a frame's boxes hide of them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edge.tracking.sizes import Sizes
from edge.visits.states import LEAST, WINDOW_S, Glimpse, State, state_of

if TYPE_CHECKING:
    from edge.tracking.track import Track, TrackId

Boxes = NDArray[np.float64]

ENOUGH = 30
WEAK_S = 0.7
DOUBTFUL_S = 2.0
LIKELY_SCORE = 0.6
DOUBTFUL_SHARE = 0.6
COVERED = 0.45
PART = 0.15


@dataclass(slots=True, eq=False)
class Piece:
    """A track as evidence on identity.

    Attributes:
        firsts, lasts: its first and last sightings, `WINDOW_S` long.
        doubtful_s: for how long of its first seconds another's box overlapped it.
        staff_s, customer_s: how long it was seen on a staff side, and in a customers' zone,
            together with the pieces that it follows.
        sizes_before: how tall the last piece was that it follows whose size is known.
        begun_behind: its first box was partly behind another, or in front of one.
        empty_s: since it ended, for how long its place was in full view, and empty.
        lost_s: for how long it has been lost.
        vanished: nobody stood before it when it ended.
        empties_s: `empty_s` of those who were lost when it began.
        ended: it is not tracked any more.
        follows: it follows another.
    """

    track: Track
    begun_behind: bool
    firsts: list[Glimpse] = field(default_factory=list)
    lasts: deque[Glimpse] = field(default_factory=deque)
    staff_s: float = 0.0
    customer_s: float = 0.0
    sizes_before: Sizes = field(default_factory=Sizes)
    doubtful_s: float = 0.0
    empty_s: float = 0.0
    lost_s: float = 0.0
    vanished: bool = False
    empties_s: dict[TrackId, float] = field(default_factory=dict)
    ended: bool = False
    follows: bool = False
    _beginning: State | None = None
    _ending: State | None = None

    def see(self, seen: Glimpse) -> None:
        """Take in a sighting."""
        if len(self.firsts) < LEAST or seen.t_s - self.firsts[0].t_s <= WINDOW_S:
            self.firsts.append(seen)
        self.lasts.append(seen)
        while len(self.lasts) > LEAST and seen.t_s - self.lasts[0].t_s > WINDOW_S:
            self.lasts.popleft()

    @property
    def start_s(self) -> float:
        """First sighting."""
        return self.firsts[0].t_s

    @property
    def end_s(self) -> float:
        """Last sighting."""
        return self.lasts[-1].t_s

    @property
    def beginning(self) -> State:
        """How it began, as far as it was seen."""
        if self._beginning is not None:
            return self._beginning
        state = state_of(self.firsts)
        if self.ended or self.end_s - self.start_s > WINDOW_S:
            self._beginning = state
        return state

    @property
    def ending(self) -> State:
        """How it ended, once it has."""
        if self._ending is None:
            self._ending = state_of(list(reversed(self.lasts)))
        return self._ending

    @property
    def sizes(self) -> Sizes:
        """How tall it is, or the piece that it follows, by the one of whom more was seen."""
        own = self.track.sizes
        return own if own.count >= min(self.sizes_before.count, ENOUGH) else self.sizes_before

    @property
    def weak(self) -> bool:
        """Whether it may be a box on nothing, or a second one on somebody: short-lived."""
        lasted_s = self.end_s - self.start_s
        doubtful = self.doubtful_s > 0.5 * lasted_s or self.track.best_score < LIKELY_SCORE
        return lasted_s < (DOUBTFUL_S if doubtful else WEAK_S)

    def continues(self, earlier: Piece) -> None:
        """It is the same person as `earlier`, whose evidence counts for it too."""
        self.follows = True
        self.staff_s += earlier.staff_s
        self.customer_s += earlier.customer_s
        self.sizes_before = earlier.sizes


def covered(ones: Boxes, boxes: Boxes) -> NDArray[np.bool_]:
    """(n,) whether a box that reaches lower, so is nearer, covers much of each of (n, 4) `ones`.

    Args:
        ones: (n, 4) xyxy, px.
        boxes: (m, 4) the frame's.
    """
    much = COVERED * _areas_px2(ones)[:, None]
    nearer = boxes[None, :, 3] >= ones[:, None, 3]
    return np.asarray((nearer & (_shared_px2(ones, boxes) > much)).any(axis=1))


def shares(ones: Boxes, boxes: Boxes) -> NDArray[np.bool_]:
    """(n,) whether another of (m, 4) boxes covers much of each of `ones`, or is covered by it."""
    smaller = np.minimum(_areas_px2(ones)[:, None], _areas_px2(boxes)[None, :])
    much = _shared_px2(ones, boxes) > DOUBTFUL_SHARE * smaller
    return np.asarray((much & _others(ones, boxes)).any(axis=1))


def overlapped(one: Boxes, boxes: Boxes) -> bool:
    """Whether another of (m, 4) boxes covers a part of the one of (1, 4)."""
    part = _shared_px2(one, boxes) > PART * _areas_px2(one)[:, None]
    return bool((part & _others(one, boxes)).any())


def _others(ones: Boxes, boxes: Boxes) -> NDArray[np.bool_]:
    return np.asarray((ones[:, None] != boxes[None]).any(axis=2))


def _areas_px2(boxes: Boxes) -> Boxes:
    return np.asarray((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))


def _shared_px2(ones: Boxes, boxes: Boxes) -> Boxes:
    """(n, m) areas of what (n, 4) and (m, 4) boxes have in common."""
    low = np.maximum(ones[:, None, :2], boxes[None, :, :2])
    high = np.minimum(ones[:, None, 2:], boxes[None, :, 2:])
    return np.asarray(np.prod(np.maximum(high - low, 0.0), axis=2))
