"""The fixed-size record on the pipe from `vision` to `edge`: one frame's detections.

`RECORD_BYTES` long whatever the number of people, so that neither length nor rate tells more
than the fields do. Numbers are little endian:

| field | bytes | value |
|---|---|---|
| magic | 2 | `EV` |
| version | 1 | 2 |
| health | 1 | bits of `CameraHealth`, the rest 0 |
| jail | 1 | bits of `Jail`, the rest 0 |
| people | 1 | 0 … `most_people` |
| width, height | 2, 2 | px, the delivered picture |
| frame | 4 | index of the delivered frame, from 1 |
| time | 5 | capture time since the first frame, in steps of the layout |
| people's fields | the rest | bits, highest first, without gaps; see `firmware_cfg.record_layout` |

There is one way to write a frame: people stand in the order of their boxes, so that the order
tells nothing; two with the same box are one, with the higher score; a box that is less than a
step wide or tall is left out; unused fields and the bits after the last are zero. A record is
shorter than PIPE_BUF (4096 bytes), so one `write` is atomic. What one record may say after
another is in `firmware_cfg.record_stream`.
"""

from __future__ import annotations

import enum
import struct
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from firmware_cfg.errors import RecordError
from firmware_cfg.record_layout import (
    FRAME_BITS,
    HEADER_BYTES,
    LAYOUT,
    MAX_RATE_HZ,
    MAX_SIDE_PX,
    TIME_BITS,
    FloatArray,
    Layout,
    grid,
)

__all__ = [
    "MAX_PEOPLE",
    "MAX_RATE_HZ",
    "MAX_SIDE_PX",
    "RECORD_BYTES",
    "VERSION",
    "CameraHealth",
    "FrameRecord",
    "Jail",
    "Words",
    "max_health",
    "pack",
    "unpack",
]

VERSION = 2
MAX_PEOPLE = LAYOUT.most_people
RECORD_BYTES = LAYOUT.record_bytes

_MAGIC = b"EV"
_HEADER = struct.Struct("<2sBBBBHHI5s")
_WORD_BITS = 64

Words = NDArray[np.int64]


class CameraHealth(enum.IntFlag):
    """What the capture side knows to be wrong with a frame."""

    OK = 0
    TOO_MANY_PEOPLE = 1  # boxes beyond `most_people` were dropped, lowest scores first
    FRAMES_LOST = 2  # the source reported a gap before this frame
    DECODE_ERROR = 4  # the decoder skipped damaged data before this frame


class Jail(enum.IntFlag):
    """What the camera process says of its own confinement."""

    WHOLE = 0
    REDUCED = 1  # something required is missing, by the site file's permission


_HEALTH_BITS = sum(flag.value for flag in CameraHealth)
_JAIL_BITS = sum(flag.value for flag in Jail)
_TOO_MANY = CameraHealth.TOO_MANY_PEOPLE.value


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
        jail: how the camera process is confined.
    """

    frame: int
    t_us: int
    size_px: tuple[int, int]
    boxes_xyxy_px: FloatArray
    scores: FloatArray
    health: CameraHealth = field(default=CameraHealth.OK)
    jail: Jail = field(default=Jail.WHOLE)

    @property
    def t_s(self) -> float:
        """Capture time in seconds since the first frame."""
        return self.t_us / 1e6


def max_health() -> int:
    """Largest value of the health byte: every bit of `CameraHealth` set."""
    return _HEALTH_BITS


def pack(record: FrameRecord, layout: Layout = LAYOUT) -> bytes:
    """Quantise `record` into `layout.record_bytes` bytes.

    Boxes are clipped to the picture and scores to [0, 1]; coordinates and time are rounded to
    the nearest step, scores down, so that a threshold on a step stays one. Of more than
    `layout.most_people` people the highest scores stay.

    Raises:
        RecordError: a value does not fit the layout: an inverted box, a value that is not a
            number, a size beyond `MAX_SIDE_PX`, a frame or time outside its range.
    """
    (width, height), time = record.size_px, layout.time_steps(record.t_us)
    if not (0 < width <= MAX_SIDE_PX and 0 < height <= MAX_SIDE_PX):
        raise RecordError(f"frame {record.frame}: {width} × {height} px does not fit the record")
    if not (1 <= record.frame < 1 << FRAME_BITS and 0 <= time < 1 << TIME_BITS):
        raise RecordError(f"frame {record.frame} at {record.t_us} µs does not fit the record")
    words, left_out = _most_certain(_words(record, layout), layout)
    health = int(record.health) | (_TOO_MANY if left_out else 0)
    if not _flags_fit(health, int(record.jail), len(words), layout):
        raise RecordError(f"frame {record.frame}: unknown flags: {health:#x}, {record.jail:#x}")
    header = _HEADER.pack(
        _MAGIC,
        VERSION,
        health,
        int(record.jail),
        len(words),
        width,
        height,
        record.frame,
        time.to_bytes(TIME_BITS // 8, "little"),
    )
    return (header + _to_bits(words, layout.person_bits)).ljust(layout.record_bytes, b"\0")


def _flags_fit(health: int, jail: int, people: int, layout: Layout) -> bool:
    """Whether the flags are known ones, and people were left out only of a full record."""
    if health & _TOO_MANY and people < layout.most_people:
        return False
    return 0 <= health <= _HEALTH_BITS and 0 <= jail <= _JAIL_BITS


def _words(record: FrameRecord, layout: Layout) -> Words:
    """(n,) people's fields, rising, no box twice."""
    boxes, scores = record.boxes_xyxy_px, record.scores
    if boxes.shape != (len(scores), 4):
        shape = boxes.shape
        raise RecordError(f"frame {record.frame}: {len(scores)} scores, boxes of shape {shape}")
    # comparisons with NaN are false, so this refuses it too
    if not ((boxes[:, :2] <= boxes[:, 2:]).all() and (abs(scores) < np.inf).all()):
        raise RecordError(f"frame {record.frame}: a box or score that is inverted or no number")
    place = grid(layout, record.size_px)
    steps = np.minimum(np.maximum(np.rint(boxes * place.steps_per_px), 0.0), place.most)
    certainty = np.floor(np.clip(scores, 0.0, 1.0) * layout.score_steps + 1e-6)
    values = np.column_stack([steps, certainty]).astype(np.int64)
    values = values[(values[:, :2] < values[:, 2:4]).all(axis=1)]
    words = np.sort(_joined(values, layout))
    box_of, is_best = words >> layout.score_bits, np.ones(len(words), bool)
    is_best[:-1] = box_of[1:] != box_of[:-1]
    return words[is_best]


