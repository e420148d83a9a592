"""On which side of a counter somebody is whose lower body is hidden: by where the head is.

Whoever is seen ending at a counter's edge, or standing whole before it, shows where the heads
of that side are on the floor's plan. Somebody hidden behind another belongs to the side whose
heads are nearest.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.tracking.floor import Floor, Measure

KEPT = 40
EVERY_S = 1.0
NEAR_M = 0.9


class Sides:
    """Where heads are on either side of the counters.

    Places are `Floor.measure` by the head, so that a person's height shifts all alike.
    """

    def __init__(self, floor: Floor) -> None:
        """Know nothing."""
        self._floor = floor
        self._heads: dict[int, deque[Measure]] = {}
        self._learned_s: dict[int, float] = {}

    def learn(self, bit: int, t_s: float, head: Measure) -> None:
        """Somebody was surely in the zone of `bit`."""
        if t_s - self._learned_s.get(bit, -math.inf) < EVERY_S:
            return
        self._learned_s[bit] = t_s
        self._heads.setdefault(bit, deque(maxlen=KEPT)).append(head)

    def nearest(self, head: Measure) -> int:
        """The zone whose heads are nearest; 0 where none is near."""
        here = self._floor.position_m(head)
        best, best_m = 0, NEAR_M
        for bit, heads in self._heads.items():
            for one in heads:
                away_m = math.dist(here, self._floor.position_m(one))
                if away_m < best_m:
                    best, best_m = bit, away_m
        return best
