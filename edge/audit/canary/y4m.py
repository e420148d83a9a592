"""An auditor's own film: raw YUV4MPEG2, so that what is searched for is what was shown.

    ffmpeg -i clip.mp4 -pix_fmt yuv420p clip.y4m

A line of words that say the size, the rate and the planes; then for each frame a line that
begins with `FRAME`, and its bytes: the luma plane, and for 4:2:0 both chroma planes at half
size. Read here without a decoder: 8 bits a sample, 4:2:0 or grey (`mono`) alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from edge.audit.errors import CanaryFilmError

Plane8 = NDArray[np.uint8]

MOST_FRAMES, MOST_BYTES = 300, 256_000_000
LEAST_SIDE_PX, MOST_SIDE_PX = 96, 4096
MAGIC = b"YUV4MPEG2 "
_MOST_LINE_BYTES = 1024
_MONO = "mono"
_PLANES = re.compile("420(?:jpeg|mpeg2|paldv)?|mono")
_CONVERT = "ffmpeg -i clip.mp4 -pix_fmt yuv420p clip.y4m"


@dataclass(frozen=True, slots=True)
class Film:
    """A film that can be shown to the device.

    Attributes:
        path: the file.
        head: its first line.
        size_px: width and height.
        rate_hz: frames a second.
        mono: whether it has no colour.
        frames: how many of its first frames are used.
        whole: whether that is all of it.
    """

    path: Path
    head: bytes
    size_px: tuple[int, int]
    rate_hz: Fraction
    mono: bool
    frames: int = 0
    whole: bool = True

    @property
    def frame_bytes(self) -> int:
        """Bytes of a frame, without the line before it."""
        (width, height), (across, down) = self.size_px, self.chroma_px
        return width * height + 2 * across * down

    @property
    def chroma_px(self) -> tuple[int, int]:
        """Width and height of a chroma plane; 0: there is none."""
        width, height = self.size_px
        return (0, 0) if self.mono else ((width + 1) // 2, (height + 1) // 2)


def read_film(path: Path) -> Film:
    """Look through a film; of a long one the first frames are used.

    Raises:
        CanaryFilmError: it cannot be read, or is of another kind.
    """
    try:
        with path.open("rb") as file:
            film = _head(path, file.readline(_MOST_LINE_BYTES))
            most = max(1, min(MOST_FRAMES, MOST_BYTES // film.frame_bytes))
            frames = sum(1 for _ in _raw(film, file, most))
            whole = not file.read(1)
    except OSError as error:
        raise _refused(path, "a file that can be read", str(error.strerror)) from None
    if not frames:
        raise _refused(path, "at least one frame", "none")
    return Film(path, film.head, film.size_px, film.rate_hz, film.mono, frames, whole)


def write_used(film: Film, path: Path) -> None:
    """Write the frames that are used, byte for byte, as a film of their own."""
    with film.path.open("rb") as file, path.open("wb") as out:
        out.write(file.readline())
        for line, data in _raw(film, file, film.frames):
            out.write(line)
            out.write(data)


def frames_of(film: Film) -> Iterator[tuple[Plane8, ...]]:
    """The planes of each frame that is used: Y (h, w), and U, V (h/2, w/2) unless it is grey."""
    width, height = film.size_px
    across, down = film.chroma_px
    with film.path.open("rb") as file:
        file.readline()
        for _, data in _raw(film, file, film.frames):
            raw = np.frombuffer(data, np.uint8)
            luma, chroma = raw[: width * height], raw[width * height :]
            yield (
                luma.reshape(height, width),
                *(one.reshape(down, across) for one in np.split(chroma, 2) if len(one)),
            )


def _raw(film: Film, file: BinaryIO, most: int) -> Iterator[tuple[bytes, bytes]]:
    """The line and the bytes of up to `most` frames; a frame that is cut off is refused."""
    for number in range(1, most + 1):
        line = file.readline(_MOST_LINE_BYTES)
        if not line:
            return
        if not re.match(rb"FRAME[ \n]", line):
            raise _refused(film.path, f"FRAME before frame {number}", repr(line[:20]))
        data = file.read(film.frame_bytes)
        if len(data) < film.frame_bytes:
            expected = f"{film.frame_bytes} bytes of frame {number}"
            raise _refused(film.path, expected, f"{len(data)}")
        yield line, data


def _head(path: Path, line: bytes) -> Film:
    if not line.startswith(MAGIC) or not line.endswith(b"\n"):
        raise _refused(path, f"a raw film (YUV4MPEG2; make one by {_CONVERT})", repr(line[:10]))
    words = line.decode("ascii", "replace").split()[1:]
    said = {word[0]: word[1:] for word in words if word[0] != "X"}
    planes = said.get("C", "420")
    if not _PLANES.fullmatch(planes):
        raise _refused(path, f"4:2:0 or mono, 8 bits (make it by {_CONVERT})", f"C{planes}")
    if said.get("I", "p") not in "p?":
        raise _refused(path, "whole frames (Ip)", f"I{said['I']}")
    width, height = (_side(path, said, name) for name in "WH")
    return Film(path, line, (width, height), _rate(path, said.get("F", "")), planes == _MONO)


def _side(path: Path, said: dict[str, str], name: str) -> int:
    text = said.get(name, "")
    side_px = int(text) if re.fullmatch("[0-9]{1,6}", text) else 0
    if not LEAST_SIDE_PX <= side_px <= MOST_SIDE_PX:
        expected = f"{name}, {LEAST_SIDE_PX} … {MOST_SIDE_PX} pixels"
        raise _refused(path, expected, f"{name}{text}" if text else "none")
    return side_px


def _rate(path: Path, text: str) -> Fraction:
    found = re.fullmatch("([0-9]{1,9}):([0-9]{1,9})", text)
    if found is None or int(found[1]) == 0 or int(found[2]) == 0:
        raise _refused(path, "F, frames a second as F25:1", f"F{text}" if text else "none")
    return Fraction(int(found[1]), int(found[2]))


def _refused(path: Path, expected: str, found: str) -> CanaryFilmError:
    return CanaryFilmError(f"--canary {path}: expected {expected}, found {found}")
