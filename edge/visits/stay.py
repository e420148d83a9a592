"""One customer's stay at the zones, from first presence to departure.

| from | to | when |
|---|---|---|
| (none) | open | seen in a queue or service zone |
| open | open | absent or hidden for up to `merge_s` |
| open | closed | absent or hidden for longer; or walked out of the picture |
| open, closed | dropped | the person turns out to be staff |
| closed | settled | `merge_s` after departure: who belongs to its party is fixed |

`departed_s` of a closed stay is its last presence. A border that is crossed between two
sightings at most `UNSEEN_S` apart is crossed half-way between them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edge.visits.intervals import Intervals, Log

if TYPE_CHECKING:
    from edge.tracking.track import TrackId

UNSEEN_S = 2.0


def border(seen_s: float, t_s: float) -> float | None:
    """When a border was crossed between two sightings; None: not known.

    >>> border(1.0, 1.5), border(1.0, 9.0)
    (1.25, None)
    """
    return (seen_s + t_s) / 2 if t_s - seen_s <= UNSEEN_S else None


@dataclass(slots=True, eq=False)
class Stay:
    """A person's presence at the zones; times in seconds.

    Attributes:
        number: counts stays, in the order of their opening.
        entry_m: floor position at arrival; None where the person was not seen to come.
        seen: when the person was seen at all, in a zone or not.
        present: when the person was present: in a customers' zone, or hidden in one.
        zones: for each zone bit, when it was in that zone.
        mask: bits of the customers' zones in which it was seen last, at `seen_s`.
        attended: for each staff member, when that one attended to this person.
        attention_hidden: when it, or the staff attending to it, was hidden in place.
        staff_closing: at each onset of attention, (time, the staff's share of the approach).
        called: (time, zone bit) of its first presence in a service zone.
        aside: it was closed by a long absence, while the person stayed in view.
        linked: numbers of the stays found to be of the same party, once this one is settled.
    """

    number: int
    person: TrackId
    arrived_s: float
    left_censored: bool
    entry_m: tuple[float, float] | None
    last_present_s: float
    seen: Log = field(default_factory=Log)
    present: Log = field(default_factory=Log)
    zones: dict[int, Log] = field(default_factory=dict)
    attended: dict[TrackId, Log] = field(default_factory=dict)
    attention_hidden: Log = field(default_factory=Log)
    staff_closing: list[tuple[float, float]] = field(default_factory=list)
    mask: int = 0
    seen_s: float = -math.inf
    called: tuple[float, int] | None = None
    closed: bool = False
    aside: bool = False
    still_present: bool = False
    settled: bool = False
    linked: set[int] = field(default_factory=set)

    @property
    def departed_s(self) -> float:
        """Last presence so far."""
        return self.last_present_s

    @property
    def left_s(self) -> float:
        """When the person was in view last, as far as the stay was open."""
        return self.seen.parts[-1][1]

    def see(self, t_s: float, mask: int, service_bits: int) -> None:
        """Seen at `t_s` in the customers' zones of `mask`."""
        border_s = border(self.seen_s, t_s)
        was, self.mask = self.mask, mask
        self.seen_s = t_s
        self.seen.hold(t_s, t_s)
        left = was & ~mask
        while left:
            bit = left & -left
            self.zones[bit].stop(border_s)
            left ^= bit
        here = mask
        while here:
            bit = here & -here
            log = self.zones.get(bit)
            if log is None:
                log = self.zones[bit] = Log()
            log.hold(t_s, t_s if border_s is None else border_s)
            here ^= bit
        if mask:
            self.present.hold(t_s, t_s if border_s is None else border_s)
            self.last_present_s = t_s
        elif was:
            self.present.stop(border_s)
            self.last_present_s = self.present.parts[-1][1]
        if self.called is None and mask & service_bits:
            self.called = (t_s, mask & service_bits)

    def hide(self) -> None:
        """Not seen in this frame, or no frames for a while; and not gone."""
        self.seen.stop()

    def interrupt(self) -> None:
        """No frames came for a while: nothing that ran is known to go on."""
        self.hide()
        self.attention_hidden.stop()
        for log in self.attended.values():
            log.stop()

    def zone_parts(self, bits: int) -> Intervals:
        """When it was in any of the zones of `bits`, each zone's parts on their own."""
        return [part for bit, log in self.zones.items() if bit & bits for part in log.parts]
