"""A real RTSP server, the relay, a pipe, and the jail's side of it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge.relay.address import parse_address
from firmware_cfg.confine.enter import Entry, command
from firmware_cfg.confine.policies import RELAY, VISION
from tests.integration.vision.process import ROOT, SiteFile, read_records

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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
def serving(
    video: Path, codec: str, user: str = "", password: str = "", *elsewhere: str
) -> Iterator[str]:
    """A server for `video`; gives its address."""
    words = [PYTHON, str(SERVER), str(video), codec, user, password, *elsewhere]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdout is not None
        port = server.stdout.readline().strip()
        try:
            yield f"rtsp://127.0.0.1:{port}/live"
        finally:
            server.terminate()


@contextmanager
def listening() -> Iterator[socket.socket]:
    """A place that nobody may connect to."""
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        place.listen()
        place.setblocking(False)
        yield place


def visitors(place: socket.socket) -> int:
    """How many have connected to it."""
    count = 0
    with suppress(BlockingIOError):
        while True:
            place.accept()[0].close()
            count += 1
    return count


def relay(url: str, descriptor: int, credentials: str = "") -> subprocess.Popen[str]:
    """The relay in its jail, writing to `descriptor`."""
    reader, writer = os.pipe()
    os.write(writer, credentials.encode())
    os.close(writer)
    given = ["--credentials-fd", str(reader)] if credentials else []
    kept = (descriptor, reader) if credentials else (descriptor,)
    entry = Entry(RELAY, connect_ports=(parse_address(url).port,), keep_fds=kept)
    words = ["--url", url, "--stream-fd", str(descriptor), *given]
    process = subprocess.Popen(
        command(entry, "edge.relay", words),
        cwd=ROOT,
        pass_fds=kept,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(reader)
    return process


def watch(
    url: str, site: Path, count: int, credentials: str = ""
) -> tuple[list[FrameRecord], str, int]:
    """`count` records of a network camera; then vision's message and exit status."""
    stream_out, stream_in = os.pipe()
    records_out, records_in = os.pipe()
    entry = Entry(VISION, read=(site,), keep_fds=(stream_out, records_in))
    words = ["--source", "stream", "--site", str(site)]
    words += ["--stream-fd", str(stream_out), "--records-fd", str(records_in)]
    with (
        relay(url, stream_in, credentials) as carrier,
        subprocess.Popen(
            command(entry, "vision", words),
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
    ("codec", "login", "count"),
    [("H264", (), 90), ("H264", ("installer", "a b:c@d"), 20), ("H265", (), 20)],
)
def test_frames_arrive_with_the_times_of_the_camera(
    one_by_one: Path, site_file: SiteFile, codec: str, login: tuple[str, ...], count: int
) -> None:
    with serving(one_by_one, codec, *login) as url:
        credentials = "".join(f"{word}\n" for word in login)
        records, stderr, status = watch(url, site_file(), count, credentials)
    assert len(records) == count
    steps = np.diff([record.t_us for record in records])
    assert (steps % 100_000 == 0).all()  # the video's own, whatever the network did
    assert np.median(steps) == 100_000
    people = any((record.scores > 0.5).any() for record in records if record.t_s > 8)
    assert people or count < 90  # who comes after eight seconds
    assert status == 1
    assert "vision: stream: ended after " in stderr


def test_a_wrong_password_is_told_and_not_shown(one_by_one: Path) -> None:
    with serving(one_by_one, "H264", "installer", "right") as url:
        reader, writer = os.pipe()
        with relay(url, writer, "installer\nwr0ng\n") as carrier:
            os.close(writer)
            _, stderr = carrier.communicate(timeout=30)
            os.close(reader)
    assert carrier.returncode == 1
    assert "refuses the user name or password" in stderr
    assert "wr0ng" not in stderr


def test_a_camera_that_has_moved_is_not_followed(one_by_one: Path) -> None:
    with listening() as place:
        elsewhere = f"rtsp://127.0.0.1:{place.getsockname()[1]}/live"
        with serving(one_by_one, "H264", "", "", "moved", elsewhere) as url:
            reader, writer = os.pipe()
            with relay(url, writer) as carrier:
                os.close(writer)
                _, stderr = carrier.communicate(timeout=30)
                os.close(reader)
        assert carrier.returncode == 1
        assert "jail_closed policy=relay" in stderr
        assert "expected 200 to DESCRIBE, found 302" in stderr
        assert visitors(place) == 0


@pytest.mark.parametrize("way", ["redirect", "control"])
def test_another_address_in_a_request_or_description_changes_nothing(
    one_by_one: Path, site_file: SiteFile, way: str
) -> None:
    with listening() as place:
        elsewhere = f"rtsp://127.0.0.1:{place.getsockname()[1]}/live"
        with serving(one_by_one, "H264", "", "", way, elsewhere) as url:
            records, _, _ = watch(url, site_file(), 25)
        assert len(records) == 25  # 2.5 s; a request to go elsewhere comes after one
        assert visitors(place) == 0


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (("--url", "rtsp://127.0.0.1:9/live"), 1, "refused"),
        (("--url", "http://127.0.0.1/"), 2, "expected rtsp://"),
        (("--url", "rtsp://me:s3cret@127.0.0.1/"), 2, "without user name and password"),
    ],
)
def test_addresses_that_do_not_serve(options: tuple[str, ...], status: int, said: str) -> None:
    line = command(Entry(RELAY, connect_ports=(9,)), "edge.relay", [*options, "--stream-fd", "1"])
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr.startswith("relay: ")
    assert said in done.stderr
    assert "s3cret" not in done.stderr


