"""The fixed-size record on the pipe from `vision` to `edge`: one frame's detections.

Layout, little endian, `RECORD_BYTES` long whatever the number of people, so that neither
length nor rate tells more than the fields do:

| field | type | unit |
|---|---|---|
| magic | 2 bytes | `EV` |
| version | u8 | 1 |
| health | u8 | bits of `CameraHealth` |
| frame | u32 | index of the delivered frame, from 1 |
| t_us | u64 | capture time, microseconds since the first frame |
| width, height | u16, u16 | px, the delivered picture |
| people | u8 | 0 … `MAX_PEOPLE`, then 3 zero bytes |
| `MAX_PEOPLE` × box | 4 × u16 | x1, y1, x2, y2 in quarter pixels |
| `MAX_PEOPLE` × score | u8 | 1/250 |

Unused slots are zero. A record is shorter than PIPE_BUF (4096 bytes), so one `write` is
atomic.
"""

from __future__ import annotations

import enum
import functools
import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firmware_cfg.errors import RecordError

MAX_PEOPLE = 64
MAX_RATE_HZ = 30.0
COORDINATE_STEPS_PER_PX = 4
SCORE_STEPS = 250
VERSION = 1
MAX_SIDE_PX = 0xFFFF // COORDINATE_STEPS_PER_PX

_MAGIC = b"EV"
_HEADER = struct.Struct("<2sBBIQHHB3x")
_SCORES_AT = _HEADER.size + MAX_PEOPLE * 8
RECORD_BYTES = _SCORES_AT + MAX_PEOPLE

FloatArray = NDArray[np.float64]


class CameraHealth(enum.IntFlag):
    """What the capture side knows to be wrong with a frame."""

    OK = 0
    TOO_MANY_PEOPLE = 1  # boxes beyond `MAX_PEOPLE` were dropped, lowest scores first
    FRAMES_LOST = 2  # the source reported a gap before this frame
    DECODE_ERROR = 4  # the decoder skipped damaged data before this frame


_HEALTH_BITS = sum(flag.value for flag in CameraHealth)
_TOO_MANY_PEOPLE = CameraHealth.TOO_MANY_PEOPLE.value


@dataclass(frozen=True, slots=True, eq=False)
class FrameRecord:
    """One frame as `edge` sees it.

    Attributes:
        frame: index of the delivered frame, from 1.
        t_us: capture time in microseconds since the first frame, monotonic.
        size_px: (width, height) of the delivered picture.
        boxes_xyxy_px: (n, 4) float64, in the delivered picture.
        scores: (n,) float64 in [0, 1].
        health: what was wrong with the frame.
    """

    frame: int
    t_us: int
    size_px: tuple[int, int]
    boxes_xyxy_px: FloatArray
    scores: FloatArray
    health: CameraHealth = CameraHealth.OK

    @property
    def t_s(self) -> float:
        """Capture time in seconds since the first frame."""
        return self.t_us / 1e6


def pack(record: FrameRecord) -> bytes:
    """Quantise `record` into `RECORD_BYTES` bytes; the highest scores stay, in given order.

    Boxes are clipped to the picture and scores to [0, 1].

    Raises:
        RecordError: a value does not fit the layout: an inverted box, a value that is not a
            number, a size beyond `MAX_SIDE_PX`, a frame or time below its range.
    """
    boxes, scores, health = record.boxes_xyxy_px, record.scores, int(record.health)
    width, height = record.size_px
    people = len(scores)
    if boxes.shape != (people, 4):
        raise RecordError(f"frame {record.frame}: {people} scores, boxes of shape {boxes.shape}")
    if people > MAX_PEOPLE:
        keep = np.sort(np.argsort(-scores, kind="stable")[:MAX_PEOPLE])
        boxes, scores, people = boxes[keep], scores[keep], MAX_PEOPLE
        health |= _TOO_MANY_PEOPLE
    if record.frame < 1 or not (0 < width <= MAX_SIDE_PX and 0 < height <= MAX_SIDE_PX):
        raise RecordError(f"frame {record.frame}: {width} × {height} px does not fit the record")
    if not 0 <= health <= _HEALTH_BITS:
        raise RecordError(f"frame {record.frame}: expected bits of CameraHealth, found {health}")
    data = bytearray(RECORD_BYTES)
    try:
        _HEADER.pack_into(
            data, 0, _MAGIC, VERSION, health, record.frame, record.t_us, width, height, people
        )
    except struct.error as error:
        raise RecordError(
            f"frame {record.frame}: a value does not fit the record: {error}"
        ) from error
    if people:
        _pack_people(record, boxes, scores, data)
    return bytes(data)


