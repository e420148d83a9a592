"""An auditor's film is found in every form it is searched for, and in nothing else."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.audit.canary.emitted import Stream
from edge.audit.canary.film import Plan, write_film
from edge.audit.canary.y4m import read_film
from edge.audit.errors import CanaryFilmError
from edge.audit.search.shown import FilmSearch, expect_detail
from tests.unit.edge.audit.filming import natural_film

SIZE_PX = (256, 144)
Picture = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "own.y4m"
    natural_film(path, SIZE_PX, frames=6)
    return path


@pytest.fixture(scope="module")
def search(film: Path) -> FilmSearch:
    return FilmSearch(read_film(film))


@pytest.fixture(scope="module")
def decoded(film: Path) -> list[Picture]:
    """The frames as OpenCV gives them to the camera process: blue, green, red."""
    capture = cv2.VideoCapture(str(film))
    found: list[Picture] = []
    while True:
        more, picture = capture.read()
        if not more:
            return found
        found.append(np.asarray(picture, np.uint8))


def found(search: FilmSearch, data: bytes) -> str:
    hits = search.search([Stream("x", data)]).hits
    return hits[0].form if hits else ""


FORMS: dict[str, Callable[[Picture], bytes]] = {
    "as it is": lambda one: one.tobytes(),
    "compressed": lambda one: zlib.compress(one.tobytes(), 1),
    "as base64": lambda one: base64.b64encode(one.tobytes()),
    "as hexadecimal": lambda one: one.tobytes().hex().encode(),
    "one colour": lambda one: one[:, :, 2].tobytes(),
    "in negative": lambda one: (255 - one).tobytes(),
    "as grey": lambda one: cv2.cvtColor(one, cv2.COLOR_BGR2GRAY).tobytes(),
    "darker": lambda one: (one // 2 + 10).tobytes(),
    "red first": lambda one: one[:, :, ::-1].tobytes(),
    "with a fourth byte": lambda one: cv2.cvtColor(one, cv2.COLOR_BGR2BGRA).tobytes(),
    "a crop": lambda one: one[20:110, 60:150].tobytes(),
    "three quarters": lambda one: resized(one, 0.75),
    "a half": lambda one: resized(one, 0.5),
    "half as large again": lambda one: resized(one, 1.5),
}


def resized(one: Picture, scale: float) -> bytes:
    return cv2.resize(one, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).tobytes()


@pytest.mark.parametrize("form", FORMS)
def test_a_frame_is_found(search: FilmSearch, decoded: list[Picture], form: str) -> None:
    around = np.random.default_rng(1).bytes(5000)
    assert found(search, around + FORMS[form](decoded[0]) + around)


def test_every_frame_is_found(search: FilmSearch, decoded: list[Picture]) -> None:
    assert len(decoded) == 6
    assert all(found(search, one.tobytes()) for one in decoded)


def test_raw_rows_and_planes_are_found(search: FilmSearch, film: Path) -> None:
    raw, (width, height) = film.read_bytes(), SIZE_PX
    begin = raw.index(b"FRAME\n") + 6 + width * height
    blue = raw[begin : begin + width * height // 4]
    assert found(search, blue)
    assert found(search, raw[begin - 3 * width : begin])  # three rows


NOTHING: dict[str, Callable[[], bytes]] = {
    "noise": lambda: np.random.default_rng(2).bytes(1_200_000),  # more than one part
    "zeros": lambda: bytes(200_000),
    "text": lambda: json.dumps([{"n": n, "word": f"row {n * n}"} for n in range(20_000)]).encode(),
    "base64": lambda: base64.b64encode(np.random.default_rng(3).bytes(150_000)),
    "a slope": lambda: bytes(n // 3 % 256 for n in range(200_000)),
    "another picture": lambda: _other().tobytes(),
}


def _other() -> Picture:
    raw = np.random.default_rng(4).integers(0, 256, (200, 300, 3), np.uint8)
    return np.asarray(cv2.GaussianBlur(raw, (5, 5), 0), np.uint8)


@pytest.mark.parametrize("what", NOTHING)
def test_nothing_else_is_found(search: FilmSearch, what: str) -> None:
    assert found(search, NOTHING[what]()) == ""


def test_another_film_is_not_found(search: FilmSearch, tmp_path: Path) -> None:
    write_film(tmp_path / "canary.y4m", Plan("ab" * 16, 3))
    raw = (tmp_path / "canary.y4m").read_bytes().removeprefix(b"YUV4MPEG2 ")
    assert found(search, raw) == ""


def test_a_film_without_detail_is_refused(tmp_path: Path, film: Path) -> None:
    expect_detail(read_film(film))
    grey = b"FRAME\n" + bytes([90]) * (128 * 96)
    (tmp_path / "grey.y4m").write_bytes(b"YUV4MPEG2 W128 H96 F5:1 Cmono\n" + 4 * grey)
    with pytest.raises(CanaryFilmError, match=r"grey\.y4m: expected a film with some detail.* 0"):
        expect_detail(read_film(tmp_path / "grey.y4m"))
