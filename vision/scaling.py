"""From the delivered picture into the detector's buffer, without copies in between."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from vision.frames import Picture
    from vision.letterbox import Letterbox


class Scaler:
    """Scales a letterbox's region into the top-left corner of the detector's input.

    Bilinear. A region more than twice as large is first halved by averaging, as often as it
    takes, so that no pixel is passed over; halving exactly is many times quicker than
    averaging over any other factor.
    """

    def __init__(self, letterbox: Letterbox) -> None:
        """Lay out the buffers of the halvings."""
        self.letterbox = letterbox
        self._halves: list[Picture] = []
        width, height = letterbox.region.size_px
        while height >= 2 * letterbox.scaled_px[1] and width >= 2 * letterbox.scaled_px[0]:
            width, height = width // 2, height // 2
            self._halves.append(np.empty((height, width, 3), np.uint8))

    def scale(self, picture_bgr: Picture, target_bgr: Picture) -> None:
        """Scale the region of a picture into `target_bgr`, (h, w, 3) uint8 both.

        What lies beyond the scaled region is left as it is: zeros, in a fresh buffer.
        """
        region, (width, height) = self.letterbox.region, self.letterbox.scaled_px
        seen = picture_bgr[region.top : region.bottom, region.left : region.right]
        for half in self._halves:
            size_px = half.shape[1], half.shape[0]
            cv2.resize(seen, size_px, dst=half, interpolation=cv2.INTER_AREA)
            seen = half
        corner = target_bgr[:height, :width]
        cv2.resize(seen, (width, height), dst=corner, interpolation=cv2.INTER_LINEAR)
