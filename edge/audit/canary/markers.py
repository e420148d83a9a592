"""The canary's marks: strips of black and white cells, drawn at random from the audit's seed.

A picture of the canary, from top to bottom, in pixels:

| strip | height | cells | what it gives away |
|---|---|---|---|
| turn | 16 | 16 px, luma, drawn anew for each frame | something that says which frame it was |
| four of luma | 16 each | 1, 2, 4, 8 px | a frame at whole size, a half, a quarter, an eighth |
| colour | 16 | 2 px, both chroma planes | a chroma plane alone |
| the scene | the rest | 1 px, a badge on each chest | faces and figures, and a crop of one |

Cells come from SHAKE-256 over the seed, so that a seed gives the same marks everywhere.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Bits = NDArray[np.bool_]

WIDTH_PX, HEIGHT_PX = 416, 240
STRIP_PX = 16
CELLS_PX = (1, 2, 4, 8)
COLOUR_TOP_PX = STRIP_PX * (1 + len(CELLS_PX))
TURN_CELL_PX = 16
TURN_BITS = WIDTH_PX // TURN_CELL_PX
SCENE_TOP_PX = COLOUR_TOP_PX + STRIP_PX
SEED_BYTES = 16
BADGE_ROWS, BADGE_COLUMNS = 16, 32


class Plane(StrEnum):
    """Plane of the picture that a strip is drawn in."""

    LUMA = "luma"
    BLUE = "blue"
    RED = "red"


@dataclass(frozen=True, slots=True, eq=False)
class Strip:
    """Cells that stand still for the whole film.

    Attributes:
        plane: where they are drawn.
        top_px: first row of pixels.
        cell_px: side of a cell in pixels of the picture.
        cells: (rows, columns), True is bright.
    """

    plane: Plane
    top_px: int
    cell_px: int
    cells: Bits


def fresh_seed() -> str:
    """A seed that nobody has seen before, hexadecimal."""
    return secrets.token_hex(SEED_BYTES)


def random_bits(seed: str, label: str, count: int) -> Bits:
    """(count,) bits that belong to `label`.

    >>> random_bits("00", "a", 6).tolist() == random_bits("00", "a", 6).tolist()
    True
    """
    drawn = hashlib.shake_256(f"encounter canary {seed} {label}".encode())
    return np.unpackbits(np.frombuffer(drawn.digest(-(-count // 8)), np.uint8))[:count].astype(bool)


def random_number(seed: str, label: str) -> int:
    """A number of 64 bits that belongs to `label`."""
    drawn = hashlib.shake_256(f"encounter canary {seed} {label}".encode())
    return int.from_bytes(drawn.digest(8), "big")


def strips(seed: str) -> tuple[Strip, ...]:
    """Every strip that stands still."""
    found = [
        Strip(Plane.LUMA, (1 + place) * STRIP_PX, cell_px, _cells(seed, Plane.LUMA, cell_px))
        for place, cell_px in enumerate(CELLS_PX)
    ]
    found += [
        Strip(plane, COLOUR_TOP_PX, 2, _cells(seed, plane, 2)) for plane in (Plane.BLUE, Plane.RED)
    ]
    return tuple(found)


def _cells(seed: str, plane: Plane, cell_px: int) -> Bits:
    shape = STRIP_PX // cell_px, WIDTH_PX // cell_px
    return random_bits(seed, f"{plane} {cell_px}", shape[0] * shape[1]).reshape(shape)


def badge(seed: str) -> Bits:
    """(`BADGE_ROWS`, `BADGE_COLUMNS`) what every visitor wears on the chest, a pixel a cell."""
    cells = random_bits(seed, "badge", BADGE_ROWS * BADGE_COLUMNS)
    return cells.reshape(BADGE_ROWS, BADGE_COLUMNS)


def turns(seed: str, frames: int) -> Bits:
    """(frames, `TURN_BITS`) the cells of the strip `turn` in each frame, from frame 1 on."""
    return random_bits(seed, "turn", frames * TURN_BITS).reshape(frames, TURN_BITS)
