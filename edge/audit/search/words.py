"""What is searched for: runs of the canary's cells as numbers of 64 and of 32 bits.

A cell is black or white, so one bit of each byte of a leaked picture tells it: the highest of
raw luma, of each colour and of a scaled picture alike, whatever the exact value. So a run of
cells is searched for as a run of bits, and bytes XORed with one constant, or with a short key
that repeats, are found by the differences of bits that stand a key's length apart.

Every word is drawn at random from the seed, so that a stream that knows nothing of the seed
holds one at a given place with a probability of 2 to the power of minus its length.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.audit.canary.markers import Bits, badge, strips

Words = NDArray[np.uint64]

WORD_BITS, SHORT_BITS = 64, 32
LONGEST_KEY_BYTES = 16
_TABLE_BITS = 20


@dataclass(frozen=True, slots=True, eq=False)
class Dictionary:
    """Words of one length.

    Attributes:
        words: sorted.
        bits: length of each.
        table_bits: by how many of its first bits a word is looked up first.
        first: (2**table_bits,) whether a word begins with these bits.
    """

    words: Words
    bits: int
    table_bits: int
    first: NDArray[np.bool_]

    @classmethod
    def of(cls, words: Words, bits: int, table_bits: int = _TABLE_BITS) -> Dictionary:
        """A dictionary of `words`."""
        first = np.zeros(1 << table_bits, bool)
        first[words >> np.uint64(bits - table_bits)] = True
        return cls(np.unique(words), bits, table_bits, first)

    def places(self, windows: Words) -> NDArray[np.intp]:
        """Where one of the words stands in `windows`."""
        near = np.flatnonzero(self.first[windows >> np.uint64(self.bits - self.table_bits)])
        if not len(near):
            return near
        place = np.searchsorted(self.words, windows[near]).clip(max=len(self.words) - 1)
        found: NDArray[np.intp] = near[self.words[place] == windows[near]]
        return found


def windows(bits: Bits, length: int) -> Words:
    """(n,) → (n - length + 1,) each run of `length` (a power of two, at most 64) as a number.

    >>> windows(np.array([1, 0, 1, 1], bool), 2).tolist()
    [2, 1, 3]
    """
    found, have = bits.astype(np.uint64), 1
    while have < length:
        if len(found) <= have:
            return np.empty(0, np.uint64)
        found = found[:-have] << np.uint64(have) | found[have:]
        have *= 2
    return found


def runs(seed: str) -> tuple[Bits, ...]:
    """Runs of cells that stand side by side in the bytes of a leaked picture.

    A strip's rows stand one after another in a picture of its own scale; so do the rows of a
    chroma plane.
    """
    return tuple(strip.cells.ravel() for strip in strips(seed))


def plain(seed: str) -> Dictionary:
    """Words of the strips, and of the strips in negative."""
    every = np.concatenate([windows(run, WORD_BITS)[::WORD_BITS] for run in runs(seed)])
    return Dictionary.of(np.concatenate([every, ~every]), WORD_BITS)


def differences(seed: str, key_bytes: int) -> Dictionary:
    """Words of the strips' cells, each XORed with the cell `key_bytes` further on."""
    found = [
        windows(run[:-key_bytes] ^ run[key_bytes:], WORD_BITS)[::WORD_BITS] for run in runs(seed)
    ]
    return Dictionary.of(np.concatenate(found), WORD_BITS)


def worn(seed: str) -> Dictionary:
    """The badge's rows, a word a row, and in negative."""
    rows = np.concatenate([windows(row, SHORT_BITS) for row in badge(seed)])
    return Dictionary.of(np.concatenate([rows, rows ^ np.uint64(0xFFFFFFFF)]), SHORT_BITS)
