"""The loop: read, crop, scale, infer, map back, pack, write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from firmware_cfg.record import FrameRecord, pack
from vision.detector import Detector
from vision.frames import Frame, FrameSource, Picture
from vision.letterbox import Letterbox
from vision.region import cut
from vision.timeline import RateLimit

Write = Callable[[bytes], object]

SHRINK_AREA = 2.0  # from this much smaller on, each input pixel averages what it covers


@dataclass(frozen=True, slots=True)
class Pipeline:
    """From frames to records.

    Attributes:
        source: where frames come from.
        detector: what finds people.
        letterbox: which part of a frame the detector sees, and how it is scaled.
        write: takes one packed record; blocks while the reader is behind.
        max_rate_hz: most records a second of capture time.
    """

    source: FrameSource
    detector: Detector
    letterbox: Letterbox
    write: Write
    max_rate_hz: float

    def run(self) -> int:
        """Work until the source ends; returns the number of records written."""
        limit, count = RateLimit(self.max_rate_hz), 0
        while (frame := self.source.read(limit.earliest_us)) is not None:
            limit.passed(frame.t_us)
            self.write(pack(self.record(frame)))
            count += 1
        return count

    def record(self, frame: Frame) -> FrameRecord:
        """The record of one frame: its people in the delivered picture."""
        scale_into(self.detector.picture_bgr, frame.picture_bgr, self.letterbox)
        found = self.detector.detect()
        boxes, scores = self.letterbox.to_picture(found.boxes_xyxy_px), found.scores
        whole = ~cut(boxes, self.letterbox.region, self.letterbox.picture_px)
        return FrameRecord(
            frame.index,
            frame.t_us,
            self.letterbox.picture_px,
            boxes[whole],
            scores[whole].astype(np.float64),
            frame.health,
        )


def scale_into(target_bgr: Picture, picture_bgr: Picture, letterbox: Letterbox) -> None:
    """Scale the letterbox's region of a picture into the top-left corner of `target_bgr`.

    (h, w, 3) uint8 both; what lies beyond the scaled region is left as it is (zeros).
    """
    region, (width, height) = letterbox.region, letterbox.scaled_px
    seen = picture_bgr[region.top : region.bottom, region.left : region.right]
    shrinks = region.size_px[1] >= SHRINK_AREA * height
    cv2.resize(
        seen,
        (width, height),
        dst=target_bgr[:height, :width],
        interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR,
    )
