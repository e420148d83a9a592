"""The edge process sees no pixel, and reaches its own folder, its broker and its page alone."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edge.launcher import Launch, edge_entry
from edge.launcher.orders import Orders
from firmware_cfg.confine.enter import port_rights
from firmware_cfg.load import load_site
from tests.integration.processes.running import ROOT, descriptors, running

if TYPE_CHECKING:
    from collections.abc import Iterator

ATTEMPTS = """
import json, os, socket, sqlite3, subprocess, sys
from pathlib import Path
from edge.launcher import edge_entry
from edge.outbox_file import open_database
from firmware_cfg.confine.closing import close
from firmware_cfg.confine.enter import confine_files
from firmware_cfg.confine.kernel import Kernel
from firmware_cfg.confine.policies import EDGE
from firmware_cfg.load import load_site
from firmware_cfg.sealing import MOST_WINDOW_BYTES

jailed, site_file, video, broker, other = sys.argv[1:]
site_file, video, broker, other = Path(site_file), Path(video), int(broker), int(other)
site = load_site(site_file)
if jailed == "jailed":
    confine_files(edge_entry(site_file, site), Kernel.ask())
import edge.appliance
import edge.upload
if jailed == "jailed":
    close(EDGE)


def fork():
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


def connect(port):
    with socket.socket() as one:
        one.connect(("127.0.0.1", port))


def bind():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))


def make(kind, *more):
    socket.socket(kind, *more).close()


def keep():
    path = Path(site.device.state_dir) / "kept"
    path.write_text("kept")
    path.replace(path.with_name("kept-too"))
    path.with_name("kept-too").unlink()


def settle():
    # SQLite would open a temporary file for an update of so many pages
    database, _ = open_database(Path(site.device.state_dir) / "outbox.sqlite", 8)
    rows = [(b"x" * MOST_WINDOW_BYTES, "h") for _ in range(60)]
    add = "INSERT INTO message (payload, sha256, status) VALUES (?, ?, 'pending')"
    database.executemany(add, rows)
    database.execute("BEGIN IMMEDIATE")
    settled = "UPDATE message SET status = 'settled', settled_at = 1.0"
    database.execute(settled + " WHERE status = 'pending'")
    database.execute("COMMIT")
    database.close()


attempts = {
    "read the video": lambda: video.read_bytes(),
    "list its folder": lambda: os.listdir(video.parent),
    "read another file": lambda: Path("/etc/passwd").read_text(),
    "open a device": lambda: open("/dev/full", "wb").close(),
    "write beside the video": lambda: video.with_name("out").write_text("x"),
    "write to /dev/shm": lambda: Path("/dev/shm/encounter-test").write_text("x"),
    "write its site file": lambda: open(site_file, "ab").close(),
    "change a mode": lambda: os.chmod(site_file, 0o600),
    "set an attribute": lambda: os.utime(site_file),
    "run a program": lambda: subprocess.run(["/bin/true"], check=True),
    "become a program": fork,
    "connect elsewhere": lambda: connect(other),
    "bind a port": bind,
    "make a local socket": lambda: make(socket.AF_UNIX),
    "make a netlink socket": lambda: make(socket.AF_NETLINK, socket.SOCK_RAW),
    "make a packet socket": lambda: make(socket.AF_PACKET, socket.SOCK_RAW),
    "make a raw socket": lambda: make(socket.AF_INET, socket.SOCK_RAW, 1),
    "make a memory file": lambda: os.close(os.memfd_create("x")),
    "signal its parent": lambda: os.kill(os.getppid(), 0),
    "watch its parent": lambda: os.close(os.pidfd_open(os.getppid())),
    "keep a file": keep,
    "settle many messages": settle,
    "find the broker": lambda: socket.getaddrinfo("localhost", broker),
    "reach the broker": lambda: connect(broker),
    "read its site file": lambda: site_file.read_text(),
}
found = {}
for name, attempt in attempts.items():
    try:
        attempt()
    except OSError as error:
        found[name] = error.strerror
    except sqlite3.Error as error:
        found[name] = str(error)
    else:
        found[name] = ""
