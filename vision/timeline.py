"""Capture times that always rise, from timestamps that should but do not always.

Rules, for a timestamp in microseconds of the source's own clock:

| timestamp | capture time |
|---|---|
| first | 0 |
| later than the last | moves on by the difference (a gap stays a gap) |
| repeated, or up to `REORDER_US` earlier | last + 1 ms: frames out of order or unstamped |
| earlier by more | last + one nominal step, and the difference is forgotten: a clock set back |
"""

from __future__ import annotations

import math

REORDER_US = 1_000_000
STEP_BACK_US = 1_000
DEFAULT_RATE_HZ = 25.0


class Timeline:
    """Turns one source's timestamps into capture times (microseconds, strictly rising)."""

    def __init__(self, nominal_rate_hz: float = DEFAULT_RATE_HZ) -> None:
        """Take `nominal_rate_hz` for steps that the source does not time; nonsense: 25."""
        sane = math.isfinite(nominal_rate_hz) and 0.1 <= nominal_rate_hz <= 1000
        self.step_us = round(1e6 / (nominal_rate_hz if sane else DEFAULT_RATE_HZ))
        self._last_us: int | None = None
        self._offset_us = 0

    def stamp(self, source_us: int) -> int:
        """Capture time of the frame whose own timestamp is `source_us`."""
        if self._last_us is None:
            self._offset_us = -source_us
            self._last_us = 0
            return 0
        t_us = source_us + self._offset_us
        if t_us <= self._last_us - REORDER_US:
            return self.resume(source_us)
        self._last_us = max(t_us, self._last_us + STEP_BACK_US)
        return self._last_us

    def resume(self, source_us: int) -> int:
        """Capture time of a frame whose clock started anew: one nominal step after the last."""
        last_us = -self.step_us if self._last_us is None else self._last_us
        self._last_us = last_us + self.step_us
        self._offset_us = self._last_us - source_us
        return self._last_us


class Continuity:
    """Whether the stamps of a live stream still are of the clock that they began with.

    A stream that another was spliced into, or whose camera set its clock, tells no durations
    any more:

    | from frame to frame | clock |
    |---|---|
    | stamps fall back by `REORDER_US` or more | another |
    | stamps leap by `LEAP_US` more than the time that passed here, to that much before any
      frame could be here | another |
    | anything else: a gap that really passed, a backlog that is read at once | the same |
    """

    LEAP_US = 5_000_000

    def __init__(self) -> None:
        """Start without knowledge: the first frame's clock is the clock."""
        self._last_us: tuple[int, int] | None = None
        self._quickest_us = 0.0

    def holds(self, arrival_us: int, source_us: int) -> bool:
        """Whether a frame stamped `source_us`, read at `arrival_us`, is of the same clock."""
        delay_us = arrival_us - source_us
        before, self._last_us = self._last_us, (arrival_us, source_us)
        if before is None:
            self._quickest_us = delay_us
            return True
        passed_us, moved_us = arrival_us - before[0], source_us - before[1]
        faded_us = self._quickest_us + Lag.DRIFT * passed_us
        self._quickest_us = min(delay_us, faded_us)
        leapt = moved_us > passed_us + self.LEAP_US and delay_us < faded_us - self.LEAP_US
        return moved_us > -REORDER_US and not leapt


class RateLimit:
    """When the next frame is due so that no more than `rate_hz` a second pass on average.

    A frame may come a quarter of an interval early, so that a camera at the very rate loses
    nothing to its jitter; the schedule moves on by whole intervals all the same.
    """

    def __init__(self, rate_hz: float) -> None:
        """Let `rate_hz` frames a second pass."""
        self._interval_us = round(1e6 / rate_hz)
        self._due_us = 0

    @property
    def earliest_us(self) -> int:
        """Capture time from which a frame may pass."""
        return self._due_us - self._interval_us // 4

    def passed(self, t_us: int) -> None:
        """Count the frame of capture time `t_us` as passed."""
        self._due_us = max(self._due_us, t_us - self._interval_us) + self._interval_us


class Lag:
    """How far a live source has fallen behind, from arrival times against capture times.

    The quickest arrival so far is taken for no lag. As two clocks drift apart, that memory
    fades by `DRIFT`, many times the error of a quartz clock.
    """

    DRIFT = 1e-3

    def __init__(self) -> None:
        """Start without knowledge: the first frame is on time."""
        self._quickest_us: float | None = None
        self._last_us = 0

    def behind_us(self, arrival_us: int, t_us: int) -> float:
        """Microseconds by which the frame of `t_us` came later than the quickest."""
        delay = arrival_us - t_us
        if self._quickest_us is None:
            self._quickest_us = delay
        faded = self._quickest_us + self.DRIFT * max(0, arrival_us - self._last_us)
        self._quickest_us = min(delay, faded) if self._last_us else delay
        self._last_us = arrival_us
        return delay - self._quickest_us
