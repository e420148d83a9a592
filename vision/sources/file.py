"""A video file as a source: as fast as it is read, on its own timestamps.

Damaged parts are passed over, and the frame after them says so (`DECODE_ERROR`); a video of
which no frame decodes is an error. With `loop`, the file starts again at its end: capture
time goes on rising, and each seam's first frame says `FRAMES_LOST`. With `pace`, frames come
when their timestamps say; a reader more than `LATE_S` behind misses frames, as with a camera.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from firmware_cfg.record import CameraHealth
from vision.errors import SourceError
from vision.frames import Frame
from vision.sources.ffmpeg import FfmpegCapture
from vision.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NEARLY_ALL = 0.97  # containers are a few frames off
LATE_S = 0.5


class Pace(Protocol):
    """Holds frames back until they are due."""

    def wait_until(self, t_us: int) -> bool:
        """Wait for capture time `t_us`; False: it is long past."""


class Unpaced:
    """As fast as it goes."""

    def wait_until(self, t_us: int) -> bool:  # noqa: ARG002 - any time is right
        """Never wait."""
        return True


class RealTime:
    """One second a second from the first frame on, by the monotonic clock."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Use `clock` and `sleep`, in seconds."""
        self._clock, self._sleep = clock, sleep
        self._start_s: float | None = None

    def wait_until(self, t_us: int) -> bool:
        """Sleep until capture time `t_us`; False: it is more than `LATE_S` past."""
        now_s = self._clock()
        if self._start_s is None:
            self._start_s = now_s - t_us / 1e6
        wait_s = self._start_s + t_us / 1e6 - now_s
        if wait_s > 0:
            self._sleep(wait_s)
        return wait_s >= -LATE_S


class VideoFile:
    """A `FrameSource` over a video file."""

    def __init__(self, path: Path, threads: int, *, loop: bool = False, pace: Pace) -> None:
        """Open `path`.

        Raises:
            SourceError: not a file, or no video.
        """
        if not path.is_file():
            raise SourceError(f"{path}: expected a video file, found none")
        try:
            self._capture = FfmpegCapture(str(path), threads)
        except SourceError as error:
            raise SourceError(f"{path}: {error}") from None
        self._path, self._loop, self._pace = path, loop, pace
        self._timeline = Timeline(self._capture.rate_hz)
        self._index = 0

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of every picture."""
        return self._capture.size_px

    def read(self, earliest_us: int = 0) -> Frame | None:
        """Next frame at `earliest_us` or later; None at the end of a file that is not looped.

        Raises:
            SourceError: no frame of the file decodes.
        """
        health = CameraHealth.OK
        while (failures := self._capture.grab()) is not None or self._begin_again():
            if failures is None:
                health |= CameraHealth.FRAMES_LOST
                if self._capture.grab() is None:
                    return None
                t_us = self._timeline.resume(self._capture.position_us)
            else:
                health |= CameraHealth.DECODE_ERROR if failures else CameraHealth.OK
                t_us = self._timeline.stamp(self._capture.position_us)
            self._index += 1
            if t_us < earliest_us or not self._pace.wait_until(t_us):
                continue
            picture = self._capture.picture_bgr()
            if picture is not None:
                return Frame(self._index, t_us, picture, health)
            health |= CameraHealth.DECODE_ERROR
        if self._index == 0:
            raise SourceError(f"{self._path}: expected a video, no frame of it decodes")
        return None

    @property
    def shortfall(self) -> str:
        """What is missing at the end of a file that was read once; empty if nothing is."""
        declared = self._capture.declared_frames
        if self._loop or self._index >= NEARLY_ALL * declared:
            return ""
        return f"{self._path}: expected {declared} frames, found {self._index}; cut short?"

    def _begin_again(self) -> bool:
        return self._loop and self._index > 0 and self._capture.rewind()

    def close(self) -> None:
        """Let the file go."""
        self._capture.close()
