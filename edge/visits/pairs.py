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
    """Which of the stays that are not yet a visit belong together."""

    def __init__(self, zones: ZoneMap, terms: Encounter) -> None:
        """Judge by `terms`."""
        self._zones = zones
        self._terms = terms
        self._reach_m = terms.party_distance_m * DISTANCE_SLACK
        self._evidence: dict[tuple[int, int], PairEvidence] = {}

    def gather(self, customers: Sequence[tuple[Stay, Seen]], step_s: float) -> None:
        """Take in `step_s` seconds in which `customers` stood as they do."""
        service, queue = self._zones.service_bits, self._zones.queue_bits
        for (first, one), (second, two) in combinations(customers, 2):
            if not (one.visible or two.visible):
                continue
            key = _key(first, second)
            evidence = self._evidence.get(key)
            if evidence is None:
                evidence = self._evidence[key] = PairEvidence()
            if divided(one.mask, two.mask, service, queue):
                evidence.apart_s += step_s
            if one.visible and two.visible:
                evidence.common_s += step_s
                if math.dist(one.position_m, two.position_m) <= self._reach_m:
                    evidence.near_s += step_s

    def linked(self, first: Stay, second: Stay, now_s: float) -> bool:
        """Whether two stays are one party: fixed where one is settled, else by the evidence."""
        if second.number in first.linked or first.number in second.linked:
            return True
        if first.settled or second.settled:
            return False
        evidence = self._evidence.get(_key(first, second))
        return evidence is not None and together(first, second, evidence, self._terms, now_s)

    def parties(self, stays: Sequence[Stay], now_s: float) -> dict[int, int]:
        """Party of each stay: the number of its first member."""
        root = {stay.number: stay.number for stay in stays}

        def find(one: int) -> int:
            while root[one] != one:
                one = root[one]
            return one

        for first, second in combinations(stays, 2):
            if self.linked(first, second, now_s):
                one, other = find(first.number), find(second.number)
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


def _key(one: Stay, other: Stay) -> tuple[int, int]:
    return min(one.number, other.number), max(one.number, other.number)
