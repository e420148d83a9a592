"""Moments as they happen, from one snapshot's visits to the next.

A visit tells up to four moments; what it tells may change until it is final:

    (nothing) ──told──► told ──told again, otherwise──► corrected
                          │◄──────told again──────┐
                          └──told no longer──► withdrawn ──15 s──► (nothing)
    told, corrected ──the visit is final──► settled

A party is found again by its members' stays (track id and arrival), so that a correction
meets the moment that it corrects. Camera time comes with every call.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from edge.visits.values import Outcome, PasserBy, Visit

HOLD_S = 3.0
MOVED_S = 0.5
SAME_STAY_S = 1.0
WITHDRAWN_S = 15.0
REMEMBER_S = 120.0
MOST_MOMENTS = 60

Stay = tuple[int | str, float]


class Kind(StrEnum):
    """What happened."""

    ARRIVED = "arrived"
    ALREADY_HERE = "already_here"
    GREETED = "greeted"
    SERVICE_STARTED = "service_started"
    DEPARTED = "departed"
    PASSER_BY = "passer_by"


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of the list.

    Attributes:
        number: order of discovery, from 1.
        party: the party's tag on the page, 0 for a passer-by.
        after_s: seconds since its arrival, where they are known.
        settled: cannot change any more.
        withdrawn_s: when it was taken back, else None.
    """

    number: int
    kind: Kind
    at_s: float
    party: int
    point: str
    size: int
    after_s: float | None = None
    outcome: Outcome | None = None
    settled: bool = False
    corrected: bool = False
    withdrawn_s: float | None = None


@dataclass(slots=True, eq=False)
class Party:
    """A party as the page knows it; `lines` are its moments' numbers."""

    tag: int
    stays: frozenset[Stay]
    lines: dict[Kind, int]
    touched_s: float
    closed: bool = False
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class OpenParty:
    """A visit that is not final, with its party's tag."""

    tag: int
    visit: Visit