def test_without_its_jail_the_relay_refuses_before_it_speaks() -> None:
    with listening() as place:
        url = f"rtsp://127.0.0.1:{place.getsockname()[1]}/live"
        words = ["-m", "edge.relay", "--url", url, "--stream-fd", "1"]
        done = subprocess.run(
            [sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False
        )
        place.setblocking(True)
        accepted, _ = place.accept()
        with accepted:
            assert accepted.recv(100) == b""
    assert (done.returncode, done.stdout) == (2, "")
    assert "not started by `confine enter`" in done.stderr


SECRET, USER = "s3cr3t-w0rd", "us3r-name"


def spread(pid: int) -> str:
    """What others can see of a process and its children: command lines and environments."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    parts = []
    for one in (str(pid), *children):
        for name in ("cmdline", "environ"):
            with suppress(OSError):
                parts.append(Path(f"/proc/{one}/{name}").read_bytes().decode("utf-8", "replace"))
    return "\n".join(parts)


def relay_of(pid: int) -> int | None:
    """Process id of the launcher's relay."""
    for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        with suppress(OSError):
            if b"edge.relay" in Path(f"/proc/{one}/cmdline").read_bytes():
                return int(one)
    return None


def test_run_keeps_credentials_to_itself_and_replaces_a_killed_relay(
    one_by_one: Path, site_file: SiteFile, tmp_path: Path
) -> None:
    """From the file by a descriptor to the relay: no command line, environment, log or error."""
    secret, log, times = tmp_path / "camera", tmp_path / "log", tmp_path / "times.csv"
    secret.write_text(f"{USER}\n{SECRET}\n")
    secret.chmod(0o600)
    with (
        serving(one_by_one, "H264", USER, SECRET) as url,
        log.open("wb") as file,
        subprocess.Popen(
            [
                *(sys.executable, "-m", "edge", "run", "--source", url, "--site", str(site_file())),
                *("--credentials", str(secret), "--times-out", str(times)),
            ],
            cwd=ROOT,
            stdout=file,
            stderr=file,
        ) as process,
    ):
        began_s = time.monotonic()
        wait_for(lambda: closed(log) == 1)
        began_s = time.monotonic() - began_s
        time.sleep(1)
        seen = spread(process.pid)
        first = relay_of(process.pid)
        assert first is not None
        os.kill(first, signal.SIGKILL)
        killed_s = time.monotonic()
        wait_for(lambda: closed(log) == 2)
        assert time.monotonic() - killed_s < max(5, 2 * began_s)  # a busy machine is slower
        seen += spread(process.pid)
        time.sleep(1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    said = log.read_text()
    assert "relay was killed by SIGKILL" in said or "vision ended" in said
    assert "edge.relay" in seen
    for word in (SECRET, USER):
        assert word not in seen
        assert word not in said
    t_s = np.loadtxt(times, delimiter=",", skiprows=1)[:, 1]
    gap_s = np.diff(t_s).max()
    assert gap_s > 0.5
    assert t_s[-1] - t_s[np.diff(t_s).argmax() + 1] > 0.5  # counting again


def closed(log: Path) -> int:
    """How often vision has closed its jail."""
    return log.read_text("utf-8").count("jail_closed policy=vision")


def wait_for(true: Callable[[], bool], within_s: float = 20.0) -> None:
    until_s = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < until_s
        time.sleep(0.05)
