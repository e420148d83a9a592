"""Frames and where they come from: the seam between cameras and the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from firmware_cfg.record import CameraHealth

Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One delivered frame.

    Attributes:
        index: number of the frame in its source, from 1; skipped frames count.
        t_us: capture time, microseconds since the source's first frame, strictly rising.
        picture_bgr: (height, width, 3) uint8; valid until the next `read`, which may reuse it.
        health: what the source knows to be wrong with the frame.
    """

    index: int
    t_us: int
    picture_bgr: Picture
    health: CameraHealth = CameraHealth.OK


class FrameSource(Protocol):
    """A camera, a file or a stream, opened."""

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of every picture."""

    def read(self, earliest_us: int = 0) -> Frame | None:
        """Next frame captured at `earliest_us` or later; None at the end.

        Frames before it are passed over as cheaply as the source can.

        Raises:
            SourceError: not a single picture could be had.
            CameraLostError: a live source stopped.
        """

    def close(self) -> None:
        """Let the source go."""
