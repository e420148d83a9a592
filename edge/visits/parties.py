"""Which customers belong together, from how they came, stood, were called and left.

Evidence is gathered for each pair of stays while both last, and read when needed: seconds in
common, near, and divided by the queue. Two who arrive by the same way, are called and leave
together, near for most of their common stay, are one party; that one waits while the other is
served speaks against it. No single moment decides, since any of them may have been hidden:
logarithms of odds are summed up. Their weights come from a logistic regression on simulated
days (`tests/bench/party_model.py`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from operator import mul
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.visits.stay import Stay
    from firmware_cfg.site import Encounter

WEIGHTS = (3.0, 2.5, 1.5, 0.41, 0.43, -0.11, -0.27)
STRANGERS = 4.5
ARRIVED_GAPS, LEFT_S, CALLED_S = 0.5, 5.0, 2.0
SAME_MOMENT_S = 0.1
MOST_NEAR, MOST_COMMON_S, MOST_APART_S, FARTHEST_ENTRY_M = 0.97, 55.0, 15.0, 4.0
DISTANCE_SLACK = 1.15
LEAST_COMMON_S = 1.0
NOT_KNOWN = 0.5


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
    if evidence.common_s < LEAST_COMMON_S:
        return False
    odds: float = sum(map(mul, WEIGHTS, signs(first, second, evidence, terms, now_s)))
    return odds > STRANGERS


def signs(
    first: Stay, second: Stay, evidence: PairEvidence, terms: Encounter, now_s: float
) -> tuple[float, ...]:
    """What speaks for one party, in the order of `WEIGHTS`.

    Arrived, left, were called together, each in [0, 1]; logarithm of the odds that they are
    near; logarithm of the common seconds; seconds divided by the queue; metres between the
    places where they came in.
    """
    share = min(max(evidence.near_share, 1 - MOST_NEAR), MOST_NEAR)
    return (
        _arrived_together(first, second, terms.party_gap_s),
        _left_together(first, second, now_s),
        _called_together(first, second),
        math.log(share / (1 - share)),
        math.log(min(evidence.common_s, MOST_COMMON_S)),
        min(evidence.apart_s, MOST_APART_S),
        min(_entries_m(first, second), FARTHEST_ENTRY_M),
    )


def _arrived_together(first: Stay, second: Stay, gap_s: float) -> float:
    """In [0, 1]: 1 for the same moment; little from `gap_s` on."""
    if first.left_censored and second.left_censored:
        return NOT_KNOWN
    apart_s = abs(first.arrived_s - second.arrived_s)
    return math.exp(-apart_s / max(ARRIVED_GAPS * gap_s, SAME_MOMENT_S))


def _entries_m(first: Stay, second: Stay) -> float:
    """How far apart they came in, as far as that was seen."""
    if first.entry_m is None or second.entry_m is None:
        return 0.0
    return math.dist(first.entry_m, second.entry_m)


def _left_together(first: Stay, second: Stay, now_s: float) -> float:
    """In [0, 1]: 1 for the same moment; somebody who stayed on may be there still."""
    first_there, second_there = (not stay.closed or stay.still_present for stay in (first, second))
    if first_there and second_there:
        return NOT_KNOWN
    first_s = now_s if first_there else first.left_s
    second_s = now_s if second_there else second.left_s
    return math.exp(-abs(first_s - second_s) / LEFT_S)


def _called_together(first: Stay, second: Stay) -> float:
    """In [0, 1]: 1 for the same moment at the same counter."""
    if first.called is None or second.called is None:
        return 0.0
    (first_s, first_bit), (second_s, second_bit) = first.called, second.called
    if not first_bit & second_bit:
        return 0.0
    return math.exp(-abs(first_s - second_s) / CALLED_S)
