"""The evidence on every pair of stays, and the parties that follow from it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

from edge.visits.parties import DISTANCE_SLACK, PairEvidence, divided, together

if TYPE_CHECKING:
    from edge.visits.attendance import Seen
    from edge.visits.stay import Stay
    from edge.visits.zones import ZoneMap
    from firmware_cfg.site import Encounter


class Pairs:
    """Which of the stays that are not yet a visit belong together.

    The evidence on pairs that were near at any time is kept at hand a second time: they are
    few in a crowd, and nobody else can be one party.
    """

    def __init__(self, zones: ZoneMap, terms: Encounter) -> None:
        """Judge by `terms`."""
        self._zones = zones
        self._terms = terms
        self._reach_m = terms.party_distance_m * DISTANCE_SLACK
        self._evidence: dict[tuple[int, int], PairEvidence] = {}
        self._near: dict[tuple[int, int], PairEvidence] = {}

    def gather(self, customers: Sequence[tuple[Stay, Seen]], step_s: float) -> None:
        """Take in `step_s` seconds in which `customers` stood as they do."""
        service, queue = self._zones.service_bits, self._zones.queue_bits
        ordered = sorted(customers, key=lambda customer: customer[0].number)
        places = [
            (stay.number, one.mask, one.position_m if one.visible else None)
            for stay, one in ordered
        ]
        for (first, mask, here_m), (second, other_mask, there_m) in combinations(places, 2):
            if here_m is None and there_m is None:
                continue
            evidence = self._evidence.get((first, second))
            if evidence is None:
                evidence = self._evidence[first, second] = PairEvidence()
            if mask != other_mask and divided(mask, other_mask, service, queue):
                evidence.apart_s += step_s
            if here_m is not None and there_m is not None:
                evidence.common_s += step_s
                if math.dist(here_m, there_m) <= self._reach_m:
                    evidence.near_s += step_s
                    self._near[first, second] = evidence

    def linked(self, first: Stay, second: Stay, now_s: float) -> bool:
        """Whether two stays are one party: fixed where one is settled, else by the evidence."""
        if second.number in first.linked or first.number in second.linked:
            return True
        if first.settled or second.settled:
            return False
        evidence = self._evidence.get(_key(first, second))
        return evidence is not None and together(first, second, evidence, self._terms, now_s)

    def parties(self, stays: Sequence[Stay], now_s: float) -> dict[int, int]:
        """Party of each stay: the number of its first member.

        Two who were not near for most of their common stay can be one party only where
        that was fixed before, so the others' evidence need not be judged.
        """
        by_number = {stay.number: stay for stay in stays}
        root = {number: number for number in by_number}
        pairs = [(stay.number, other) for stay in stays for other in stay.linked]
        pairs += [
            pair for pair, evidence in self._near.items() if 2 * evidence.near_s > evidence.common_s
        ]

        def find(one: int) -> int:
            while root[one] != one:
                one = root[one]
            return one

        for number, with_number in pairs:
            first, second = by_number.get(number), by_number.get(with_number)
            if first is not None and second is not None and self.linked(first, second, now_s):
                one, other = find(number), find(with_number)
                root[max(one, other)] = min(one, other)
        return {one: find(one) for one in root}

    def forget(self, kept: Iterable[Stay]) -> None:
        """Drop the evidence on stays that are not kept."""
        numbers = {stay.number for stay in kept}
        self._evidence = {
            pair: evidence
            for pair, evidence in self._evidence.items()
            if pair[0] in numbers and pair[1] in numbers
        }
        self._near = {pair: one for pair, one in self._near.items() if pair in self._evidence}


def _key(one: Stay, other: Stay) -> tuple[int, int]:
    return min(one.number, other.number), max(one.number, other.number)
