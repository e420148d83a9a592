"""Stretches of bytes that look like the rows of a picture, read as one.

Neighbouring pixels are alike, and so are neighbouring rows; hardly anything else that a device
writes has both. The step from pixel to pixel (1 to 4 bytes) is the one at which the bytes of a
stretch follow each other best. The length of a row is the lag at which the differences from
pixel to pixel repeat best. Where a row begins is not known: the picture is cut where its columns
differ most, and rows at the ends that do not follow their neighbours are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float64]

WINDOW_BYTES, HOP_BYTES = 1024, 512
STEPS = (1, 2, 3, 4)
LEAST_ALIKE, LEAST_SPREAD = 0.5, 3.0
LEAST_WIDTH, MOST_WIDTH = 20, 4096
LEAST_ROWS, MOST_PIXELS = 16, 400_000
_LEAST_REPEAT, _ROW_ALIKE = 0.12, 0.3
_NEARLY, _FAVOURED = 0.8, 0.02


@dataclass(frozen=True, slots=True, eq=False)
class Raster:
    """What may be a picture.

    Attributes:
        place: of its first byte, roughly.
        grey: (rows, width) the mean of each pixel's bytes.
    """

    place: int
    grey: Floats


def rasters(raw: Bytes) -> Iterator[Raster]:
    """Every stretch of `raw` that can be read as a picture of at least 20 × 16 pixels."""
    for begin, end, step in stretches(raw):
        part = raw[begin:end][: MOST_PIXELS * step]
        pixels = part[: len(part) // step * step].reshape(-1, step).mean(axis=1)
        width = row_length(pixels)
        if width is None:
            continue
        rows = pixels[: len(pixels) // width * width].reshape(-1, width)
        grey = _trimmed(_unwrapped(rows))
        if len(grey) >= LEAST_ROWS:
            yield Raster(begin, grey)


def stretches(raw: Bytes) -> Iterator[tuple[int, int, int]]:
    """Begin, end and step of each run of windows in which neighbours are alike."""
    count = (len(raw) - WINDOW_BYTES) // HOP_BYTES + 1
    if count < 1:
        return
    windows = np.lib.stride_tricks.sliding_window_view(raw, WINDOW_BYTES)[::HOP_BYTES]
    likeness = np.stack([alike(windows, step) for step in STEPS])
    fine = likeness.max(axis=0) >= LEAST_ALIKE
    edges = np.flatnonzero(np.diff(np.concatenate([[False], fine, [False]]).astype(np.int8)))
    for first, last in zip(edges[::2], edges[1::2], strict=True):
        level = likeness[:, first:last].mean(axis=1)
        step = STEPS[int(np.flatnonzero(level >= level.max() - _FAVOURED)[0])]
        yield int(first) * HOP_BYTES, int(last - 1) * HOP_BYTES + WINDOW_BYTES, step


def alike(windows: Bytes, lag: int) -> Floats:
    """(n, bytes) → (n,) correlation of each window's bytes with those `lag` on; plain ones 0."""
    values = windows.astype(np.float32)
    centred = values - values.mean(axis=1, keepdims=True)
    size = (centred**2).mean(axis=1)
    both = (centred[:, lag:] * centred[:, :-lag]).mean(axis=1)
    found: Floats = np.where(size >= LEAST_SPREAD**2, both / np.maximum(size, 1e-9), 0.0)
    return found


def row_length(pixels: Floats) -> int | None:
    """At which lag the differences from pixel to pixel repeat best; None: at none."""
    change = np.diff(pixels)
    change -= change.mean()
    most = min(MOST_WIDTH, len(change) // LEAST_ROWS)
    if most <= LEAST_WIDTH:
        return None
    size = 1 << (2 * len(change) - 1).bit_length()
    power = np.abs(np.fft.rfft(change, size)) ** 2
    repeats = np.fft.irfft(power, size)[: most + 1]
    repeats /= max(float(repeats[0]), 1e-9)
    repeats[:LEAST_WIDTH] = 0.0
    best = float(repeats.max())
    if best < _LEAST_REPEAT:
        return None
    return int(np.flatnonzero(repeats >= _NEARLY * best)[0])


def _unwrapped(rows: Floats) -> Floats:
    """The rows turned so that the column that follows its left neighbour least comes first."""
    around = np.abs(rows - np.roll(rows, 1, axis=1)).mean(axis=0)
    first = int(around.argmax())
    flat = rows.ravel()[first:]
    width = rows.shape[1]
    found: Floats = flat[: len(flat) // width * width].reshape(-1, width)
    return found


def _trimmed(rows: Floats) -> Floats:
    """The rows from the first that is like the next to the last that is like the one before."""
    centred = rows - rows.mean(axis=1, keepdims=True)
    size = np.sqrt((centred**2).sum(axis=1)) + 1e-9
    like = (centred[1:] * centred[:-1]).sum(axis=1) / (size[1:] * size[:-1]) >= _ROW_ALIKE
    found = np.flatnonzero(like)
    return rows[found[0] : found[-1] + 2] if len(found) else rows[:0]
