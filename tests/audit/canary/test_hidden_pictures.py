"""Pictures of an auditor's film that are resized, cropped, scrambled or cut are found, too."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.audit.canary.emitted import Stream
from edge.audit.canary.film import Plan, write_film
from edge.audit.canary.y4m import frames_of, read_film
from edge.audit.search.fragments import chance, pieces_of_jpeg
from edge.audit.search.gallery import Gallery
from edge.audit.search.search import Search
from edge.audit.search.shown import FilmSearch
from tests.audit.canary.planted_forms import FORMS, Picture, headless
from tests.unit.edge.audit.filming import natural_film

SIZE_PX, FRAMES = (320, 180), 6


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "own.y4m"
    natural_film(path, SIZE_PX, FRAMES)
    return path


@pytest.fixture(scope="module")
def search(film: Path) -> FilmSearch:
    return FilmSearch(read_film(film))


@pytest.fixture(scope="module")
def picture(film: Path) -> Picture:
    """A frame that the search keeps no copy of, as OpenCV gives it: blue, green, red."""
    capture = cv2.VideoCapture(str(film))
    for _ in range(3):
        _, found = capture.read()
    return np.asarray(found, np.uint8)


def found(search: FilmSearch, data: bytes) -> str:
    hits = search.search([Stream("x", data)]).hits
    return hits[0].form if hits else ""


@pytest.mark.parametrize("form", FORMS)
def test_a_hidden_picture_is_found(search: FilmSearch, picture: Picture, form: str) -> None:
    around = np.random.default_rng(1).bytes(5001)
    assert found(search, around + FORMS[form](picture) + around)


@pytest.mark.parametrize("quality", [50, 95])
def test_a_headless_jpeg_of_the_seeded_film_is_found(tmp_path: Path, quality: int) -> None:
    write_film(tmp_path / "canary.y4m", Plan("17" * 16, 1))
    _, shown = cv2.VideoCapture(str(tmp_path / "canary.y4m")).read()
    data = headless(".jpg", quality)(np.asarray(shown, np.uint8))
    (hit,) = Search("17" * 16).search([Stream("x", data)]).hits
    assert hit.form == "a piece of a JPEG picture"


def test_a_jpeg_has_no_piece_by_chance() -> None:
    assert chance(1_000_000) < 1e-8
    data = np.random.default_rng(9).bytes(20_000_000)
    assert list(pieces_of_jpeg(data)) == []


def _records() -> bytes:
    """Rows of numbers that change slowly, each of 37 bytes, as a device's records are."""
    random, rows = np.random.default_rng(5), []
    walk = np.cumsum(random.integers(-2, 3, (600, 5)), axis=0) + 300
    for number, places in enumerate(walk):
        head = number.to_bytes(4, "little") + (1_000_000 + 100_003 * number).to_bytes(8, "little")
        body = places.astype("<u2").tobytes() + bytes(random.integers(0, 99, 5, np.uint8))
        rows.append(head + body + bytes(10))
    return b"".join(rows)


def _database(path: Path) -> bytes:
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE sent (n INTEGER PRIMARY KEY, payload BLOB, said TEXT)")
        random = np.random.default_rng(6)
        for number in range(200):
            text = json.dumps({"n": number, "at": 60 * number})
            database.execute("INSERT INTO sent VALUES (?, ?, ?)", (number, random.bytes(300), text))
    database.close()
    return path.read_bytes()


def _another_picture() -> bytes:
    random = np.random.default_rng(7)
    raw = random.integers(0, 256, (200, 301, 3)).astype(np.float64)
    smooth = sum(blur * 9 * cv2.GaussianBlur(raw - 128, (0, 0), blur) for blur in (1, 4, 12))
    return np.clip(np.asarray(smooth) / 20 + 120, 0, 255).astype(np.uint8).tobytes()


NOTHING: dict[str, Callable[[Path], bytes]] = {
    "records": lambda _: _records(),
    "a database": lambda folder: _database(folder / "x.sqlite"),
    "another picture": lambda _: _another_picture(),
    "noise": lambda _: np.random.default_rng(8).bytes(100_000),
    "255 and 0 in a table": lambda _: bytes([255, 0, 0, 7]) * 5000,
    "a wave": lambda _: (np.sin(np.arange(90_000) / 9) * 90 + 128).astype(np.uint8).tobytes(),
}


def test_a_few_numbers_drawn_large_are_no_picture(film: Path) -> None:
    """As some records of a device were once taken for one."""
    lumas = [planes[0] for planes in frames_of(read_film(film))]
    gallery, random = Gallery(lumas), np.random.default_rng(10)
    for _ in range(3):
        rows = np.cumsum(random.normal(0, 9, (53, 16)), axis=0) + random.normal(0, 25, 16)
        assert not gallery.best(rows.astype(np.float32)).counts


@pytest.mark.parametrize("what", NOTHING)
def test_nothing_else_is_found(search: FilmSearch, tmp_path: Path, what: str) -> None:
    assert found(search, NOTHING[what](tmp_path)) == ""
