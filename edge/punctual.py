"""Messages leave at fixed times: a window's own, and no moment of the scene's.

A window closes when the frames up to its due time have been worked off, and how soon that is
depends on how busy they are: by parts of a second. So the present by which windows close is
taken from the frames once, goes on by this machine's monotonic clock, stays `HOLD_S` behind,
and follows the frames in whole steps of `STEP_S` alone; and what was put into the outbox is
shown to the publisher each `MARK_S` of the wall clock, counted so that windows close half-way
between two of these marks.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from edge.clock import Clock, Stamp
from edge.outbox import Outbox, Outgoing

HOLD_S = 5.0
STEP_S = 2.0
MARK_S = 10.0


class SteadyPresent:
    """The present by the stamp, free of how long frames take to be worked off.

    Args:
        monotonic_s: this machine's monotonic clock.
    """

    def __init__(self, monotonic_s: Callable[[], float]) -> None:
        self._monotonic_s = monotonic_s
        self._fixes = 0
        self._anchor: datetime | None = None
        self._anchor_s = 0.0

    def at(self, stamp: Stamp, seen_s: float, came_s: float) -> datetime:
        """UTC now, less `HOLD_S`.

        Args:
            stamp: it is known.
            seen_s: capture time of the latest frame.
            came_s: when it came in, by the monotonic clock.
        """
        by_frames = stamp.utc(seen_s) + timedelta(seconds=self._monotonic_s() - came_s)
        if self._anchor is None or self._fixes != stamp.fixes:
            self._anchor, self._anchor_s = by_frames, self._monotonic_s()
            self._fixes = stamp.fixes
        now = self._anchor + timedelta(seconds=self._monotonic_s() - self._anchor_s)
        steps = int((by_frames - now).total_seconds() / STEP_S)
        if steps:
            self._anchor += timedelta(seconds=steps * STEP_S)
            now += timedelta(seconds=steps * STEP_S)
        return now - timedelta(seconds=HOLD_S)


class PunctualOutbox(Outbox):
    """An outbox that shows new messages at fixed times; see `edge.outbox.Outbox`.

    Args:
        path, bound_mb, device, server_key: as there.
        clock: whose wall clock has the marks.
        settle_s: windows close so long after their end.
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
    ) -> None:
        super().__init__(path, bound_mb, device, server_key)
        self._clock = clock
        self._settle_s = settle_s
        self._mark = self._now_mark()
        self._shown_up_to = self._last_seq()

    def pending(self, limit: int, after: int = 0) -> list[Outgoing]:
        """As in `Outbox`, of the messages that were there at the latest mark."""
        mark = self._now_mark()
        if mark != self._mark:
            self._mark, self._shown_up_to = mark, self._last_seq()
        found = super().pending(limit, after)
        return [message for message in found if message.seq <= self._shown_up_to]

    def _now_mark(self) -> int:
        return int((self._clock.utc_now().timestamp() - self._settle_s) // MARK_S)
