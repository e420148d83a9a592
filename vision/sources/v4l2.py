"""A camera of Video4Linux: `/dev/videoN`.

Capture times are the driver's buffer timestamps (the kernel's monotonic clock) where it gives
any, and otherwise when the frame was taken from the driver. A single buffer is asked for, so
that a slow reader gets new frames, not old ones. A camera that stops ends the process: the
jail opens nothing twice, a supervisor starts it anew.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import cv2
import numpy as np

from firmware_cfg.record import CameraHealth
from vision.errors import CameraLostError, SourceError
from vision.frames import Frame
from vision.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_FAILURES = 3  # OpenCV waits up to ten seconds for each
GAP_FACTOR = 2.5  # of the nominal step: at least one frame is missing
COMPRESSED_ABOVE_PX = 640 * 480  # USB 2 carries no raw video beyond this at full rate


class V4l2Camera:
    """A `FrameSource` over a camera device."""

    def __init__(
        self,
        device: str,
        size_px: tuple[int, int],
        now_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """Open `device` and ask it for pictures of `size_px`.

        Raises:
            SourceError: no such camera, or it delivers another size.
        """
        settings = [cv2.CAP_PROP_FRAME_WIDTH, size_px[0], cv2.CAP_PROP_FRAME_HEIGHT, size_px[1]]
        if size_px[0] * size_px[1] > COMPRESSED_ABOVE_PX:
            motion_jpeg = cv2.VideoWriter.fourcc(*"MJPG")
            settings = [cv2.CAP_PROP_FOURCC, motion_jpeg, *settings]
        self._capture = cv2.VideoCapture(device, cv2.CAP_V4L2)
        if not self._capture.isOpened():
            raise SourceError(f"{device}: expected a camera that can be opened, found none")
        for key, value in zip(settings[::2], settings[1::2], strict=True):
            self._capture.set(key, value)
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        self._device, self._now_ns, self._index = device, now_ns, 0
        self._timeline = Timeline(float(self._capture.get(cv2.CAP_PROP_FPS)))
        self._last_us = 0
        self._size_px = (
            int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
            int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
        )

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height that the camera agreed to."""
        return self._size_px

    def read(self, earliest_us: int = 0) -> Frame | None:
        """Next frame at `earliest_us` or later.

        Raises:
            SourceError: the camera never delivered a picture.
            CameraLostError: it stopped.
        """
        health, failures = CameraHealth.OK, 0
        while failures < MAX_FAILURES:
            if not self._capture.grab():
                failures, health = failures + 1, health | CameraHealth.FRAMES_LOST
                continue
            self._index += 1
            t_us = self._timeline.stamp(self._timestamp_us())
            if t_us - self._last_us > GAP_FACTOR * self._timeline.step_us:
                health |= CameraHealth.FRAMES_LOST
            self._last_us = t_us
            if t_us < earliest_us:
                continue
            done, picture = self._capture.retrieve()
            if done:
                return Frame(self._index, t_us, np.asarray(picture, np.uint8), health)
            failures, health = failures + 1, health | CameraHealth.DECODE_ERROR
        if self._index == 0:
            raise SourceError(f"{self._device}: expected pictures, the camera delivers none")
        raise CameraLostError(f"{self._device}: stopped after {self._index} frames")

    def _timestamp_us(self) -> int:
        driver_us = round(self._capture.get(cv2.CAP_PROP_POS_MSEC) * 1000)
        return driver_us if driver_us > 0 else self._now_ns() // 1000

    def close(self) -> None:
        """Let the camera go."""
        self._capture.release()
