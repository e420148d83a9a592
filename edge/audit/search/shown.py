"""The search for an auditor's film in everything that was given off.

As `edge.audit.search.search`: in the bytes as they are and in what can be unpacked from them.
Each 1st to 4th byte is read as a picture, as it is and in negative.

| what | where |
|---|---|
| pieces of the film's rows: raw pixels | `pieces` |
| what looks like a picture, held against the film at any size, turned | `rasters`, `gallery` |
| both again, under the likeliest keys of 1 to 16 bytes | `unscrambling` |
| beginnings and pieces of picture files | `containers`, `fragments` |
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from edge.audit.canary.emitted import Stream
from edge.audit.canary.y4m import Film, frames_of
from edge.audit.errors import CanaryFilmError
from edge.audit.search.containers import pictures, unpacked
from edge.audit.search.fragments import fragments
from edge.audit.search.gallery import Gallery, chosen
from edge.audit.search.pieces import WORD_BITS, near, word_windows, words_of, words_of_film
from edge.audit.search.rasters import rasters
from edge.audit.search.search import Hit, Searched
from edge.audit.search.unscrambling import unscrambled
from edge.audit.search.words import Dictionary

Bytes = NDArray[np.uint8]

STRIDES = (1, 2, 3, 4)
WITHIN_BYTES, LEAST_FOUND = 32_768, 4
LEAST_PIECES = 1000
LEAST_BYTES = WORD_BITS + LEAST_FOUND
MOST_RASTERS = 8  # of a million bytes, the largest
_TABLE_BITS = 24
_PART_BYTES, _OVERLAP_BYTES = 1 << 20, 1 << 16


def expect_detail(film: Film) -> None:
    """Refuse a film that nothing could be searched for of.

    Raises:
        CanaryFilmError: it has too few pieces that are neither flat nor regular.
    """
    pieces = 0
    for planes in frames_of(film):
        pieces += sum(len(np.unique(words_of(plane))) for plane in planes)
        if pieces >= LEAST_PIECES:
            return
    raise CanaryFilmError(
        f"--canary {film.path}: expected a film with some detail, at least {LEAST_PIECES}"
        f" pieces that are neither flat nor regular, found {pieces}"
    )


class FilmSearch:
    """The pieces of one film, ready to be looked for.

    Attributes:
        pieces: how many there are.
    """

    def __init__(self, film: Film) -> None:
        """Cut the film to pieces."""
        words = words_of_film(frames_of(film), film.frames)
        self.pieces = len(words)
        self._words = Dictionary.of(words, WORD_BITS, _TABLE_BITS)
        kept = chosen(film.frames)
        lumas = [planes[0] for number, planes in enumerate(frames_of(film)) if number in kept]
        self._gallery = Gallery(lumas)

    def search(self, streams: Iterable[Stream]) -> Searched:
        """The first find in each stream; `chance` is for words that are all equally likely."""
        hits: list[Hit] = []
        looked, seen = 0, set[bytes]()
        for stream in streams:
            for one in unpacked(stream):
                if one.data in seen or len(one.data) < LEAST_BYTES:
                    continue
                seen.add(one.data)
                looked += len(one.data)
                hit = next(self._hits(one), None)
                if hit is not None:
                    hits.append(hit)
                    break
        return Searched(tuple(hits), looked, self._chance(looked))

    def _chance(self, looked_bytes: int) -> float:
        one = self.pieces * 2.0**-WORD_BITS
        return 2 * len(STRIDES) * looked_bytes * one * (WITHIN_BYTES * one) ** (LEAST_FOUND - 1)

    def _hits(self, stream: Stream) -> Iterator[Hit]:
        for name, place in pictures(stream):
            yield Hit(stream.name, f"beginning of a {name} file", place)
        for name, place in fragments(stream.data):
            yield Hit(stream.name, name, place)
        for begin in range(0, len(stream.data), _PART_BYTES):
            part = stream.data[begin : begin + _PART_BYTES + _OVERLAP_BYTES]
            for form, place in self._in_part(np.frombuffer(part, np.uint8)):
                yield Hit(stream.name, form, begin + place)

    def _in_part(self, raw: Bytes) -> Iterator[tuple[str, int]]:
        yield from self._pieces(raw)
        yield from self._pictures(raw)
        for length, again in unscrambled(raw):
            under = f"XORed with a key of {length} bytes: "
            for form, place in (*self._pieces(again), *self._pictures(again)):
                yield under + form, place

    def _pictures(self, raw: Bytes) -> Iterator[tuple[str, int]]:
        """What looks like a picture, and shows a part of the film."""
        found = sorted(rasters(raw), key=lambda one: -one.grey.size)[:MOST_RASTERS]
        for one in found:
            match = self._gallery.best(one.grey.astype(np.float32))
            if match.counts:
                rows, columns = one.grey.shape
                shown = (
                    f"a picture of {columns} × {rows} that shows a part of the film at"
                    f" {match.scale:.2f} of its size (correlation {match.score:.2f})"
                )
                yield shown, one.place

    def _pieces(self, raw: Bytes) -> Iterator[tuple[str, int]]:
        for stride in STRIDES:
            each = f"bytes {stride} apart" if stride > 1 else "each byte"
            for phase in range(stride):
                plane = raw[phase::stride]
                for form, bits in (
                    ("rows of the film", plane[1:] > plane[:-1]),
                    ("rows of the film in negative", plane[1:] < plane[:-1]),
                ):
                    found = word_windows(bits)
                    places = self._words.places(found)
                    for place in near(places, found[places], WITHIN_BYTES // stride, LEAST_FOUND):
                        yield f"{form} in {each}", phase + stride * place
