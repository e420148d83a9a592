"""Whom each staff member attends to, frame by frame.

A staff member attends at most one party at a time: the current one while it qualifies,
else the nearest on the floor. A party qualifies by a member in the service zone of the
counter whose staff zone the staff member is in, or, for staff on the customers' side, by
a member in a zone within `engagement_distance_m`.

The log of one staff member's attention to one stay:

| from | to | when |
|---|---|---|
| idle | attending | both are seen, and the stay's party is the one attended |
| attending | idle | both are seen, and it is not |
| attending | hidden | either is not seen for `FLICKER_S`; ends where both were seen last |
| idle, hidden | hidden | would attend, by where the hidden was last seen and is found again |

A border crossed between two sightings of both, at most `UNSEEN_S` apart, is crossed half-way.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.visits.intervals import Log
from edge.visits.stay import border

if TYPE_CHECKING:
    from edge.tracking.track import TrackId
    from edge.visits.person import Person
    from edge.visits.stay import Stay
    from edge.visits.zones import ZoneMap

HELD_M = 1.0
FLICKER_S = 1.0
ANEW_S = 3.0


@dataclass(slots=True, eq=False)
class Seen:
    """A person in one frame: in which zones, seen or hidden where last seen."""

    person: Person
    index: int
    mask: int
    visible: bool
    place: tuple[float, float] | None = None

    @property
    def position_m(self) -> tuple[float, float]:
        """Floor position, smoothed; worked out when asked for."""
        if self.place is None:
            self.place = self.person.position_m(self.index)
        return self.place

    @property
    def held(self) -> bool:
        """Whether the person is seen, or will be found again where last seen."""
        if self.visible:
            return True
        after = self.index + 1
        if after >= len(self.person.t_s):
            return False
        if self.mask and self.person.masks[after] == self.mask:
            return True
        return math.dist(self.position_m, self.person.position_m(after)) <= HELD_M


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A customer who could be attended to, with the party it belongs to."""

    stay: Stay
    party: int
    seen: Seen


def qualified(
    staff: Seen, customers: Sequence[Candidate], zones: ZoneMap, reach_m: float
) -> list[Candidate]:
    """The customers to whom `staff` can be attending where they stand."""
    behind = staff.mask & zones.staff_bits
    if behind:
        served = 0
        for counter in zones.counters:
            if behind & counter.staff_bit:
                served |= counter.service_bit
        return [one for one in customers if one.seen.mask & served]
    return [
        one
        for one in customers
        if one.seen.mask & zones.customer_bits
        and math.dist(staff.position_m, one.seen.position_m) <= reach_m
    ]


class Attendance:
    """The current party of each staff member, and the log of attention.

    For each staff member it keeps the stays whose logs of attention run, so that a frame
    costs what goes on in it and not every staff member times every customer.
    """

    def __init__(self, zones: ZoneMap, reach_m: float) -> None:
        """Attend within `reach_m` on the customers' side."""
        self._zones = zones
        self._reach_m = reach_m
        self._current: dict[TrackId, Stay] = {}
        self._running: dict[TrackId, list[Stay]] = {}
        self._seen_s: dict[TrackId, float] = {}

    def step(
        self, before_s: float, t_s: float, staff: Sequence[Seen], customers: Sequence[Candidate]
    ) -> list[tuple[TrackId, Stay]]:
        """Log who attends whom at `t_s`; `before_s` is the frame before, or `t_s` if none.

        Returns:
            The onsets: staff member and the stay of each member attended from now on.
        """
        onsets: list[tuple[TrackId, Stay]] = []
        hidden: set[int] = set()
        present = [*staff, *(c.seen for c in customers)]
        visible = {one.person.id for one in present if one.visible}
        for one in staff:
            members = self._attended(one, customers)
            surely = one.visible and any(c.seen.visible for c in members)
            attended = [c.stay for c in members] if surely else []
            self._stop_others(one.person.id, attended, t_s, visible)
            onsets += [
                (one.person.id, stay) for stay in attended if self._hold(one.person.id, stay, t_s)
            ]
            if members and not surely and one.held:
                hidden.update(c.stay.number for c in members if c.seen.held)
        for candidate in customers:
            log = candidate.stay.attention_hidden
            if candidate.stay.number in hidden:
                log.hold(t_s, before_s)
            elif log.running:
                log.stop(t_s)
        here = {one.person.id for one in present}
        self._seen_s = {who: at_s for who, at_s in self._seen_s.items() if who in here}
        self._seen_s |= dict.fromkeys(visible, t_s)
        self._current = {who: stay for who, stay in self._current.items() if who in here}
        self._running = {who: stays for who, stays in self._running.items() if who in here}
        return onsets

    def _border(self, who: TrackId, stay: Stay, t_s: float) -> float | None:
        """When a border was crossed since both were seen last; None: not known."""
        seen_s = min(self._seen_s.get(one, -math.inf) for one in (who, stay.person))
        return border(seen_s, t_s)

    def _hold(self, who: TrackId, stay: Stay, t_s: float) -> bool:
        """Attend; returns whether that begins anew."""
        log = stay.attended.get(who)
        if log is None:
            log = stay.attended[who] = Log()
        if log.running:
            log.hold(t_s, t_s)
            return False
        onset_s = self._border(who, stay, t_s)
        idle_s = t_s - log.parts[-1][1] if log.parts else math.inf
        log.hold(t_s, t_s if onset_s is None else onset_s)
        self._running.setdefault(who, []).append(stay)
        return idle_s > ANEW_S

    def _stop_others(
        self, who: TrackId, attended: Sequence[Stay], t_s: float, visible: set[TrackId]
    ) -> None:
        """Attend no more to whom `who` attended so far, but those of `attended`."""
        going_on: list[Stay] = []
        for stay in self._running.get(who, []):
            if stay.closed:
                continue
            if stay not in attended:
                self._stop(who, stay, t_s, visible)
            if stay.attended[who].running:
                going_on.append(stay)
        self._running[who] = going_on

    def _stop(self, who: TrackId, stay: Stay, t_s: float, visible: set[TrackId]) -> None:
        """Attend no more."""
        log = stay.attended[who]
        if who in visible and stay.person in visible:
            log.stop(self._border(who, stay, t_s))
        elif t_s - log.parts[-1][1] > FLICKER_S:
            log.stop()

    def _attended(self, staff: Seen, customers: Sequence[Candidate]) -> list[Candidate]:
        """The members of the party that `staff` attends, as far as they qualify."""
        fit = qualified(staff, customers, self._zones, self._reach_m)
        if not fit:
            return fit
        current = self._current.get(staff.person.id)
        party = next((c.party for c in customers if c.stay is current), None)
        if all(c.party != party for c in fit):
            sure = [c for c in fit if c.seen.visible or c.seen.held]
            if not sure:
                return []
            nearest = (
                min(sure, key=lambda c: math.dist(c.seen.position_m, staff.position_m))
                if len(sure) > 1
                else sure[0]
            )
            self._current[staff.person.id] = nearest.stay
            party = nearest.party
        return [c for c in fit if c.party == party]
