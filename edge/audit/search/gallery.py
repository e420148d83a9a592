"""Whether a picture shows a part of the film, at whatever place and size.

Some of the film's frames are kept small and in grey. A picture is tried at each size, and as it
is, mirrored, upside down and turned, against every place of them, by normalised correlation of
what is left when the surroundings' mean is taken away. First a middle part is tried, roughly;
then the whole picture, finely, around the best places.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.audit.search.pieces import Plane8, spread

Floats = NDArray[np.float32]

LEAST_SCORE, LEAST_WEIGHT = 0.4, 8.0  # other pictures and numbers stayed below 6.6
FRAMES, SIDE_PX, ROUGH_SIDE_PX = 8, 384, 160
LEAST_SIDE_PX, LEAST_AREA_PX = 14, 400
_TEMPLATE_PX = 56
_ROUGH_STEP, _FINE_STEP, _FINE_STEPS = 1.06, 1.012, 5
_TRIED, _AROUND_PX = 4, 6
_LEAST_SPREAD = 1.0
_PX_A_DETAIL = 8  # neighbouring pixels of a picture are alike


@dataclass(frozen=True, slots=True, eq=False)
class Match:
    """How well a picture fits into the film.

    Attributes:
        score: normalised correlation, 0 … 1.
        scale: the picture's pixels for each of the film's.
        turned: which of the eight ways of laying it down.
        details: how many independent ones the part has that was compared.
    """

    score: float
    scale: float
    turned: int
    details: float = 0.0

    @property
    def counts(self) -> bool:
        """Whether it is too good for something else than the film."""
        return self.score >= LEAST_SCORE and self.weight >= LEAST_WEIGHT

    @property
    def weight(self) -> float:
        """How much it tells."""
        return _weight(self.score, self.details)


class Gallery:
    """Some frames of a film, ready to be compared with."""

    def __init__(self, lumas: Sequence[Plane8]) -> None:
        """Keep `lumas` (h, w) of one size, small."""
        self._shrunk = min(1.0, SIDE_PX / max(lumas[0].shape))
        fine = [shrunk(one.astype(np.float32), self._shrunk, self._shrunk) for one in lumas]
        self._rough_by = min(1.0, ROUGH_SIDE_PX / max(fine[0].shape))
        rough = [shrunk(one, self._rough_by, self._rough_by) for one in fine]
        self._fine = [without_mean(one) for one in fine]
        self._rough = Frames([without_mean(one) for one in rough])

    def best(self, picture: Floats) -> Match:
        """The best match of a picture (h, w) with any part of any frame, the size unknown."""
        tried: list[tuple[float, int, float, tuple[int, int, int]]] = []
        for turned in range(8):
            for scale, part in self._sizes(laid(picture, turned)):
                score, where = self._rough.best(part)
                tried.append((_weight(score, part.size), turned, scale, where))
        tried.sort(key=lambda one: -one[0])
        found = [self._finely(laid(picture, one[1]), *one[1:]) for one in tried[:_TRIED]]
        return max(found, key=lambda one: one.weight, default=Match(0.0, 0.0, 0))

    def _sizes(self, picture: Floats) -> Iterator[tuple[float, Floats]]:
        """Each size of a picture that fits into the rough frames, and its middle at that size."""
        high, wide = self._rough.shape
        scale = min(1.05 * high / picture.shape[0], 1.05 * wide / picture.shape[1])
        least = LEAST_SIDE_PX * self._rough_by / min(picture.shape)
        while scale >= max(least, 0.02):
            small = without_mean(shrunk(picture, scale, scale))[:high, :wide]
            yield scale, middle(small, _TEMPLATE_PX)
            scale /= _ROUGH_STEP

    def _finely(
        self, picture: Floats, turned: int, rough_scale: float, where: tuple[int, int, int]
    ) -> Match:
        """The whole picture about a place that was found roughly, in the frame `where[0]`."""
        frame, best = self._fine[where[0]], Match(0.0, 0.0, turned)
        for number in range(-_FINE_STEPS, _FINE_STEPS + 1):
            scale = rough_scale / self._rough_by * _FINE_STEP**number
            part = without_mean(shrunk(picture, scale, scale))[: frame.shape[0], : frame.shape[1]]
            if min(part.shape) < LEAST_SIDE_PX or part.size < LEAST_AREA_PX:
                continue
            inner = middle(part, 4 * _TEMPLATE_PX)
            score, _ = Frames([frame]).best(inner)
            own = picture.size / _PX_A_DETAIL * inner.size / part.size  # enlarging adds none
            told = min(details(inner), own)
            found = Match(score, self._shrunk / scale, turned, told)
            best = max(best, found, key=lambda one: one.weight)
        return best


class Frames:
    """Frames of one size, and places in them."""

    def __init__(self, frames: Sequence[Floats]) -> None:
        """Prepare `frames` (h, w)."""
        self.shape = frames[0].shape
        self._padded = [1 << side.bit_length() for side in self.shape]
        stack = np.stack(frames)
        self._spectra = np.fft.rfft2(stack, self._padded)
        self._summed = _summed(stack)
        self._squared = _summed(stack**2)

    def best(self, part: Floats) -> tuple[float, tuple[int, int, int]]:
        """The largest |correlation| of a part with any place: frame, row, column."""
        rows, columns = part.shape
        centred = part - part.mean()
        size = math.sqrt(float((centred**2).sum()))
        if size < _LEAST_SPREAD * math.sqrt(part.size):
            return 0.0, (0, 0, 0)
        spectrum = np.fft.rfft2(centred, self._padded).conj()
        high, wide = self.shape[0] - rows + 1, self.shape[1] - columns + 1
        both = np.fft.irfft2(self._spectra * spectrum, self._padded)[:, :high, :wide]
        count = rows * columns
        mean = _boxes(self._summed, rows, columns) / count
        spread_ = _boxes(self._squared, rows, columns) / count - mean**2
        local = np.sqrt(np.maximum(spread_, _LEAST_SPREAD**2) * count)
        score = np.abs(both) / (local * size)
        place = np.unravel_index(int(score.argmax()), score.shape)
        frame, row, column = (int(one) for one in place)
        return float(score[frame, row, column]), (frame, row, column)


def _weight(score: float, details: float) -> float:
    """How much a correlation tells: Fisher's transform, by the root of what is independent."""
    return math.atanh(min(score, 0.999)) * math.sqrt(details)


