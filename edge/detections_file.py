"""Tables of detections and frame times, as `encounter-edge replay` reads them.

`det.txt` holds MOTChallenge detections (`frame,-1,left,top,width,height,score,-1,-1,-1`,
pixels, frames from 1); `times.csv` each delivered frame with its capture time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from edge.errors import InputFileError
from firmware_cfg.record import FrameRecord

MOT_COLUMNS = 10
MOST_FRAMES = 100_000_000  # a month at 30 a second
TIMES_HEADER = "frame,t_s"

Row = tuple[float, float, float, float, float]


def read_detections(path: Path) -> dict[int, list[Row]]:
    """Frame number → its detections as (left, top, right, bottom, score).

    Raises:
        InputFileError: unreadable, or a line that is not a detection; says which.
    """
    rows: dict[int, list[Row]] = {}
    for number, line in _lines(path):
        parts = line.split(",")
        if not 7 <= len(parts) <= MOT_COLUMNS:
            raise InputFileError(
                path,
                number,
                f"expected frame,-1,left,top,width,height,score,…, found {line[:60]!r}",
            )
        frame = _frame(path, number, parts[0])
        left, top, width, height, score = (
            _number(path, number, name, text)
            for name, text in zip(
                ("left", "top", "width", "height", "score"), parts[2:7], strict=True
            )
        )
        if width <= 0 or height <= 0:
            raise InputFileError(
                path, number, f"expected width and height > 0, found {width:g} × {height:g}"
            )
        certainty = min(max(score, 0.0), 1.0)  # some detectors go beyond
        rows.setdefault(frame, []).append((left, top, left + width, top + height, certainty))
    return rows


def read_times(path: Path) -> list[tuple[int, int]]:
    """(frame, capture time in microseconds) of every delivered frame, both rising.

    Raises:
        InputFileError: unreadable, no header, or a line out of order; says which.
    """
    lines = _lines(path)
    first = next(lines, None)
    if first is None or first[1].replace(" ", "") != TIMES_HEADER:
        found = "an empty file" if first is None else repr(first[1][:60])
        raise InputFileError(path, 1, f"expected the header {TIMES_HEADER}, found {found}")
    times: list[tuple[int, int]] = []
    for number, line in lines:
        parts = line.split(",")
        if len(parts) != 2:
            raise InputFileError(path, number, f"expected frame,t_s, found {line[:60]!r}")
        frame = _frame(path, number, parts[0])
        t_us = round(_number(path, number, "t_s", parts[1]) * 1e6)
        if times and (frame <= times[-1][0] or t_us <= times[-1][1]):
            raise InputFileError(
                path,
                number,
                f"expected frame and t_s to rise, found {line!r} after "
                f"{times[-1][0]},{times[-1][1] / 1e6:g}",
            )
        times.append((frame, t_us))
    return times


def times_at(fps: float, frames: int) -> list[tuple[int, int]]:
    """Times of `frames` frames at a constant rate: t = (frame − 1) / fps."""
    return [(frame, round((frame - 1) / fps * 1e6)) for frame in range(1, frames + 1)]


def records(
    rows: dict[int, list[Row]], times: list[tuple[int, int]], size_px: tuple[int, int]
) -> Iterator[FrameRecord]:
    """The frames in order; boxes wholly outside the picture are dropped.

    Boxes that reach beyond it stay as they are: an anchor is a point of the whole box.
    """
    width, height = size_px
    for frame, t_us in times:
        table = np.array(rows.get(frame, []), float).reshape(-1, 5)
        left, top, right, bottom = table[:, :4].T
        inside = (right > 0) & (left < width) & (bottom > 0) & (top < height)
        yield FrameRecord(frame, t_us, size_px, table[inside, :4], table[inside, 4])


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """(line number, text) of each line that is not empty."""
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise InputFileError(path, 1, f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise InputFileError(
            path, 1, f"expected text, found byte {error.object[error.start]:#x}"
        ) from None
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            yield number, line.strip()


def _number(path: Path, line: int, name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputFileError(path, line, f"{name}: expected a number, found {text.strip()[:40]!r}")
    return value


def _frame(path: Path, line: int, text: str) -> int:
    value = _number(path, line, "frame", text)
    if value != int(value) or not 1 <= value <= MOST_FRAMES:
        raise InputFileError(
            path,
            line,
            f"frame: expected a whole number from 1 to {MOST_FRAMES}, found {text.strip()[:40]!r}",
        )
    return int(value)
