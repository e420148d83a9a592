"""Pictures whose bytes were XORed with a key that repeats: the key is read off the bytes.

Pixels that stand a multiple of the key's length apart were XORed with the same byte of it, and
pixels that are near are alike. So the first byte of the key is the one under which such pixels
are most alike; each further byte the one under which they are, and like their neighbours, too.
Whether the whole is in negative stays open; to the search it does not matter.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache

import numpy as np
from numpy.typing import NDArray

from edge.audit.search.rasters import LEAST_ALIKE, alike

Bytes = NDArray[np.uint8]

LONGEST_KEY, STEPS = 16, (1, 3)
WINDOW_BYTES, SAMPLE_BYTES, REGION_BYTES = 8192, 4096, 32_768
MOST_KEYS = 4
_MOST_UNLIKE = 24  # that counts of two bytes
_PROMISING, _TRIED = 14.0, 2
_LEAST_VALUES, _MOST_PRINTABLE, _ALIKE_ALREADY = 24, 0.95, 0.8


def unscrambled(raw: Bytes) -> Iterator[tuple[int, Bytes]]:
    """The likeliest keys' lengths, and all of `raw` XORed with that key; none if none is likely."""
    found: list[tuple[float, int, bytes]] = []
    known: set[bytes] = set()
    for begin in range(0, len(raw), WINDOW_BYTES):
        window = raw[begin : begin + WINDOW_BYTES]
        if not _worth_it(window):
            continue
        region = raw[max(0, begin - REGION_BYTES // 2) : begin + REGION_BYTES // 2]
        start = max(0, begin - REGION_BYTES // 2)
        for length, step in _promising(window):
            key = np.roll(key_of(region, length, step), start % length)
            likeness = _likeness(window, np.roll(key, -begin % length), step)
            if likeness >= LEAST_ALIKE and key.any() and key.tobytes() not in known:
                known.add(key.tobytes())
                found.append((likeness, length, key.tobytes()))
    found.sort(key=lambda one: -one[0])
    for _, length, key_bytes in found[:MOST_KEYS]:
        yield length, raw ^ np.resize(np.frombuffer(key_bytes, np.uint8), len(raw))


def _worth_it(window: Bytes) -> bool:
    """Whether it may hold a picture under a key: no text, not plain, and no picture as it is."""
    if len(window) < WINDOW_BYTES // 4:
        return False
    counts = np.bincount(window, minlength=256)
    printable = counts[32:127].sum() + counts[10]
    plain = counts.max() > len(window) // 2 or (counts > 0).sum() < _LEAST_VALUES
    if plain or printable >= _MOST_PRINTABLE * len(window):
        return False
    return float(alike(window[None], 1)[0]) < _ALIKE_ALREADY


def _likeness(window: Bytes, key: Bytes, step: int) -> float:
    return float(alike((window ^ np.resize(key, len(window)))[None], step)[0])


def _promising(window: Bytes) -> list[tuple[int, int]]:
    """Lengths of keys, and steps, at which pixels can be made alike; the best first."""
    found, part = [], window[:SAMPLE_BYTES]
    for step in STEPS:
        for length in range(1, LONGEST_KEY + 1):
            lag = math.lcm(length, step)
            unlike = _own(part, length, lag).min(axis=1).sum() / (len(part) - lag)
            found.append((unlike * (1 + length / 100), length, step))
    return [(length, step) for unlike, length, step in sorted(found) if unlike < _PROMISING][
        :_TRIED
    ]


def key_of(region: Bytes, length: int, step: int) -> Bytes:
    """(length,) the key under which pixels `step` bytes apart are most alike."""
    own = _own(region, length, math.lcm(length, step))
    key, known = np.zeros(length, np.uint8), np.zeros(length, bool)
    order = [(first + step * number) % length for first in range(step) for number in range(length)]
    for place in dict.fromkeys(order):
        cost = own[place].astype(np.int64)
        for away in (step, 1):
            before = (place - away) % length
            if known[before]:
                cost = cost + _beside(region, key[before], (before, away, length))
                break
        key[place], known[place] = int(cost.argmin()), True
    return key


def _own(window: Bytes, length: int, lag: int) -> NDArray[np.uint32]:
    """(length, 256) how unlike bytes `lag` apart are under each byte at each place of the key."""
    count = (len(window) - lag) // length * length
    pairs = window[:count].astype(np.intp) << 8 | window[lag : lag + count]
    half: NDArray[np.uint32] = (
        _unlikeness()[pairs].reshape(-1, length, 128).sum(axis=0, dtype=np.uint32)
    )
    return np.concatenate([half, half[:, ::-1]], axis=1)  # a key's complement does the same


def _beside(region: Bytes, key: np.uint8, at: tuple[int, int, int]) -> NDArray[np.int64]:
    """(256,) how unlike the bytes are that follow those at a known place of the key.

    Args:
        region: of bytes.
        key: the known byte of the key.
        at: its place in the key, how many bytes on the others stand, and the key's length.
    """
    place, away, length = at
    following = region[place + away :: length]
    known = region[place::length][: len(following)] ^ key
    under = (following[:, None] ^ np.arange(256, dtype=np.uint8)[None, :]).astype(np.int16)
    found: NDArray[np.int64] = np.abs(under - known[:, None]).sum(axis=0, dtype=np.int64)
    return found


@cache
def _unlikeness() -> NDArray[np.uint8]:
    """(65536, 128) how unlike two bytes are under each key without its highest bit."""
    byte, key = np.arange(256, dtype=np.uint8), np.arange(128, dtype=np.uint8)
    under = (byte[:, None] ^ key[None, :]).astype(np.int16)
    unlike = np.abs(under[:, None, :] - under[None, :, :]).clip(max=_MOST_UNLIKE)
    found: NDArray[np.uint8] = unlike.astype(np.uint8).reshape(-1, 128)
    return found
