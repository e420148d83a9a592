"""From one camera's detections to visits: the tracker and the encounter logic together.

Values in, values out: neither clocks nor files. The same engine runs live and in replay.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edge.tracking.floor import floor_of
from edge.tracking.track import TrackId
from edge.tracking.tracker import Sighting, Tracker
from edge.visits.analysis import Analysis
from edge.visits.identity import Identity
from edge.visits.person import Person, Role
from edge.visits.sides import Sides
from edge.visits.states import Glimpse
from edge.visits.values import BlindSpan, Event, Visit
from edge.visits.zones import UNSURE, ZoneMap
from firmware_cfg.region import Region, region_of

if TYPE_CHECKING:
    from edge.tracking.floor import Measure
    from edge.tracking.track import Observation
    from firmware_cfg.record import FrameRecord
    from firmware_cfg.site import Site

REMEMBER_S = 15.0
LAG_MARGIN_S = 1.5


@dataclass(frozen=True, slots=True)
class Present:
    """A person as a dot: where, which role, in a customers' zone or not."""

    track_id: TrackId
    foot_xy_px: tuple[float, float]
    box_xyxy_px: tuple[float, float, float, float]
    role: Role
    confidence: float
    in_zone: bool


@dataclass(frozen=True, slots=True)
class Joined:
    """Two persons found to be one: `later` is `earlier`, of this role by all of its evidence."""

    later: TrackId
    earlier: TrackId
    role: Role
    confidence: float


