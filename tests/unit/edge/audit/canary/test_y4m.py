"""An auditor's film: what is read of it, and what is refused, with what and where."""

from __future__ import annotations

import hashlib
from fractions import Fraction
from pathlib import Path

import pytest

from edge.audit.canary import y4m
from edge.audit.canary.site_file import write_site
from edge.audit.canary.y4m import frames_of, read_film, write_used
from edge.audit.errors import CanaryFilmError
from firmware_cfg.load import load_site
from tests.unit.edge.audit.filming import natural_film

HEAD = b"YUV4MPEG2 W128 H96 F5:1 Ip C420jpeg\n"
FRAME_BYTES = 128 * 96 * 3 // 2
FRAME = b"FRAME\n" + bytes(FRAME_BYTES)


def written(folder: Path, data: bytes) -> Path:
    path = folder / "own.y4m"
    path.write_bytes(data)
    return path


REFUSED = {
    "a compressed film": (b"\0\0\0\x20ftypisom" + bytes(100), "expected a raw film"),
    "an empty file": (b"", "expected a raw film"),
    "a line without end": (b"YUV4MPEG2 W128 H96 F5:1" + b" " * 2000, "expected a raw film"),
    "full colour": (HEAD.replace(b"420jpeg", b"444") + FRAME, "expected 4:2:0 or mono.* C444"),
    "ten bits": (HEAD.replace(b"420jpeg", b"420p10") + FRAME, "found C420p10"),
    "half pictures": (HEAD.replace(b"Ip", b"It") + FRAME, "expected whole frames .Ip., found It"),
    "no width": (HEAD.replace(b"W128 ", b"") + FRAME, "expected W, 96 … 4096 pixels, found none"),
    "a tiny height": (HEAD.replace(b"H96", b"H9") + FRAME, "expected H, .* found H9"),
    "a huge width": (HEAD.replace(b"W128", b"W99999") + FRAME, "found W99999"),
    "a word for a width": (HEAD.replace(b"W128", b"Wide") + FRAME, "found Wide"),
    "no rate": (HEAD.replace(b"F5:1 ", b"") + FRAME, "expected F, .* found none"),
    "an endless rate": (HEAD.replace(b"F5:1", b"F5:0") + FRAME, "found F5:0"),
    "no frame": (HEAD, "expected at least one frame, found none"),
    "another line": (HEAD + FRAME + b"FRAMES\n", "expected FRAME before frame 2, found b'FRAMES"),
    "a frame cut off": (HEAD + FRAME + FRAME[:-1], "expected 18432 bytes of frame 2, found 18431"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_bad_film_is_refused(tmp_path: Path, what: str) -> None:
    data, message = REFUSED[what]
    with pytest.raises(CanaryFilmError, match=message) as refused:
        read_film(written(tmp_path, data))
    assert str(refused.value).startswith(f"--canary {tmp_path}/own.y4m: expected ")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CanaryFilmError, match="expected a file that can be read, found No such"):
        read_film(tmp_path / "none.y4m")


@pytest.mark.parametrize("mono", [False, True])
def test_its_planes_are_its_bytes(tmp_path: Path, *, mono: bool) -> None:
    natural_film(tmp_path / "own.y4m", (131, 97) if mono else (132, 98), 3, mono=mono)
    film = read_film(tmp_path / "own.y4m")
    assert (film.frames, film.whole, film.rate_hz) == (3, True, Fraction(5))
    raw = (tmp_path / "own.y4m").read_bytes()
    first, *_ = frames_of(film)
    assert [one.shape for one in first] == ([(97, 131)] if mono else [(98, 132)] + 2 * [(49, 66)])
    begin = raw.index(b"FRAME\n") + 6
    assert b"".join(one.tobytes() for one in first) == raw[begin : begin + film.frame_bytes]
    write_used(film, tmp_path / "used.y4m")
    assert (tmp_path / "used.y4m").read_bytes() == raw


def test_of_a_long_film_the_beginning_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(y4m, "MOST_BYTES", 3 * FRAME_BYTES)
    film = read_film(written(tmp_path, HEAD + 5 * FRAME))
    assert (film.frames, film.whole) == (3, False)
    write_used(film, tmp_path / "used.y4m")
    shown = (HEAD + 3 * FRAME, (tmp_path / "used.y4m").read_bytes())
    assert len({hashlib.sha256(one).digest() for one in shown}) == 1
    assert read_film(tmp_path / "used.y4m").whole
    monkeypatch.setattr(y4m, "MOST_BYTES", 1)
    assert read_film(film.path).frames == 1


def test_the_site_is_made_for_its_size(tmp_path: Path) -> None:
    site = load_site(write_site(tmp_path / "s.toml", tmp_path, film_px=(640, 480)))
    assert site.camera.size_px == (640, 480)
    assert [one.id for one in site.service_point] == ["film"]
