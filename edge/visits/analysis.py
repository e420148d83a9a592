"""The encounter logic, frame by frame, some time behind the camera.

For each frame, in this order: stays open, go on and close; staff attend to parties;
presence at the counters is noted; evidence on who belongs together is gathered; parties
whose members are all settled become visits. Running behind lets later evidence (a role, a
hidden person found again) correct the past before it counts. Nothing here reads a clock:
frames come with their times.
"""

from __future__ import annotations

import copy
import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edge.visits.approach import staff_share
from edge.visits.attendance import Attendance, Candidate, Seen
from edge.visits.intervals import Intervals
from edge.visits.moments import Judge
from edge.visits.pairs import Pairs
from edge.visits.presence import PresenceLog
from edge.visits.stay import UNSEEN_S, Stay
from edge.visits.values import BlindSpan, Event, PasserBy, Visit

if TYPE_CHECKING:
    from edge.tracking.track import TrackId
    from edge.visits.person import Person
    from edge.visits.zones import ZoneMap
    from firmware_cfg.site import Encounter

BEGIN_S = 3.0
ALREADY_THERE_S = 0.5
EVIDENCE_STEP_S = 0.2
PEEK_STEP_S = 0.15

People = Mapping["TrackId", "Person"]


@dataclass(slots=True)
class Progress:
    """Where the analysis stands.

    Attributes:
        before_s: the frame before.
        seeing_since_s: start of the record, or end of the last blind interval.
        evidence_s: when evidence on pairs was gathered last.
        stays: how many were opened.
        party: party of each open stay, by the evidence then.
    """

    before_s: float | None = None
    seeing_since_s: float = 0.0
    evidence_s: float = -math.inf
    stays: int = 0
    party: dict[int, int] = field(default_factory=dict)