class Engine:
    """Times the encounters in front of one camera.

    Attributes:
        sightings: the confirmed tracks of the last frame.
        joined: persons found in the last step to be one.
        view: the part of the picture that is looked at, as far as is known.
    """

    def __init__(self, site: Site) -> None:
        """Run by a site's zones, floor and terms."""
        self._site = site
        self._floor = floor_of(site)
        self.view = region_of(site)
        self._zones = ZoneMap(site)
        self._last_s: float | None = None
        self._ids = count(1)
        self.joined: list[Joined] = []
        # A stay closes at most `merge_s` after its last presence; looking back by the rest
        # of `settle_s` makes it final in time, with as much later evidence as there can be.
        self._lag_s = max(0.0, site.encounter.settle_s - site.encounter.merge_s - LAG_MARGIN_S)
        self._begin()

    def _begin(self) -> None:
        """Start seeing: nobody is known."""
        size_px, merge_s = self._site.camera.size_px, self._site.encounter.merge_s
        self._tracker = Tracker(size_px, self.view, self._floor, self._zones.cut_by, self._ids)
        sides = self._zones.staff_bits, self._zones.customer_bits
        self._identity = Identity(merge_s, *sides, metric=self._floor.calibrated)
        self._sides = Sides(self._floor)
        self._analysis = Analysis(self._zones, self._site.encounter)
        self._people: dict[TrackId, Person] = {}
        self._person_of: dict[TrackId, Person] = {}
        self._now: dict[TrackId, Observation] = {}
        self._oldest_s = -math.inf
        self.sightings: list[Sighting] = []

    def step(self, record: FrameRecord) -> list[Event]:
        """Take in a frame; returns what became final.

        A gap in the frames longer than `merge_s` ends what was seen: whoever was there is
        `still_present`, and whoever is there afterwards was there already.

        Raises:
            ValueError: the frame's time does not rise.
        """
        t_s = record.t_s
        events: list[Event] = []
        self.joined = []
        if self._last_s is not None:
            if t_s <= self._last_s:
                raise ValueError(f"frame {record.frame}: time {t_s} s after {self._last_s} s")
            if t_s - self._last_s > self._site.encounter.merge_s:
                events = [*self.finish(), BlindSpan(self._last_s, t_s)]
        dt_s = 0.0 if self._last_s is None else t_s - self._last_s
        self._last_s = t_s
        self._widen(record.boxes_xyxy_px)
        step = self._tracker.update(t_s, record.frame, record.boxes_xyxy_px, record.scores)
        self._now = {}
        self.sightings = step.seen
        seen = [sighting.observations[-1].box_xyxy_px for sighting in step.seen]
        boxes = np.array(seen, np.float64).reshape(len(seen), 4)
        for track in step.started:
            self._identity.begin(track, boxes)
        for sighting in step.seen:
            self._see(sighting)
        for track in step.ended:
            if self._identity.end(track):
                del self._people[track.id], self._person_of[track.id]
        self._identity.look(dt_s, boxes)
        self._analysis.add_frame(t_s)
        horizon_s = t_s - self._lag_s
        self._join(horizon_s)
        events += self._analysis.advance(self._people, horizon_s)
        self._forget(horizon_s)
        return events

    def _join(self, horizon_s: float) -> None:
        """Make one person of the tracks that are found to be one; let go who is gone.

        At the end of the record, whoever was lost and did not walk out is still there.
        """
        links, gone = self._identity.decide(horizon_s)
        for earlier, later in links:
            person, other = self._person_of[earlier], self._person_of[later]
            person.absorb(other, self._zones.staff_bits)
            self.joined.append(Joined(other.id, person.id, person.role, person.role_confidence))
            del self._people[other.id]
            for track_id, one in self._person_of.items():
                if one is other:
                    self._person_of[track_id] = person
        for track in gone:
            if track.walked_out or horizon_s < math.inf:
                person = self._person_of[track.id]
                person.gone_s = person.t_s[-1]

    def _widen(self, boxes_xyxy_px: NDArray[np.float64]) -> None:
        """A box beyond the view proves that more is looked at: then it is the whole picture."""
        view, size_px = self.view, self._site.camera.size_px
        if view.size_px == size_px or not len(boxes_xyxy_px):
            return
        if view.holds(boxes_xyxy_px):
            return
        self.view = Region(0, 0, *size_px)
        self._tracker.view = self.view

    def finish(self) -> list[Event]:
        """End the record; returns all that was not final. The engine may go on afterwards."""
        self._join(math.inf)
        events = self._analysis.finish(self._people)
        self._begin()
        return events

    def open_visits(self) -> list[Visit]:
        """Visits that are not final yet, as they stand now."""
        return self._analysis.peek(self._foreseen())

    def _foreseen(self) -> dict[TrackId, Person]:
        """People as they would be if identity were decided now."""
        people = dict(self._people)
        person_of = dict(self._person_of)
        for earlier, later in self._identity.foresee():
            person, other = person_of[earlier], person_of[later]
            joined = person.copy()
            joined.absorb(other, self._zones.staff_bits)
            del people[other.id]
            people[person.id] = joined
            for track_id, one in person_of.items():
                if one is other or one is person:
                    person_of[track_id] = joined
        return people

    def role(self, track_id: TrackId) -> tuple[Role, float]:
        """Role of a person by the evidence so far, with its confidence in [0.5, 1]."""
        person = self._person_of[track_id]
        return person.role, person.role_confidence

    @property
    def lag_s(self) -> float:
        """How far the analysis stays behind the camera, seconds."""
        return self._lag_s

    def present(self) -> list[Present]:
        """The people seen in the last frame."""
        return [self._present(track_id, seen) for track_id, seen in self._now.items()]

    def _present(self, track_id: TrackId, seen: Observation) -> Present:
        person = self._person_of[track_id]
        in_zone = bool(person.last_mask & self._zones.customer_bits)
        return Present(
            track_id,
            seen.foot_xy_px,
            seen.box_xyxy_px,
            person.role,
            person.role_confidence,
            in_zone,
        )

    def _see(self, sighting: Sighting) -> None:
        person = self._person_of.get(sighting.id)
        for seen in sighting.observations:
            if person is None:
                person = Person(sighting.id, self._at_edge(seen), self._floor)
                self._people[sighting.id] = self._person_of[sighting.id] = person
            mask = self._side(seen, self._zones.mask(seen, person.last_mask))
            measure = self._measure(seen)
            sure = 0 if mask & UNSURE else mask
            self._identity.see(sighting.id, self._glimpse(seen, measure), sure)
            person.add(
                seen.t_s,
                measure,
                mask,
                self._zones.staff_bits,
                self._zones.customer_bits,
            )
            if seen.foot_seen and not seen.feet_hidden and not mask & self._zones.staff_bits:
                top, bottom = seen.box_xyxy_px[1], seen.box_xyxy_px[3]
                self._floor.learn(bottom, bottom - top)
        self._now[sighting.id] = sighting.observations[-1]

    def _glimpse(self, seen: Observation, measure: Measure) -> Glimpse:
        left, top, right, bottom = seen.box_xyxy_px
        cut = seen.feet_hidden or seen.behind_person or self._zones.behind_counter(seen)
        whole = seen.foot_seen and not cut
        box_px = (left + right) / 2, top, bottom
        return Glimpse(seen.t_s, self._floor.position_m(measure), box_px, seen.height_px, whole)

    def _side(self, seen: Observation, mask: int) -> int:
        """The zone bits, with the side of the counter told by the head where all else is hidden."""
        learns = not seen.behind_person and mask & self._zones.counter_bits
        if not (learns or mask & UNSURE):
            return mask
        left, top, right, bottom = seen.box_xyxy_px
        head = self._floor.measure((left + right) / 2, top, bottom, by_head=True)
        if learns:
            self._sides.learn(mask & self._zones.counter_bits, seen.t_s, head)
            return mask
        nearest = self._sides.nearest(head)
        if not nearest:
            return mask & ~UNSURE if mask & self._zones.staff_bits else mask
        return mask & ~(UNSURE | self._zones.staff_bits) | nearest & self._zones.staff_bits

    def _measure(self, seen: Observation) -> Measure:
        """Place by the feet, or by the head where a counter hides the feet."""
        left, top, right, _ = seen.box_xyxy_px
        behind = self._zones.behind_counter(seen)
        return self._floor.measure((left + right) / 2, top, seen.foot_xy_px[1], behind)

    def _at_edge(self, seen: Observation) -> bool:
        left, top, right, bottom = seen.box_xyxy_px
        view = self.view
        inside = (left - view.left, top - view.top, view.right - right, view.bottom - bottom)
        return min(inside) <= view.margin_px

    def _forget(self, horizon_s: float) -> None:
        """Drop people who are gone and done with, and sightings that nothing needs.

        There is something to drop once the oldest sighting has been kept for long enough.
        """
        if self._oldest_s >= horizon_s - 2 * REMEMBER_S:
            return
        done = [
            person.id
            for person in self._people.values()
            if person.gone_s is not None and person.gone_s < horizon_s - REMEMBER_S
        ]
        for track_id in done:
            del self._people[track_id]
        here = self._people
        self._person_of = {who: one for who, one in self._person_of.items() if one.id in here}
        for person in self._people.values():
            if person.t_s[0] < horizon_s - 2 * REMEMBER_S:
                person.forget_before(horizon_s - REMEMBER_S)
        # Whoever is new since then was first seen later than this.
        kept_s = (person.t_s[0] for person in self._people.values())
        self._oldest_s = min(horizon_s - REMEMBER_S, *kept_s, math.inf)
