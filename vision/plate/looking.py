"""Looking for people harder than usual: the whole picture, its mirror image, and parts of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from firmware_cfg.region import Region
from vision.letterbox import Letterbox
from vision.scaling import Scaler

if TYPE_CHECKING:
    from vision.detector import Detector
    from vision.frames import Picture

FloatArray = NDArray[np.float64]

PART = 0.6  # side of a part, as a share of the picture's: neighbours overlap
CORNERS = ((0.0, 0.0), (0.4, 0.0), (0.0, 0.4), (0.4, 0.4), (0.2, 0.2))


@dataclass(frozen=True, slots=True, eq=False)
class Sightings:
    """What was found in one picture by all views together; doubles are not removed.

    Attributes:
        boxes_xyxy_px: (n, 4) float64, in the picture.
        scores: (n,) float64 in [0, 1].
    """

    boxes_xyxy_px: FloatArray
    scores: FloatArray

    def at_least(self, score: float) -> Sightings:
        """Those of `score` or more."""
        kept = self.scores >= score
        return Sightings(self.boxes_xyxy_px[kept], self.scores[kept])


class Looker:
    """A detector that looks at a picture through several views.

    Nobody who is seated or half hidden is found in each view; hardly anybody is missed in all.
    """

    def __init__(self, detector: Detector, picture_px: tuple[int, int]) -> None:
        """Lay out the views for pictures of `picture_px` (width, height).

        The detector's own score floor must not be above the policy's.
        """
        self._detector = detector
        height, width = detector.picture_bgr.shape[:2]
        self._views = [
            (Scaler(Letterbox.fit(region, picture_px, (width, height))), mirrored)
            for region, mirrored in views(picture_px)
        ]

    def look(self, picture_bgr: Picture) -> Sightings:
        """People in a picture (h, w, 3) uint8, in all views."""
        boxes, scores = [np.empty((0, 4))], [np.empty(0)]
        for scaler, mirrored in self._views:
            found = self._through(scaler, mirrored, picture_bgr)
            boxes.append(found.boxes_xyxy_px)
            scores.append(found.scores)
        return Sightings(np.concatenate(boxes), np.concatenate(scores))

    def _through(self, scaler: Scaler, mirrored: bool, picture_bgr: Picture) -> Sightings:
        """People in one view."""
        target, (width, height) = self._detector.picture_bgr, scaler.letterbox.scaled_px
        target[...] = 0
        scaler.scale(picture_bgr, target)
        if mirrored:
            target[:height, :width] = target[:height, :width][:, ::-1].copy()
        found = self._detector.detect()
        boxes = found.boxes_xyxy_px.astype(np.float64)
        if mirrored:
            boxes[:, [0, 2]] = width - boxes[:, [2, 0]]
        return Sightings(scaler.letterbox.to_picture(boxes), found.scores.astype(np.float64))


def views(picture_px: tuple[int, int]) -> list[tuple[Region, bool]]:
    """Regions of a picture (width, height), and whether each is looked at mirrored.

    >>> [(v.left, v.top, v.right, v.bottom) for v, mirrored in views((100, 50)) if not mirrored]
    [(0, 0, 100, 50), (0, 0, 60, 30), (40, 0, 100, 30), (0, 20, 60, 50), (40, 20, 100, 50), \
(20, 10, 80, 40)]
    """
    width, height = picture_px
    whole = Region(0, 0, width, height)
    parts = [
        Region(
            round(x * width),
            round(y * height),
            round((x + PART) * width),
            round((y + PART) * height),
        )
        for x, y in CORNERS
    ]
    return [(whole, False), (whole, True), *((part, False) for part in parts)]
