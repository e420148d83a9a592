"""Whom each staff member attends to, frame by frame.

A staff member attends at most one party at a time: the current one while it qualifies,
else the nearest on the floor. A party qualifies by a member in the service zone of the
counter whose staff zone the staff member is in, or, for staff on the customers' side, by
a member in a zone within `engagement_distance_m`. While the member or the staff is hidden
where last seen nothing is known: that time is logged apart, to be bridged.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.visits.intervals import Log

if TYPE_CHECKING:
    from edge.tracking.track import TrackId
    from edge.visits.stay import Stay
    from edge.visits.zones import ZoneMap

Position = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Seen:
    """A person in one frame: where on the floor, in which zones, hidden or seen."""

    id: TrackId
    position_m: Position
    mask: int
    visible: bool


@dataclass(frozen=True, slots=True)
class Candidate:
    """A customer who could be attended to, with the party it belongs to."""

    stay: Stay
    party: int
    seen: Seen


def qualifies(staff: Seen, customer: Seen, zones: ZoneMap, reach_m: float) -> bool:
    """Whether `staff` can be attending to `customer` where they stand."""
    behind = staff.mask & zones.staff_bits
    if behind:
        return any(
            behind & counter.staff_bit and customer.mask & counter.service_bit
            for counter in zones.counters
        )
    near = math.dist(staff.position_m, customer.position_m) <= reach_m
    return near and bool(customer.mask & zones.customer_bits)


class Attendance:
    """The current party of each staff member, and the log of attention."""

    def __init__(self, zones: ZoneMap, reach_m: float) -> None:
        """Attend within `reach_m` on the customers' side."""
        self._zones = zones
        self._reach_m = reach_m
        self._current: dict[TrackId, Stay] = {}

    def step(
        self, since_s: float, t_s: float, staff: Sequence[Seen], customers: Sequence[Candidate]
    ) -> list[tuple[TrackId, Stay]]:
        """Log who attends whom at `t_s`, and since `since_s` if then too.

        Returns:
            The onsets: staff member and the stay of each member attended from now on.
        """
        onsets: list[tuple[TrackId, Stay]] = []
        for one in staff:
            fit = [c for c in customers if qualifies(one, c.seen, self._zones, self._reach_m)]
            chosen = self._choose(one, fit, customers)
            if chosen is None:
                continue
            members = [c for c in fit if c.party == chosen.party]
            surely = one.visible and any(c.seen.visible for c in members)
            for member in members:
                if not surely:
                    member.stay.attention_hidden.add(since_s, t_s)
                    continue
                log = member.stay.attended.setdefault(one.id, Log())
                if log.last_s is None or log.last_s < since_s:
                    onsets.append((one.id, member.stay))
                log.add(since_s, t_s)
        return onsets

    def _choose(
        self, staff: Seen, fit: Sequence[Candidate], customers: Sequence[Candidate]
    ) -> Candidate | None:
        """Whom `staff` attends: the current party while it qualifies, else the nearest."""
        current = self._current.get(staff.id)
        party = next((c.party for c in customers if c.stay is current), None)
        kept = next((c for c in fit if c.party == party), None)
        if kept is not None:
            return kept
        sure = [c for c in fit if c.seen.visible] if staff.visible else []
        if not sure:
            return None
        nearest = min(sure, key=lambda c: math.dist(c.seen.position_m, staff.position_m))
        self._current[staff.id] = nearest.stay
        return nearest
