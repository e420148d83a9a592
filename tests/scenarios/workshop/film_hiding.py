"""Who hides whom: silhouettes on a coarse raster over the hidden person's box.

A silhouette fills the middle of a body's box: a head narrower than the trunk, then legs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tests.scenarios.workshop.day import FloatArray

ROWS, COLUMNS = 24, 12
CHUNK = 2000
HEAD, HEAD_HALF = 0.13, 0.22  # share of the height, and half the width, in box widths
TRUNK, TRUNK_HALF = 0.55, 0.46
LEGS_HALF = 0.34

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Nearer:
    """A body in front of another: `rows` of the other's table, and (n, 4) its whole boxes."""

    rows: IntArray
    boxes: FloatArray


def visible(
    inside: FloatArray, whole: FloatArray, nearer: list[Nearer]
) -> tuple[FloatArray, FloatArray]:
    """What can be seen of a body behind others.

    Args:
        inside: (n, 4) its box in the picture and above desks, px.
        whole: (n, 4) the box of the whole body, px.
        nearer: the bodies in front of it.

    Returns:
        (n,) visible share of its silhouette inside `inside`, and (n, 4) how far the visible
        extent lies within `inside` on the left, top, right and bottom, px.
    """
    share, insets = np.ones(len(inside)), np.zeros((len(inside), 4))
    if not nearer:
        return share, insets
    touched = np.unique(np.concatenate([one.rows for one in nearer]))
    for start in range(0, len(touched), CHUNK):
        rows = touched[start : start + CHUNK]
        share[rows], insets[rows] = _rastered(inside[rows], whole[rows], _within(nearer, rows))
    return share, insets


def _within(nearer: list[Nearer], rows: IntArray) -> list[Nearer]:
    """The part of `nearer` at the sorted `rows`, counted from their first."""
    found = []
    for one in nearer:
        keep = (one.rows >= rows[0]) & (one.rows <= rows[-1])
        if keep.any():
            found.append(Nearer(np.searchsorted(rows, one.rows[keep]), one.boxes[keep]))
    return found


def _rastered(
    inside: FloatArray, whole: FloatArray, nearer: list[Nearer]
) -> tuple[FloatArray, FloatArray]:
    cell_x = (inside[:, 2] - inside[:, 0]) / COLUMNS
    cell_y = (inside[:, 3] - inside[:, 1]) / ROWS
    xs = inside[:, :1] + cell_x[:, None] * (np.arange(COLUMNS) + 0.5)
    ys = inside[:, 1:2] + cell_y[:, None] * (np.arange(ROWS) + 0.5)
    body = _silhouette(whole, xs, ys)
    seen = body.copy()
    for one in nearer:
        seen[one.rows] &= ~_silhouette(one.boxes, xs[one.rows], ys[one.rows])
    share = seen.sum(axis=(1, 2)) / np.maximum(body.sum(axis=(1, 2)), 1)
    left, right = _ends(seen, body, axis=1)
    top, bottom = _ends(seen, body, axis=2)
    insets = np.stack([left * cell_x, top * cell_y, right * cell_x, bottom * cell_y], axis=1)
    return share, insets


def _ends(seen: BoolArray, body: BoolArray, axis: int) -> tuple[IntArray, IntArray]:
    """Columns (`axis` 1) or rows (2) of the body before the first and after the last seen one."""
    some, all_ = np.any(seen, axis=axis), np.any(body, axis=axis)
    first = np.argmax(some, axis=1) - np.argmax(all_, axis=1)
    last = np.argmax(some[:, ::-1], axis=1) - np.argmax(all_[:, ::-1], axis=1)
    none = ~np.any(some, axis=1)
    return np.where(none, 0, first), np.where(none, 0, last)


def _silhouette(boxes: FloatArray, xs: FloatArray, ys: FloatArray) -> BoolArray:
    """Cells that bodies in (n, 4) boxes fill: (n, columns), (n, rows) → (n, rows, columns)."""
    width, height = boxes[:, 2:3] - boxes[:, :1], boxes[:, 3:4] - boxes[:, 1:2]
    across = np.abs((xs - boxes[:, :1]) / width - 0.5)
    down = (ys - boxes[:, 1:2]) / height
    half = np.where(down < HEAD, HEAD_HALF, np.where(down < TRUNK, TRUNK_HALF, LEGS_HALF))
    half = np.where((down < 0) | (down > 1), -1.0, half)
    filled: BoolArray = across[:, None, :] <= half[:, :, None]
    return filled