class Analysis:
    """Visits from people's timelines."""

    def __init__(self, zones: ZoneMap, terms: Encounter) -> None:
        """Analyse by `zones` and `terms`."""
        self._zones = zones
        self._terms = terms
        self._judge = Judge(zones, terms)
        self._attendance = Attendance(zones, terms.engagement_distance_m)
        self._presence = PresenceLog(zones, terms.hidden_bridge_s)
        self._pairs = Pairs(zones, terms)
        self._frames: deque[float] = deque()
        self._at = Progress()
        self._stays: list[Stay] = []
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
        end_s = self._at.before_s
        if end_s is None:
            return events
        for stay in self._stays:
            stay.still_present = not stay.closed and bool(stay.mask)
            stay.closed = True
        events += self._presence.flush(end_s)
        events += self._emit(end_s, end_s)
        return sorted(events, key=_order)

    def peek(self, people: People) -> list[Visit]:
        """Visits that would be made if the record ended now; changes nothing.

        Frames closer than `PEEK_STEP_S` are passed over, so that looking stays cheap.
        """
        shared = (self._zones, self._terms, self._judge)
        ahead = copy.deepcopy(self, {id(one): one for one in shared})
        ahead._thin()  # noqa: SLF001 - it is one of us
        return [event for event in ahead.finish(people) if isinstance(event, Visit)]

    def _thin(self) -> None:
        kept: deque[float] = deque()
        last = self._frames[-1] if self._frames else 0.0
        for t_s in self._frames:
            if t_s == last or not kept or t_s - kept[-1] >= PEEK_STEP_S:
                kept.append(t_s)
        self._frames = kept

    def _step(self, people: People, t_s: float) -> list[Event]:
        at, events = self._at, list[Event]()
        if at.before_s is None:
            at.before_s = at.seeing_since_s = t_s
        before_s = at.before_s
        if t_s - before_s > UNSEEN_S:
            events += [*self._presence.flush(before_s), self._go_blind(before_s, t_s)]
            before_s = t_s
        seen = self._look(people, t_s)
        self._update_stays(people, seen, t_s)
        staff = [one for one in seen.values() if one.person.is_staff]
        customers = self._customers(seen, t_s)
        for who, stay in self._attendance.step(before_s, t_s, staff, customers):
            share = staff_share(people[who], people[stay.person], t_s)
            stay.staff_closing.append((t_s, share))
        events += self._presence.step(t_s, staff, [c.seen for c in customers])
        at.before_s = t_s
        return events + self._emit(t_s, math.inf)

    def _go_blind(self, before_s: float, t_s: float) -> BlindSpan:
        """No frames between `before_s` and `t_s`."""
        self._blind.append((before_s, t_s))
        for stay in self._stays:
            stay.interrupt()
        self._at.seeing_since_s = t_s
        return BlindSpan(before_s, t_s)

    def _look(self, people: People, t_s: float) -> dict[TrackId, Seen]:
        """Who is there at `t_s`: seen, or hidden where last seen."""
        seen: dict[TrackId, Seen] = {}
        for person in people.values():
            if t_s < person.first_s or (person.gone_s is not None and t_s > person.gone_s):
                continue
            index = person.last_index(t_s)
            visible = person.t_s[index] == t_s
            seen[person.id] = Seen(person, index, person.voted_mask(index), visible)
        return seen

    def _update_stays(self, people: People, seen: Mapping[TrackId, Seen], t_s: float) -> None:
        zones, merge_s = self._zones, self._terms.merge_s
        self._stays = [
            stay
            for stay in self._stays
            if stay.settled or not (stay.person in people and people[stay.person].is_staff)
        ]
        staying: set[TrackId] = set()
        for stay in self._stays:
            if stay.closed:
                continue
            one = seen.get(stay.person)
            if one is None or t_s - stay.last_present_s > merge_s:
                stay.closed = True
                stay.aside = one is not None and one.visible
                continue
            staying.add(stay.person)
            if one.visible:
                stay.see(t_s, one.mask & zones.customer_bits, zones.service_bits)
            else:
                stay.hide()
        for one in seen.values():
            person = one.person
            if not one.visible or person.id in staying or person.is_staff:
                continue
            if one.mask & zones.customer_bits:
                self._open(one, t_s)

    def _open(self, one: Seen, t_s: float) -> None:
        person, began_s = one.person, self._at.seeing_since_s
        already = (
            person.first_s - began_s <= (ALREADY_THERE_S if person.from_edge else BEGIN_S)
            and t_s - max(person.first_s, began_s) <= ALREADY_THERE_S
        )
        before_s = person.t_s[one.index - 1] if one.index else -math.inf
        self._at.stays += 1
        entry_m = one.position_m if person.from_edge else None
        stay = Stay(self._at.stays, person.id, t_s, already, entry_m, t_s, seen_s=before_s)
        stay.see(t_s, one.mask & self._zones.customer_bits, self._zones.service_bits)
        stay.arrived_s = stay.present.parts[0][0]
        self._stays.append(stay)

    def _customers(self, seen: Mapping[TrackId, Seen], t_s: float) -> list[Candidate]:
        """Open stays with how their persons are seen, and their parties by the evidence."""
        at = self._at
        here = [
            (stay, one)
            for stay in self._stays
            if not stay.closed and (one := seen.get(stay.person)) is not None
        ]
        since_s = t_s - at.evidence_s
        if since_s >= EVIDENCE_STEP_S:
            self._pairs.gather(here, min(since_s, UNSEEN_S))
            at.evidence_s = t_s
        if since_s >= EVIDENCE_STEP_S or any(stay.number not in at.party for stay, _ in here):
            at.party = self._pairs.parties([stay for stay, _ in here], t_s)
        return [Candidate(stay, at.party[stay.number], one) for stay, one in here]

    def _emit(self, now_s: float, end_s: float) -> list[Event]:
        """Settle stays whose time has come, and make visits of parties that are complete.

        Args:
            now_s: the frame that was analysed last.
            end_s: end of the record, where it has ended; settles everybody.
        """
        due = [
            stay
            for stay in self._stays
            if stay.closed
            and not stay.settled
            and (end_s < math.inf or now_s - stay.departed_s > self._terms.merge_s)
        ]
        if not due:
            return []
        for stay in due:
            stay.linked |= {
                other.number
                for other in self._stays
                if other is not stay and self._pairs.linked(stay, other, now_s)
            }
        for stay in due:
            stay.settled = True
        return self._conclude(now_s)

    def _conclude(self, now_s: float) -> list[Event]:
        party = self._pairs.parties(self._stays, now_s)
        groups: dict[int, list[Stay]] = {}
        for stay in self._stays:
            groups.setdefault(party[stay.number], []).append(stay)
        done = [group for group in groups.values() if all(stay.settled for stay in group)]
        events: list[Event] = [self._judge.conclude(group, now_s, self._blind) for group in done]
        gone = {stay.number for group in done for stay in group}
        self._stays = [stay for stay in self._stays if stay.number not in gone]
        self._pairs.forget(self._stays)
        oldest_s = min((stay.arrived_s for stay in self._stays), default=now_s)
        self._blind = [span for span in self._blind if span[1] >= oldest_s]
        return sorted(events, key=_order)


def _order(event: Event) -> tuple[float, str]:
    if isinstance(event, Visit):
        return event.arrived_s, event.point
    if isinstance(event, PasserBy):
        return event.arrived_s, ""
    return event.start_s, ""
