"""The ways in which a picture of an auditor's film is hidden among other bytes."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Hidden = Callable[[Picture], bytes]

SMOOTHLY = {"area": cv2.INTER_AREA, "linear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC}
SCALES, HOW = (1.37, 0.71, 0.31), ("cubic", "linear", "area")
KEYS = (1, 3, 16)


def resized(scale: float, how: str) -> Hidden:
    """A whole picture at another size."""
    return lambda one: _scaled(one, scale, how).tobytes()


def cropped(scale: float, how: str, *, grey: bool = False) -> Hidden:
    """A part of a picture, at another size."""

    def hide(one: Picture) -> bytes:
        part = _scaled(one[21:151, 77:241], scale, how)
        return (_grey(part) if grey else part).tobytes()

    return hide


def scrambled(key_bytes: int, *, grey: bool = False, scale: float = 1.0) -> Hidden:
    """A whole picture XORed with a key that repeats."""
    key = np.frombuffer(np.random.default_rng(key_bytes).bytes(key_bytes), np.uint8)

    def hide(one: Picture) -> bytes:
        shown = _scaled(one, scale, "area")
        data = np.frombuffer((_grey(shown) if grey else shown).tobytes(), np.uint8)
        return (data ^ np.resize(key, len(data))).tobytes()

    return hide


def headless(kind: str, quality: int, length: int = 6000) -> Hidden:
    """The middle of a lossy picture's file."""

    def hide(one: Picture) -> bytes:
        _, file = cv2.imencode(kind, one, [cv2.IMWRITE_JPEG_QUALITY, quality])
        data = file.tobytes()
        middle = max(len(data) // 4, 700)
        return data[middle : middle + length]

    return hide


def laid(how: str) -> Hidden:
    """A picture mirrored, upside down or on its side, a little smaller."""
    ways = {
        "mirrored": lambda one: one[:, ::-1],
        "upside down": lambda one: one[::-1],
        "on its side": lambda one: one.transpose(1, 0, 2),
    }
    return lambda one: _scaled(np.ascontiguousarray(ways[how](one)), 0.83, "area").tobytes()


FORMS: dict[str, Hidden] = {
    **{f"at {scale} ({how})": resized(scale, how) for scale, how in zip(SCALES, HOW, strict=True)},
    "a crop at 0.57": cropped(0.57, "cubic"),
    "a grey crop at 0.71": cropped(0.71, "area", grey=True),
    **{f"under a key of {key}": scrambled(key, grey=key % 2 == 1) for key in KEYS},
    "at 0.71 under a key of 5": scrambled(5, grey=True, scale=0.71),
    **{f"headless JPEG of quality {one}": headless(".jpg", one) for one in (75,)},
    **{f"laid {how}": laid(how) for how in ("on its side",)},
}


def _scaled(one: Picture, scale: float, how: str) -> Picture:
    found = cv2.resize(one, None, fx=scale, fy=scale, interpolation=SMOOTHLY[how])
    return np.asarray(found, np.uint8)


def _grey(one: Picture) -> Picture:
    return np.asarray(cv2.cvtColor(one, cv2.COLOR_BGR2GRAY), np.uint8)
