"""How tall a person is, from many boxes that showed the whole body."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from statistics import median

KEPT = 64


@dataclass(slots=True)
class Sizes:
    """Heights of a body as it was seen, metres; what is off on a few of them does not count.

    Attributes:
        count: how many were seen.
    """

    count: int = 0
    _kept: list[float] = field(default_factory=list)
    _every: int = 1

    def add(self, body_m: float) -> None:
        """Take in a height; of many, evenly spread ones are kept."""
        if self.count % self._every == 0:
            self._kept.append(math.log(max(body_m, 0.1)))
            if len(self._kept) > KEPT:
                del self._kept[1::2]
                self._every *= 2
        self.count += 1

    @property
    def log_m(self) -> float:
        """Logarithm of the median height; of none, that of a metre."""
        return median(self._kept) if self._kept else 0.0

    @property
    def body_m(self) -> float:
        """Median height."""
        return math.exp(self.log_m)
