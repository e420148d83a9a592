"""The grid of tiles over the picture that is worked on, and boxes on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vision.plate.policy import DETAIL, RELEASED_WIDTH_PX, TILE_PX

if TYPE_CHECKING:
    from collections.abc import Iterator

FloatArray = NDArray[np.float64]
Tiles = NDArray[np.bool_]

SIDE_PX = TILE_PX * DETAIL  # of a tile, in the picture that is worked on


@dataclass(frozen=True, slots=True)
class Grid:
    """Tiles of `SIDE_PX` over a picture of `columns` × `rows` of them."""

    columns: int
    rows: int

    @classmethod
    def of(cls, picture_px: tuple[int, int]) -> Grid:
        """The grid for a camera's picture (width, height): never wider than the picture itself.

        The aspect is kept to within half a tile.

        >>> Grid.of((1920, 1080)).size_px, Grid.of((768, 576)).size_px, Grid.of((200, 150)).size_px
        ((320, 180), (320, 240), (200, 150))
        """
        width, height = picture_px
        columns = max(1, min(RELEASED_WIDTH_PX * DETAIL, width) // SIDE_PX)
        return cls(columns, max(1, round(columns * height / width)))

    @property
    def size_px(self) -> tuple[int, int]:
        """(width, height) of the picture that is worked on."""
        return self.columns * SIDE_PX, self.rows * SIDE_PX

    def none(self) -> Tiles:
        """(rows, columns) tiles, all False."""
        return np.zeros((self.rows, self.columns), bool)

    def each(self) -> Iterator[tuple[int, int, tuple[slice, slice]]]:
        """Row, column and pixels of each tile."""
        for row in range(self.rows):
            for column in range(self.columns):
                down, across = row * SIDE_PX, column * SIDE_PX
                yield (
                    row,
                    column,
                    (slice(down, down + SIDE_PX), slice(across, across + SIDE_PX)),
                )

    def under(self, boxes_xyxy_px: FloatArray) -> Tiles:
        """Tiles that any of the (n, 4) boxes touches; px of the picture that is worked on."""
        touched = self.none()
        for box in boxes_xyxy_px:
            touched[self.within(box)] = True
        return touched

    def within(self, box_xyxy_px: FloatArray) -> tuple[slice, slice]:
        """Rows and columns of the tiles that a box (4,) touches; none beyond the picture."""
        x1, y1 = np.maximum(0, np.floor(box_xyxy_px[:2] / SIDE_PX)).astype(int)
        x2, y2 = np.maximum(0, np.ceil(box_xyxy_px[2:] / SIDE_PX)).astype(int)
        return slice(y1, y2), slice(x1, x2)


def grown(boxes_xyxy_px: FloatArray, share: float) -> FloatArray:
    """Boxes (n, 4) with `share` of their sides added on each side; taken off if negative.

    >>> grown(np.array([[10.0, 10.0, 20.0, 30.0]]), 0.1).tolist()
    [[9.0, 8.0, 21.0, 32.0]]
    """
    sides = boxes_xyxy_px[:, 2:] - boxes_xyxy_px[:, :2]
    return np.hstack([boxes_xyxy_px[:, :2] - share * sides, boxes_xyxy_px[:, 2:] + share * sides])


def without_holes(uncertain: Tiles) -> Tiles:
    """Uncertain tiles, with those that most of their eight neighbours surround.

    Beyond the picture's edge the nearest tile is taken to go on.
    """
    while True:
        padded = np.pad(uncertain, 1, mode="edge").astype(np.int8)
        rows, columns = uncertain.shape
        neighbours = sum(
            padded[down : down + rows, across : across + columns]
            for down in range(3)
            for across in range(3)
        )
        filled = uncertain | (neighbours >= 5)
        if np.array_equal(filled, uncertain):
            return filled
        uncertain = filled
