"""From frames to records: read, crop, scale, infer, map back, pack, write.

| processors to spare | source | how |
|---|---|---|
| none | file | by turns: some frames read and scaled, then all inferred, then all written |
| none | live | by turns, frame by frame |
| some | file | the next frames are read and scaled while one is inferred |
| some | live | the same, one frame ahead at most, and always the newest |

Turns of some frames are quicker than of one: a step's code and data stay in the processor's
cache. Records are the same, byte for byte, in every row but the last, where a device that is
too slow for its camera looks at other frames.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle, islice
from typing import TYPE_CHECKING

import numpy as np

from firmware_cfg.record import FrameRecord, Jail, pack
from firmware_cfg.region import cut
from vision.overlap import Prepared, Room, Worker, blank
from vision.timeline import RateLimit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from vision.detector import Detections, Detector
    from vision.frames import FrameSource, Picture
    from vision.scaling import Scaler

Write = Callable[[bytes], object]
Arm = Callable[[int], object]
HANG_S = 60  # a camera may keep silent for half a minute before it counts as lost
FILE_AHEAD = 8  # frames; more makes it no quicker


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
        worker: the thread that infers; None: all is done by turns.
        live: the source's frames age while they wait; a file's do not.
    """

    source: FrameSource
    detector: Detector
    scaler: Scaler
    write: Write
    max_rate_hz: float
    jail: Jail = Jail.WHOLE
    alarm: Arm = _no_alarm
    worker: Worker | None = None
    live: bool = True

    @property
    def ahead(self) -> int:
        """How many frames may be prepared before one is looked at."""
        return 1 if self.live else FILE_AHEAD

    def run(self) -> int:
        """Work until the source ends; returns the number of records written.

        What ends the source early is raised when every frame before it is written.
        """
        self.alarm(HANG_S)
        count = self._by_turns() if self.worker is None else self._overlapped(self.worker)
        self.alarm(0)
        return count

    def _by_turns(self) -> int:
        buffers = [blank(self.detector.picture_bgr) for _ in range(self.ahead)]
        coming, count = self._prepared(cycle(buffers)), 0
        while True:
            frames: list[Prepared] = []
            try:
                for frame in islice(coming, self.ahead):
                    frames.append(frame)  # noqa: PERF402 - kept when the next one fails
            finally:
                self._finish(frames)
            count += len(frames)
            if len(frames) < self.ahead:
                return count

    def _overlapped(self, worker: Worker) -> int:
        room = Room(self.ahead, self.detector.picture_bgr, newest=self.live)
        looked_at: deque[tuple[Prepared, Detections]] = deque()
        count = 0

        def tell() -> None:
            nonlocal count
            while looked_at:
                self._tell(*looked_at.popleft())
                count += 1

        def work() -> None:
            try:
                while (frame := room.take()) is not None:
                    looked_at.append((frame, self.detector.detect(frame.picture_bgr)))
                    if self.live:  # else the reading thread tells, and this one goes on
                        tell()
            finally:
                room.leave()

        worker.begin(work)
        try:
            for frame in self._prepared(room.buffers()):
                if not room.put(frame):
                    break
                if not self.live:
                    tell()
        finally:
            room.end()
            worker.join()
            tell()
        return count

    def _prepared(self, buffers: Iterable[Picture]) -> Iterator[Prepared]:
        """Frames as the rate allows, each scaled into the next of `buffers`."""
        limit = RateLimit(self.max_rate_hz)
        for buffer in buffers:
            frame = self.source.read(limit.earliest_us)
            if frame is None:
                return
            limit.passed(frame.t_us)
            self.scaler.scale(frame.picture_bgr, buffer)
            yield Prepared(frame.index, frame.t_us, frame.health, buffer)

    def _finish(self, frames: list[Prepared]) -> None:
        """Look at prepared frames, and write their records."""
        found = self.detector.detect_all([frame.picture_bgr for frame in frames])
        for frame, people in zip(frames, found, strict=True):
            self._tell(frame, people)

    def _tell(self, frame: Prepared, found: Detections) -> None:
        self.write(pack(self._record(frame, found)))
        self.alarm(HANG_S)

    def _record(self, frame: Prepared, found: Detections) -> FrameRecord:
        """The record of one frame: its people in the delivered picture."""
        letterbox = self.scaler.letterbox
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
