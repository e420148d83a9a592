"""From a party's stays to its visit: moments, durations, outcome, pattern."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from edge.visits.intervals import Interval, Intervals, Log, complement, intersect, length_s, union
from edge.visits.values import (
    Duration,
    Evidence,
    Member,
    Outcome,
    PasserBy,
    Pattern,
    PointId,
    Visit,
)

if TYPE_CHECKING:
    from edge.visits.stay import Stay
    from edge.visits.zones import ZoneMap
    from firmware_cfg.site import Encounter

FLICKER_S = 1.0
INTERACTIVE_SHARE = 0.6
INTERACTIVE_TURNS = 3


@dataclass(frozen=True, slots=True)
class Engagements:
    """A party's engagements, and what of them was seen.

    Attributes:
        parts: the engagements.
        seen: when attention was seen.
        unseen: without frames, or somebody hidden in place.
        hidden: hidden time too long to be bridged; a part that touches it may have
            lasted longer than it shows.
    """

    parts: Intervals
    seen: Intervals
    unseen: Intervals
    hidden: Intervals

    def open_at(self, t_s: float) -> bool:
        """Whether hidden time hides how attention went on at `t_s`."""
        return any(start <= t_s <= end for start, end in self.hidden)

    @property
    def duration(self) -> Duration:
        """Interaction duration: seen, and bridged."""
        seen_s = length_s(intersect(self.seen, self.parts))
        return Duration(seen_s, max(0.0, length_s(self.parts) - seen_s), 0.0)

    def seen_gaps_s(self, since_s: float) -> list[float]:
        """Seconds in which staff were seen not to attend, in each gap after `since_s`."""
        gaps = [(end, start) for (_, end), (start, _) in pairwise(self.parts) if end >= since_s]
        return [
            end - start - length_s(intersect(self.unseen, [(start, end)])) for start, end in gaps
        ]


def engagements_of(stays: Sequence[Stay], blind: Intervals, terms: Encounter) -> Engagements:
    """Engagements of a party: all attention to its members, gaps bridged as defined.

    A gap is bridged where what was seen of it is at most `engagement_gap_s`, and what was
    not at most `hidden_bridge_s`. Time hidden in place right before or after is bridged
    likewise. Engagements known to be shorter than `min_engagement_s` do not count.
    """
    seen = union(part for stay in stays for part in _attended(stay))
    hidden = union(part for stay in stays for part in _while_present(stay, stay.attention_hidden))
    unseen = union([*hidden, *blind])
    parts: Intervals = []
    for start, end in _widened(seen, hidden, terms.hidden_bridge_s):
        if parts:
            gap = (parts[-1][1], start)
            unseen_s = length_s(intersect(unseen, [gap]))
            seen_gap_s = gap[1] - gap[0] - unseen_s
            if seen_gap_s <= terms.engagement_gap_s and unseen_s <= terms.hidden_bridge_s:
                parts[-1] = (parts[-1][0], max(end, parts[-1][1]))
                continue
        parts.append((start, end))
    long = [part for part in hidden if part[1] - part[0] > terms.hidden_bridge_s]
    counted = [
        (start, end)
        for start, end in parts
        if end - start >= terms.min_engagement_s or any(a <= end and start <= b for a, b in long)
    ]
    return Engagements(counted, seen, unseen, long)


def _attended(stay: Stay) -> Iterator[Interval]:
    for log in stay.attended.values():
        yield from _while_present(stay, log)


def _while_present(stay: Stay, log: Log) -> Intervals:
    """What of a log lies in the stay's presence: a border in it may be estimated otherwise."""
    return intersect(log.parts, stay.present.parts)


def _widened(seen: Intervals, hidden: Intervals, bridge_s: float) -> Intervals:
    """Parts with the hidden time right before and after them, where that is short enough."""
    short = [part for part in hidden if part[1] - part[0] <= bridge_s]
    starts = [start for start, _ in seen]
    return [
        (start, end)
        for start, end in union([*seen, *short])
        if bisect_left(starts, start) < bisect_right(starts, end)
    ]


