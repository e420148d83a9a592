"""A real RTSP server, the relay, a pipe, and the jail's side of it."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.integration.vision.process import ROOT, SiteFile, read_records

if TYPE_CHECKING:
    from collections.abc import Iterator

    from firmware_cfg.record import FrameRecord

PYTHON = "/usr/bin/python3"
SERVER = Path(__file__).with_name("rtsp_server.py")
ELEMENTS = ["qtdemux", "h264parse", "rtph264pay", "rtph265pay", "x265enc", "openh264dec"]
PROBE = f"""
import gi
for name in ("Gst", "GstRtsp", "GstRtspServer"):
    gi.require_version(name, "1.0")
from gi.repository import Gst, GstRtspServer
Gst.init(None)
missing = [name for name in {ELEMENTS!r} if not Gst.ElementFactory.find(name)]
assert not missing, missing
"""


@pytest.fixture(scope="module", autouse=True)
def _server_installed() -> None:
    try:
        subprocess.run([PYTHON, "-c", PROBE], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip(
            "no RTSP server here: apt-get install python3-gi gir1.2-gst-rtsp-server-1.0 "
            "gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad"
        )


@contextmanager
def serving(video: Path, codec: str, user: str = "", password: str = "") -> Iterator[str]:
    """A server for `video`; gives its place, without credentials."""
    command = [PYTHON, str(SERVER), str(video), codec, user, password]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdout is not None
        port = server.stdout.readline().strip()
        try:
            yield f"127.0.0.1:{port}/live"
        finally:
            server.terminate()


def relay(url_file: Path, descriptor: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "edge.relay", "--url-file", str(url_file)]
    return subprocess.Popen(
        [*command, "--stream-fd", str(descriptor)],
        cwd=ROOT,
        pass_fds=[descriptor],
        stderr=subprocess.PIPE,
        text=True,
    )


def watch(url: str, site: Path, count: int) -> tuple[list[FrameRecord], str, int]:
    """`count` records of a network camera; then vision's message and exit status."""
    url_file = site.with_name("url")
    url_file.write_text(url)
    stream_out, stream_in = os.pipe()
    records_out, records_in = os.pipe()
    command = [sys.executable, "-m", "vision", "--source", "stream", "--site", str(site)]
    command += ["--stream-fd", str(stream_out), "--records-fd", str(records_in)]
    with (
        relay(url_file, stream_in) as carrier,
        subprocess.Popen(
            command,
            cwd=ROOT,
            pass_fds=[stream_out, records_in],
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        for descriptor in (stream_in, stream_out, records_in):
            os.close(descriptor)
        records = read_records(records_out, count)
        carrier.terminate()
        read_records(records_out, 10**9)
        os.close(records_out)
        _, stderr = process.communicate(timeout=30)
        return records, stderr, process.returncode


@pytest.mark.parametrize(
    ("codec", "user", "password"),
    [("H264", "", ""), ("H264", "installer", "a b:c@d"), ("H265", "", "")],
)
def test_frames_arrive_with_the_times_of_the_camera(
    one_by_one: Path, site_file: SiteFile, codec: str, user: str, password: str
) -> None:
    quoted = f"{user}:{password.replace(' ', '%20').replace(':', '%3A').replace('@', '%40')}@"
    with serving(one_by_one, codec, user, password) as place:
        url = f"rtsp://{quoted if user else ''}{place}"
        records, stderr, status = watch(url, site_file(), 90)
    assert len(records) == 90
    steps = np.diff([record.t_us for record in records])
    assert (steps % 100_000 == 0).all()  # the video's own, whatever the network did
    assert np.median(steps) == 100_000
    assert any((record.scores > 0.5).any() for record in records if record.t_s > 8)
    assert status == 1
    assert stderr.startswith("vision: stream: ended after ")


def test_a_wrong_password_is_told_and_not_shown(one_by_one: Path, tmp_path: Path) -> None:
    with serving(one_by_one, "H264", "installer", "right") as place:
        (tmp_path / "url").write_text(f"rtsp://installer:wr0ng@{place}")
        reader, writer = os.pipe()
        with relay(tmp_path / "url", writer) as carrier:
            os.close(writer)
            _, stderr = carrier.communicate(timeout=30)
            os.close(reader)
    assert (carrier.returncode, stderr.count("\n")) == (1, 1)
    assert "refuses the user name or password" in stderr
    assert "wr0ng" not in stderr


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (("--url", "rtsp://127.0.0.1:9/live"), 1, "refused"),
        (("--url", "http://127.0.0.1/"), 2, "expected rtsp://"),
        (("--url", "rtsp://me:s3cret@127.0.0.1/"), 2, "expected credentials in --url-file"),
        (("--url-file", "/nowhere"), 2, "/nowhere: expected a file"),
        ((), 2, "expected rtsp://"),
    ],
)
def test_addresses_that_do_not_serve(options: tuple[str, ...], status: int, said: str) -> None:
    command = [sys.executable, "-m", "edge.relay", *options, "--stream-fd", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr.startswith("relay: ")
    assert said in done.stderr
    assert "s3cret" not in done.stderr
