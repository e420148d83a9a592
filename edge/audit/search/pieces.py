"""Pieces of an auditor's film as words of 48 bits: whether each pixel is brighter than the last.

A word is 49 pixels of a row. It stays as it is in other brightness, contrast and colour space,
and some words of a picture stay whole under noise, rounding and another way to resize.

Nobody drew the film at random, so no chance can be worked out as for the seeded one. Words are
passed over that a plain surface, an edge or a regular pattern would give, different ones must
stand close together, and what the device gave off on the seeded film is searched for them, too,
where nothing may be found. A scrambling key changes every word: it is for the seeded film alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from edge.audit.search.words import Words, windows

Plane8 = NDArray[np.uint8]
Bits = NDArray[np.bool_]
Floats = NDArray[np.float64]

WORD_BITS, STEP_PX = 48, 24
MOST_WORDS = 6_000_000
SCALES = (1.5, 1.2, 0.8, 0.75, 0.667, 0.6, 0.5, 0.4, 0.333, 0.25, 0.125)
RESIZED_FRAMES = 6
_TELLING = (12, 36)  # bits of a word that are set, and places where they change
_UNITS = 1 << np.arange(WORD_BITS - 1, -1, -1, dtype=np.uint64)


def words_of(rows: Plane8) -> Words:
    """The telling words of a plane's rows (n, width), one each `STEP_PX` pixels."""
    rises = rows[:, 1:] > rows[:, :-1]
    starts = range(0, rises.shape[1] - WORD_BITS + 1, STEP_PX)
    found = [_telling(rises[:, start : start + WORD_BITS]) for start in starts]
    return np.concatenate(found) if found else np.empty(0, np.uint64)


def _telling(bits: Bits) -> Words:
    """Words of the rows of (n, 48) bits that are neither flat nor regular."""
    count, turns = bits.sum(axis=1), (bits[:, 1:] != bits[:, :-1]).sum(axis=1)
    low, high = _TELLING
    fine = (count >= low) & (count <= high) & (turns >= low) & (turns <= high)
    found: Words = (bits[fine] * _UNITS).sum(axis=1, dtype=np.uint64)
    return found


def word_windows(bits: Bits) -> Words:
    """(n,) → (n - 47,) each run of 48 bits as a number."""
    most = max(0, len(bits) - WORD_BITS + 1)
    first, second = windows(bits, 32)[:most], windows(bits, 16)[32 : 32 + most]
    found: Words = np.bitwise_or(first << np.uint64(16), second)
    return found


def in_colours(planes: Sequence[Plane8]) -> tuple[Plane8, ...]:
    """Blue, green and red (h, w) of a frame: BT.601, 16 … 235, as FFmpeg shows it; or grey."""
    luma = 1.164 * (planes[0].astype(np.float64) - 16)
    if len(planes) == 1:
        return (_byte(luma),)
    height, width = luma.shape
    blue, red = (
        one.repeat(2, axis=0).repeat(2, axis=1)[:height, :width].astype(np.float64) - 128
        for one in planes[1:]
    )
    green = luma - 0.392 * blue - 0.813 * red
    return _byte(luma + 2.017 * blue), _byte(green), _byte(luma + 1.596 * red)


def _byte(values: Floats) -> Plane8:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def resized(plane: Plane8, scale: float) -> Plane8:
    """A plane at another size, by area."""
    lower = _along(plane.astype(np.float64), scale)
    return _byte(_along(lower.T, scale).T)


def _along(rows: Floats, scale: float) -> Floats:
    """(n, before) → (n, after) the mean of each row between evenly spaced edges."""
    count, before = rows.shape
    after = max(1, round(before * scale))
    summed = np.concatenate([np.zeros((count, 1)), rows.cumsum(axis=1)], axis=1)
    edges = np.linspace(0, before, after + 1)
    lower = edges.astype(np.intp).clip(max=before - 1)
    at = summed[:, lower] + (edges - lower) * rows[:, lower]
    found: Floats = np.diff(at, axis=1) * (after / before)
    return found


def words_of_film(frames: Iterable[Sequence[Plane8]], count: int) -> Words:
    """The words of every plane and colour of `count` frames; some frames at `SCALES`, too."""
    kept, resize = [np.empty(0, np.uint64)], spread(count, RESIZED_FRAMES)
    for number, planes in enumerate(frames):
        colours = in_colours(planes)
        found = [words_of(one) for one in (*planes, *colours)]
        kept.append(_some(np.unique(np.concatenate(found)), MOST_WORDS // (2 * count)))
        if number in resize:
            small = [words_of(resized(one, scale)) for one in colours for scale in SCALES]
            most = MOST_WORDS // (2 * len(resize))
            kept.append(_some(np.unique(np.concatenate(small)), most))
    return np.unique(np.concatenate(kept))


def _some(words: Words, most: int) -> Words:
    """At most `most` of them, from everywhere."""
    return words[:: max(1, math.ceil(len(words) / most))]


def spread(count: int, most: int) -> frozenset[int]:
    """Up to `most` numbers of 0 … `count` - 1, the first and the last among them.

    >>> sorted(spread(10, 3))
    [0, 4, 9]
    """
    return frozenset(int(one) for one in np.linspace(0, count - 1, min(most, count)))


def near(places: NDArray[np.intp], words: Words, within: int, least: int) -> Iterator[int]:
    """The first place from which `least` different words follow in less than `within`, or none.

    >>> list(near(np.array([1, 2, 90, 91]), np.array([7, 7, 8, 9], np.uint64), 10, 2))
    [90]
    """
    counted: dict[int, int] = {}
    begin = 0
    for place, word in zip(places.tolist(), words.tolist(), strict=True):
        counted[word] = counted.get(word, 0) + 1
        while places[begin] <= place - within:
            old = int(words[begin])
            counted[old] -= 1
            if not counted[old]:
                del counted[old]
            begin += 1
        if len(counted) >= least:
            yield int(places[begin])
            return
