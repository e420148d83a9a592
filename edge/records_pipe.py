"""Reads the records that the camera process writes, in batches as they come."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from edge.errors import StreamError
from firmware_cfg.errors import RecordError
from firmware_cfg.record import RECORD_BYTES, FrameRecord, unpack
from firmware_cfg.record_stream import Succession

READ_BYTES = 64 * RECORD_BYTES
FEW = 8
REST_S = 0.04  # after a few records: several frames at once cost less than one by one


@dataclass(slots=True)
class RecordsPipe:
    """The reading end of the records pipe.

    Attributes:
        descriptor: where records come from.
        lifeline: a descriptor whose end says that the launcher is gone, if there is one.
        succession: what may come after what, and how fast.
    """

    descriptor: int
    lifeline: int | None = None
    succession: Succession = field(default_factory=Succession)

    def batches(self, wait_s: float) -> Iterator[list[FrameRecord]]:
        """Records as they come; an empty list after `wait_s` without any. Ends with the pipe.

        Raises:
            StreamError: bytes that are not a record, or a record that cannot come after
                those before it: nothing after them can be trusted.
        """
        left_over = b""
        watched = [self.descriptor] + ([self.lifeline] if self.lifeline is not None else [])
        while True:
            ready, _, _ = select.select(watched, [], [], wait_s)
            if self.lifeline in ready:
                return
            if not ready:
                yield []
                continue
            data = left_over + os.read(self.descriptor, READ_BYTES - len(left_over))
            if len(data) == len(left_over):
                if left_over:
                    raise StreamError(
                        f"the records pipe ended within a record: {len(left_over)} bytes"
                    )
                return
            whole = len(data) - len(data) % RECORD_BYTES
            left_over = data[whole:]
            try:
                yield self._records(data[:whole])
            except RecordError as error:
                raise StreamError(f"not a record on the records pipe: {error}") from error
            if whole < FEW * RECORD_BYTES:
                time.sleep(REST_S)

    def _records(self, data: bytes) -> list[FrameRecord]:
        """The records of whole `data`, which has just been read."""
        now_s = time.monotonic()
        found = [unpack(data[at : at + RECORD_BYTES]) for at in range(0, len(data), RECORD_BYTES)]
        for record in found:
            self.succession.follow(record, now_s)
        return found


@dataclass(slots=True)
class Timeline:
    """Keeps capture times rising across restarts of the camera process.

    A new camera process counts from its own first frame. The gap to the frame before is
    then taken from the arrival of the two, on this machine's monotonic clock.
    """

    offset_us: int = 0
    last_us: int | None = None
    last_arrival_s: float = 0.0
    frames: int = 0

    def place(self, record: FrameRecord, arrival_s: float) -> FrameRecord:
        """The record on the run's own timeline, its frames numbered through."""
        t_us = record.t_us + self.offset_us
        if self.last_us is not None and t_us <= self.last_us:
            gap_us = max(1, round((arrival_s - self.last_arrival_s) * 1e6))
            self.offset_us += self.last_us + gap_us - t_us
            t_us = self.last_us + gap_us
        self.last_us, self.last_arrival_s = t_us, arrival_s
        self.frames += 1
        return replace(record, t_us=t_us, frame=max(record.frame, self.frames))