def _pack_people(
    record: FrameRecord, boxes: FloatArray, scores: FloatArray, data: bytearray
) -> None:
    people = len(scores)
    limits = _limits(*record.size_px)
    steps = np.minimum(np.maximum(np.rint(boxes * COORDINATE_STEPS_PER_PX), 0.0), limits)
    score_steps = np.minimum(np.maximum(np.rint(scores * SCORE_STEPS), 0.0), SCORE_STEPS)
    # comparisons with NaN are false, so these refuse it too
    if not ((steps[:, :2] <= steps[:, 2:]).all() and (score_steps >= 0.0).all()):
        raise RecordError(f"frame {record.frame}: a box or score that is inverted or no number")
    np.frombuffer(data, "<u2", people * 4, _HEADER.size)[:] = steps.ravel()
    np.frombuffer(data, np.uint8, people, _SCORES_AT)[:] = score_steps


def unpack(data: bytes) -> FrameRecord:
    """Read one record; accepts nothing that `pack` could not have written.

    Raises:
        RecordError: wrong length, magic, version, count, an inverted or outside box, or
            bytes set in an unused slot.
    """
    if len(data) != RECORD_BYTES:
        raise RecordError(f"expected {RECORD_BYTES} bytes, found {len(data)}")
    magic, version, health, frame, t_us, width, height, people = _HEADER.unpack_from(data)
    if magic != _MAGIC or version != VERSION or data[_HEADER.size - 3 : _HEADER.size] != b"\0\0\0":
        raise RecordError(f"expected a version {VERSION} record, found {data[:4].hex()}")
    if (
        people > MAX_PEOPLE
        or health > _HEALTH_BITS
        or frame < 1
        or not (0 < width <= MAX_SIDE_PX and 0 < height <= MAX_SIDE_PX)
    ):
        raise RecordError(f"frame {frame}: header out of range: {data[: _HEADER.size].hex()}")
    if any(data[_HEADER.size + people * 8 : _SCORES_AT]) or any(data[_SCORES_AT + people :]):
        raise RecordError(f"frame {frame}: bytes set beyond its {people} people")
    steps = np.frombuffer(data, "<u2", people * 4, _HEADER.size).reshape(people, 4)
    score_steps = np.frombuffer(data, np.uint8, people, _SCORES_AT)
    lower, upper = steps[:, :2], steps[:, 2:]
    inside = (lower <= upper).all() and (steps <= _limits(width, height)).all()
    if not inside or (score_steps > SCORE_STEPS).any():
        raise RecordError(f"frame {frame}: a box or score out of range")
    return FrameRecord(
        frame,
        t_us,
        (width, height),
        steps / COORDINATE_STEPS_PER_PX,
        score_steps / SCORE_STEPS,
        CameraHealth(health),
    )


@functools.lru_cache(maxsize=8)
def _limits(width: int, height: int) -> FloatArray:
    """Largest coordinates of a box in steps: (4,)."""
    limits = np.array([width, height, width, height], np.float64) * COORDINATE_STEPS_PER_PX
    limits.flags.writeable = False
    return limits


def max_health() -> int:
    """Largest value of the health byte: every bit of `CameraHealth` set."""
    return _HEALTH_BITS


def channel_bound_bps(rate_hz: float = MAX_RATE_HZ) -> float:
    """Upper bound of what the pipe can carry at `rate_hz` records a second, in bit/s."""
    return RECORD_BYTES * 8 * rate_hz