def _joined(values: Words, layout: Layout) -> Words:
    """(n, 5) steps as (n,) fields."""
    words: Words = values[:, 0]
    for column in (1, 2, 3):
        words = words << layout.coordinate_bits | values[:, column]
    return words << layout.score_bits | values[:, 4]


def _most_certain(words: Words, layout: Layout) -> tuple[Words, bool]:
    """The fields of the highest scores, as many as fit, and whether some did not."""
    if len(words) <= layout.most_people:
        return words, False
    certainty = words & ((1 << layout.score_bits) - 1)
    best = np.argsort(-certainty, kind="stable")[: layout.most_people]
    return words[np.sort(best)], True


def _to_bits(words: Words, bits: int) -> bytes:
    """(n,) fields, the last `bits` of each, without gaps."""
    spread = np.unpackbits(words.astype(">u8").view(np.uint8)).reshape(-1, _WORD_BITS)
    return np.packbits(spread[:, _WORD_BITS - bits :]).tobytes()


def _from_bits(data: bytes, people: int, bits: int) -> tuple[Words, bool]:
    """(people,) fields, and whether all that follows is zero."""
    spread = np.unpackbits(np.frombuffer(data, np.uint8))
    wide = np.zeros((people, _WORD_BITS), np.uint8)
    wide[:, _WORD_BITS - bits :] = spread[: people * bits].reshape(people, bits)
    words = np.packbits(wide, axis=1).view(">u8").ravel().astype(np.int64)
    return words, not spread[people * bits :].any()


def unpack(data: bytes, layout: Layout = LAYOUT) -> FrameRecord:
    """Read one record; accepts nothing that `pack` could not have written.

    Raises:
        RecordError: wrong length, magic, version, flags or count; a box or score outside its
            range, out of order or twice; bits set where nobody is.
    """
    if len(data) != layout.record_bytes:
        raise RecordError(f"expected {layout.record_bytes} bytes, found {len(data)}")
    magic, version, health, jail, people, width, height, frame, time = _HEADER.unpack_from(data)
    if magic != _MAGIC or version != VERSION:
        raise RecordError(f"expected a version {VERSION} record, found {data[:3].hex()}")
    if (
        people > layout.most_people
        or not _flags_fit(health, jail, people, layout)
        or frame < 1
        or not (0 < width <= MAX_SIDE_PX and 0 < height <= MAX_SIDE_PX)
    ):
        raise RecordError(f"frame {frame}: header out of range: {data[:HEADER_BYTES].hex()}")
    t_us = layout.time_us(int.from_bytes(time, "little"))
    words, rest_is_zero = _from_bits(data[HEADER_BYTES:], people, layout.person_bits)
    if not rest_is_zero:
        raise RecordError(f"frame {frame}: bits set beyond its {people} people")
    boxes, scores = _people(words, layout, (width, height), frame)
    flags = CameraHealth(health), Jail(jail)
    return FrameRecord(frame, t_us, (width, height), boxes, scores, *flags)


def _people(
    words: Words, layout: Layout, size_px: tuple[int, int], frame: int
) -> tuple[FloatArray, FloatArray]:
    """(n, 4) boxes and (n,) scores of the fields.

    Raises:
        RecordError: a field that `pack` does not write.
    """
    box_of, scores = words >> layout.score_bits, words & ((1 << layout.score_bits) - 1)
    coordinate, last = layout.coordinate_bits, (1 << layout.coordinate_bits) - 1
    steps = box_of[:, None] >> np.array([3, 2, 1, 0]) * coordinate & last
    place = grid(layout, size_px)
    if not (
        (steps[:, :2] < steps[:, 2:]).all()
        and (steps <= place.most).all()
        and (scores <= layout.score_steps).all()
    ):
        raise RecordError(f"frame {frame}: a box or score out of range")
    if not (box_of[:-1] < box_of[1:]).all():
        raise RecordError(f"frame {frame}: people out of order, or one twice")
    boxes = np.empty((len(words), 4))
    boxes[:, 0::2], boxes[:, 1::2] = place.x_px[steps[:, 0::2]], place.y_px[steps[:, 1::2]]
    return boxes, scores / layout.score_steps
