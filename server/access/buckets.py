"""A token bucket for each account that asks: bursts are fine, a flood is not. Memory is bounded."""

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock

A_SECOND = 20.0
AT_ONCE = 200.0
REMEMBERED = 10_000


@dataclass(slots=True)
class Buckets:
    """How many requests each key may still make.

    Attributes:
        a_second: how many come back each second.
        at_once: the most that a bucket holds.
        remembered: most keys that are kept; the one that asked longest ago is forgotten, and
            begins with a full bucket if it comes again.
    """

    a_second: float = A_SECOND
    at_once: float = AT_ONCE
    remembered: int = REMEMBERED
    _kept: OrderedDict[str, tuple[float, datetime]] = field(default_factory=OrderedDict, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)

    def take(self, key: str, now: datetime) -> float:
        """Take one request.

        Returns:
            how long to wait, in seconds; 0: it may be answered.
        """
        with self._lock:
            left, since = self._kept.get(key, (self.at_once, now))
            left += max(0.0, (now - since).total_seconds()) * self.a_second
            left = min(self.at_once, left)
            wait_s = 0.0 if left >= 1.0 else (1.0 - left) / self.a_second
            self._kept[key] = (left - 1.0 if left >= 1.0 else left, max(now, since))
            self._kept.move_to_end(key)
            while len(self._kept) > self.remembered:
                self._kept.popitem(last=False)
        return wait_s

    def __len__(self) -> int:
        """How many keys are kept."""
        return len(self._kept)
