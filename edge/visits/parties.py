"""Which customers belong together, from how they came, stood and were called.

Evidence is gathered for each pair of stays while both last, and read when needed. Two
stays are one party where they arrived within `party_gap_s` by the same way and stood
within `party_distance_m` for most of their common stay; or, later than that, where one
joined a waiting friend: close for most of the common stay, called to the counter
together, and gone together. One at the counter while the other waits in the queue speaks
against: neighbours who advance one at a time are strangers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.visits.stay import Stay
    from firmware_cfg.site import Encounter

SAME_WAY_M = 2.0
DISTANCE_SLACK = 1.15
APART_S = 5.0
TOGETHER_S = 5.0
GONE_TOGETHER_S = 10.0
JOINED_SHARE = 0.7
LEAST_COMMON_S = 1.0


@dataclass(slots=True)
class PairEvidence:
    """Seconds in which two stays were seen in common, near, and divided by the queue."""

    common_s: float = 0.0
    near_s: float = 0.0
    apart_s: float = 0.0

    def add(
        self,
        step_s: float,
        distance_m: float,
        party_distance_m: float,
        divided: bool,
    ) -> None:
        """Take in a time step with both in view."""
        self.common_s += step_s
        if distance_m <= party_distance_m * DISTANCE_SLACK:
            self.near_s += step_s
        if divided:
            self.apart_s += step_s

    @property
    def near_share(self) -> float:
        """Share of the common time in which they were near."""
        return self.near_s / self.common_s if self.common_s else 0.0


def together(first: Stay, second: Stay, evidence: PairEvidence, terms: Encounter) -> bool:
    """Whether two stays are one party, by the evidence so far."""
    if evidence.apart_s > APART_S or evidence.common_s < LEAST_COMMON_S:
        return False
    gap_s = abs(first.arrived_s - second.arrived_s)
    if gap_s <= terms.party_gap_s:
        return evidence.near_share > 0.5 and math.dist(first.entry_m, second.entry_m) <= SAME_WAY_M
    return evidence.near_share >= JOINED_SHARE and _joined(first, second)


def _joined(first: Stay, second: Stay) -> bool:
    """Whether one joined the waiting other: called, and gone, together."""
    if first.service_s is None or second.service_s is None:
        return False
    waited = max(first.service_s - first.arrived_s, second.service_s - second.arrived_s)
    called = abs(first.service_s - second.service_s) <= TOGETHER_S
    if not called or waited < TOGETHER_S:
        return False
    one_left = first.closed != second.closed
    both_left = first.closed and second.closed
    gap_s = abs(first.departed_s - second.departed_s)
    return not one_left and (not both_left or gap_s <= GONE_TOGETHER_S)
