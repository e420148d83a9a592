"""Detections of irregular frames to tracks that keep a person's identity.

For each frame: predict every track to the frame's time, assign detections at least cost
(in body heights, gates widening with the time since a track was seen), and start tentative
tracks from confident detections that nobody claims. A track that is not seen for a moment
ends; whether the next one is the same person is judged with hindsight (`edge.visits.identity`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edge.tracking.assignment import assign
from edge.tracking.costs import association_cost
from edge.tracking.detections import Cut, CutBy, detections_of, is_double
from edge.tracking.track import (
    COAST_S,
    CONFIRM_HITS,
    START_SCORE,
    TENTATIVE_S,
    Detection,
    Life,
    Observation,
    Track,
    TrackId,
)

if TYPE_CHECKING:
    from edge.tracking.floor import Floor
    from firmware_cfg.region import Region

STALE_FRAMES = 1.7
EXIT_HORIZON_S = 0.8
MISSED_FRAMES = 2.5
STEP_MEMORY = 0.1

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sighting:
    """A person seen in a frame: `observations` are in time order, several at confirmation."""

    id: TrackId
    observations: tuple[Observation, ...]


@dataclass(slots=True)
class TrackerStep:
    """What one frame changed.

    Attributes:
        seen: confirmed tracks seen in this frame.
        started: tracks confirmed in this frame.
        ended: tracks that were not seen for too long; their ids never return.
    """

    seen: list[Sighting] = field(default_factory=list)
    started: list[Track] = field(default_factory=list)
    ended: list[Track] = field(default_factory=list)


class Tracker:
    """Tracks of one camera.

    Attributes:
        view: the part of the picture that the detector looks at.
    """

    def __init__(
        self,
        size_px: tuple[int, int],
        view: Region,
        floor: Floor,
        cut_by: CutBy = lambda _box: Cut.NOTHING,
        ids: Iterator[int] | None = None,
    ) -> None:
        """Track in a picture of `size_px`.

        Args:
            size_px: width and height of the picture.
            view: the part of it that the detector looks at; who crosses its edge has left.
            floor: the floor that people stand on.
            cut_by: what ends a box below.
            ids: where new tracks' ids come from.
        """
        self.view = view
        self._floor = floor
        self._cut_by = cut_by
        self._step_s = 0.0
        cut_px = max(2.0, 0.005 * size_px[1])
        self._edges_px = (cut_px, size_px[1] - cut_px)
        self._active: list[Track] = []
        self._ids = count(1) if ids is None else ids
        self._t_s: float | None = None

    def update(self, t_s: float, frame: int, boxes: FloatArray, scores: FloatArray) -> TrackerStep:
        """Take in a frame's detections.

        Args:
            t_s: capture time, later than the frame before.
            frame: the frame's number, kept in the observations.
            boxes: (n, 4) xyxy, delivered pixels.
            scores: (n,) in [0, 1].
        """
        dt_s = 0.0 if self._t_s is None else t_s - self._t_s
        self._t_s = t_s
        self._step_s += STEP_MEMORY * (min(dt_s, COAST_S) - self._step_s)
        for track in self._active:
            track.predict(dt_s, t_s - dt_s - track.seen_s)
        step = TrackerStep()
        found = detections_of(boxes, scores, self._edges_px, self._floor, self._cut_by)
        taken = self._observe(t_s, frame, found, step)
        self._start(t_s, frame, found, taken)
        self._age(t_s, step)
        return step

    def _observe(
        self, t_s: float, frame: int, found: Sequence[Detection], step: TrackerStep
    ) -> set[int]:
        """Assign detections to tracks; returns the indices of those assigned."""
        tracks = self._active
        if not found or not tracks:
            return set()
        cost = association_cost(tracks, t_s, STALE_FRAMES * self._step_s, found)
        chosen = assign(cost, 1.0)
        taken = {column for _, column in chosen}
        pairs = [
            (tracks[row], found[column])
            for row, column in chosen
            if not tracks[row].shows_strip(found[column])
        ]
        for track, seen in self._shared(tracks, pairs):
            observed = track.observe(t_s, frame, seen)
            if track.life is Life.TENTATIVE:
                track.pending.append(observed)
            else:
                step.seen.append(Sighting(track.id, (observed,)))
        for track in tracks:
            if track.life is Life.TENTATIVE and track.seen_s == t_s:
                self._confirm(track, step)
        return taken

    def _shared(
        self, tracks: Sequence[Track], pairs: Sequence[tuple[Track, Detection]]
    ) -> list[tuple[Track, Detection]]:
        """The pairs, with a box around two people divided among their tracks."""
        result: list[tuple[Track, Detection]] = []
        matched = {track.id for track, _ in pairs}
        for track, seen in pairs:
            if not track.holds_two(seen):
                result.append((track, seen))
                continue
            _, top, _, bottom = seen.box_xyxy_px
            head = abs(top - track.top.position) <= abs(bottom - track.bottom.position)
            result.append((track, track.part_of(seen, head=head)))
            others = (
                other
                for other in tracks
                if other.id not in matched
                and other.life is Life.CONFIRMED
                and other.fits_end(seen, head=not head)
            )
            middle = track.x.position
            other = min(others, key=lambda one: abs(one.x.position - middle), default=None)
            if other is not None:
                matched.add(other.id)
                result.append((other, other.part_of(seen, head=not head)))
        return result

    def _start(self, t_s: float, frame: int, found: Sequence[Detection], taken: set[int]) -> None:
        """Start tentative tracks from confident detections that nobody claims."""
        claimed = [found[index].box_xyxy_px for index in sorted(taken)]
        free = [
            one
            for index, one in enumerate(found)
            if index not in taken and one.score >= START_SCORE
        ]
        for one in sorted(free, key=lambda one: -one.score):
            if is_double(one.box_xyxy_px, claimed):
                continue
            claimed.append(one.box_xyxy_px)
            track = Track.start(TrackId(next(self._ids)), t_s, one.box_xyxy_px)
            track.pending.append(track.observe(t_s, frame, one))
            self._active.append(track)

    def _confirm(self, track: Track, step: TrackerStep) -> None:
        """Confirm a track if it is due."""
        if track.hits < CONFIRM_HITS or track.best_score < START_SCORE:
            return
        track.life = Life.CONFIRMED
        track.from_edge = track.came_in(self.view, 1.5 * self._step_s)
        step.started.append(track)
        step.seen.append(Sighting(track.id, tuple(track.pending)))
        track.pending.clear()

    def _age(self, t_s: float, step: TrackerStep) -> None:
        """End what was not seen for too long."""
        still: list[Track] = []
        tentative_s = max(TENTATIVE_S, MISSED_FRAMES * self._step_s)
        coast_s = max(COAST_S, MISSED_FRAMES * self._step_s)
        for track in self._active:
            unseen_s = t_s - track.seen_s
            if unseen_s <= (tentative_s if track.life is Life.TENTATIVE else coast_s):
                still.append(track)
            elif track.life is Life.CONFIRMED:
                track.life = Life.ENDED
                track.walked_out = track.walking_out(self.view, EXIT_HORIZON_S + self._step_s)
                step.ended.append(track)
        self._active = still
