"""A network camera's stream, as MPEG-TS on a pipe from the relay; no socket here.

Capture times are the stream's own presentation times: the relay carries the camera's RTP
timestamps (90 kHz) over unchanged, so jitter of network and processes changes no duration. A
reader that falls behind by more than `BEHIND_US` passes frames over until it has caught up:
decoding each, as a stream must be, but neither converting nor looking at them. If that takes
longer than `PATIENCE_US`, there is nothing to catch up with: the times stood still for a while, and
what was late is on time from then on.

A relay that was started anew writes another stream into the same pipe, and nothing but the
times shows it. So where they do not go on, the camera counts as lost, and a new process begins.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from firmware_cfg.record import CameraHealth
from vision.errors import CameraLostError, SourceError
from vision.frames import Frame
from vision.sources.ffmpeg import FfmpegCapture
from vision.timeline import Continuity, Lag, Timeline

if TYPE_CHECKING:
    from collections.abc import Callable

BEHIND_US = 250_000
PATIENCE_US = 10_000_000
OPTIONS = ("input_format;mpegts", "probesize;262144", "analyzeduration;1000000")


class PipedStream:
    """A `FrameSource` over MPEG-TS bytes that arrive on a descriptor."""

    def __init__(
        self, descriptor: int, threads: int, now_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        """Read from `descriptor`; waits for the first bytes of the stream.

        Raises:
            CameraLostError: the pipe ends before a stream is recognised.
        """
        try:
            self._capture = FfmpegCapture(f"pipe:{descriptor}", threads, OPTIONS)
        except SourceError:
            raise CameraLostError(
                "stream: expected H.264 or H.265 in MPEG-TS from the relay, found no picture"
            ) from None
        self._timeline = Timeline(self._capture.rate_hz)
        self._lag, self._continuity, self._now_ns = Lag(), Continuity(), now_ns
        self._index = 0
        self._on_time_us: int | None = None

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of every picture."""
        return self._capture.size_px

    def read(self, earliest_us: int = 0) -> Frame | None:
        """Next frame at `earliest_us` or later that is not already old.

        Raises:
            CameraLostError: the stream ended, or another goes on in its place.
        """
        health = CameraHealth.OK
        while (failures := self._capture.grab()) is not None:
            self._index += 1
            health |= CameraHealth.DECODE_ERROR if failures else CameraHealth.OK
            t_us, late = self._place()
            if t_us < earliest_us or late:
                continue
            picture = self._capture.picture_bgr()
            if picture is not None:
                return Frame(self._index, t_us, picture, health)
            health |= CameraHealth.DECODE_ERROR
        raise CameraLostError(f"stream: ended after {self._index} frames")

    def _place(self) -> tuple[int, bool]:
        """Capture time of the frame stepped to, microseconds, and whether it comes too late."""
        arrival_us, source_us = self._now_ns() // 1000, self._capture.position_us
        if not self._continuity.holds(arrival_us, source_us):
            raise CameraLostError(
                f"stream: expected frame {self._index} to go on from the one before, found "
                f"another clock: time {source_us / 1e6:.1f} s; the relay or the camera began anew"
            )
        t_us = self._timeline.stamp(source_us)
        late = self._lag.behind_us(arrival_us, t_us) > BEHIND_US
        if late and self._on_time_us is not None and arrival_us - self._on_time_us > PATIENCE_US:
            self._lag, late = Lag(), False
            self._lag.behind_us(arrival_us, t_us)
        if not late:
            self._on_time_us = arrival_us
        return t_us, late

    def close(self) -> None:
        """Let the stream go."""
        self._capture.close()
