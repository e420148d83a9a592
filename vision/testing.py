"""Fakes for the seams of this package: frames without a camera, people without a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from firmware_cfg.record import CameraHealth
from vision.detector import Detections
from vision.frames import Frame, Picture

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Box = tuple[float, float, float, float]


class SyntheticSource:
    """A `FrameSource` of plain pictures at given capture times.

    Each picture is grey, with `boxes` filled white, so that a crop or scale can be seen.
    """

    def __init__(
        self,
        times_us: Iterable[int],
        size_px: tuple[int, int] = (640, 360),
        boxes: Sequence[Box] = (),
        health: CameraHealth = CameraHealth.OK,
    ) -> None:
        """Deliver one picture at each of `times_us`, rising, microseconds."""
        self._times_us, self._size_px, self._health = iter(times_us), size_px, health
        self._picture: Picture = np.full((size_px[1], size_px[0], 3), 96, np.uint8)
        for x1, y1, x2, y2 in boxes:
            self._picture[int(y1) : int(y2), int(x1) : int(x2)] = 255
        self._index = 0
        self.closed = False

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of every picture."""
        return self._size_px

    def read(self, earliest_us: int = 0) -> Frame | None:
        """Next frame at `earliest_us` or later; None after the last."""
        for t_us in self._times_us:
            self._index += 1
            if t_us >= earliest_us:
                return Frame(self._index, t_us, self._picture, self._health)
        return None

    def close(self) -> None:
        """Remember that it was closed."""
        self.closed = True


class ScriptedDetector:
    """A `Detector` that finds what it was told to, picture after picture.

    The last entry of the script repeats. `seen` keeps a copy of the latest picture.
    """

    def __init__(
        self,
        script: Sequence[Sequence[tuple[Box, float]]] = ((),),
        input_px: tuple[int, int] = (512, 288),
    ) -> None:
        """Give (box in input px, score) pairs for each picture in turn."""
        self._script = script
        self._picture: Picture = np.zeros((input_px[1], input_px[0], 3), np.uint8)
        self.calls = 0
        self.seen: Picture = self._picture.copy()

    @property
    def picture_bgr(self) -> Picture:
        """(height, width, 3) uint8, the input."""
        return self._picture

    def detect(self, picture_bgr: Picture | None = None) -> Detections:
        """The script's people for this call."""
        people = self._script[min(self.calls, len(self._script) - 1)]
        self.calls += 1
        self.seen = (self._picture if picture_bgr is None else picture_bgr).copy()
        boxes = np.array([box for box, _ in people], np.float32).reshape(-1, 4)
        return Detections(boxes, np.array([score for _, score in people], np.float32))

    def detect_all(self, pictures_bgr: Sequence[Picture]) -> list[Detections]:
        """The script's people for the next calls."""
        return [self.detect(picture_bgr) for picture_bgr in pictures_bgr]
