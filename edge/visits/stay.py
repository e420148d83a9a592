"""One customer's stay at the zones, from first presence to departure.

| from | to | when |
|---|---|---|
| (none) | open | seen in a queue or service zone |
| open | open | absent or hidden for up to `merge_s` |
| open | closed | absent or hidden for longer; or walked out of the picture |
| open | dropped | the person turns out to be staff |

`departed_s` of a closed stay is its last presence.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from edge.tracking.track import TrackId
from edge.visits.intervals import Intervals, Log

UNSEEN_S = 1.0


@dataclass(slots=True, eq=False)
class Stay:
    """A person's presence at the zones; times in seconds.

    Attributes:
        number: counts stays, in the order of their opening.
        entry_m: floor position at arrival.
        seen: when the person was seen at all, in a zone or not.
        present: when the person was present: in a customers' zone, or hidden in one.
        zones: for each zone bit, when it was in that zone.
        hidden: where last seen, in a zone, and not seen now.
        attended: for each staff member, when that one attended to this person.
        attention_hidden: when it, or the staff attending to it, was hidden.
        staff_closing: at each onset of attention, (time, the staff's share of the approach).
        service_s: when it came into a service zone for the first time.
        linked: numbers of stays that were found to be of the same party, once this one is final.
    """

    number: int
    person: TrackId
    arrived_s: float
    left_censored: bool
    entry_m: tuple[float, float]
    last_present_s: float
    seen: Log = field(default_factory=Log)
    present: Log = field(default_factory=Log)
    zones: dict[int, Log] = field(default_factory=dict)
    attended: dict[TrackId, Log] = field(default_factory=dict)
    attention_hidden: Log = field(default_factory=Log)
    staff_closing: list[tuple[float, float]] = field(default_factory=list)
    mask: int = 0
    hidden: bool = False
    visible: bool = True
    service_s: float | None = None
    closed: bool = False
    still_present: bool = False
    settled: bool = False
    linked: set[int] = field(default_factory=set)

    @property
    def departed_s(self) -> float:
        """Last presence so far."""
        return self.last_present_s

    def see(self, before_s: float, t_s: float, mask: int, customer_bits: int, service_bits: int) -> None:
        """Seen at `t_s` in the zones of `mask`; `before_s` is the frame before."""
        since_s = before_s if self.visible else t_s
        was_in, self.mask = self.mask & customer_bits, mask
        was_hidden, self.visible, self.hidden = not self.visible, True, False
        self.seen.add(since_s, t_s)
        if not mask & customer_bits:
            return
        found_in_place = was_hidden and was_in
        self.last_present_s = t_s
        self.present.add(self._since(self.present, since_s, bool(found_in_place)), t_s)
        here = mask & customer_bits
        while here:
            bit = here & -here
            log = self.zones.setdefault(bit, Log())
            log.add(self._since(log, since_s, bool(found_in_place and was_in & bit)), t_s)
            here ^= bit
        if mask & service_bits and self.service_s is None:
            self.service_s = t_s

    @staticmethod
    def _since(log: Log, since_s: float, found_in_place: bool) -> float:
        """Start that continues `log` over a time hidden in place."""
        last = log.last_s
        return last if found_in_place and last is not None else since_s

    def hide(self, customer_bits: int) -> None:
        """Not seen in this frame, and not gone."""
        self.visible = False
        self.hidden = bool(self.mask & customer_bits)

    def zone_parts(self, bits: int) -> Intervals:
        """When it was in any of the zones of `bits`, each zone's parts on their own."""
        return [part for bit, log in self.zones.items() if bit & bits for part in log.parts]
