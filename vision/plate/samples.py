"""The few small pictures that a background plate is made of: in memory, bounded, overwritten."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.plate.looking import Sightings
from vision.plate.tiles import Grid

if TYPE_CHECKING:
    from vision.frames import Picture

FloatArray = NDArray[np.float64]

MOST = 240  # samples, whatever the memory: more teach nothing
LEAST = 16


class Samples:
    """Pictures at rising times with the boxes found in each, evenly spread over the time.

    When the memory is full every second one goes, and the time between samples doubles.
    """

    def __init__(self, picture_px: tuple[int, int], every_s: float, most_bytes: int) -> None:
        """Reserve at most `most_bytes` for pictures of a camera of `picture_px`."""
        self.grid = Grid.of(picture_px)
        width, height = self.grid.size_px
        capacity = max(LEAST, min(MOST, most_bytes // (width * height * 3)))
        self._pictures: Picture = np.zeros((capacity, height, width, 3), np.uint8)
        self._scale = np.array([width / picture_px[0], height / picture_px[1]] * 2)
        self._times_s: list[float] = []
        self._sightings: list[Sightings] = []
        self._every_s = every_s

    def __len__(self) -> int:
        return len(self._times_s)

    @property
    def pictures_bgr(self) -> Picture:
        """(n, height, width, 3) uint8, oldest first; a view, valid until the next change."""
        return self._pictures[: len(self)]

    @property
    def times_s(self) -> FloatArray:
        """(n,) capture times."""
        return np.array(self._times_s)

    @property
    def sightings(self) -> list[Sightings]:
        """What was found in each sample, px of the sample."""
        return self._sightings

    @property
    def observed_s(self) -> float:
        """From the first sample to the latest."""
        return self._times_s[-1] - self._times_s[0] if self._times_s else 0.0

    def due(self, t_s: float) -> bool:
        """Whether a sample at `t_s` would be kept."""
        return not self._times_s or t_s - self._times_s[-1] >= self._every_s - 1e-6

    def add(self, t_s: float, picture_bgr: Picture, sightings: Sightings) -> None:
        """Keep a small copy of the picture (h, w, 3), and its boxes."""
        if len(self) == len(self._pictures):
            self._thin_out()
        target = self._pictures[len(self)]
        size_px = self.grid.size_px
        cv2.resize(picture_bgr, size_px, dst=target, interpolation=cv2.INTER_AREA)
        self._times_s.append(t_s)
        boxes = sightings.boxes_xyxy_px * self._scale
        self._sightings.append(Sightings(boxes, sightings.scores))

    def wipe(self) -> None:
        """Overwrite every pixel and forget the rest."""
        self._pictures.fill(0)
        self._times_s.clear()
        self._sightings.clear()

    def _thin_out(self) -> None:
        kept = len(range(0, len(self), 2))
        for place in range(1, kept):
            self._pictures[place] = self._pictures[2 * place]
        self._pictures[kept:] = 0
        del self._times_s[1::2], self._sightings[1::2]
        self._every_s *= 2
