"""FFmpeg inside OpenCV: opened for local bytes alone, read past damage."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import cv2
import numpy as np

from vision.errors import SourceError

if TYPE_CHECKING:
    from vision.frames import Picture

MAX_FAILURES = 32  # failed reads in a row until the end is believed
_OPTIONS = "OPENCV_FFMPEG_CAPTURE_OPTIONS"  # read by OpenCV when a capture is opened


class FfmpegCapture:
    """A video that is opened: steps from frame to frame, with timestamps."""

    def __init__(self, name: str, threads: int, options: tuple[str, ...] = ()) -> None:
        """Open `name`, a path or `pipe:N`; `options` are FFmpeg's, each `key;value`.

        Playlists and the like inside a file reach files and pipes only, never a network.

        Raises:
            SourceError: FFmpeg cannot open it.
        """
        os.environ[_OPTIONS] = "|".join(("protocol_whitelist;file,pipe", *options))
        threading = [cv2.CAP_PROP_N_THREADS, threads]
        try:
            self._capture = cv2.VideoCapture(name, cv2.CAP_FFMPEG, threading)
        finally:
            del os.environ[_OPTIONS]  # it is for this one alone
        if not self._capture.isOpened():
            raise SourceError("expected a video that FFmpeg can decode, found none")
        width = int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        height = int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        if width <= 0 or height <= 0:
            raise SourceError("expected a video with a picture size, found none")
        self.size_px = (width, height)
        self.declared_frames = max(0, int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT)))
        self.rate_hz = float(self._capture.get(cv2.CAP_PROP_FPS))
        self._picture: Picture = np.empty((height, width, 3), np.uint8)

    def grab(self) -> int | None:
        """Step to the next frame that decodes: how many reads failed before it; None: end."""
        for failures in range(MAX_FAILURES):
            if self._capture.grab():
                return failures
        return None

    @property
    def position_us(self) -> int:
        """Timestamp of the frame stepped to, microseconds, as the container has it."""
        return round(self._capture.get(cv2.CAP_PROP_POS_MSEC) * 1000)

    def picture_bgr(self) -> Picture | None:
        """The frame stepped to, (height, width, 3); the next call overwrites it."""
        done, picture = self._capture.retrieve(self._picture)
        if not done or picture.shape != self._picture.shape:
            return None
        self._picture = np.asarray(picture, np.uint8)
        return self._picture

    def rewind(self) -> bool:
        """Go back to the first frame, without opening anything."""
        return bool(self._capture.set(cv2.CAP_PROP_POS_FRAMES, 0))

    def close(self) -> None:
        """Let the video go."""
        self._capture.release()
