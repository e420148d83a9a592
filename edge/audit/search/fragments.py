"""Pieces of lossy pictures without their beginning.

The picture itself in a JPEG file is written so that a byte 255 is always followed by 0, or by one
of nine marks. In bytes that know nothing of this, 246 of 256 bytes that follow a 255 are others.
So a run of 255s that all keep to it, in bytes that are otherwise as mixed as compressed ones,
is a piece of a JPEG picture: seven take about two kilobytes.

The tables of a JPEG file, a PNG's data, and the first bytes of a WebP picture's own (VP8, RFC
6386, 9.1) or of an H.264 film's say what they are without the file's beginning.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

LEAST_KEPT, _OTHERS = 7, 2  # how many 255s, and of them not followed by 0
_LEAST_GAPS = 4  # different distances between them: what repeats is no picture
_LEAST_BYTES, _LEAST_VALUES, _MOST_OF_ONE = 512, 128, 0.08
_FARTHEST_BYTES = 8192  # from one byte 255 to the next
_LEAST_SIDE_PX, _MOST_SIDE_PX = 16, 8192
_VP8 = re.compile(rb"[\x10\x30\x50\x70\x90\xb0\xd0\xf0]..\x9d\x01\x2a(....)", re.DOTALL)
MARKS = {
    "tables of a JPEG file": re.compile(
        rb"\xff\xdb\x00[\x43\x84][\x00-\x03]"
        rb"|\xff[\xc0\xc2]\x00[\x0b\x11]\x08"
        rb"|\xff\xda\x00(?:\x0c\x03\x01|\x08\x01\x01)"
    ),
    "data of a PNG file": re.compile(rb"IDAT\x78[\x01\x5e\x9c\xda]"),
    "the beginning of an H.264 film": re.compile(rb"\0\0\0\x01[\x27\x67][\x42\x4d\x58\x64]"),
}


def fragments(data: bytes) -> Iterator[tuple[str, int]]:
    """Pieces of pictures in bytes, and where: the first of each kind."""
    for name, mark in MARKS.items():
        found = mark.search(data)
        if found is not None:
            yield name, found.start()
    for found in _VP8.finditer(data):
        sides = np.frombuffer(found[1], "<u2") & 0x3FFF
        if sides.min() >= _LEAST_SIDE_PX and sides.max() <= _MOST_SIDE_PX:
            yield "the beginning of a WebP picture's data", found.start()
            break
    for place in pieces_of_jpeg(data):
        yield "a piece of a JPEG picture", place


def chance(looked_bytes: int) -> float:
    """The most that the probability of one false piece of a JPEG picture is, in mixed bytes."""
    zeros, marks = LEAST_KEPT - _OTHERS, 9 / 256
    ways = math.comb(LEAST_KEPT, zeros) * 256.0**-zeros * (1 / 256 + marks) ** _OTHERS
    return looked_bytes / 256 * ways  # each 255 may begin one


def pieces_of_jpeg(data: bytes) -> Iterator[int]:
    """Where the first run of 255s begins that all keep to JPEG's rule, or nowhere."""
    raw = np.frombuffer(data, np.uint8)
    places = np.flatnonzero(raw[:-1] == 255)
    after = raw[places + 1]
    kept = (after == 0) | (after == 0xD9) | (after >= 0xD0) & (after <= 0xD7)
    near = np.diff(places, prepend=places[:1]) <= _FARTHEST_BYTES
    begin = 0
    for number in range(len(places)):
        if not kept[number] or not near[number]:
            begin = number + 1 if not kept[number] else number
            continue
        if number - begin + 1 >= LEAST_KEPT:
            part = raw[places[begin] : places[number] + 2]
            zeros = (after[begin : number + 1] == 0).sum()
            uneven = len(set(np.diff(places[begin : number + 1]).tolist())) >= _LEAST_GAPS
            if zeros >= LEAST_KEPT - _OTHERS and uneven and _mixed(part):
                yield int(places[begin])
                return
            if len(part) >= 4 * _FARTHEST_BYTES:
                begin += 1


def _mixed(part: NDArray[np.uint8]) -> bool:
    """Whether bytes are as mixed as compressed ones."""
    counts = np.bincount(part, minlength=256)
    return bool(
        len(part) >= _LEAST_BYTES
        and (counts > 0).sum() >= _LEAST_VALUES
        and counts.max() <= _MOST_OF_ONE * len(part)
    )
