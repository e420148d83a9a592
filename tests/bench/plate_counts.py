"""Counts what is wrong with a released background plate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.plate.policy import TILE_PX

if TYPE_CHECKING:
    from vision.frames import Picture
    from vision.plate.tiles import Tiles

REAL_SHARE = 0.25  # of a found box must lie on tiles that show the camera's picture at all
RESIDUE = 40.0  # grey levels
RESIDUE_PIXELS = 0.25  # of a tile

Boxes = NDArray[np.float64]


def pixels(tiles: Tiles) -> Tiles:
    """Each tile's value at its pixels of the released picture."""
    return tiles.repeat(TILE_PX, axis=0).repeat(TILE_PX, axis=1)


def resting(boxes: Boxes, certain: Tiles) -> int:
    """How many boxes, px of the released picture, rest on certain tiles at all."""
    shown = pixels(certain)
    count = 0
    for x1, y1, x2, y2 in boxes.clip(0).astype(int):
        under = shown[y1 : y2 + 1, x1 : x2 + 1]
        count += bool(under.size and under.mean() >= REAL_SHARE)
    return count


def residue(picture: Picture, certain: Tiles, empty: Picture) -> int:
    """Certain tiles that look otherwise than the empty place, light apart."""
    height, width = picture.shape[:2]
    known = cv2.resize(empty, (width, height), interpolation=cv2.INTER_AREA).astype(float)
    shown = pixels(certain)
    apart = picture.astype(float) - known
    apart -= np.median(apart[shown], axis=0)
    other = (np.abs(apart).max(axis=2) > RESIDUE).reshape(
        height // TILE_PX, TILE_PX, width // TILE_PX, TILE_PX
    )
    return int((certain & (other.mean(axis=(1, 3)) >= RESIDUE_PIXELS)).sum())
