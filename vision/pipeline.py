"""The loop: read, crop, scale, infer, map back, pack, write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from firmware_cfg.record import FrameRecord, Jail, pack
from firmware_cfg.region import cut
from vision.timeline import RateLimit

if TYPE_CHECKING:
    from vision.detector import Detector
    from vision.frames import Frame, FrameSource
    from vision.scaling import Scaler

Write = Callable[[bytes], object]
Arm = Callable[[int], object]
HANG_S = 60  # a camera may keep silent for half a minute before it counts as lost


def _no_alarm(_seconds: int) -> None:
    """Let nothing watch."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """From frames to records.

    Attributes:
        source: where frames come from.
        detector: what finds people.
        scaler: brings the letterbox's region into the detector's buffer.
        write: takes one packed record; blocks while the reader is behind.
        max_rate_hz: most records a second of capture time.
        jail: how this process is confined; every record says it.
        alarm: called with `HANG_S` before each frame, and with 0 at the end; ends the process
            if that time passes without another call.
    """

    source: FrameSource
    detector: Detector
    scaler: Scaler
    write: Write
    max_rate_hz: float
    jail: Jail = Jail.WHOLE
    alarm: Arm = _no_alarm

    def run(self) -> int:
        """Work until the source ends; returns the number of records written."""
        limit, count = RateLimit(self.max_rate_hz), 0
        self.alarm(HANG_S)
        while (frame := self.source.read(limit.earliest_us)) is not None:
            limit.passed(frame.t_us)
            self.write(pack(self.record(frame)))
            count += 1
            self.alarm(HANG_S)
        self.alarm(0)
        return count

    def record(self, frame: Frame) -> FrameRecord:
        """The record of one frame: its people in the delivered picture."""
        letterbox = self.scaler.letterbox
        self.scaler.scale(frame.picture_bgr, self.detector.picture_bgr)
        found = self.detector.detect()
        boxes, scores = letterbox.to_picture(found.boxes_xyxy_px), found.scores
        region, picture_px = letterbox.region, letterbox.picture_px
        if region.size_px != picture_px:
            whole = ~cut(boxes, region, picture_px)
            boxes, scores = boxes[whole], scores[whole]
        return FrameRecord(
            frame.index,
            frame.t_us,
            picture_px,
            boxes,
            scores.astype(np.float64),
            frame.health,
            self.jail,
        )
