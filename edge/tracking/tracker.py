"""Detections of irregular frames to tracks that keep a person's identity.

For each frame: predict every track to the frame's time, assign detections at least cost
(in body heights, gates widening with the time since a track was seen), start tentative
tracks from confident detections that nobody claims, and, when a tentative track is
confirmed away from the picture's edge, ask whether it is a person who was lost there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edge.tracking.assignment import assign
from edge.tracking.costs import association_cost, found_cost
from edge.tracking.detections import detections_of, is_double
from edge.tracking.track import (
    COAST_S,
    CONFIRM_HITS,
    SHORTENED,
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
FOUND_INWARD = 0.4
WALKED_M = 0.25
EXIT_HORIZON_S = 0.8
FIND_S = 30.0
MISSED_FRAMES = 2.5
STEP_MEMORY = 0.1

FloatArray = NDArray[np.float64]
Place = Callable[[Observation], tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Sighting:
    """A person seen in a frame: `observations` are in time order, several at confirmation."""

    id: TrackId
    observations: tuple[Observation, ...]


@dataclass(slots=True)
class TrackerStep:
    """What one frame changed.

    Attributes:
        seen: confirmed persons seen in this frame.
        left: tracks that walked out of the picture; their ids never return.
        ended: tracks that were lost for longer than `keep_s`.
    """

    seen: list[Sighting] = field(default_factory=list)
    left: list[TrackId] = field(default_factory=list)
    ended: list[TrackId] = field(default_factory=list)


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
        place: Place,
        keep_s: float = FIND_S,
    ) -> None:
        """Track in a picture of `size_px`; keep lost people for `keep_s`.

        Args:
            size_px: width and height of the picture.
            view: the part of it that the detector looks at; who crosses its edge has left.
            floor: the floor that people stand on.
            place: floor position of an observation, metres.
            keep_s: how long a lost person can be found again.
        """
        self.view = view
        self._floor = floor
        self._place = place
        self._keep_s = keep_s
        self._step_s = 0.0
        cut_px = max(2.0, 0.005 * size_px[1])
        self._edges_px = (cut_px, size_px[1] - cut_px)
        self._active: list[Track] = []
        self._hidden: list[Track] = []
        self._ids = count(1)
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
        found = detections_of(boxes, scores, self._edges_px, self._floor)
        taken = self._observe(t_s, frame, found, step)
        self._start(t_s, frame, found, taken)
        self._age(t_s, step)
        return step

    def _observe(
        self, t_s: float, frame: int, found: Sequence[Detection], step: TrackerStep
    ) -> set[int]:
        """Assign detections to tracks; returns the indices of those assigned."""
        taken: set[int] = set()
        tracks = [*self._active, *self._hidden]
        if not found or not tracks:
            return taken
        for index, column in assign(
            association_cost(tracks, t_s, STALE_FRAMES * self._step_s, found), 1.0
        ):
            track = tracks[index]
            if track.life is Life.HIDDEN:
                self._hidden.remove(track)
                self._active.append(track)
                track.reappear(found[column].box_xyxy_px)
            seen = track.observe(t_s, frame, found[column])
            taken.add(column)
            if track.life is Life.TENTATIVE:
                track.pending.append(seen)
            else:
                step.seen.append(Sighting(track.id, (seen,)))
        # only now is it known who is still lost
        for track in tracks:
            if track.life is Life.TENTATIVE and track.seen_s == t_s:
                self._confirm(track, step)
        return taken

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
        """Confirm a track if it is due, as a lost person where one explains it."""
        if track.hits < CONFIRM_HITS or track.best_score < START_SCORE:
            return
        track.life = Life.CONFIRMED
        found = self._find(track)
        if found is not None:
            track.resume(found)
            if found in self._hidden:
                self._hidden.remove(found)
            else:
                self._active.remove(found)
        step.seen.append(Sighting(track.id, tuple(track.pending)))
        track.pending.clear()

    def _find(self, track: Track) -> Track | None:
        """The lost person that `track` most likely is, if any."""
        first = track.pending[0]
        inward = track.came_in(self.view, 1.5 * self._step_s)
        coasting = [t for t in self._active if t.life is Life.CONFIRMED and t.seen_s < first.t_s]
        best, best_cost = None, FOUND_INWARD if inward else 1.0
        for lost in (*self._hidden, *coasting):
            if lost is track or lost.seen_s >= first.t_s:
                continue
            if inward and lost.walking_out(self.view, self._exit_s()):
                continue
            cost = self._found_cost(lost, track)
            if cost < best_cost:
                best, best_cost = lost, cost
        return best

    def _found_cost(self, lost: Track, track: Track) -> float:
        """Cost of `track` being `lost`, by the way between them, straight or as `track` walks."""
        if lost.last is None:
            return math.inf
        first, latest = track.pending[0], track.pending[-1]
        less, more = _parts(lost, track)
        there = self._stand(lost.last, less)
        here, now = self._stand(first, more), self._stand(latest, more)
        distance_m = math.dist(there, here)
        seen_s = latest.t_s - first.t_s
        if seen_s > 0 and math.dist(here, now) > WALKED_M:
            back = min(first.t_s - lost.seen_s, COAST_S) / seen_s
            x_m = here[0] - back * (now[0] - here[0])
            y_m = here[1] - back * (now[1] - here[1])
            distance_m = min(distance_m, math.dist(there, (x_m, y_m)))
        return found_cost(lost, track, distance_m)

    def _stand(self, seen: Observation, part: bool) -> tuple[float, float]:
        """Floor position of an observation; by the head where it shows a part of the body."""
        if not part:
            return self._place(seen)
        left, top, right, bottom = seen.box_xyxy_px
        measure = self._floor.measure((left + right) / 2, top, bottom, by_head=True)
        return self._floor.position_m(measure)

    def _exit_s(self) -> float:
        """How far ahead a person who is not seen any more is foreseen to walk out."""
        return EXIT_HORIZON_S + self._step_s

    def _explained(self, lost: Track) -> bool:
        """Whether a new track, not confirmed yet, may be `lost`."""
        return any(
            track.life is Life.TENTATIVE
            and track.born_s > lost.seen_s
            and not track.came_in(self.view, 1.5 * self._step_s)
            and self._found_cost(lost, track) < 1.0
            for track in self._active
        )

    def _age(self, t_s: float, step: TrackerStep) -> None:
        """Retire what was not seen for too long."""
        still: list[Track] = []
        tentative_s = max(TENTATIVE_S, MISSED_FRAMES * self._step_s)
        coast_s = max(COAST_S, MISSED_FRAMES * self._step_s)
        for track in self._active:
            unseen_s = t_s - track.seen_s
            if track.life is Life.TENTATIVE:
                if unseen_s <= tentative_s:
                    still.append(track)
            elif unseen_s <= coast_s or self._explained(track):
                still.append(track)
            elif track.walking_out(self.view, self._exit_s()):
                track.life = Life.LEFT
                step.left.append(track.id)
            else:
                track.life = Life.HIDDEN
                self._hidden.append(track)
        self._active = still
        gone = [track for track in self._hidden if t_s - track.seen_s > self._keep_s]
        if gone:
            step.ended.extend(track.id for track in gone)
            self._hidden = [track for track in self._hidden if t_s - track.seen_s <= self._keep_s]


def _parts(lost: Track, track: Track) -> tuple[bool, bool]:
    """Whether the lost, and the new track, show but a part of the body that the other shows."""
    if lost.body_m is None or track.body_m is None:
        return False, False
    less = lost.body_m < SHORTENED * track.body_m
    return less, track.body_m < SHORTENED * lost.body_m
