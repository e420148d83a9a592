"""What the samples agree on, and which tiles of it may be believed.

A tile is certain if it was seen without a person in enough spells of the time, spread over it,
looked the same each time, and if what it looks like was not itself taken for a person.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.plate.tiles import SIDE_PX, Tiles, grown

if TYPE_CHECKING:
    from vision.frames import Picture
    from vision.plate.policy import PlatePolicy
    from vision.plate.samples import Samples

FloatArray = NDArray[np.float32]
SampleTiles = NDArray[np.bool_]

CORE = -0.15  # taken off a box on each side: what remains is mostly the person
LEAST_TILES = 20  # to tell a sample's light by
LINE_ROUNDS = 4
MOST_GAIN = 1.5
EDGE_SHARE = 0.5
NOISE_OF_DEVIATION = 1.4826  # standard deviation over median absolute deviation, normal noise


@dataclass(frozen=True, slots=True, eq=False)
class Light:
    """How samples are brought to the usual exposure: gain · pixel + offset.

    Attributes:
        gain: (n, 3) float32, by sample and colour.
        offset: (n, 3) float32, grey levels.
    """

    gain: FloatArray
    offset: FloatArray

    def usual(self, pictures_bgr: Picture, which: NDArray[np.bool_] | int) -> FloatArray:
        """Pixels (m, h, w, 3), or (h, w, 3) of one sample, as in the usual light."""
        gain, offset = self.gain[which], self.offset[which]
        between = (..., None, None, slice(None))
        usual: FloatArray = pictures_bgr.astype(np.float32) * gain[between] + offset[between]
        return usual


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """The median picture, and why tiles of it are not believed.

    Attributes:
        picture_bgr: (height, width, 3) uint8, as large as the samples.
        covered: tiles that were not often enough seen without a person.
        changing: tiles that did not look the same each time.
        ghostly: tiles whose look on the plate was itself taken for a person.
    """

    picture_bgr: Picture
    covered: Tiles
    changing: Tiles
    ghostly: Tiles

    @property
    def uncertain(self) -> Tiles:
        """Tiles that are not believed, for whichever reason."""
        return self.covered | self.changing | self.ghostly

    def wipe(self) -> None:
        """Overwrite the picture: it is not hatched, and somebody may be on it."""
        self.picture_bgr.fill(0)


@dataclass(frozen=True, slots=True, eq=False)
class _Watched:
    """Samples, which of their tiles are free of people, and how each is exposed."""

    samples: Samples
    free: SampleTiles
    light: Light

    def block(self, seen: NDArray[np.bool_], pixels: tuple[slice, slice]) -> FloatArray:
        """(m, side, side, 3): a tile in the samples that are asked for, in the usual light."""
        return self.light.usual(self.samples.pictures_bgr[(seen, *pixels)], seen)


def estimate(samples: Samples, policy: PlatePolicy) -> Estimate:
    """Median outside the people, tile by tile, and what of it is uncertain."""
    free = _free(samples, policy)
    watched = _Watched(samples, free, _light(samples, free))
    picture, deviation = _median(watched)
    tolerance = max(policy.tolerance, policy.tolerance_noise * deviation)
    return Estimate(
        picture,
        ~_often_enough(free, samples.times_s, policy),
        _changing(watched, picture, tolerance, policy),
        _ghostly(watched, picture, tolerance, policy),
    )


def _free(samples: Samples, policy: PlatePolicy) -> SampleTiles:
    """(n, rows, columns): whether no enlarged box touches a tile in a sample."""
    covered = [
        samples.grid.under(grown(found.at_least(policy.score_floor).boxes_xyxy_px, policy.grow))
        for found in samples.sightings
    ]
    free: SampleTiles = ~np.array(covered)
    return free


def _often_enough(free: SampleTiles, times_s: NDArray[np.float64], policy: PlatePolicy) -> Tiles:
    """Tiles seen free in enough samples of enough spells, spread over enough of the time."""
    share = (times_s - times_s[0]) / max(times_s[-1] - times_s[0], 1e-9)
    spell = np.minimum((share * policy.spells).astype(int), policy.spells - 1)
    in_spell = np.array([free[spell == one].any(axis=0) for one in range(policy.spells)])
    first = in_spell.argmax(axis=0)
    last = policy.spells - 1 - in_spell[::-1].argmax(axis=0)
    enough: Tiles = (
        (in_spell.sum(axis=0) >= policy.free_spells)
        & (last - first >= policy.free_span)
        & (free.sum(axis=0) >= policy.free_samples)
    )
    return enough


def _light(samples: Samples, free: SampleTiles) -> Light:
    """How each sample is exposed, against the usual: camera pictures brighten and dim as a whole.

    A line through the tiles' means, by colour, drawn again without the tiles that lie far off
    it: what a few tiles do does not matter.
    """
    rows, columns = free.shape[1:]
    tiled = samples.pictures_bgr.reshape(len(free), rows, SIDE_PX, columns, SIDE_PX, 3)
    means = tiled.mean(axis=(2, 4), dtype=np.float32)
    usual = np.zeros(means.shape[1:], np.float32)
    for row, column in np.argwhere(free.any(axis=0)):
        usual[row, column] = np.median(means[free[:, row, column], row, column], axis=0)
    gain, offset = np.ones((len(free), 3), np.float32), np.zeros((len(free), 3), np.float32)
    for one in np.flatnonzero(free.sum(axis=(1, 2)) >= LEAST_TILES):
        seen = free[one]
        for colour in range(3):
            gain[one, colour], offset[one, colour] = _line(
                means[one, :, :, colour][seen], usual[:, :, colour][seen]
            )
    return Light(gain, offset)


def _line(x: FloatArray, y: FloatArray) -> tuple[float, float]:
    """Gain and offset of y = gain · x + offset through most of the points; a gain near 1."""
    near = np.ones(len(x), bool)
    gain, offset = 1.0, 0.0
    for _ in range(LINE_ROUNDS):
        middle_x, middle_y = float(x[near].mean()), float(y[near].mean())
        spread = float(((x[near] - middle_x) ** 2).sum())
        slope = float(((x[near] - middle_x) * (y[near] - middle_y)).sum()) / max(spread, 1e-6)
        gain = min(max(slope, 1 / MOST_GAIN), MOST_GAIN) if spread > len(x) else 1.0
        offset = middle_y - gain * middle_x
        off = np.abs(gain * x + offset - y)
        near = off <= max(1.0, 2.0 * float(np.median(off)))
    return gain, offset


def _median(watched: _Watched) -> tuple[Picture, float]:
    """The median picture, and the standard deviation of the video's noise, grey levels.

    Tiles that were never free show the median of all samples, for the checks to look at.
    """
    grid = watched.samples.grid
    width, height = grid.size_px
    picture, deviations = np.zeros((height, width, 3), np.uint8), []
    for row, column, pixels in grid.each():
        seen = watched.free[:, row, column]
        block = watched.block(seen if seen.any() else ~seen, pixels)
        middle = np.median(block, axis=0)
        picture[pixels] = np.clip(np.rint(middle), 0, 255)
        deviations.append(np.median(np.abs(block - middle)))
    return picture, NOISE_OF_DEVIATION * float(np.median(deviations))


def _changing(watched: _Watched, picture: Picture, tolerance: float, policy: PlatePolicy) -> Tiles:
    """Tiles of which too many pixels are too often another grey level than the median.

    At an edge of the picture's content a camera that trembles by a fraction of a pixel changes
    the grey level: half of the contrast around a pixel is allowed on top.
    """
    grid = watched.samples.grid
    changing, allowed = grid.none(), tolerance + EDGE_SHARE * _contrast(picture)
    for row, column, pixels in grid.each():
        seen = watched.free[:, row, column]
        if seen.any():
            apart = np.abs(watched.block(seen, pixels) - picture[pixels]).max(axis=3)
            steady = (apart <= allowed[pixels]).mean(axis=0) >= policy.agreeing_samples
            changing[row, column] = steady.mean() < policy.agreeing_pixels
    return changing


def _ghostly(watched: _Watched, picture: Picture, tolerance: float, policy: PlatePolicy) -> Tiles:
    """Tiles under boxes that looked, inside, as the plate does, in too many samples.

    Somebody who walked past looks unlike the plate. Somebody who stayed, and was found in some
    samples and missed in the others, is what the plate shows.
    """
    samples = watched.samples
    votes = np.zeros((samples.grid.rows, samples.grid.columns), int)
    for one, found in enumerate(samples.sightings):
        boxes = found.at_least(policy.static_floor).boxes_xyxy_px
        sample = watched.light.usual(samples.pictures_bgr[one], one)
        alike = [_likeness(sample, picture, box, tolerance) for box in grown(boxes, CORE)]
        ghosts = np.array(alike) >= policy.ghost_likeness
        votes += samples.grid.under(grown(boxes[ghosts], policy.grow))
    ghostly: Tiles = votes >= max(2.0, policy.ghost_samples * len(samples))
    return ghostly


def _contrast(picture: Picture) -> FloatArray:
    """(h, w): the greatest difference of grey levels within one pixel of each pixel."""
    around = np.ones((3, 3), np.uint8)
    contrast = cv2.dilate(picture, around).astype(np.float32) - cv2.erode(picture, around)
    greatest: FloatArray = contrast.max(axis=2)
    return greatest


def _likeness(
    sample: FloatArray, picture: Picture, box: NDArray[np.float64], tolerance: float
) -> float:
    """Share of the pixels inside a box that are the same in a sample and on the plate."""
    height, width = picture.shape[:2]
    x1, y1 = max(0, int(box[0])), max(0, int(box[1]))
    x2, y2 = min(width, max(x1 + 1, round(box[2]))), min(height, max(y1 + 1, round(box[3])))
    inside = (slice(y1, y2), slice(x1, x2))
    apart = np.abs(sample[inside] - picture[inside]).max(axis=2)
    return float((apart <= tolerance).mean()) if apart.size else 0.0