def split_duration(start_s: float, end_s: float, seen: Intervals, bridge_s: float) -> Duration:
    """A duration by how it is known: gaps up to `bridge_s` are bridged, longer ones unknown."""
    gaps = [end - start for start, end in complement(seen, (start_s, end_s))]
    bridged_s = sum(gap for gap in gaps if gap <= bridge_s)
    unknown_s = sum(gap for gap in gaps if gap > bridge_s)
    return Duration(max(0.0, end_s - start_s - bridged_s - unknown_s), bridged_s, unknown_s)


def party_size(stays: Sequence[Stay]) -> int:
    """Most members at once: a person lost and taken up under another id counts once.

    Who stands aside, out of the zones but in view, is still with the party.
    """
    last_s = max(stay.departed_s for stay in stays)
    ends_s = ((stay, last_s if stay.aside else min(last_s, stay.left_s)) for stay in stays)
    steps = sorted(
        step for stay, end_s in ends_s for step in ((stay.arrived_s, 1), (end_s + 1e-6, -1))
    )
    return max(accumulate(step for _, step in steps))


def _members(stays: Sequence[Stay], until_s: float) -> tuple[Member, ...]:
    return tuple(
        Member(stay.person, stay.arrived_s, until_s if stay.still_present else stay.departed_s)
        for stay in sorted(stays, key=lambda stay: (stay.arrived_s, stay.person))
    )


