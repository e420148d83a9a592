"""Once it is connected, the relay has its connection and its pipe, and can get nothing else."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

from tests.integration.processes.running import ROOT

PROGRAM = """
import json, os, socket, sys
from pathlib import Path
from edge.relay import __main__ as program
from firmware_cfg.confine.enter import Entry, confine_files
from firmware_cfg.confine.kernel import Kernel
from firmware_cfg.confine.policies import RELAY

jailed, port, other, stream, answers, secret = sys.argv[1], *map(int, sys.argv[2:])
if jailed == "jailed":
    entry = Entry(RELAY, connect_ports=(port,), keep_fds=(stream, answers, secret))
    confine_files(entry, Kernel.ask())
else:
    from types import SimpleNamespace
    program.close = lambda *given: SimpleNamespace(line=lambda: "free")


def again(number):
    def attempt():
        with socket.socket() as one:
            one.connect(("127.0.0.1", number))
    return attempt


def datagram():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.sendto(b"x", ("127.0.0.1", other))


def attempts(connection, address, descriptor):
    ways = {
        "connect elsewhere": again(other),
        "connect to the camera again": again(port),
        "reuse its connection": lambda: connection._socket.connect(("127.0.0.1", other)),
        "send a datagram": datagram,
        "ask for a name": lambda: socket.getaddrinfo("localhost", 80),
        "listen": lambda: socket.create_server(("127.0.0.1", 0)).close(),
        "make a local socket": lambda: socket.socketpair(),
        "read a file": lambda: Path("/etc/passwd").read_text(),
        "write to another pipe": lambda: os.write(answers, b" "),
        "write to its camera's folder": lambda: Path("/dev/shm/encounter-relay").write_text("x"),
        "run a program": lambda: os.posix_spawn("/bin/true", ["true"], {}),
        "speak to the camera": lambda: connection.write(b"hello"),
        "write its stream": lambda: os.write(descriptor, b"stream"),
    }
    found = {}
    for name, way in ways.items():
        try:
            way()
        except OSError as error:
            found[name] = error.strerror or str(error)
        else:
            found[name] = ""
    sys.stderr.write("FOUND " + json.dumps(found) + "\\n")


program.relay = attempts
words = ["--url", f"rtsp://127.0.0.1:{port}/live", "--stream-fd", str(stream)]
sys.exit(program.main([*words, "--credentials-fd", str(secret)]))
"""
PERMITTED = {"speak to the camera", "write its stream"}
# A connected socket is in use already; outside the jail that is what stops it.
IN_USE = {"reuse its connection"}
REFUSED = {"Operation not permitted", "Temporary failure in name resolution"}


def attempt(how: str) -> tuple[dict[str, str], bytes, int]:
    """What became of each attempt; what the camera was told; visitors elsewhere."""
    with socket.socket() as camera, socket.socket() as other:
        for one in (camera, other):
            one.bind(("127.0.0.1", 0))
            one.listen(8)
        other.setblocking(False)
        stream, answers, secret = os.pipe(), os.pipe(), os.pipe()
        os.write(secret[1], b"user\npassword\n")
        os.close(secret[1])
        numbers = [stream[1], answers[1], secret[0]]
        ports = [camera.getsockname()[1], other.getsockname()[1]]
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, how, *map(str, [*ports, *numbers])],
            cwd=ROOT,
            pass_fds=numbers,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        for number in (*numbers, stream[0], answers[0]):
            os.close(number)
        assert done.returncode == 0, done.stderr
        told, _ = camera.accept()
        with told:
            heard = told.recv(100)
        count = 0
        try:
            while True:
                other.accept()[0].close()
                count += 1
        except BlockingIOError:
            pass
    line = next(one for one in done.stderr.splitlines() if one.startswith("FOUND "))
    found: dict[str, str] = json.loads(line.removeprefix("FOUND "))
    return found, heard, count


def test_attempts_fail_inside_and_succeed_outside() -> None:
    outside, _, visitors = attempt("free")
    Path("/dev/shm/encounter-relay").unlink()  # noqa: S108 - its own
    assert {name for name, error in outside.items() if error} <= IN_USE
    assert visitors == 1
    inside, heard, visitors = attempt("jailed")
    assert {name for name, error in inside.items() if not error} == PERMITTED
    assert {inside[name] for name in set(inside) - PERMITTED} == REFUSED
    assert (heard, visitors) == (b"hello", 0)