print(json.dumps(found))
"""
PERMITTED = {
    "keep a file",
    "settle many messages",
    "find the broker",
    "reach the broker",
    "read its site file",
}
FOR_ROOT = {"make a packet socket", "make a raw socket"}
REFUSED = {"Operation not permitted", "Permission denied"}
LIBRARIES_OF_PIXELS = ("cv2", "onnxruntime", "mediapipe", "libav", "libsw", "picamera", "libcamera")
GPU_AND_CAMERA = ("/dev/video", "/dev/media", "/dev/dri", "/dev/nvidia", "/dev/nvhost")


@pytest.fixture
def listeners() -> Iterator[tuple[int, int]]:
    """Ports of the broker and of something else."""
    with socket.socket() as broker, socket.socket() as other:
        for one in (broker, other):
            one.bind(("127.0.0.1", 0))
            one.listen(8)
        yield broker.getsockname()[1], other.getsockname()[1]


def attempt(how: str, site: Path, video: Path, ports: tuple[int, int]) -> dict[str, str]:
    """What became of each attempt: the error, or nothing if it succeeded."""
    words = [how, str(site), str(video), *map(str, ports)]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ATTEMPTS, *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


def with_broker(site: Path, state: Path, port: int) -> None:
    state.mkdir()
    site.write_text(
        site.read_text() + f'\n[device]\nid = "lonely"\nstate_dir = "{state}"\n[broker]\n'
        f'host = "127.0.0.1"\nport = {port}\ntls = false\nserver_key = "{"0" * 64}"\n'
    )


def test_attempts_fail_inside_and_succeed_outside(
    video: Path, site: Path, tmp_path: Path, listeners: tuple[int, int]
) -> None:
    with_broker(site, tmp_path / "state", listeners[0])
    outside = attempt("free", site, video, listeners)
    inside = attempt("jailed", site, video, listeners)
    for path in (video.with_name("out"), Path("/dev/shm/encounter-test")):  # noqa: S108 - its own
        path.unlink()
    ours = set(outside) if os.geteuid() == 0 else set(outside) - FOR_ROOT
    assert {name: outside[name] for name in ours if outside[name]} == {}
    assert {name for name, error in inside.items() if not error} == PERMITTED
    assert {inside[name] for name in set(inside) - PERMITTED} <= REFUSED


@pytest.mark.usefixtures("as_root")
def test_a_running_edge_has_no_library_device_or_file_of_pixels(
    video: Path, site: Path, tmp_path: Path
) -> None:
    with running(video, site, tmp_path / "out") as run:
        run.wait_until_counting()
        children = run.children()
        maps = {n: Path(f"/proc/{pid}/maps").read_text() for n, pid in children.items()}
        held = descriptors(children["edge"])
        for pid in children.values():
            status = Path(f"/proc/{pid}/status").read_text()
            assert "NoNewPrivs:\t1" in status
            assert "Seccomp:\t2" in status
    assert "cv2" in maps["vision"]  # the look itself works
    assert "onnxruntime" in maps["vision"]
    assert [word for word in LIBRARIES_OF_PIXELS if word in maps["edge"].lower()] == []
    seen = "\n".join(held.values()) + maps["edge"]
    assert [place for place in GPU_AND_CAMERA if place in seen] == []
    assert str(video) not in seen
    assert not any(what.startswith("socket:") for what in held.values())


def test_its_way_in_names_its_own_places_alone(site: Path, tmp_path: Path) -> None:
    with_broker(site, tmp_path / "state", 1884)
    site.write_text(site.read_text() + "[page]\nport = 8766\n")
    entry = edge_entry(site, load_site(site), (tmp_path / "rows" / "out", Path("/dev/null")))
    assert entry.read == (site,)
    assert entry.write == (Path("/dev/null"), tmp_path / "state")  # the rows' folder is missing
    assert {port: right.name for port, right in port_rights(entry).items()} == {
        1884: "CONNECT",
        8766: "BIND",
    }


def test_neither_edge_nor_relay_is_given_the_source(site: Path) -> None:
    orders = Orders(Launch("rtsp://10.0.0.7/live", site), load_site(site))
    assert "10.0.0.7" not in " ".join(orders.edge(3, 4, 5).command)
    assert "10.0.0.7" not in " ".join(orders.vision(3, 4).command)
    relay = orders.relay(3, None).command
    assert "--connect-port=554" in relay
    assert not any(word.startswith(("--read", "--write", "--device")) for word in relay)
