"""The encounter logic, frame by frame, `settle_s` behind the camera.

For each frame, in this order: stays open, go on and close; staff attend to parties;
presence at the counters is noted; evidence on who belongs together is gathered; parties
whose members have all departed become visits. Running behind lets later evidence (a
role, a hidden person found again) correct the past before it counts. Nothing here reads a
clock: frames come with their times.
"""

from __future__ import annotations

import copy
import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from edge.visits.attendance import Attendance, Candidate, Seen
from edge.visits.intervals import Intervals
from edge.visits.moments import Judge
from edge.visits.parties import PairEvidence, together
from edge.visits.presence import PresenceLog
from edge.visits.stay import UNSEEN_S, Stay
from edge.visits.values import BlindSpan, Event, Visit

if TYPE_CHECKING:
    from edge.tracking.track import TrackId
    from edge.visits.person import Person
    from edge.visits.zones import ZoneMap
    from firmware_cfg.site import Encounter

BEGIN_S = 3.0
ALREADY_THERE_S = 0.5
EVIDENCE_STEP_S = 0.2
CLOSING_S = 5.0

People = Mapping["TrackId", "Person"]


@dataclass(slots=True)
class Clockwork:
    """Where the analysis stands: the frame before, and since when there is seeing."""

    before_s: float | None = None
    seeing_since_s: float | None = None
    evidence_s: float = -math.inf


