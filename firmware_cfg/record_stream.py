"""What one record may say after another: how the reader holds the stream to its narrow form.

A record by itself may carry any frame number and time. In a stream:

| field | must |
|---|---|
| width, height | be the site's, or else the first record's |
| time | rise |
| frame | rise, by at most one a millisecond: no source stamps frames closer together |
| jail | stay as it is |
| all | come at most `rate_hz` times a second of capture time, after `BURST` |
| all, from a camera | come at most `rate_hz` times a second of arrival, after what a pipe holds |

A camera process that is started anew counts anew. Its first record falls back in frame or
time, is held to the same rule from frame 1 at time 0, and may tell of another jail. Starting
anew earns nothing: only arrival then refills the rate.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from firmware_cfg.errors import RecordError
from firmware_cfg.record import FrameRecord
from firmware_cfg.record_layout import LAYOUT, MAX_RATE_HZ

BURST = 8.0
PIPE_BYTES = 1 << 16  # what Linux lets wait in a pipe
ARRIVAL_BURST = BURST + PIPE_BYTES // LAYOUT.record_bytes
CLOCK_DRIFT = 1e-3  # camera's clock against this one's; many times a quartz clock's
LEAST_STEP_US = 1_000
STEP_ERROR_US = 1_000_000 // LAYOUT.time_hz + 1  # times are rounded to a step
_ONE_US = 1e-6


@dataclass(slots=True)
class Allowance:
    """Lets `per_s` a second pass on average, `burst` at once.

    Attributes:
        left: how many may pass now.
    """

    per_s: float
    burst: float
    left: float = field(init=False)

    def __post_init__(self) -> None:
        """Start with the whole burst."""
        self.left = self.burst

    def take(self, passed_s: float) -> bool:
        """Count one, `passed_s` after the last; False: it is one too many."""
        self.left = min(self.burst, self.left + passed_s * self.per_s) - 1.0
        return self.left >= 0.0


@dataclass(slots=True)
class Succession:
    """Holds records to the rules, one after another.

    Attributes:
        rate_hz: most records a second.
        size_px: (width, height) of the camera's pictures; None: the first record's.
        paced: the frames come from a camera, at their capture times; a file is read as fast
            as it can be.
    """

    rate_hz: float = MAX_RATE_HZ
    size_px: tuple[int, int] | None = None
    paced: bool = False
    _last: FrameRecord | None = field(default=None, init=False)
    _last_arrival_s: float = field(default=0.0, init=False)
    _captured: Allowance = field(init=False)
    _arrived: Allowance = field(init=False)

    def __post_init__(self) -> None:
        """Lay out the allowances: whole microseconds apart, as the writer's own limit is."""
        interval_s = int(1e6 / self.rate_hz) * _ONE_US
        self._captured = Allowance(1 / interval_s, BURST)
        self._arrived = Allowance((1 + CLOCK_DRIFT) / interval_s, ARRIVAL_BURST)

    def follow(self, record: FrameRecord, arrival_s: float) -> None:
        """Take `record`, which was read at `arrival_s` on this machine's monotonic clock.

        Raises:
            RecordError: it cannot come after the records before it.
        """
        if self.size_px is None:
            self.size_px = record.size_px
        if record.size_px != self.size_px:
            raise RecordError(
                f"frame {record.frame}: expected {self.size_px} px, found {record.size_px}"
            )
        before = self._last
        if before is not None and (record.frame <= before.frame or record.t_us <= before.t_us):
            before = None
        self._hold_to_order(record, before)
        self._hold_to_rate(record, before, arrival_s)
        self._last, self._last_arrival_s = record, arrival_s

    def _hold_to_order(self, record: FrameRecord, before: FrameRecord | None) -> None:
        frames, passed_us = record.frame, record.t_us + LEAST_STEP_US
        if before is not None:
            frames, passed_us = frames - before.frame, record.t_us - before.t_us
            if record.jail != before.jail:
                raise RecordError(f"frame {record.frame}: the jail changed")
        if frames * LEAST_STEP_US > passed_us + STEP_ERROR_US:
            raise RecordError(f"frame {record.frame}: {frames} frames within {passed_us} µs")

    def _hold_to_rate(
        self, record: FrameRecord, before: FrameRecord | None, arrival_s: float
    ) -> None:
        first = self._last is None
        arrived_s = 0.0 if first else max(0.0, arrival_s - self._last_arrival_s)
        passed_s = arrived_s if before is None else record.t_s - before.t_s
        if not self._captured.take(passed_s):
            raise RecordError(f"frame {record.frame}: more than {self.rate_hz:g} records a second")
        if self.paced and not self._arrived.take(arrived_s):
            raise RecordError(
                f"frame {record.frame}: more than {self.rate_hz:g} records a second arrive"
            )
