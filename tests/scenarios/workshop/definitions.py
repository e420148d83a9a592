"""Visits by the contract's definitions, offline, from where everybody is known to be.

Written apart from the product's own analysis, so that each can be held against the other.
Times are cells: the sample at `times_s[i]` stands for the time from half-way since the sample
before to half-way to the next, so a border between two samples is crossed half-way.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from firmware_cfg.site import Site
from tests.scenarios.workshop.day import Role, Span
from tests.scenarios.workshop.people import (
    BoolArray,
    FloatArray,
    Person,
    Run,
    any_of,
    apart_m,
    present_in,
    runs,
)
from tests.scenarios.workshop.visit import TrueVisit, Truth

LEFT_PICTURE_S = 1.0
CLOSING_S = 5.0
INTERACTIVE_SHARE = 0.6
INTERACTIVE_TURNS = 3
EPSILON_S = 1e-6


def visits_in(
    site: Site, times_s: FloatArray, people: Sequence[Person], blind: Sequence[Span] = ()
) -> Truth:
    """Every visit.

    Time without samples longer than `merge_s` makes two records of one. Of shorter blindness,
    in which there may be samples, two things alone are told: who arrived in it was already
    there when seeing began again, and who came and went in it was never seen.
    """
    if len(times_s) == 0:
        return Truth((), 0)
    gaps = np.flatnonzero(np.diff(times_s) > site.encounter.merge_s + EPSILON_S) + 1
    borders = [0, *(int(gap) for gap in gaps), len(times_s)]
    visits: list[TrueVisit] = []
    passers_by = 0
    for run in pairwise(borders):
        record = _Record(site, times_s[slice(*run)], [one.part(run) for one in people], blind)
        found, short = record.judge()
        visits += found
        passers_by += short
    return Truth(tuple(sorted(visits, key=lambda v: (v.arrived_s, v.members))), passers_by)


class _Record:
    """Samples without blindness, and who is in them."""

    def __init__(
        self, site: Site, times_s: FloatArray, people: Sequence[Person], blind: Sequence[Span]
    ) -> None:
        self.site, self.terms, self.blind = site, site.encounter, blind
        middles = (times_s[1:] + times_s[:-1]) / 2
        self.edges_s = np.concatenate([times_s[:1], middles, times_s[-1:]])
        self.staff = [one for one in people if one.role is Role.STAFF]
        self.parties: dict[int, list[Person]] = {}
        for one in people:
            if one.role is Role.CUSTOMER:
                self.parties.setdefault(one.party, []).append(one)
        self.attention = [self._attention(one) for one in self.staff]

    def judge(self) -> tuple[list[TrueVisit], int]:
        """Visits, and the number of passers-by."""
        visits: list[TrueVisit] = []
        passers_by = 0
        for party in self.parties:
            for stays in self._stays(party):
                if self._seen_from_s(stays) >= self.edges_s[stays[-1][1]]:
                    continue
                if sum(self._length_s(run) for run in stays) < self.terms.min_stay_s - EPSILON_S:
                    passers_by += 1
                else:
                    visits.append(self._visit(party, stays))
        return visits, passers_by

    def _seen_from_s(self, stays: Sequence[Run]) -> float:
        """Arrival, or the end of the blindness in which it was."""
        arrived_s = float(self.edges_s[stays[0][0]])
        return next((end for start, end in self.blind if start < arrived_s < end), arrived_s)

    def _length_s(self, run: Run) -> float:
        return float(self.edges_s[run[1]] - self.edges_s[run[0]])

    def _spans(self, mask: BoolArray, window: Run) -> list[Span]:
        """Where `mask` holds inside the window, seconds."""
        first, last = window
        return [
            (float(self.edges_s[first + a]), float(self.edges_s[first + b]))
            for a, b in runs(mask[first:last])
        ]

    def _stays(self, party: int) -> list[list[Run]]:
        """The party's presences, those of one visit together."""
        members = self.parties[party]
        stays: list[list[Run]] = []
        for run in runs(any_of(one.present for one in members)):
            if stays and self._resumes(members, stays[-1], run):
                stays[-1].append(run)
            else:
                stays.append([run])
        return stays

    def _resumes(self, members: Sequence[Person], stay: Sequence[Run], run: Run) -> bool:
        """Whether a presence goes on with the visit: back soon, and not from outside."""
        absence = (stay[-1][1], run[0])
        if self._length_s(absence) > self.terms.merge_s + EPSILON_S:
            return False
        gone = ~any_of(one.seen for one in present_in(members, stay))
        out_s = (end - start for start, end in self._spans(gone, absence))
        return all(length < LEFT_PICTURE_S - EPSILON_S for length in out_s)

    def _attention(self, staff: Person) -> NDArray[np.int64]:
        """(n,) the party that the staff member attends to, -1: none."""
        attended = np.full(len(staff.seen), -1)
        numbers = list(self.parties)
        if not numbers:
            return attended
        away_m = np.stack([self._reach_m(staff, self.parties[p]) for p in numbers], axis=1)
        fits = np.isfinite(away_m)
        current = -1
        for index in np.flatnonzero(fits.any(axis=1)):
            if current < 0 or not fits[index, current]:
                current = int(away_m[index].argmin())
            attended[index] = numbers[current]
        return attended

    def _reach_m(self, staff: Person, members: Sequence[Person]) -> FloatArray:
        """(n,) floor distance to the party's nearest member, inf where it does not qualify."""
        at_counter = staff.seen & (any_of(one.service for one in members) & staff.staff).any(axis=1)
        away_m = np.full(len(staff.seen), np.inf)
        for one in members:
            apart = np.hypot(*(one.xy_m - staff.xy_m).T)
            away_m = np.where(one.present & ~np.isnan(apart), np.minimum(away_m, apart), away_m)
        near = staff.seen & staff.customers_side & (away_m <= self.terms.engagement_distance_m)
        return np.where(at_counter | near, away_m, np.inf)

    def _visit(self, party: int, stays: list[Run]) -> TrueVisit:
        members = present_in(self.parties[party], stays)
        window = (stays[0][0], stays[-1][1])
        arrived_s, until_s = self._seen_from_s(stays), float(self.edges_s[window[1]])
        unseen = arrived_s > self.edges_s[window[0]]
        engaged = _common(self._engagements(party, window), [(arrived_s, until_s)])
        greeted_s = engaged[0][0] if engaged else None
        service = self._service(members, window, engaged)
        started_s = service[0] if service else None
        departed_s = None if window[1] == len(self.edges_s) - 1 else until_s
        point, queue = self._place(members, stays, service)
        interaction_s = sum(end - start for start, end in engaged)
        return TrueVisit(
            service_point=point,
            queue=queue,
            party_size=len(members),
            arrived_s=arrived_s,
            greeted_s=greeted_s,
            service_started_s=started_s,
            departed_s=departed_s,
            until_s=until_s,
            left_censored=window[0] == 0 or bool(unseen),
            interaction_s=interaction_s,
            outcome=self._outcome(departed_s, greeted_s, started_s, until_s - arrived_s),
            pattern=self._pattern(party, members, engaged, interaction_s / (until_s - arrived_s)),
            interruptions=0 if started_s is None else self._interruptions(engaged, started_s),
            members=tuple(sorted(one.number for one in members)),
        )

    def _engagements(self, party: int, window: Run) -> list[Span]:
        """Engagements of the party inside its visit: union over staff, gaps bridged."""
        bridged: list[Span] = []
        if not self.staff:
            return bridged
        attended: BoolArray = np.any(np.stack(self.attention) == party, axis=0)
        for start, end in self._spans(attended, window):
            if bridged and start - bridged[-1][1] <= self.terms.engagement_gap_s + EPSILON_S:
                bridged[-1] = (bridged[-1][0], end)
            else:
                bridged.append((start, end))
        least_s = self.terms.min_engagement_s - EPSILON_S
        return [(start, end) for start, end in bridged if end - start >= least_s]

    def _service(
        self, members: Sequence[Person], window: Run, engaged: Sequence[Span]
    ) -> Span | None:
        """First stretch of at least `min_service_s`, engaged and at a counter."""
        served: BoolArray = np.any(any_of(one.service for one in members), axis=1)
        for stretch in _common(engaged, self._spans(served, window)):
            if stretch[1] - stretch[0] >= self.terms.min_service_s - EPSILON_S:
                return stretch
        return None

    def _interruptions(self, engaged: Sequence[Span], started_s: float) -> int:
        gaps = [b - a for (_, a), (b, _) in pairwise(engaged) if a >= started_s]
        return sum(gap >= self.terms.interrupted_s - EPSILON_S for gap in gaps)

    def _place(
        self, members: Sequence[Person], stays: Sequence[Run], service: Span | None
    ) -> tuple[str | None, str | None]:
        """(service point, queue)."""
        inside = np.zeros(len(self.edges_s) - 1, bool)
        for run in stays:
            inside[slice(*run)] = True
        lengths_s = np.diff(self.edges_s) * inside
        at_points, in_queues = (
            any_of(one.service for one in members),
            any_of(one.queue for one in members),
        )
        queue = _longest([q.id for q in self.site.queue], lengths_s @ in_queues)
        points = [point.id for point in self.site.service_point]
        if service is not None:
            starts = self.edges_s[:-1]
            lengths_s *= (starts >= service[0] - EPSILON_S) & (starts < service[1] - EPSILON_S)
        point = _longest(points, lengths_s @ at_points)
        if point is None and queue is not None:
            feeds = next(q.feeds for q in self.site.queue if q.id == queue) or tuple(points)
            point = feeds[0] if len(feeds) == 1 else None
        return point, queue

    def _outcome(
        self,
        departed_s: float | None,
        greeted_s: float | None,
        started_s: float | None,
        stay_s: float,
    ) -> str:
        if departed_s is None:
            return "still_present"
        if started_s is not None:
            return "served"
        if greeted_s is not None:
            return "greeted_only"
        return "abandoned" if stay_s >= self.terms.abandon_after_s - EPSILON_S else "passed"

    def _pattern(
        self, party: int, members: Sequence[Person], engaged: Sequence[Span], share: float
    ) -> str | None:
        if not engaged:
            return None
        if share >= INTERACTIVE_SHARE and len(engaged) >= INTERACTIVE_TURNS:
            return "interactive"
        greeted = int(np.searchsorted(self.edges_s, engaged[0][0] + EPSILON_S)) - 1
        attending = [
            staff
            for staff, whom in zip(self.staff, self.attention, strict=True)
            if whom[greeted] == party
        ]
        pairs = [(s, c) for s in attending for c in members if c.present[greeted]]
        staff, customer = min(pairs, key=lambda pair: apart_m(pair[0], pair[1], greeted))
        return "proactive" if self._staff_came(staff, customer, greeted) else "reactive"

    def _staff_came(self, staff: Person, customer: Person, greeted: int) -> bool:
        """Whether the staff member covered more of the closing distance, along its line."""
        before = int(np.searchsorted(self.edges_s, self.edges_s[greeted] - CLOSING_S))
        both = ~np.isnan(staff.xy_m[:, 0] + customer.xy_m[:, 0])
        start = before + int(both[before : greeted + 1].argmax())
        line = customer.xy_m[start] - staff.xy_m[start]
        by_staff = float((staff.xy_m[greeted] - staff.xy_m[start]) @ line)
        by_customer = float((customer.xy_m[start] - customer.xy_m[greeted]) @ line)
        return by_staff > max(by_customer, 0.0)


def _common(ones: Sequence[Span], others: Sequence[Span]) -> list[Span]:
    """Overlaps of two ordered lists of spans."""
    both = [(max(a, c), min(b, d)) for a, b in ones for c, d in others]
    return [(start, end) for start, end in both if end > start]


def _longest(names: Sequence[str], lengths_s: FloatArray) -> str | None:
    """The name with the most time, None where all have none."""
    if len(names) == 0 or lengths_s.max() <= 0:
        return None
    return names[int(lengths_s.argmax())]
