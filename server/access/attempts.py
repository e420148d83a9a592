"""Delays that grow with failed attempts, of a name or an address; kept in memory, bounded.

The first attempts are free, so that a slip costs nothing; each further failure doubles the
time until the next one is heard, up to a bound, since otherwise anybody could lock out anybody.
After an hour without a failure everything is forgotten, and so is the oldest entry once there
are too many. A success clears the name, but not the address.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

REMEMBERED = 20_000
FORGOTTEN_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Patience:
    """How many failures are free, the first delay after them, and the longest."""

    free: int
    first_s: float = 1.0
    longest_s: float = 300.0

    def delay_s(self, failures: int) -> float:
        """How long nothing is heard after so many failures.

        >>> [Patience(free=3).delay_s(one) for one in (0, 2, 3, 4, 40)]
        [0.0, 0.0, 1.0, 2.0, 300.0]
        """
        beyond = failures - self.free
        return 0.0 if beyond < 0 else min(self.longest_s, self.first_s * 2.0 ** min(beyond, 30))


@dataclass(frozen=True, slots=True)
class _Failures:
    """How many, and when the last one and the one before it were."""

    count: int
    last: datetime
    before: datetime


@dataclass(slots=True)
class Attempts:
    """Failures of each key.

    Attributes:
        patience: the delays.
        remembered: most keys that are kept.
    """

    patience: Patience
    remembered: int = REMEMBERED
    _kept: OrderedDict[str, _Failures] = field(default_factory=OrderedDict, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)

    def wait_s(self, key: str, now: datetime) -> float:
        """How long `key` must still wait, in seconds; 0: it is heard."""
        with self._lock:
            return self._wait_s(self._failures(key, now), now)

    def begin(self, key: str, now: datetime) -> float:
        """Count an attempt as a failure until `succeeded`, if it is heard at all.

        Counting first makes attempts that run at the same time wait for each other's delay.

        Returns:
            how long `key` must wait, in seconds; 0: it was counted, go on.
        """
        with self._lock:
            found = self._failures(key, now)
            wait_s = self._wait_s(found, now)
            if wait_s == 0:
                self._keep(key, _Failures(found.count + 1, now, found.last))
        return wait_s

    def failed(self, key: str, now: datetime) -> None:
        """Count a failure."""
        with self._lock:
            found = self._failures(key, now)
            self._keep(key, _Failures(found.count + 1, now, found.last))

    def take_back(self, key: str) -> None:
        """Take back what `begin` counted: the attempt was heard, but nothing was compared."""
        with self._lock:
            found = self._kept.pop(key, None)
            if found is not None and found.count > 1:
                self._keep(key, _Failures(found.count - 1, found.before, found.before))

    def succeeded(self, key: str) -> None:
        """Forget the failures of `key`."""
        with self._lock:
            self._kept.pop(key, None)

    def __len__(self) -> int:
        """How many keys are kept."""
        return len(self._kept)

    def _failures(self, key: str, now: datetime) -> _Failures:
        found = self._kept.get(key)
        if found is None or now - found.last > FORGOTTEN_AFTER:
            return _Failures(0, now, now)
        return found

    def _wait_s(self, found: _Failures, now: datetime) -> float:
        until = found.last + timedelta(seconds=self.patience.delay_s(found.count))
        return max(0.0, (until - now).total_seconds())

    def _keep(self, key: str, failures: _Failures) -> None:
        self._kept[key] = failures
        self._kept.move_to_end(key)
        while len(self._kept) > self.remembered:
            self._kept.popitem(last=False)
