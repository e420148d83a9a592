"""Pieces of tracks as evidence on who is who, and what a frame's boxes hide of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.tracking.floor import Measure
    from edge.tracking.track import Box, Track, TrackId

STATE_S = 0.8
STATE_MIN = 4
WEAK_S = 0.7
DOUBTFUL_S = 2.0
LIKELY_SCORE = 0.6
DOUBTFUL_SHARE = 0.6
COVERED = 0.45


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
        lost_s: for how long it has been lost.
        vanished: nobody stood before it when it ended.
        empties_s: `empty_s` of those who were lost when it began.
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
    lost_s: float = 0.0
    vanished: bool = False
    empties_s: dict[TrackId, float] = field(default_factory=dict)
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

    def empty_before_s(self, later: Piece) -> float:
        """For how long its place was empty and in full view before `later` began."""
        return later.empties_s.get(self.track.id, 0.0)

    @property
    def weak(self) -> bool:
        """Whether it may be a box on nothing, or a second one on somebody: short-lived."""
        lasted_s = self.end_s - self.start_s
        doubtful = self.doubtful_s > 0.5 * lasted_s or self.track.best_score < LIKELY_SCORE
        return lasted_s < (DOUBTFUL_S if doubtful else WEAK_S)


def covered(box: Box, boxes: Iterable[Box]) -> bool:
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


def shares(box: Box, boxes: Iterable[Box]) -> bool:
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


def overlapped(box: Box, boxes: Iterable[Box]) -> bool:
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
