"""Where sockets and outputs of real processes lead: seen by Part A, and by the script alone."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from edge.audit.finding import Status
from edge.audit.leaks.leak import Leak
from edge.audit.leaks.running import RUNNING, in_running
from edge.audit.running.names import addresses_of, name_servers, plain
from edge.audit.running.reading import read_process
from edge.audit.running.socket_tables import read_sockets
from edge.audit.running.sockets import Reach, sockets
from edge.audit.running.unix_peers import unix_ends
from edge.audit.running.values import Role
from tests.audit.inspection.conftest import look

EDGE = """
import os, socket, sys
pair = socket.socketpair()
for path in sys.argv[1:]:
    one = socket.socket(socket.AF_UNIX); one.connect(path); pair += (one,)
os.write(1, b"x")
sys.stdin.read()
"""
VISION = """
import ctypes, os, sys, threading
class Head(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]
def drop():
    head = Head(0x20080522, 0)
    ctypes.CDLL(None).capset(ctypes.byref(head), ctypes.byref((ctypes.c_uint32 * 6)()))
    os.write(int(sys.argv[1]), b"x")
    threading.Event().wait()
threading.Thread(target=drop, daemon=True).start()
sys.stdin.read()
"""


@contextmanager
def module(
    folder: Path, name: str, code: str, *words: str, out: int = subprocess.PIPE, keep: int = -1
) -> Iterator[int]:
    """A process `python -m NAME`, once it said so; its number."""
    path = folder / Path(*name.split(".")).with_suffix(".py")
    path.parent.mkdir(exist_ok=True)
    path.write_text(code)
    with subprocess.Popen(
        [sys.executable, "-B", "-m", name, *words],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=out,
        stderr=subprocess.DEVNULL,
        pass_fds=() if keep < 0 else (keep,),
    ) as process:
        try:
            if process.stdout is not None:
                assert process.stdout.read(1) == b"x"
            yield process.pid
        finally:
            process.kill()


@contextmanager
def foreign(path: Path) -> Iterator[int]:
    """A local socket that another process than this one holds and accepts from; its number."""
    code = (
        "import socket, sys\n"
        "one = socket.socket(socket.AF_UNIX); one.bind(sys.argv[1]); one.listen()\n"
        "print('x', flush=True); kept = [one.accept() for _ in range(9)]"
    )
    line = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(line, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            yield process.pid
        finally:
            process.kill()


@pytest.fixture(scope="module")
def leaks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Status]:
    return {one.check: one.status for one in in_running(tmp_path_factory.mktemp("leaks"))}


@pytest.mark.parametrize("leak", RUNNING, ids=lambda one: one.id)
def test_a_leak_in_a_running_process_is_caught(leak: Leak, leaks: dict[str, Status]) -> None:
    assert leaks[f"leak.{leak.id}"] is Status.HOLDS


def test_a_socket_that_leads_to_another_process_is_found_by_both(tmp_path: Path) -> None:
    path = tmp_path / "taken"
    with foreign(path), module(tmp_path, "edge.appliance", EDGE, str(path)) as pid:
        process = read_process(Role.EDGE, pid)
        assert process is not None
        found = sockets(process, read_sockets(pid), Reach())
        said = look(pid).stdout.splitlines()
    assert found.status is Status.FAILS
    assert f"leads to another process ({path})" in found.evidence[0]
    assert len(found.evidence) == 3  # its own pair is fine
    wrong = [line for line in said if "leads to another process" in line]
    assert len(wrong) == 1
    assert wrong[0].endswith(str(path))
    assert sum(line.endswith(": local") for line in said) == 2


def test_a_name_that_looks_like_a_line_of_a_table_adds_none(tmp_path: Path) -> None:
    """The journal's name is claimed for the foreign end, by a name that has two lines."""
    path = tmp_path / "taken"
    with ExitStack() as stack:
        stack.enter_context(foreign(path))
        pid = stack.enter_context(module(tmp_path, "edge.appliance", EDGE, str(path)))
        process = read_process(Role.EDGE, pid)
        assert process is not None
        before = read_sockets(pid)
        own = {one.socket for one in process.descriptors or ()} & before.keys()
        end = next(before[one].peer for one in own if one and before[one].peer not in own)
        liar = stack.enter_context(socket.socket(socket.AF_UNIX))
        row = f"0: 3 0 0 1 3 {end} /run/systemd/journal/stdout"
        liar.bind(f"\0\n{row}\nno row".encode())
        assert sockets(process, read_sockets(pid), Reach()).status is Status.FAILS


def test_a_camera_process_that_writes_to_a_file_is_found_by_the_script(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    with (
        (tmp_path / "pictures.raw").open("wb") as file,
        module(tmp_path, "vision", VISION, str(writing), out=file.fileno(), keep=writing) as pid,
    ):
        assert os.read(reading, 1) == b"x"
        said = look(pid).stdout
    os.close(reading)
    os.close(writing)
    assert f"FAIL  vision {pid}: descriptor 1: {tmp_path / 'pictures.raw'}, writes: yes" in said
    assert f"capabilities in threads {pid}: started by hand" in said  # of the first thread alone


def test_the_kernel_tells_both_ends_of_a_pair() -> None:
    one, other = socket.socketpair()
    with one, other:
        first, second = (os.fstat(each.fileno()).st_ino for each in (one, other))
        peers = {each.inode: each.peer for each in unix_ends()}
    assert (peers[first], peers[second]) == (second, first)


def test_a_connection_by_a_name_is_held_against_its_addresses() -> None:
    with (
        socket.create_server(("127.0.0.2", 0)) as server,
        socket.create_connection(server.getsockname()) as connection,
    ):
        process = read_process(Role.EDGE, os.getpid())
        assert process is not None
        port = server.getsockname()[1]
        kept = [one for one in process.descriptors or () if one.number == connection.fileno()]
        table = read_sockets(os.getpid())
        only = replace(process, descriptors=tuple(kept))
        for host, status in (("127.0.0.2", Status.HOLDS), ("localhost", Status.NOT_CHECKED)):
            reach = Reach((host, port), addresses={host: addresses_of(host)})
            found = sockets(only, table, reach)
            assert found.status is status, found
    assert "and not for 127.0.0.2" in found.evidence[0]


def test_name_servers_are_those_of_the_process_itself() -> None:
    found = name_servers(os.getpid())
    assert found
    assert all(plain(one) == one for one in found)
    assert addresses_of("no-such-host.invalid") == frozenset()