def details(part: Floats) -> float:
    """How many independent details a part has: the participation ratio of its spectrum.

    It is 1 for a plain wave, and about half the number of the pixels for noise.
    """
    power = np.abs(np.fft.fft2(part - part.mean())) ** 2
    return float(power.sum() ** 2 / max(float((power**2).sum()), 1e-9)) / 2


def _summed(stack: Floats) -> NDArray[np.float64]:
    """(n, h, w) → (n, h + 1, w + 1) sums of all that is above and left."""
    sums = stack.astype(np.float64).cumsum(axis=1).cumsum(axis=2)
    return np.pad(sums, ((0, 0), (1, 0), (1, 0)))


def _boxes(summed: NDArray[np.float64], rows: int, columns: int) -> NDArray[np.float64]:
    """The sum over each box of `rows` × `columns`."""
    found: NDArray[np.float64] = (
        summed[:, rows:, columns:]
        - summed[:, :-rows, columns:]
        - summed[:, rows:, :-columns]
        + summed[:, :-rows, :-columns]
    )
    return found


def laid(picture: Floats, turned: int) -> Floats:
    """One of the eight ways to lay a picture down: mirrored, upside down, on its side."""
    found = picture.T if turned & 4 else picture
    found = found[::-1] if turned & 2 else found
    return found[:, ::-1] if turned & 1 else found


def middle(picture: Floats, most: int) -> Floats:
    """The middle of a picture, at most `most` pixels a side."""
    rows, columns = (min(most, side) for side in picture.shape)
    top, left = (picture.shape[0] - rows) // 2, (picture.shape[1] - columns) // 2
    return picture[top : top + rows, left : left + columns]


def without_mean(picture: Floats, reach: int = 6) -> Floats:
    """A picture less the mean of each pixel's surroundings, `reach` pixels each way."""
    side = 2 * reach + 1
    padded = np.pad(picture, reach, mode="edge")
    mean = _boxes(_summed(padded[None]), side, side)[0] / side**2
    found: Floats = (picture - mean).astype(np.float32)
    return found


def shrunk(picture: Floats, down: float, across: float) -> Floats:
    """A picture at another size, by area; what grows is drawn straight between its pixels."""
    found: Floats = _along(_along(picture, across).T, down).T.astype(np.float32)
    return found


def _along(rows: NDArray[np.floating], scale: float) -> NDArray[np.floating]:
    """(n, before) → (n, after): each row's mean between evenly spaced edges."""
    before = rows.shape[1]
    after = max(1, round(before * scale))
    summed = np.pad(rows.astype(np.float64).cumsum(axis=1), ((0, 0), (1, 0)))
    edges = np.linspace(0, before, after + 1)
    lower = edges.astype(np.intp).clip(max=before - 1)
    at = summed[:, lower] + (edges - lower) * (summed[:, lower + 1] - summed[:, lower])
    found: NDArray[np.floating] = np.diff(at, axis=1) * (after / before)
    return found


def chosen(count: int) -> frozenset[int]:
    """Which of `count` frames a gallery keeps."""
    return spread(count, FRAMES)