class Judge:
    """Makes visits of parties, by one site's zones and terms."""

    def __init__(self, zones: ZoneMap, terms: Encounter) -> None:
        """Judge by `terms`."""
        self._zones = zones
        self._terms = terms

    def conclude(self, stays: Sequence[Stay], now_s: float, blind: Intervals) -> Visit | PasserBy:
        """The visit of a party, or a passer-by where its presence was too short.

        Args:
            stays: the members' stays, at least one.
            now_s: end of what was seen; parties still present last until then.
            blind: times without frames.
        """
        first = min(stays, key=lambda stay: (stay.arrived_s, stay.person))
        present = union(part for stay in stays for part in stay.present.parts)
        if length_s(present) < self._terms.min_stay_s:
            point, queue = self._place(stays, None)
            return PasserBy(self._counted_under(point, queue), first.arrived_s)
        engaged = engagements_of(stays, blind, self._terms)
        greeted_s = max(engaged.parts[0][0], first.arrived_s) if engaged.parts else None
        started_s, served_at = self._service(stays, engaged)
        still = any(stay.still_present for stay in stays)
        departed_s = None if still else max(stay.departed_s for stay in stays)
        until_s = now_s if departed_s is None else departed_s
        waiting, greeting, stay = self._durations(stays, first, (started_s, greeted_s, until_s))
        outcome = self._outcome(still, greeted_s, started_s, until_s - first.arrived_s)
        interruptions = self._interruptions(engaged, started_s)
        point, queue = self._place(stays, served_at)
        return Visit(
            service_point=point,
            queue=queue,
            party_size=party_size(stays),
            arrived_s=first.arrived_s,
            greeted_s=greeted_s,
            service_started_s=started_s,
            departed_s=departed_s,
            left_censored=first.left_censored,
            interaction=engaged.duration,
            waiting=waiting,
            greeting=greeting,
            stay=stay or Duration(0.0, 0.0, 0.0),
            outcome=outcome,
            pattern=self._pattern(stays, engaged, greeted_s, until_s - first.arrived_s),
            interruptions=interruptions,
            flawless=self._flawless(outcome, waiting, greeting, interruptions, first.left_censored),
            evidence=Evidence.PLACE if engaged.parts else Evidence.NONE,
            members=_members(stays, until_s),
        )

    def _durations(
        self, stays: Sequence[Stay], first: Stay, ends_s: tuple[float | None, ...]
    ) -> tuple[Duration | None, ...]:
        """Waiting, greeting and stay, from arrival to their ends.

        The first two are None without their moment, and where the arrival was not seen.
        """
        seen = union((part for stay in stays for part in stay.seen.parts), FLICKER_S)
        bridge_s = self._terms.hidden_bridge_s
        waiting, greeting, stay = (
            None if end_s is None else split_duration(first.arrived_s, end_s, seen, bridge_s)
            for end_s in ends_s
        )
        return (None, None, stay) if first.left_censored else (waiting, greeting, stay)

    def _service(
        self, stays: Sequence[Stay], engaged: Engagements
    ) -> tuple[float | None, PointId | None]:
        """Start of the first stretch engaged at a counter, and the counter."""
        at = {
            counter.point: union(
                (p for stay in stays for p in stay.zone_parts(counter.service_bit)), FLICKER_S
            )
            for counter in self._zones.counters
        }
        anywhere = union((part for parts in at.values() for part in parts), FLICKER_S)
        for start, end in intersect(engaged.parts, anywhere):
            if end - start >= self._terms.min_service_s or engaged.open_at(end):
                point = max(at, key=lambda p: length_s(intersect(at[p], [(start, end)])))
                return start, point
        return None, None

    def _place(
        self, stays: Sequence[Stay], served_at: PointId | None
    ) -> tuple[PointId | None, PointId | None]:
        """(service point, queue) of a visit, as the definitions say."""
        stood = {
            zone.point: length_s(union(p for stay in stays for p in stay.zone_parts(zone.bit)))
            for zone in self._zones.zones
            if zone.bit & self._zones.customer_bits
            and any(zone.bit in stay.zones for stay in stays)
        }
        queues = [z for z in self._zones.zones if z.bit & self._zones.queue_bits]
        here = [z for z in queues if z.point in stood]
        queue = max(here, key=lambda z: stood[z.point], default=None)
        point = served_at
        if point is None:
            counters = [c.point for c in self._zones.counters if c.point in stood]
            point = max(counters, key=lambda p: stood[p], default=None)
        if point is None and queue is not None:
            fed = [c.point for c in self._zones.counters if c.queue_bits & queue.bit]
            point = fed[0] if len(fed) == 1 else None
        return point, (queue.point if queue else None)

    def _counted_under(self, point: PointId | None, queue: PointId | None) -> PointId:
        return point or queue or self._zones.counters[0].point

    def _outcome(
        self, still: bool, greeted_s: float | None, started_s: float | None, stay_s: float
    ) -> Outcome:
        if still:
            return Outcome.STILL_PRESENT
        if started_s is not None:
            return Outcome.SERVED
        if greeted_s is not None:
            return Outcome.GREETED_ONLY
        return Outcome.ABANDONED if stay_s >= self._terms.abandon_after_s else Outcome.PASSED

    def _interruptions(self, engaged: Engagements, started_s: float | None) -> int:
        """Gaps of at least `interrupted_s` between engagements, once service has started."""
        if started_s is None:
            return 0
        return sum(gap >= self._terms.interrupted_s for gap in engaged.seen_gaps_s(started_s))

    def _flawless(
        self,
        outcome: Outcome,
        waiting: Duration | None,
        greeting: Duration | None,
        interruptions: int,
        left_censored: bool,
    ) -> bool | None:
        """Whether no expectation was broken; None where that is not judged, or not known."""
        if outcome in (Outcome.PASSED, Outcome.STILL_PRESENT):
            return None
        if outcome is not Outcome.SERVED or interruptions:
            return False
        if left_censored:
            return None
        late = greeting is not None and greeting.total_s > self._terms.greet_within_s
        slow = waiting is not None and waiting.total_s > self._terms.serve_within_s
        return not (late or slow)

    def _pattern(
        self, stays: Sequence[Stay], engaged: Engagements, greeted_s: float | None, stay_s: float
    ) -> Pattern | None:
        if greeted_s is None:
            return None
        share = length_s(engaged.parts) / stay_s if stay_s > 0 else 1.0
        if share >= INTERACTIVE_SHARE and len(engaged.parts) >= INTERACTIVE_TURNS:
            return Pattern.INTERACTIVE
        onsets = sorted(onset for stay in stays for onset in stay.staff_closing)
        staff_share = next((s for t_s, s in onsets if t_s >= engaged.parts[0][0] - 1e-9), 0.0)
        return Pattern.PROACTIVE if staff_share > 0.5 else Pattern.REACTIVE
