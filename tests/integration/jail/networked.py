"""The role of `edge` and `relay` once they are closed: does their work, then tries to get out.

Answers one line a thing: `NAME: done`, or the error's name.
"""

from __future__ import annotations

import errno
import mmap
import os
import socket
import sqlite3
import ssl
import sys
import threading
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[3]
sys.path.append(str(ROOT))

from firmware_cfg.confine.closing import close  # noqa: E402
from firmware_cfg.confine.filters import Output  # noqa: E402
from firmware_cfg.confine.policies import POLICIES  # noqa: E402
from tests.integration.jail.escapes import call  # noqa: E402
from tests.integration.jail.setting import Setting  # noqa: E402

FAST_OPEN = 0x20000000
PRIVATE = ("ptrace", "io_uring_setup", "bpf", "perf_event_open", "keyctl", "userfaultfd", "mount")


def tried(act: Callable[[], object]) -> str:
    """`done`, or the error's name."""
    try:
        act()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, repr(error))
    return "done"


class Edge:
    """What edge needs, and what it may not."""

    def __init__(self, setting: Setting) -> None:
        self.folder, self.port = Path(setting.write), setting.connect_port
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
            "thread": self._thread,
            "broker": self._connect,
            "name": lambda: socket.getaddrinfo("localhost", self.port),
            "tls": ssl.create_default_context,
            "wake": socket.socketpair,
        }

    def escapes(self) -> dict[str, Callable[[], object]]:
        """Must fail."""
        outside = self.folder.parent / "outside"
        return {
            "read": lambda: Path("/etc/passwd").read_bytes(),
            "write": lambda: outside.write_bytes(b""),
            "video": lambda: Path("/dev/full").write_bytes(b""),
            "link": lambda: outside.hardlink_to(self.folder / "results"),
            "chmod": lambda: (self.folder / "results").chmod(0o777),
            "setxattr": lambda: os.setxattr(self.folder / "results", "user.a", b"x"),
            "fifo": lambda: os.mkfifo(self.folder / "fifo"),
            "port": lambda: self._connect(self.port + 1),
            "fast open": self._fast_open,
            "mptcp": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262),
            "unix": lambda: socket.socket(socket.AF_UNIX),
            "datagrams by path": lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM),
            "netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW),
            "packet": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW),
            "icmp": lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1),
            "ping": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM, 1),
            "listen": lambda: socket.create_server(("127.0.0.1", 0)),
            "exec": lambda: call("execve", b"/bin/true\0", 0, 0),
            "fork": os.fork,
            "kill": lambda: os.kill(os.getppid(), 0),
            "memfd": lambda: os.memfd_create("x"),
            "code": lambda: call("mmap", 0, 4096, mmap.PROT_EXEC, 0x22, -1, 0),
            "namespace": lambda: call("unshare", 0x10000000),
            "to user space": lambda: call("clone", 0x10000000 | 17, 0, 0, 0, 0),
            **{name: lambda name=name: call(name, 0, 0, 0, 0, 0) for name in PRIVATE},  # type: ignore[misc]
        }

    def _results(self) -> None:
        spare = self.folder / "results.part"
        spare.write_text("1\n")
        spare.replace(self.folder / "results")

    def _thread(self) -> None:
        thread = threading.Thread(target=int)
        thread.start()
        thread.join()

    def _connect(self, port: int = 0) -> None:
        socket.create_connection(("127.0.0.1", port or self.port), 5).close()

    def _fast_open(self) -> None:
        with socket.socket() as connection:
            connection.sendto(b"x", FAST_OPEN, ("127.0.0.1", self.port + 1))


class Relay:
    """What the relay needs once it is connected, and what it may not."""

    def __init__(self, setting: Setting) -> None:
        self.port = setting.connect_port
        self.connection = socket.create_connection(("127.0.0.1", self.port), 5)
        self.spare = socket.socket()

    def work(self) -> dict[str, Callable[[], object]]:
        """Must succeed."""
        return {"converse": self._converse}

    def escapes(self) -> dict[str, Callable[[], object]]:
        """Must fail."""
        return {
            "second socket": socket.socket,
            "second connection": lambda: self.spare.connect(("127.0.0.1", self.port)),
            "to an address": lambda: self.connection.sendto(b"x", ("127.0.0.1", self.port)),
            "listen": lambda: self.spare.listen(1),
            "open": lambda: Path("/etc/hosts").read_bytes(),
            "exec": lambda: call("execve", b"/bin/true\0", 0, 0),
            "fork": os.fork,
            "duplicate": lambda: os.dup(1),
            "elsewhere": lambda: os.write(1, b"x"),
            **{name: lambda name=name: call(name, 0, 0, 0, 0, 0) for name in PRIVATE},  # type: ignore[misc]
        }

    def _converse(self) -> None:
        self.connection.sendall(b"hello")
        if self.connection.recv(5) != b"hello":
            raise OSError(errno.EPROTO, "expected an echo")


def main() -> int:
    """Work and try, and say what came of each."""
    setting = Setting.read(sys.argv[1])
    role = Edge(setting) if setting.policy == "edge" else Relay(setting)
    ssl.create_default_context()
    if setting.jailed:
        close(POLICIES[setting.policy], outputs=(Output(setting.answers_fd, 4096),))
    things = role.work() | (role.escapes() if setting.jailed else {})
    for name, act in things.items():
        os.write(setting.answers_fd, f"{name}: {tried(act)}\n".encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
