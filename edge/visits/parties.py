"""Which customers belong together, from how they came, stood, were called and left.

Evidence is gathered for each pair of stays while both last, and read when needed. Two
stays are one party where they arrived within `party_gap_s` by the same way and stood
within `party_distance_m` for most of their common stay; or, arriving later than that,
where one joined a waiting friend: near for most of the common stay, and called to the
same counter together or, never called, gone together. Against it speak: one at a counter
while the other queues, or stands at another counter; one gone long before the other, unless
they were called together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.visits.stay import Stay
    from firmware_cfg.site import Encounter

SAME_WAY_M = 2.5
DISTANCE_SLACK = 1.15
APART_S = 5.0
TOGETHER_S = 5.0
GONE_TOGETHER_S = 5.0
JOINED_GONE_S = 3.0
JOINED_SHARE = 0.6
LEAST_COMMON_S = 1.0


@dataclass(slots=True)
class PairEvidence:
    """Seconds in which two stays were seen in common, near, and divided by the queue."""

    common_s: float = 0.0
    near_s: float = 0.0
    apart_s: float = 0.0

    @property
    def near_share(self) -> float:
        """Share of the common time in which they were near."""
        return self.near_s / self.common_s if self.common_s else 0.0


def divided(one: int, other: int, service_bits: int, queue_bits: int) -> bool:
    """Whether one is at a counter, and the other queues or is at another counter.

    >>> divided(0b100, 0b001, 0b110, 0b001), divided(0b100, 0b100, 0b110, 0b001)
    (True, False)
    """
    one_served, other_served = one & service_bits, other & service_bits
    if one_served and other_served:
        return not one_served & other_served
    return bool(one_served and other & queue_bits) or bool(other_served and one & queue_bits)


def together(
    first: Stay, second: Stay, evidence: PairEvidence, terms: Encounter, now_s: float
) -> bool:
    """Whether two stays are one party, by the evidence up to `now_s`."""
    if evidence.apart_s > APART_S or evidence.common_s < LEAST_COMMON_S:
        return False
    called = called_together(first, second)
    if not called and _parted(first, second, now_s):
        return False
    if abs(first.arrived_s - second.arrived_s) <= terms.party_gap_s:
        return evidence.near_share > 0.5 and _same_way(first, second)
    if evidence.near_share < JOINED_SHARE or evidence.common_s < TOGETHER_S:
        return False
    if called:
        return True
    never = first.called is None and second.called is None and first.closed and second.closed
    return never and abs(first.departed_s - second.departed_s) <= JOINED_GONE_S


def _same_way(first: Stay, second: Stay) -> bool:
    """Whether both came in at about the same place, as far as that was seen."""
    if first.entry_m is None or second.entry_m is None:
        return True
    return math.dist(first.entry_m, second.entry_m) <= SAME_WAY_M


def called_together(first: Stay, second: Stay) -> bool:
    """Whether both came to the same counter within `TOGETHER_S`."""
    if first.called is None or second.called is None:
        return False
    (first_s, first_bit), (second_s, second_bit) = first.called, second.called
    return bool(first_bit & second_bit) and abs(first_s - second_s) <= TOGETHER_S


def _parted(first: Stay, second: Stay, now_s: float) -> bool:
    """Whether one left, and the other stayed on; who stands aside in view has not left."""
    if not (first.closed or second.closed):
        return False
    early, late = sorted((first, second), key=lambda stay: stay.left_s)
    if early.aside or (not early.closed and not late.closed):
        return False
    first_s = first.left_s if first.closed else now_s
    second_s = second.left_s if second.closed else now_s
    return abs(first_s - second_s) > GONE_TOGETHER_S
