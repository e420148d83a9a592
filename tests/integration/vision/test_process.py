"""`python -m vision` as a process: real videos in, records out."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from firmware_cfg.record import RECORD_BYTES, CameraHealth
from tests.integration.vision.process import ROOT, SiteFile, confined, read_records, see

if TYPE_CHECKING:
    from pathlib import Path


PROBE = re.compile(
    r"(socket\(AF_\w+, [^,]*0x7\w+, \w+\)|openat\(-1, NULL, O_WRONLY\)) += -1 EPERM"
    r'|openat\(AT_FDCWD, "/dev/full", O_WRONLY\|O_CLOEXEC\) += -1 EACCES'
)


def make_video(path: Path, frames: int, size_px: tuple[int, int] = (768, 432)) -> Path:
    """A short grey video, so that a test needs no sample."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, size_px)
    for index in range(frames):
        writer.write(np.full((size_px[1], size_px[0], 3), 60 + index % 100, np.uint8))
    writer.release()
    return path


def test_one_person_after_another_is_seen_where_they_stand(
    one_by_one: Path, site_file: SiteFile
) -> None:
    ended = see(one_by_one, site_file(), "--model", "nanodet-288x512-int8", limit=200)
    assert (ended.status, ended.stderr) == (0, "")
    assert [r.frame for r in ended.records] == list(range(1, 201))
    assert [r.t_us for r in ended.records] == [n * 100_000 for n in range(200)]
    standing = [r for r in ended.records if 10.0 <= r.t_s < 17.0]  # the first person, at the table
    seen = [r for r in standing if (r.scores > 0.5).sum() == 1]
    assert len(seen) > 0.95 * len(standing)
    for record in seen:
        x1, _, x2, y2 = record.boxes_xyxy_px[record.scores.argmax()]
        assert 340 < (x1 + x2) / 2 < 560
        assert 290 < y2 < 432


def test_a_square_full_of_people(square: Path, site_file: SiteFile) -> None:
    ended = see(square, site_file((768, 576)), limit=100)
    assert ended.status == 0
    people = [(r.scores > 0.45).sum() for r in ended.records]
    assert 3 <= np.median(people) <= 10


def test_a_reader_that_leaves_ends_it_quietly(tmp_path: Path, site_file: SiteFile) -> None:
    video = make_video(tmp_path / "v.avi", 200)
    ended = see(video, site_file(), limit=5)
    assert (ended.status, ended.stderr, len(ended.records)) == (0, "", 5)


def test_a_slow_reader_holds_it_back_and_misses_nothing(
    tmp_path: Path, site_file: SiteFile
) -> None:
    video = make_video(tmp_path / "v.avi", 250)
    reader, writer = os.pipe()
    command = confined(video, site_file(), writer)
    with subprocess.Popen(command, cwd=ROOT, pass_fds=[writer]) as process:
        os.close(writer)
        time.sleep(4)
        assert process.poll() is None  # 64 KiB of pipe hold fewer records: it waits
        assert len(read_records(reader, 10**9)) == 250
        os.close(reader)
        assert process.wait(30) == 0


def test_a_loop_goes_on_in_time_and_marks_the_seam(tmp_path: Path, site_file: SiteFile) -> None:
    video = make_video(tmp_path / "v.avi", 8)
    ended = see(video, site_file(), "--loop", limit=20)
    assert [r.t_us for r in ended.records] == [n * 100_000 for n in range(20)]
    marked = [r.frame for r in ended.records if r.health == CameraHealth.FRAMES_LOST]
    assert marked == [9, 17]