class Analysis:
    """Visits from people's timelines."""

    def __init__(self, zones: ZoneMap, terms: Encounter) -> None:
        """Analyse by `zones` and `terms`."""
        self._zones = zones
        self._terms = terms
        self._judge = Judge(zones, terms)
        self._attendance = Attendance(zones, terms.engagement_distance_m)
        self._presence = PresenceLog(zones, terms.hidden_bridge_s)
        self._frames: deque[float] = deque()
        self._clock = Clockwork()
        self._stays: list[Stay] = []
        self._count = 0
        self._pairs: dict[frozenset[int], PairEvidence] = {}
        self._blind: Intervals = []

    def add_frame(self, t_s: float) -> None:
        """A frame was delivered at `t_s`; it is analysed when `advance` reaches it."""
        self._frames.append(t_s)

    def advance(self, people: People, until_s: float) -> list[Event]:
        """Analyse every frame up to `until_s`; returns what became final."""
        events: list[Event] = []
        while self._frames and self._frames[0] <= until_s:
            events += self._step(people, self._frames.popleft())
        return events

    def finish(self, people: People) -> list[Event]:
        """Analyse the rest and end the record: whoever is there is still present."""
        events = self.advance(people, math.inf)
        end_s = self._clock.before_s
        if end_s is None:
            return events
        for stay in self._stays:
            in_place = stay.mask & self._zones.customer_bits and (stay.visible or stay.hidden)
            if not stay.closed and in_place:
                stay.still_present = True
            stay.closed = True
        events += self._presence.flush(end_s)
        events += self._emit(math.inf, end_s)
        return sorted(events, key=_order)

    def peek(self, people: People) -> list[Visit]:
        """Visits that would be made if the record ended now; changes nothing."""
        ended = copy.deepcopy(self).finish(people)
        return [event for event in ended if isinstance(event, Visit)]

    def _step(self, people: People, t_s: float) -> list[Event]:
        clock, events = self._clock, list[Event]()
        before_s = t_s if clock.before_s is None else clock.before_s
        if clock.seeing_since_s is None:
            clock.seeing_since_s = t_s
        if t_s - before_s > UNSEEN_S:
            self._blind.append((before_s, t_s))
            events.append(BlindSpan(before_s, t_s))
            clock.seeing_since_s = t_s
        since_s = before_s if t_s - before_s <= UNSEEN_S else t_s
        seen = {person.id: self._look(person, t_s) for person in people.values()}
        self._update_stays(people, seen, since_s, t_s)
        staff = [s for s in seen.values() if s and people[s.id].is_staff]
        customers = self._customers(seen)
        for who, stay in self._attendance.step(since_s, t_s, staff, customers):
            share = _staff_share(people[who], people[stay.person], t_s)
            stay.staff_closing.append((t_s, share))
        events += self._presence.step(since_s, t_s, staff, [c.seen for c in customers])
        if t_s - clock.evidence_s >= EVIDENCE_STEP_S:
            self._gather(customers, min(t_s - clock.evidence_s, UNSEEN_S))
            clock.evidence_s = t_s
        clock.before_s = t_s
        return events + self._emit(t_s, t_s)

    def _look(self, person: Person, t_s: float) -> Seen | None:
        """The person at `t_s`: seen, hidden where last seen, or None (not there)."""
        index = person.index_at(t_s)
        if index is not None:
            place = (person.x_m[index], person.y_m[index])
            return Seen(person.id, place, person.voted_mask(index), visible=True)
        if t_s < person.first_s or (person.gone_s is not None and t_s > person.gone_s):
            return None
        last = person.last_index(t_s)
        place = (person.x_m[last], person.y_m[last])
        return Seen(person.id, place, person.voted_mask(last), visible=False)

    def _update_stays(
        self, people: People, seen: Mapping[TrackId, Seen | None], since_s: float, t_s: float
    ) -> None:
        staying = {stay.person for stay in self._stays if not stay.closed}
        for stay in self._stays:
            if stay.closed:
                continue
            one = seen.get(stay.person)
            if one is None:
                stay.closed = True
            elif one.visible:
                if t_s - stay.last_present_s > self._terms.merge_s:
                    stay.closed = True
                    staying.discard(stay.person)
                    continue
                stay.see(since_s, t_s, one.mask, self._zones.customer_bits, self._zones.service_bits)
            else:
                stay.hide(self._zones.customer_bits)
                stay.closed = t_s - stay.last_present_s > self._terms.merge_s
        self._stays = [
            stay
            for stay in self._stays
            if stay.settled or not (stay.person in people and people[stay.person].is_staff)
        ]
        for one in seen.values():
            if one is None or not one.visible or one.id in staying or people[one.id].is_staff:
                continue
            if one.mask & self._zones.customer_bits:
                self._open(people[one.id], one, t_s)

    def _open(self, person: Person, one: Seen, t_s: float) -> None:
        began_s = self._clock.seeing_since_s or 0.0
        already = (
            person.first_s - began_s <= (ALREADY_THERE_S if person.from_edge else BEGIN_S)
            and t_s - max(person.first_s, began_s) <= ALREADY_THERE_S
        )
        self._count += 1
        stay = Stay(self._count, person.id, t_s, already, one.position_m, t_s)
        stay.see(t_s, t_s, one.mask, self._zones.customer_bits, self._zones.service_bits)
        self._stays.append(stay)

    def _customers(self, seen: Mapping[TrackId, Seen | None]) -> list[Candidate]:
        """Customers with an open stay, seen or hidden, each with its party."""
        here = [
            (stay, one)
            for stay in self._stays
            if not stay.closed and (one := seen.get(stay.person)) is not None
        ]
        party = self._parties([stay for stay, _ in here])
        return [Candidate(stay, party[stay.number], one) for stay, one in here]

    def _parties(self, stays: Sequence[Stay]) -> dict[int, int]:
        """Party number of each stay, by the evidence so far."""
        root = {stay.number: stay.number for stay in stays}

        def find(one: int) -> int:
            while root[one] != one:
                one = root[one]
            return one

        for first, second in combinations(stays, 2):
            if self._linked(first, second):
                root[find(second.number)] = find(first.number)
        return {one: find(one) for one in root}

    def _linked(self, first: Stay, second: Stay) -> bool:
        if second.number in first.linked or first.number in second.linked:
            return True
        if first.settled or second.settled:
            return False
        evidence = self._pairs.get(frozenset((first.number, second.number)))
        return evidence is not None and together(first, second, evidence, self._terms)

    def _gather(self, customers: Sequence[Candidate], step_s: float) -> None:
        """Evidence on pairs that are both in view."""
        visible = [c for c in customers if c.seen.visible]
        for one, two in combinations(visible, 2):
            pair = frozenset((one.stay.number, two.stay.number))
            evidence = self._pairs.setdefault(pair, PairEvidence())
            distance_m = math.dist(one.seen.position_m, two.seen.position_m)
            served = [bool(c.seen.mask & self._zones.service_bits) for c in (one, two)]
            queued = [bool(c.seen.mask & self._zones.queue_bits) and not s
                      for c, s in zip((one, two), served, strict=True)]
            divided = (served[0] and queued[1]) or (served[1] and queued[0])
            evidence.add(step_s, distance_m, self._terms.party_distance_m, divided)

    def _emit(self, t_s: float, now_s: float) -> list[Event]:
        """Visits of parties that are complete: all members departed, nothing to come."""
        due = [s for s in self._stays if s.closed and not s.settled and s.departed_s <= t_s]
        if not due:
            return []
        for stay in due:
            stay.linked |= {
                other.number for other in self._stays if other is not stay and self._linked(stay, other)
            }
        for stay in due:
            stay.settled = True
        return self._conclude(now_s)

    def _conclude(self, now_s: float) -> list[Event]:
        party = self._parties(self._stays)
        groups: dict[int, list[Stay]] = {}
        for stay in self._stays:
            groups.setdefault(party[stay.number], []).append(stay)
        done = [group for group in groups.values() if all(stay.settled for stay in group)]
        events: list[Event] = [self._judge.conclude(group, now_s, self._blind) for group in done]
        gone = {stay.number for group in done for stay in group}
        self._stays = [stay for stay in self._stays if stay.number not in gone]
        self._pairs = {pair: e for pair, e in self._pairs.items() if not pair & gone}
        oldest_s = min((stay.arrived_s for stay in self._stays), default=now_s)
        self._blind = [span for span in self._blind if span[1] >= oldest_s]
        return sorted(events, key=_order)


def _order(event: Event) -> tuple[float, str]:
    if isinstance(event, Visit):
        return event.arrived_s, event.point
    return getattr(event, "arrived_s", getattr(event, "start_s", 0.0)), ""


def _staff_share(staff: Person, customer: Person, t_s: float) -> float:
    """Share of the closing distance that the staff member covered in the last seconds."""
    (sx, sy), (cx, cy) = staff.position_near(t_s - CLOSING_S), customer.position_near(t_s - CLOSING_S)
    distance = math.dist((sx, sy), (cx, cy))
    if distance <= 0:
        return 0.0
    ux, uy = (cx - sx) / distance, (cy - sy) / distance
    (sx2, sy2), (cx2, cy2) = staff.position_near(t_s), customer.position_near(t_s)
    by_staff = max(0.0, (sx2 - sx) * ux + (sy2 - sy) * uy)
    by_customer = max(0.0, (cx - cx2) * ux + (cy - cy2) * uy)
    total = by_staff + by_customer
    return by_staff / total if total > 0.2 else 0.0