class MomentLog:
    """The last `MOST_MOMENTS` moments, and the parties that they are about.

    Attributes:
        revision: rises with every change of `moments`.
    """

    def __init__(self) -> None:
        self.revision = 0
        self._moments: dict[int, Moment] = {}
        self._parties: list[Party] = []
        self._last_number = 0
        self._last_tag = 0
        self._now_s = 0.0

    @property
    def moments(self) -> list[Moment]:
        """The moments, the latest first."""
        return sorted(self._moments.values(), key=lambda m: (m.at_s, m.number), reverse=True)

    def update(
        self, now_s: float, finals: Iterable[Visit | PasserBy], opens: Iterable[Visit]
    ) -> list[OpenParty]:
        """Take in what became final and what is open; returns the open parties with tags.

        Camera time that runs backwards (the camera process was started anew) clears the log.
        """
        if now_s < self._now_s:
            self._clear()
        self._now_s = now_s
        touched: set[Party] = set()
        for event in finals:
            if isinstance(event, PasserBy):
                self._pass_by(event)
                continue
            party = self._find(event, touched) or self._begin(event)
            touched.add(party)
            self._tell(party, event, final=True)
        shown = [one for visit in opens if (one := self._open(visit, touched)) is not None]
        for party in self._parties:
            if party not in touched and not party.closed and not party.withdrawn:
                party.withdrawn = True
                self._withdraw(party.lines.values())
        self._forget()
        return shown

    def _open(self, visit: Visit, touched: set[Party]) -> OpenParty | None:
        """Tell an open visit; None where it has become final meanwhile."""
        stays = _stays_of(visit)
        if any(party.closed and _shared(party.stays, stays) for party in self._parties):
            return None
        party = self._find(visit, touched) or self._begin(visit)
        touched.add(party)
        self._tell(party, visit, final=False)
        return OpenParty(party.tag, visit)

    def _find(self, visit: Visit, touched: set[Party]) -> Party | None:
        """The party with the most stays in common; one that still stands, before others."""
        stays = _stays_of(visit)
        ranked = [
            (_shared(party.stays, stays), not party.withdrawn, -party.tag, party)
            for party in self._parties
            if party not in touched and not party.closed
        ]
        best = max(ranked, key=lambda row: row[:3], default=None)
        return best[3] if best is not None and best[0] else None

    def _begin(self, visit: Visit) -> Party:
        self._last_tag = self._last_tag % 99 + 1
        party = Party(self._last_tag, _stays_of(visit), {}, self._now_s)
        self._parties.append(party)
        return party

    def _tell(self, party: Party, visit: Visit, *, final: bool) -> None:
        party.stays = _stays_of(visit)
        party.touched_s, party.closed, party.withdrawn = self._now_s, final, False
        told = {m.kind: m for m in _told(party.tag, visit, self._now_s, final=final)}
        for kind, moment in told.items():
            if kind not in party.lines:
                party.lines[kind] = self._add(moment)
            else:
                self._retell(party.lines[kind], moment)
        self._withdraw(number for kind, number in party.lines.items() if kind not in told)

    def _add(self, moment: Moment) -> int:
        self._last_number += 1
        self._moments[self._last_number] = replace(moment, number=self._last_number)
        self.revision += 1
        while len(self._moments) > MOST_MOMENTS:
            del self._moments[min(self._moments)]
        return self._last_number

    def _retell(self, number: int, now: Moment) -> None:
        """Say a moment again; what moved, or ended otherwise, is marked as corrected."""
        before = self._moments.get(number)
        if before is None:
            return
        moved = abs(now.at_s - before.at_s) > MOVED_S or now.outcome is not before.outcome
        point = before.point if now.kind is Kind.ARRIVED else now.point
        after = replace(now, number=number, point=point, corrected=before.corrected or moved)
        if not moved:
            after = replace(after, at_s=before.at_s, after_s=before.after_s)
        if after != before:
            self._moments[number] = after
            self.revision += 1

    def _withdraw(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            moment = self._moments.get(number)
            if moment is not None and moment.withdrawn_s is None:
                self._moments[number] = replace(moment, withdrawn_s=self._now_s)
                self.revision += 1

    def _pass_by(self, event: PasserBy) -> None:
        self._add(Moment(0, Kind.PASSER_BY, event.arrived_s, 0, event.point, 1, settled=True))

    def _forget(self) -> None:
        old = [
            number
            for number, moment in self._moments.items()
            if moment.withdrawn_s is not None and self._now_s - moment.withdrawn_s > WITHDRAWN_S
        ]
        for number in old:
            del self._moments[number]
            self.revision += 1
        for party in self._parties:
            party.lines = {kind: n for kind, n in party.lines.items() if n not in old}
        self._parties = [
            party
            for party in self._parties
            if not (party.closed or party.withdrawn) or self._now_s - party.touched_s <= REMEMBER_S
        ]

    def _clear(self) -> None:
        self._moments.clear()
        self._parties.clear()
        self.revision += 1


def _stays_of(visit: Visit) -> frozenset[Stay]:
    members = frozenset[Stay]((m.track_id, m.arrived_s) for m in visit.members)
    return members or frozenset(((visit.point, visit.arrived_s),))


def _shared(some: frozenset[Stay], others: frozenset[Stay]) -> int:
    """How many of the stays are the same."""
    return sum(
        any(who == other and abs(since_s - at_s) <= SAME_STAY_S for other, at_s in others)
        for who, since_s in some
    )


def _told(tag: int, visit: Visit, now_s: float, *, final: bool) -> Iterator[Moment]:
    """What a visit tells as it stands now.

    Someone who stepped out of the zones is told to have departed `HOLD_S` later.
    """

    def moment(
        kind: Kind, at_s: float, after_s: float | None, outcome: Outcome | None = None
    ) -> Moment:
        point = visit.service_point or visit.point
        return Moment(0, kind, at_s, tag, point, visit.party_size, after_s, outcome, final)

    arrival = Kind.ALREADY_HERE if visit.left_censored else Kind.ARRIVED
    yield replace(moment(arrival, visit.arrived_s, None), point=visit.queue or visit.point)
    if visit.greeted_s is not None:
        after_s = visit.greeting.total_s if visit.greeting else None
        yield moment(Kind.GREETED, visit.greeted_s, after_s)
    if visit.service_started_s is not None:
        after_s = visit.waiting.total_s if visit.waiting else None
        yield moment(Kind.SERVICE_STARTED, visit.service_started_s, after_s)
    stay_s = visit.stay.total_s
    if visit.departed_s is not None and (final or now_s - visit.departed_s >= HOLD_S):
        yield moment(Kind.DEPARTED, visit.departed_s, stay_s, visit.outcome)
    elif final:
        yield moment(Kind.DEPARTED, visit.arrived_s + stay_s, stay_s, visit.outcome)
