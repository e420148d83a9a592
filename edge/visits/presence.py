"""When a party was at a counter, and whether staff were there too: a figure of the place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from edge.visits.values import PresenceSpan

if TYPE_CHECKING:
    from edge.visits.attendance import Seen
    from edge.visits.zones import Counter, ZoneMap

LONGEST_SPAN_S = 60.0


class PresenceLog:
    """Spans with a party present, by counter, attended or not.

    Someone hidden where last seen is taken as present; staff for `bridge_s` at most.
    """

    def __init__(self, zones: ZoneMap, bridge_s: float) -> None:
        """Log the counters of `zones`."""
        self._zones = zones
        self._bridge_s = bridge_s
        self._open: dict[str, tuple[float, bool]] = {}
        self._staffed_s: dict[str, float] = {}

    def step(
        self, t_s: float, staff: Sequence[Seen], customers: Iterable[Seen]
    ) -> list[PresenceSpan]:
        """Note a frame; returns the spans that ended with it."""
        occupied = 0
        for one in customers:
            occupied |= one.mask
        spans: list[PresenceSpan] = []
        seen = held = 0
        for one in staff:
            held |= one.mask
            if one.visible:
                seen |= one.mask
        for counter in self._zones.counters:
            if seen & counter.staff_bit:
                self._staffed_s[counter.point] = t_s
            hidden = bool(held & counter.staff_bit)
            recent = t_s - self._staffed_s.get(counter.point, -1e9) <= self._bridge_s
            attended = self._staffed_s.get(counter.point) == t_s or (hidden and recent)
            present = bool(occupied & (counter.service_bit | counter.queue_bits))
            spans += self._note(counter, t_s, present, attended)
        return spans

    def _note(
        self, counter: Counter, t_s: float, present: bool, attended: bool
    ) -> list[PresenceSpan]:
        running = self._open.get(counter.point)
        if running is None:
            if present:
                self._open[counter.point] = (t_s, attended)
            return []
        start_s, was_attended = running
        if present and attended == was_attended and t_s - start_s < LONGEST_SPAN_S:
            return []
        if present:
            self._open[counter.point] = (t_s, attended)
        else:
            del self._open[counter.point]
        return [PresenceSpan(counter.point, start_s, t_s, was_attended)]

    def flush(self, end_s: float) -> list[PresenceSpan]:
        """End every running span at `end_s`."""
        spans = [
            PresenceSpan(
                counter.point, *self._open[counter.point][:1], end_s, self._open[counter.point][1]
            )
            for counter in self._zones.counters
            if counter.point in self._open and self._open[counter.point][0] < end_s
        ]
        self._open.clear()
        return spans
