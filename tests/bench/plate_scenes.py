"""Real people before a camera, for judging background plates: frames, and the truth if known.

Walking and standing people are videos as they are. Who stays for minutes is a stretch of a video
in which somebody stands, played forwards and backwards. Who is half hidden stands behind a board
with the texture of that room's own floor. Who is seated is a photograph (faces are blurred by
nothing: the plate must hide them), whole or put into the empty room, with a camera's noise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from vision.frames import Picture

NOISE = 3.0  # grey levels, of a camera in a lit room
EMPTY_AT_S = (0.0, 0.5, 20.0, 20.5)  # one-by-one: nobody in view


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What a camera sees while a plate is built.

    Attributes:
        name: of the table's row.
        lasts_s: how long.
        at: the picture (h, w, 3) uint8 at a time from 0 to `lasts_s`.
        empty: the place without people, where that is known.
    """

    name: str
    lasts_s: float
    at: Callable[[float], Picture]
    empty: Picture | None = None

    def frames(self, every_s: float) -> Iterator[tuple[float, Picture]]:
        """(t_s, picture) every so often."""
        for t_s in np.arange(0.0, self.lasts_s + 1e-6, every_s).tolist():
            yield t_s, self.at(t_s)


class Film:
    """A video whose frames can be had by time; a few are kept, hardly compressed."""

    def __init__(self, path: Path, every_s: float = 0.5) -> None:
        """Read every `every_s` of a video."""
        capture, self._every_s, self._kept = cv2.VideoCapture(str(path)), every_s, []
        rate_hz, index = capture.get(cv2.CAP_PROP_FPS), 0
        step = max(1, round(rate_hz * every_s))
        while capture.grab():
            if index % step == 0:
                kept = cv2.imencode(".jpg", capture.retrieve()[1], [cv2.IMWRITE_JPEG_QUALITY, 97])
                self._kept.append(kept[1])
            index += 1
        self.lasts_s = (len(self._kept) - 1) * every_s

    def at(self, t_s: float) -> Picture:
        """The frame nearest to `t_s`; before the first and after the last, those."""
        index = min(len(self._kept) - 1, max(0, round(t_s / self._every_s)))
        decoded = cv2.imdecode(self._kept[index], cv2.IMREAD_COLOR)
        assert decoded is not None, "a frame that was encoded is decoded"
        return decoded.astype(np.uint8, copy=False)


@lru_cache(maxsize=4)
def film(path: Path) -> Film:
    """A video, read once."""
    return Film(path)


def empty_room(path: Path) -> Picture:
    """one-by-one without anybody: the median of frames before anybody and between two."""
    return median([film(path).at(t_s) for t_s in EMPTY_AT_S])


def median(pictures: list[Picture]) -> Picture:
    """The plain median of pictures (h, w, 3) uint8."""
    middle: Picture = np.median(pictures, axis=0).astype(np.uint8)
    return middle


def played(name: str, path: Path, from_s: float, lasts_s: float, empty: Picture | None) -> Scene:
    """A stretch of a video as it is."""
    return Scene(name, lasts_s, lambda t_s: film(path).at(from_s + t_s), empty)


def staying(
    name: str, path: Path, stretch_s: tuple[float, float], lasts_s: float, empty: Picture
) -> Scene:
    """A stretch played forwards and backwards: whoever stands in it never goes."""
    begin, end = stretch_s

    def at(t_s: float) -> Picture:
        phase = t_s % (2 * (end - begin))
        return film(path).at(begin + min(phase, 2 * (end - begin) - phase))

    return Scene(name, lasts_s, at, empty)


def leaving(scene: Scene, name: str, share: float) -> Scene:
    """The scene for a share of its time, the empty place for the rest."""
    empty = _known(scene)
    until = share * scene.lasts_s
    return Scene(
        name,
        scene.lasts_s,
        lambda t_s: scene.at(t_s) if t_s < until else noisy(empty, NOISE, t_s),
        empty,
    )


def behind_board(scene: Scene, name: str, board: tuple[slice, slice], texture: Picture) -> Scene:
    """The scene behind a board at the pixels `board`, painted with a texture of the room."""
    height, width = scene.at(0.0)[board].shape[:2]
    painted = cv2.resize(texture, (width, height))

    def hide(picture: Picture) -> Picture:
        hidden = picture.copy()
        hidden[board] = painted
        return hidden

    empty = None if scene.empty is None else hide(scene.empty)
    return Scene(name, scene.lasts_s, lambda t_s: hide(scene.at(t_s)), empty)


def cropped(scene: Scene, name: str, part: tuple[slice, slice]) -> Scene:
    """A part of the scene: its edge cuts through people."""
    empty = None if scene.empty is None else scene.empty[part].copy()
    return Scene(name, scene.lasts_s, lambda t_s: scene.at(t_s)[part].copy(), empty)


def still(name: str, picture: Picture, lasts_s: float, empty: Picture | None) -> Scene:
    """A photograph, whose people do not even breathe, seen by a camera with noise."""
    return Scene(name, lasts_s, lambda t_s: noisy(picture, NOISE, t_s), empty)


def put_into(room: Picture, photograph: Picture, height_px: int, left_px: int) -> Picture:
    """The room with a photograph of `height_px` standing on the lower edge."""
    width_px = round(photograph.shape[1] * height_px / photograph.shape[0])
    small = cv2.resize(photograph, (width_px, height_px), interpolation=cv2.INTER_AREA)
    filled = room.copy()
    shown = small[:, : room.shape[1] - left_px]
    filled[-height_px:, left_px : left_px + shown.shape[1]] = shown
    return filled


def dim(scene: Scene, name: str, gain: float, noise: float) -> Scene:
    """The scene in little light: darker, with noise of `noise` grey levels."""

    def darker(picture: Picture) -> Picture:
        return (picture * np.float32(gain)).astype(np.uint8)

    empty = None if scene.empty is None else darker(scene.empty)
    return Scene(name, scene.lasts_s, lambda t_s: noisy(darker(scene.at(t_s)), noise, t_s), empty)


def noisy(picture: Picture, noise: float, seed: float) -> Picture:
    """The picture with normal noise of a standard deviation in grey levels."""
    random = np.random.default_rng(round(seed * 1000))
    grain = random.standard_normal(picture.shape, np.float32) * np.float32(noise)
    return np.clip(picture + grain, 0, 255).astype(np.uint8)


def _known(scene: Scene) -> Picture:
    if scene.empty is None:
        raise ValueError(f"{scene.name}: expected the empty place to be known")
    return scene.empty
