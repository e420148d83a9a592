"""The search: every stream, in every form, for every mark of the canary.

| what | forms |
|---|---|
| the strips' cells, 64 in a row | every bit of each 1st to 4th byte; packed bits, both orders |
| the same, XORed with a key of 1 to 16 bytes | each byte's highest bit, each 1st and 3rd byte |
| the badge's rows, 32 cells each | as the first; three different rows within 32 kB count |
| the strips at other scales | correlation; see `edge.audit.search.scaled` |
| the beginning of a picture or film file | PNG, JPEG, GIF, WebP, PPM, YUV4MPEG2, MP4 |
| a piece of a JPEG picture | `edge.audit.search.fragments` |

Each is looked for in the bytes as they are and in what can be unpacked from them: deflate,
gzip, zlib, bzip2, xz, base64, hexadecimal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.audit.canary.emitted import Stream
from edge.audit.canary.markers import Bits
from edge.audit.search import fragments, scaled
from edge.audit.search.containers import pictures, unpacked
from edge.audit.search.words import (
    LONGEST_KEY_BYTES,
    SHORT_BITS,
    WORD_BITS,
    Dictionary,
    differences,
    plain,
    windows,
    worn,
)

STRIDES = (1, 2, 3, 4)
KEY_STRIDES = (1, 3)
BADGE_ROWS_FOUND, BADGE_WITHIN = 3, 32_768
LEAST_BYTES = WORD_BITS // 8
_PART_BYTES = 1 << 20
_OVERLAP_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Hit:
    """A mark of the canary in a stream.

    Attributes:
        stream: name of the stream.
        form: how it is written there.
        place: where, roughly, in bytes.
    """

    stream: str
    form: str
    place: int

    def line(self) -> str:
        """In words."""
        return f"{self.stream}: {self.form} at byte {self.place}"


@dataclass(frozen=True, slots=True)
class Searched:
    """What a search found.

    Attributes:
        hits: the first one of each stream.
        looked_bytes: how many bytes were looked at, unpacked ones included.
        chance: the most that the probability of any hit is, if nothing of the canary is there.
    """

    hits: tuple[Hit, ...]
    looked_bytes: int
    chance: float


class Search:
    """The marks of one seed, ready to be looked for."""

    def __init__(self, seed: str) -> None:
        """Prepare the words and templates of `seed`."""
        self._plain, self._worn = plain(seed), worn(seed)
        keys = range(1, LONGEST_KEY_BYTES + 1)
        self._keys = {length: differences(seed, length) for length in keys}
        self._templates = scaled.templates(seed)

    def search(self, streams: Iterable[Stream]) -> Searched:
        """Look for every mark in every stream."""
        hits: list[Hit] = []
        looked, seen = 0, set[bytes]()
        for stream in streams:
            for one in unpacked(stream):
                if one.data in seen or len(one.data) < LEAST_BYTES:
                    continue  # the same bytes by another instrument, or too few for a word
                seen.add(one.data)
                looked += len(one.data)
                hit = next(self._hits(one), None)
                if hit is not None:
                    hits.append(hit)
                    break  # the stream holds the canary: where else is of no matter
        return Searched(tuple(hits), looked, self.chance(looked))

    def chance(self, looked_bytes: int) -> float:
        """The union bound over every word, form and place."""
        by_plane, packed = 8 * looked_bytes * len(STRIDES), 2 * 8 * looked_bytes
        words = (by_plane + packed) * len(self._plain.words)
        words += sum(len(STRIDES) * looked_bytes * len(one.words) for one in self._keys.values())
        rows = len(self._worn.words) * BADGE_WITHIN * 2.0**-SHORT_BITS
        badges = by_plane * len(self._worn.words) * 2.0**-SHORT_BITS * rows**2
        positions = len(self._templates) * 2 * looked_bytes
        pieces = fragments.chance(looked_bytes)
        return words * 2.0**-WORD_BITS + badges + 2 * scaled.chance(positions) + pieces

    def _hits(self, stream: Stream) -> Iterator[Hit]:
        for name, place in pictures(stream):
            yield Hit(stream.name, f"beginning of a {name} file", place)
        for place in fragments.pieces_of_jpeg(stream.data):
            yield Hit(stream.name, "a piece of a JPEG picture", place)
        for begin in range(0, max(1, len(stream.data)), _PART_BYTES):
            part = stream.data[begin : begin + _PART_BYTES + _OVERLAP_BYTES]
            for form, place in self._in_part(part):
                yield Hit(stream.name, form, begin + place)

    def _in_part(self, data: bytes) -> Iterator[tuple[str, int]]:
        raw = np.frombuffer(data, np.uint8)
        for stride in STRIDES:
            for phase in range(stride):
                yield from self._in_planes(raw[phase::stride], stride)
        for order, bits in (
            ("highest", np.unpackbits(raw)),
            ("lowest", np.unpackbits(raw, bitorder="little")),
        ):
            for place in _first(self._plain, bits.astype(bool)):
                yield f"cells packed eight to a byte, {order} bit first", place // 8
        for template in self._templates:
            z, place = scaled.best(data, template)
            if z >= scaled.LEAST_Z:
                yield f"a strip resized by {template.scale:g} (z = {z:.1f})", place

    def _in_planes(self, raw: NDArray[np.uint8], stride: int) -> Iterator[tuple[str, int]]:
        each = f"bytes {stride} apart" if stride > 1 else "each byte"
        for plane in range(8):
            bits = (raw >> plane & 1).astype(bool)
            for place in _first(self._plain, bits):
                yield f"cells in bit {plane} of {each}", stride * place
            rows = windows(bits, SHORT_BITS)
            places = self._worn.places(rows)
            for place in _gathered(places, rows, BADGE_WITHIN // stride):
                yield f"a badge in bit {plane} of {each}", stride * place
        if stride in KEY_STRIDES:
            high = raw >= 128
            for length, words in self._keys.items():
                for place in _first(words, high[:-length] ^ high[length:]):
                    yield f"cells XORed with a key, {each}, {length} × {stride}", stride * place


def _first(words: Dictionary, bits: Bits) -> list[int]:
    """The first place of a word, or none."""
    return [int(place) for place in words.places(windows(bits, words.bits))[:1]]


def _gathered(places: NDArray[np.intp], rows: NDArray[np.uint64], within: int) -> Iterator[int]:
    """The first place after which enough different rows of the badge follow, or none."""
    for begin in places:
        near = places[(places >= begin) & (places < begin + within)]
        if len(np.unique(rows[near])) >= BADGE_ROWS_FOUND:
            yield int(begin)
            return
