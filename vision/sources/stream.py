"""A network camera's stream, as MPEG-TS on a pipe from the relay; no socket here.

Capture times are the stream's own presentation times: the relay carries the camera's RTP
timestamps (90 kHz) over unchanged, so jitter of network and processes changes no duration. A
reader that falls behind by more than `BEHIND_US` passes frames over until it has caught up:
decoding each, as a stream must be, but neither converting nor looking at them.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from firmware_cfg.record import CameraHealth
from vision.errors import CameraLostError, SourceError
from vision.frames import Frame
from vision.sources.ffmpeg import FfmpegCapture
from vision.timeline import Lag, Timeline

if TYPE_CHECKING:
    from collections.abc import Callable

BEHIND_US = 250_000
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
        self._lag, self._now_ns = Lag(), now_ns
        self._index = 0

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of every picture."""
        return self._capture.size_px

    def read(self, earliest_us: int = 0) -> Frame | None:
        """Next frame at `earliest_us` or later that is not already old.

        Raises:
            CameraLostError: the stream ended.
        """
        health = CameraHealth.OK
        while (failures := self._capture.grab()) is not None:
            self._index += 1
            health |= CameraHealth.DECODE_ERROR if failures else CameraHealth.OK
            t_us = self._timeline.stamp(self._capture.position_us)
            behind_us = self._lag.behind_us(self._now_ns() // 1000, t_us)
            if t_us < earliest_us or behind_us > BEHIND_US:
                continue
            picture = self._capture.picture_bgr()
            if picture is not None:
                return Frame(self._index, t_us, picture, health)
            health |= CameraHealth.DECODE_ERROR
        raise CameraLostError(f"stream: ended after {self._index} frames")

    def close(self) -> None:
        """Let the stream go."""
        self._capture.close()
