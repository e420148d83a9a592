"""How finely a record tells a frame's people, in how many bits, and what that bounds.

A record is a header and one field for each of `most_people`, packed without gaps. A person's
field holds, highest bits first, the box's corners x1, y1, x2, y2 as steps on a grid and the
score in steps. The grid is relative to the picture: `coordinate_steps` steps along its longer
side, as many of about the same length along the other as fill it, so that the edges are
steps; never finer than a quarter of a pixel.

The steps are as coarse as the measures allow. What each setting costs, in seconds of waiting
and greeting and in bits, is shown by `tests/bench/bench_channel.py`.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

MAX_RATE_HZ = 30.0
MAX_SIDE_PX = 0xFFFF // 4
POSITIONS_PER_PX = 4  # positions are whole quarter pixels, which det.txt writes exactly

HEADER_BYTES = 19
FRAME_BITS = 32
TIME_BITS = 40
FREE_FLAGS = 4  # combinations of the health flags that say nothing about the people
JAILS = 2  # values of the byte `jail`

FACE_TEMPLATE_BYTES = 512  # what a face recogniser keeps of a face: 128 numbers of 4 bytes


@dataclass(frozen=True, slots=True)
class Layout:
    """The steps of a record's values.

    Attributes:
        coordinate_steps: along the picture's longer side.
        score_steps: from 0 to 1; thresholds in twentieths stay exact.
        time_hz: steps of capture time a second. 3000: the frames of 10, 12, 15, 24, 25, 30
            and 60 a second fall on whole steps, so that a file's times come back exactly.
        most_people: how many fields there are.
    """

    coordinate_steps: int = 2047
    score_steps: int = 20
    time_hz: int = 3000
    most_people: int = 64

    @property
    def coordinate_bits(self) -> int:
        """Bits of one coordinate."""
        return self.coordinate_steps.bit_length()

    @property
    def score_bits(self) -> int:
        """Bits of a score."""
        return self.score_steps.bit_length()

    @property
    def person_bits(self) -> int:
        """Bits of one person's field; at most 63."""
        return 4 * self.coordinate_bits + self.score_bits

    @property
    def record_bytes(self) -> int:
        """Length of every record."""
        return HEADER_BYTES + math.ceil(self.most_people * self.person_bits / 8)

    def time_steps(self, t_us: int) -> int:
        """Nearest step of a capture time in microseconds."""
        return (t_us * self.time_hz + 500_000) // 1_000_000

    def time_us(self, steps: int) -> int:
        """Microseconds of a step of capture time, rounded."""
        return (steps * 1_000_000 + self.time_hz // 2) // self.time_hz


LAYOUT = Layout()


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """A layout's grid on one picture.

    Attributes:
        most: (4,) highest step of x1, y1, x2, y2.
        steps_per_px: (4,) of the same.
        x_px, y_px: positions of the steps; rising, the last is the picture's edge.
    """

    most: NDArray[np.int64]
    steps_per_px: FloatArray
    x_px: FloatArray
    y_px: FloatArray


@functools.lru_cache(maxsize=16)
def grid(layout: Layout, size_px: tuple[int, int]) -> Grid:
    """The grid on a picture of `size_px` (width, height), each side 1 … `MAX_SIDE_PX`."""
    longer = max(size_px)
    steps = min(layout.coordinate_steps, POSITIONS_PER_PX * longer)
    width, height = (max(1, round(side * steps / longer)) for side in size_px)
    most = np.array([width, height, width, height], np.int64)
    sides_px = np.array([*size_px, *size_px], np.float64)
    return Grid(
        most, most / sides_px, _positions(width, size_px[0]), _positions(height, size_px[1])
    )


def _positions(steps: int, side_px: int) -> FloatArray:
    """Positions of the steps 0 … `steps`, in whole quarter pixels."""
    exact = np.arange(steps + 1) * (side_px / steps)
    positions: FloatArray = np.rint(exact * POSITIONS_PER_PX) / POSITIONS_PER_PX
    positions.flags.writeable = False
    return positions


def coordinate_step_px(size_px: tuple[int, int], layout: Layout = LAYOUT) -> float:
    """How far apart two neighbouring positions are, at most, in a picture of `size_px`."""
    return float(1 / grid(layout, size_px).steps_per_px.min())


def raw_bound_bps(layout: Layout = LAYOUT, rate_hz: float = MAX_RATE_HZ) -> float:
    """Bits a second of the records' bytes, whatever they hold, at `rate_hz` records a second."""
    return layout.record_bytes * 8 * rate_hz


def acceptable_records(
    layout: Layout = LAYOUT, size_px: tuple[int, int] = (MAX_SIDE_PX, MAX_SIDE_PX)
) -> int:
    """How many different records the reader takes from a camera of `size_px`.

    For n people: the sets of n different boxes of at least one step each way, each box with a
    score; times the flags and jails; a full record may also say that people were left out.
    All of that times every frame number and time, as if the stream's order did not bind them.
    A square picture has the most.
    """
    across, down = (int(most) for most in grid(layout, size_px).most[:2])
    boxes = math.comb(across + 1, 2) * math.comb(down + 1, 2)
    people, of_one_count = 0, 1
    for count in range(min(layout.most_people, boxes) + 1):
        if count:
            of_one_count = of_one_count * (boxes - count + 1) // count
        sets = of_one_count * (layout.score_steps + 1) ** count
        people += sets * (2 if count == layout.most_people else 1)
    return people * FREE_FLAGS * JAILS << (FRAME_BITS + TIME_BITS)


def bound_bps(
    layout: Layout = LAYOUT,
    rate_hz: float = MAX_RATE_HZ,
    size_px: tuple[int, int] = (MAX_SIDE_PX, MAX_SIDE_PX),
) -> float:
    """Bits a second that acceptable records can carry: the channel's bound.

    log2 of the number of acceptable records, times `rate_hz`.
    """
    return math.log2(acceptable_records(layout, size_px)) * rate_hz


def face_template_s(bits_per_s: float) -> float:
    """Seconds that a face template needs through a channel of so many bits a second."""
    return FACE_TEMPLATE_BYTES * 8 / bits_per_s