def test_real_time_takes_its_time_and_sigterm_ends_it(tmp_path: Path, site_file: SiteFile) -> None:
    video = make_video(tmp_path / "v.avi", 300)
    reader, writer = os.pipe()
    with subprocess.Popen(
        confined(video, site_file(), writer, "--realtime"),
        cwd=ROOT,
        pass_fds=[writer],
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        os.close(writer)
        first, *_ = read_records(reader, 1)
        began = time.monotonic()
        last = read_records(reader, 10)[-1]
        assert last.t_s - first.t_s <= time.monotonic() - began + 0.5
        process.send_signal(signal.SIGTERM)
        _, stderr = process.communicate(timeout=30)
        os.close(reader)
        assert process.returncode == -signal.SIGTERM
        assert re.fullmatch(r"vision: jail_closed .*\n", stderr)


def test_the_rate_is_capped(tmp_path: Path, site_file: SiteFile) -> None:
    video = make_video(tmp_path / "v.avi", 40)
    ended = see(video, site_file(more="[device]\nmax_rate_hz = 5"))
    assert [r.frame for r in ended.records] == list(range(1, 41, 2))


def test_what_decodes_of_a_damaged_video_is_used(one_by_one: Path, site_file: SiteFile) -> None:
    data = bytearray(one_by_one.read_bytes())
    chance = random.Random(1)  # noqa: S311 - damage, not a secret
    for _ in range(300):
        data[chance.randrange(len(data) // 3, len(data) - 20_000)] ^= 0xFF
    damaged = site_file().with_name("damaged.mp4")
    damaged.write_bytes(data)
    ended = see(damaged, site_file(more="[device]\nmax_rate_hz = 2"))
    assert (ended.status, ended.stderr) == (0, "")
    assert ended.records[-1].frame > 700  # of 1394
    times = [r.t_us for r in ended.records]
    assert times == sorted(set(times))
    assert any(r.health & CameraHealth.DECODE_ERROR for r in ended.records)


def test_a_video_cut_short_is_used_to_its_end_and_says_so(
    tmp_path: Path, site_file: SiteFile
) -> None:
    whole = make_video(tmp_path / "v.avi", 30).read_bytes()
    (tmp_path / "cut.avi").write_bytes(whole[: len(whole) // 2])
    ended = see(tmp_path / "cut.avi", site_file())
    assert ended.status == 0
    assert "expected 30 frames, found" in ended.stderr
    assert 5 < len(ended.records) < 30


def hollow(path: Path) -> Path:
    """A video whose header is right and whose frames are noise."""
    data = bytearray(make_video(path, 5).read_bytes())
    frames = data.find(b"movi")
    data[frames + 4 :] = random.Random(2).randbytes(len(data) - frames - 4)  # noqa: S311
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("case", ["missing", "noise", "hollow", "playlist", "size", "folder"])
def test_a_source_that_does_not_serve_is_named_in_one_line(
    tmp_path: Path, site_file: SiteFile, case: str
) -> None:
    path = tmp_path / "v.avi"
    match case:
        case "noise":
            path.write_bytes(random.Random(3).randbytes(50_000))  # noqa: S311
        case "hollow":
            hollow(path)
        case "playlist":
            path = tmp_path / "v.m3u8"
            path.write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n")
        case "size":
            make_video(path, 3, (320, 240))
        case "folder":
            path = tmp_path
    ended = see(path, site_file())
    assert (ended.status, ended.records) == (2, [])
    assert ended.stderr.startswith(f"vision: {path}: expected ")
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("source", "options", "said"),
    [
        ("97", (), "/dev/video97: expected a camera"),
        ("/dev/video97", (), "/dev/video97: expected a camera"),
        ("picamera2", (), "picamera2: expected"),
        ("rtsp://me:secret@camera/", (), "through the relay"),
        ("stream", (), "--stream-fd"),
        ("v.avi", ("--model", "nothing"), "expected one of"),
        ("v.avi", ("--models-dir", "/nowhere"), "/nowhere/manifest.toml"),
    ],
)
def test_what_cannot_be_had_is_named_in_one_line(
    tmp_path: Path, site_file: SiteFile, source: str, options: tuple[str, ...], said: str
) -> None:
    path = str(make_video(tmp_path / source, 3)) if source == "v.avi" else source
    ended = see(path, site_file(), *options)
    assert (ended.status, ended.records) == (2, [])
    assert ended.stderr.startswith("vision: ")
    assert said in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert "secret" not in ended.stderr


def test_a_bad_site_file_is_named_with_its_line(tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    site.write_text("[camera]\nsize_px = [768, 432]\n")
    ended = see("v.avi", site)
    assert ended.status == 2
    assert ended.stderr.startswith(f"vision: {site}:")
    assert ended.stderr.count("\n") == 1


def test_a_closed_descriptor_is_named(tmp_path: Path, site_file: SiteFile) -> None:
    command = [sys.executable, "-m", "vision", "--source", "v", "--site", str(site_file())]
    done = subprocess.run(
        [*command, "--records-fd", "77"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (2, "vision: --records-fd 77: expected an open pipe\n")
    assert list(tmp_path.iterdir()) == [tmp_path / "site.toml"]


def test_no_file_is_written_and_no_socket_made(tmp_path: Path, site_file: SiteFile) -> None:
    """With CI unset: a set one silences onnxruntime's telemetry, and the test with it."""
    video, home, trace = make_video(tmp_path / "v.avi", 12), tmp_path / "home", tmp_path / "trace"
    home.mkdir()
    environment = {k: v for k, v in os.environ.items() if k != "CI" and not k.startswith("XDG_")}
    environment |= {"HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("ORT_DISABLE_TELEMETRY", None)
    strace = shutil.which("strace")
    calls = "trace=socket,openat,open,creat,mkdir,mkdirat,rename,renameat2,unlink,unlinkat"
    prefix = (strace, "-f", "-qq", "-e", calls, "-o", str(trace)) if strace else ()
    ended = see(video, site_file(), prefix=prefix, environment=environment)
    assert (ended.status, len(ended.records)) == (0, 12)
    assert list(home.rglob("*")) == []
    if not strace:
        pytest.skip("strace is not installed: sockets were not watched")
    writing = ("socket(", "O_WRONLY", "O_RDWR", "O_CREAT", "creat(", "mkdir", "rename", "unlink")
    lines = trace.read_text().splitlines()
    assert len(lines) > 100
    suspects = [line for line in lines if any(word in line for word in writing)]
    tried = [line for line in suspects if "/dev/null" not in line]
    assert [line for line in tried if not PROBE.search(line)] == []
    threads = re.search(r"threads=(\d+)", ended.jail)
    assert threads is not None
    # the jail's own probes, all of them refused: four before it closes, four in each thread
    assert len(tried) == 8 + 4 * int(threads[1])


def test_importing_opens_and_says_nothing() -> None:
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in sorted((ROOT / "vision").rglob("*.py"))
        if path.name not in ("__init__.py", "__main__.py")
    ]
    code = (
        "import os, sys; before = set(os.listdir('/proc/self/fd'));"
        f"[__import__(name) for name in {modules!r}];"
        "assert set(os.listdir('/proc/self/fd')) == before;"
        "assert 'picamera2' not in sys.modules"
    )
    environment = {**os.environ, "ORT_DISABLE_TELEMETRY": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_record_is_written_whole() -> None:
    assert RECORD_BYTES < 4096  # PIPE_BUF: one write is one record
