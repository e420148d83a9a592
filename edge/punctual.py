"""Messages leave at fixed times: a window's own, and no moment of the scene's.

A window closes when the frames up to its due time have been worked off, and how soon that is
depends on how busy they are: by parts of a second. So the present by which windows close is
taken from the frames once, goes on by this machine's monotonic clock, stays `HOLD_S` behind,
and follows the frames in whole steps of `STEP_S` alone; and what was put into the outbox is
shown to the publisher each `MARK_S` by the same stamp and monotonic clock, counted so that
windows close half-way between two of these marks, whatever becomes of the wall clock.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from edge.clock import Clock, Stamp
from edge.outbox import Outbox, Outgoing

HOLD_S = 5.0
STEP_S = 2.0
MARK_S = 10.0
LEAST_LATE_S = 600.0
_ROUNDED_S = 0.002  # a stamp is rounded down to the millisecond, its capture time to the nearest


class SteadyPresent:
    """The present by the stamp, free of how long frames take to be worked off.

    It has two followers of the frames, both in whole steps of `STEP_S`. Windows close by one
    that follows each frame: a window that closes ahead of its events loses them. Marks are
    counted by one that follows the least late frame of each `LEAST_LATE_S`: what drifts, not
    what is busy.

    Args:
        monotonic_s: this machine's monotonic clock.
    """

    def __init__(self, monotonic_s: Callable[[], float]) -> None:
        self._monotonic_s = monotonic_s
        self._fixes = 0
        self._fixed: tuple[datetime, float] | None = None
        self._for_marks: tuple[datetime, float] | None = None
        self._closing_s = self._marks_s = self._ahead_s = self._since_s = 0.0

    def now(self) -> datetime | None:
        """UTC now, for marks; None before the first frame was stamped. Any thread."""
        known = self._for_marks
        if known is None:
            return None
        return known[0] + timedelta(seconds=self._monotonic_s() - known[1])

    def at(self, stamp: Stamp, seen_s: float, came_s: float) -> datetime:
        """UTC now, less `HOLD_S`.

        Args:
            stamp: it is known.
            seen_s: capture time of the latest frame.
            came_s: when it came in, by the monotonic clock.
        """
        now_s = self._monotonic_s()
        by_frames = stamp.utc(seen_s) + timedelta(seconds=now_s - came_s)
        if self._fixed is None or self._fixes != stamp.fixes:
            self._fixed = self._for_marks = by_frames, now_s
            self._fixes, self._since_s = stamp.fixes, now_s
            self._closing_s = self._marks_s = self._ahead_s = 0.0
        fixed_utc, fixed_s = self._fixed
        even = fixed_utc + timedelta(seconds=now_s - fixed_s)
        ahead_s = (by_frames - even).total_seconds()
        self._closing_s = _followed(self._closing_s, ahead_s)
        self._ahead_s = max(self._ahead_s, ahead_s)
        if now_s - self._since_s >= LEAST_LATE_S:
            self._marks_s = _followed(self._marks_s, self._ahead_s)
            self._for_marks = fixed_utc + timedelta(seconds=self._marks_s), fixed_s
            self._ahead_s, self._since_s = ahead_s, now_s
        return even + timedelta(seconds=self._closing_s - HOLD_S)


def _followed(from_s: float, to_s: float) -> float:
    """Closer to `to_s` than `STEP_S`, in whole steps."""
    return from_s + int((to_s - from_s) / STEP_S) * STEP_S


class Marks:
    """Moments `MARK_S` apart, half-way between those at which windows close. Any thread.

    Args:
        clock: gives the time until the first frame was stamped; no window closes before.
        settle_s: windows close so long after their end.
        present: by which windows close; None: they close by `clock`.
    """

    def __init__(self, clock: Clock, settle_s: int, present: SteadyPresent | None = None) -> None:
        self._clock = clock
        self._settle_s = settle_s
        self._present = present

    def number(self) -> int:
        """Of the latest mark."""
        return int(self._seconds() // MARK_S)

    def since_s(self) -> float:
        """Time since the latest mark, s."""
        return self._seconds() % MARK_S

    def _seconds(self) -> float:
        steady = None if self._present is None else self._present.now()
        return (steady or self._clock.utc_now()).timestamp() - self._settle_s + _ROUNDED_S


class PunctualOutbox(Outbox):
    """An outbox that shows new messages at fixed times; see `edge.outbox.Outbox`.

    Args:
        path, bound_mb, device, server_key: as there.
        clock, settle_s, present: as for `Marks`.
    """

    def __init__(
        self,
        path: Path,
        bound_mb: int,
        device: str,
        server_key: str | None,
        *,
        clock: Clock,
        settle_s: int,
        present: SteadyPresent | None = None,
    ) -> None:
        super().__init__(path, bound_mb, device, server_key)
        self._marks = Marks(clock, settle_s, present)
        self._mark = self._marks.number()
        self._shown_up_to = self._last_seq()

    def pending(self, limit: int, after: int = 0) -> list[Outgoing]:
        """As in `Outbox`, of the messages that were there at the latest mark."""
        mark = self._marks.number()
        if mark != self._mark:
            self._mark, self._shown_up_to = mark, self._last_seq()
        found = super().pending(limit, after)
        return [message for message in found if message.seq <= self._shown_up_to]
