"""The role of `edge` and `relay` once they are closed: does their work, then tries to get out.

Answers one line a thing: `NAME: done`, or the error's name. Outside the jail it does the same:
what is refused inside must be a way there.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import socket
import sqlite3
import ssl
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

ROOT = Path(__file__).parents[3]
sys.path.append(str(ROOT))

from firmware_cfg.confine.closing import close  # noqa: E402
from firmware_cfg.confine.filters import Output  # noqa: E402
from firmware_cfg.confine.policies import POLICIES, RELAY  # noqa: E402
from tests.integration.jail.escapes import (  # noqa: E402
    ATTEMPTS,
    DONE,
    KERNEL,
    MEMORY,
    PROCESSES,
    SOCKETS,
    Attempt,
    Scene,
    outcome,
)
from tests.integration.jail.setting import Setting  # noqa: E402

FAST_OPEN = 0x20000000
HOST = "127.0.0.1"
PERMITTED_TO_EDGE = {"socket tcp", "socket udp", "socket tcp 6", "socket pair"}


@dataclass(frozen=True, slots=True)
class Places:
    """What the processes are told of.

    Attributes:
        port: TCP port that they may connect to.
        elsewhere: TCP port of another server, which they may not.
        datagrams: UDP port of another server.
    """

    port: int
    elsewhere: int
    datagrams: int


class Role(Protocol):
    """A process with work, ways out, and a way that is known."""

    def work(self) -> dict[str, Callable[[], object]]:
        """Must succeed."""

    def escapes(self) -> dict[str, Attempt]:
        """Must fail inside."""

    def disclosed(self) -> dict[str, Attempt]:
        """Succeed, and are named in docs/limitations.md."""


class Edge:
    """What edge needs, and what it may not."""

    def __init__(self, folder: Path, places: Places) -> None:
        self.folder, self.places = folder, places
        self.database = sqlite3.connect(self.folder / "outbox.db", isolation_level=None)
        self.database.execute("PRAGMA journal_mode = WAL")
        self.database.execute("PRAGMA synchronous = FULL")
        self.database.execute("CREATE TABLE t (x)")

    def work(self) -> dict[str, Callable[[], object]]:
        """Must succeed."""
        return {
            "sqlite": lambda: self.database.execute("INSERT INTO t VALUES (randomblob(20000))"),
            "checkpoint": lambda: self.database.execute("PRAGMA wal_checkpoint(TRUNCATE)"),
            "results": self._results,
            "thread": _thread,
            "broker": lambda: _connect(self.places.port),
            "name": lambda: socket.getaddrinfo("localhost", self.places.port),
            "tls": ssl.create_default_context,
            "wake": socket.socketpair,
        }

    def escapes(self) -> dict[str, Attempt]:
        """Must fail inside."""
        outside, kept = self.folder.parent / "outside", self.folder / "results"
        landlock = errno.EACCES
        others = {**SOCKETS, **MEMORY, **PROCESSES, **KERNEL}
        return {
            **{name: one for name, one in others.items() if name not in PERMITTED_TO_EDGE},
            "shm_open": Attempt(MEMORY["shm_open"].act, refused=landlock),
            "read": Attempt(lambda _: Path("/etc/passwd").read_bytes(), refused=landlock),
            "write": Attempt(lambda _: _made(outside, outside.touch), refused=landlock),
            "video": Attempt(lambda _: Path("/dev/full").write_bytes(b""), refused=landlock),
            "link": Attempt(lambda _: _made(outside, lambda: outside.hardlink_to(kept))),
            "chmod": Attempt(lambda _: kept.chmod(0o600)),
            "setxattr": Attempt(
                lambda _: os.setxattr(kept, "user.a", b"x"), outside=(DONE, "EOPNOTSUPP")
            ),
            "fifo": Attempt(
                lambda _: _made(self.folder / "f", lambda: os.mkfifo(self.folder / "f"))
            ),
            "port": Attempt(lambda _: _connect(self.places.elsewhere), refused=landlock),
            "fast open": Attempt(self._fast_open),
            "datagrams by path": Attempt(
                lambda _: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
            ),
            "ping": Attempt(
                lambda _: socket.socket(socket.AF_INET, socket.SOCK_DGRAM, 1).close(),
                outside=(DONE, "EACCES"),
            ),
            "listen": Attempt(lambda _: socket.create_server((HOST, 0)).close()),
        }

    def disclosed(self) -> dict[str, Attempt]:
        """The resolver's right, which seccomp cannot hold to the resolver's address."""
        return {"a datagram to any address": Attempt(self._datagram)}

    def _results(self) -> None:
        spare = self.folder / "results.part"
        spare.write_text("1\n")
        spare.replace(self.folder / "results")

    def _fast_open(self, _: Scene) -> None:
        with socket.socket() as connection:
            connection.sendto(b"x", FAST_OPEN, (HOST, self.places.elsewhere))

    def _datagram(self, _: Scene) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.sendto(b"edge", (HOST, self.places.datagrams))


class Relay:
    """What the relay needs once it is connected, and what it may not."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.connection = socket.create_connection((HOST, places.port), 5)
        self.spare, self.waiting = socket.socket(), socket.socket()
        self.datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def work(self) -> dict[str, Callable[[], object]]:
        """Must succeed."""
        return {"converse": self._converse}

    def escapes(self) -> dict[str, Attempt]:
        """Must fail inside."""
        there = (HOST, self.places.elsewhere)
        long = b" " * (RELAY.message_bytes + 1)
        return {
            **ATTEMPTS,
            "a long message": Attempt(lambda _: os.write(2, long)),
            "connect a spare socket": Attempt(lambda _: self.spare.connect(there)),
            "a second connection": Attempt(lambda _: _connect(self.places.port)),
            "to an address": Attempt(lambda _: self.connection.sendto(b"x", there)),
            "a datagram to any address": Attempt(
                lambda _: self.datagrams.sendto(b"relay", (HOST, self.places.datagrams))
            ),
            "a message to any address": Attempt(
                lambda _: self.datagrams.sendmsg([b"relay"], [], 0, (HOST, self.places.datagrams))
            ),
            "ask for a name": Attempt(self._ask),
            "listen": Attempt(lambda _: self.waiting.listen(1)),
            "write elsewhere": Attempt(lambda _: os.write(1, b" ")),
        }

    def disclosed(self) -> dict[str, Attempt]:
        """None."""
        return {}

    def _converse(self) -> None:
        self.connection.sendall(b"hello")
        if self.connection.recv(5) != b"hello":
            raise OSError(errno.EPROTO, "expected an echo")

    def _ask(self, _: Scene) -> None:
        """What a resolver does: a socket, connected to a name server."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.connect((HOST, self.places.datagrams))


def _made(path: Path, make: Callable[[], object]) -> None:
    make()
    path.unlink()


def _connect(port: int) -> None:
    socket.create_connection((HOST, port), 5).close()


def _thread() -> None:
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()


def tried(act: Callable[[], object]) -> str:
    """`done`, or the error's name."""
    return outcome(Attempt(lambda _: act()), Scene(Path(), -1, 0, 0))


def main() -> int:
    """Work and try, and say what came of each."""
    setting = Setting.read(sys.argv[1])
    places = Places(setting.connect_port, *map(int, setting.more.split()))
    edge = setting.policy == "edge"
    role: Role = Edge(Path(setting.write), places) if edge else Relay(places)
    threading.Thread(target=threading.Event().wait, daemon=True).start()
    ssl.create_default_context()
    memory = mmap.mmap(-1, mmap.PAGESIZE)
    page = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    scene = Scene(Path(setting.folder), setting.file_fd, setting.other_pid, page)
    if setting.jailed:
        close(POLICIES[setting.policy], outputs=(Output(setting.answers_fd, 4096),))
    things = {name: tried(act) for name, act in role.work().items()}
    ways = role.escapes() | role.disclosed()
    things |= {name: outcome(way, scene) for name, way in ways.items()}
    for name, came in things.items():
        os.write(setting.answers_fd, f"{name}: {came}\n".encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
