"""A Raspberry Pi camera through picamera2, imported only when this source is asked for.

Capture times are the sensor's (`SensorTimestamp`, nanoseconds, of the first line's exposure).
picamera2 comes with Raspberry Pi OS (`python3-picamera2`), not with this package.
"""

from __future__ import annotations

import importlib
from typing import Any

from firmware_cfg.record import CameraHealth
from vision.errors import CameraLostError, SourceError
from vision.frames import Frame
from vision.timeline import Timeline

GAP_FACTOR = 2.5  # of the sensor's own frame duration: at least one frame is missing


class PiCamera:
    """A `FrameSource` over the first camera that libcamera finds."""

    def __init__(self, size_px: tuple[int, int], rate_hz: float) -> None:
        """Start the camera at `size_px` and `rate_hz`.

        Raises:
            SourceError: picamera2 is not installed, or no camera answers.
        """
        try:
            library: Any = importlib.import_module("picamera2")
        except ImportError:
            raise SourceError(
                "picamera2: expected the Python package picamera2, found none; install "
                "python3-picamera2 and let the environment see the system's packages"
            ) from None
        try:
            self._camera = library.Picamera2()
            self._camera.configure(
                self._camera.create_video_configuration(
                    main={"size": size_px, "format": "RGB888"},  # BGR in memory
                    controls={"FrameRate": rate_hz},
                    buffer_count=3,
                    queue=False,
                )
            )
            self._camera.start()
        except (RuntimeError, IndexError, OSError, ValueError) as error:
            raise SourceError(f"picamera2: expected a camera, found: {error}") from None
        width, height = self._camera.camera_configuration()["main"]["size"]
        self._size_px = (int(width), int(height))
        self._timeline, self._index, self._last_us = Timeline(rate_hz), 0, 0

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height that the camera agreed to."""
        return self._size_px

    def read(self, earliest_us: int = 0) -> Frame | None:
        """Next frame at `earliest_us` or later.

        Raises:
            CameraLostError: the camera stopped.
        """
        health = CameraHealth.OK
        while True:
            try:
                request = self._camera.capture_request()
            except (RuntimeError, OSError) as error:
                raise CameraLostError(f"picamera2: {error}") from None
            try:
                metadata = request.get_metadata()
                t_us = self._timeline.stamp(int(metadata["SensorTimestamp"]) // 1000)
                step_us = int(metadata.get("FrameDuration", self._timeline.step_us))
                if t_us - self._last_us > GAP_FACTOR * step_us:
                    health |= CameraHealth.FRAMES_LOST
                self._last_us, self._index = t_us, self._index + 1
                if t_us >= earliest_us:
                    return Frame(self._index, t_us, request.make_array("main"), health)
            finally:
                request.release()

    def close(self) -> None:
        """Stop the camera."""
        self._camera.stop()
        self._camera.close()
