"""The search finds the canary in each form that it promises, and nothing where there is nothing."""

from __future__ import annotations

import base64
import gzip
import random
import zlib
from collections.abc import Callable

import numpy as np
import pytest

from edge.audit.canary.emitted import Stream
from edge.audit.canary.figures import draw
from edge.audit.canary.film import Picture, _paste, still_picture
from edge.audit.canary.markers import HEIGHT_PX, WIDTH_PX, badge
from edge.audit.search.search import Search

SEED, OTHER = "11" * 16, "22" * 16
Make = Callable[[], bytes]


@pytest.fixture(scope="module")
def search() -> Search:
    return Search(SEED)


def luma() -> Picture:
    """(240, 416) a frame with a visitor in it."""
    planes = [plane.copy() for plane in still_picture(SEED)]
    worn = np.where(badge(SEED), 235, 16).astype(np.uint8)
    figure = draw(90, 0.2, random.Random(1))  # noqa: S311 - its clothes
    _paste(planes, figure, 120.0, worn)
    return planes[0]


def bgr() -> bytes:
    """Interleaved, with the values that a conversion from video range gives."""
    grey = np.clip((luma().astype(float) - 16) * 255 / 219, 0, 255).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2).tobytes()


def resized(width_px: int, height_px: int) -> bytes:
    """By area, as thumbnails are made."""
    rows = np.linspace(0, HEIGHT_PX, height_px + 1)
    columns = np.linspace(0, WIDTH_PX, width_px + 1)
    whole = np.zeros((HEIGHT_PX + 1, WIDTH_PX + 1))
    whole[1:, 1:] = luma().astype(float).cumsum(axis=0).cumsum(axis=1)
    r0, c0 = rows.astype(int), columns.astype(int)
    fr, fc = rows - r0, columns - c0
    r1, c1 = np.minimum(r0 + 1, HEIGHT_PX), np.minimum(c0 + 1, WIDTH_PX)
    along = whole[r0] * (1 - fr)[:, None] + whole[r1] * fr[:, None]
    both = along[:, c0] * (1 - fc) + along[:, c1] * fc
    area = (HEIGHT_PX / height_px) * (WIDTH_PX / width_px)
    small = np.diff(np.diff(both, axis=0), axis=1) / area
    return bytes(np.rint(small).astype(np.uint8))


def with_key(data: bytes, key: bytes) -> bytes:
    stretched = (key * (len(data) // len(key) + 1))[: len(data)]
    return (np.frombuffer(data, np.uint8) ^ np.frombuffer(stretched, np.uint8)).tobytes()


def low_bits() -> bytes:
    """The picture's bits in the last bits of bytes that are something else."""
    cover = np.random.default_rng(1).integers(0, 128, luma().size).astype(np.uint8) * 2
    return bytes(cover | (luma().ravel() >= 128).astype(np.uint8))


FORMS: dict[str, Make] = {
    "raw luma": lambda: luma().tobytes(),
    "interleaved colours": bgr,
    "in negative": (255 - luma()).tobytes,
    "a crop of 200 columns": luma()[10:60, 100:300].tobytes,
    "a crop of a body": lambda: np.ascontiguousarray(luma()[140:236, 90:150]).tobytes(),
    "every second pixel": lambda: np.ascontiguousarray(luma()[::2, ::2]).tobytes(),
    "every fourth pixel": lambda: np.ascontiguousarray(luma()[::4, ::4]).tobytes(),
    "every eighth pixel": lambda: np.ascontiguousarray(luma()[::8, ::8]).tobytes(),
    "half, by area": lambda: resized(208, 120),
    "0.75, by area": lambda: resized(312, 180),
    "0.4, by area": lambda: resized(166, 96),
    "1.2, by area": lambda: resized(499, 288),
    "chroma plane": still_picture(SEED)[1].tobytes,
    "other chroma plane": still_picture(SEED)[2].tobytes,
    "gzip": lambda: b"log: " + gzip.compress(luma().tobytes()),
    "zlib, cut": lambda: zlib.compress(luma().tobytes())[:6000],
    "raw deflate": lambda: zlib.compress(luma().tobytes(), wbits=-15),
    "base64": lambda: b'{"a":"' + base64.b64encode(luma().tobytes()[:9000]) + b'"}',
    "base64 of zlib": lambda: base64.urlsafe_b64encode(zlib.compress(luma().tobytes())),
    "hexadecimal": lambda: b"debug " + luma().tobytes()[6656:9000].hex().encode(),
    "one constant": lambda: with_key(luma().tobytes(), b"\xa7"),
    "a key of seven bytes": lambda: with_key(luma().tobytes(), b"\x91\x02\xf3\x44\x85\x16\xd7"),
    "packed bits": lambda: np.packbits(luma() >= 128).tobytes(),
    "packed bits, lowest first": lambda: np.packbits(luma() >= 128, bitorder="little").tobytes(),
    "low bits of other bytes": low_bits,
    "beginning of a PNG": lambda: b"\x89PNG\r\n\x1a\n" + bytes(50),
    "beginning of a JPEG": lambda: b"x" * 9 + b"\xff\xd8\xff\xe0\x00\x10JFIF\x00",
}


@pytest.mark.parametrize("form", FORMS)
def test_it_is_found(form: str, search: Search) -> None:
    found = search.search([Stream(form, FORMS[form]())])
    assert [hit.stream.split(" › ")[0] for hit in found.hits] == [form]


def of_nobody() -> list[bytes]:
    rng = np.random.default_rng(7)
    text = b'{"kind":"window","sha256":"' + rng.bytes(32).hex().encode() + b'"}'
    return [
        rng.bytes(300_000),
        bytes(100_000),
        b"\xff" * 50_000,
        (text * 400),
        base64.b64encode(rng.bytes(60_000)),
        np.tile(np.arange(256, dtype=np.uint8), 300).tobytes(),
    ]


def test_nothing_is_found_where_nothing_is(search: Search) -> None:
    streams = [Stream(f"{n}", data) for n, data in enumerate(of_nobody())]
    found = search.search(streams)
    assert found.hits == ()
    assert found.looked_bytes > 500_000
    assert found.chance < 1e-6


def test_another_audits_canary_is_not_this_one() -> None:
    assert Search(OTHER).search([Stream("raw", luma().tobytes()), Stream("bgr", bgr())]).hits == ()


def test_the_chance_grows_with_what_is_searched(search: Search) -> None:
    assert 0 < search.chance(1_000_000) < search.chance(100_000_000) < 1e-4
