"""The kernel's tables of sockets, as /proc/PID/net shows them to a process.

Formats: net/ipv4/tcp_ipv4.c, udp.c, net/unix/af_unix.c, net/packet/af_packet.c,
net/netlink/af_netlink.c. Addresses are hexadecimal words in the machine's byte order.
"""

from __future__ import annotations

import ipaddress
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from edge.audit.running.unix_peers import unix_ends

LISTENS, CONNECTED = "0A", "01"
INTERNET = ("tcp", "tcp6", "udp", "udp6", "udplite", "udplite6", "raw", "raw6", "icmp", "icmp6")
OTHERS = {"unix": 6, "packet": 8, "netlink": 9}
"""Tables and the column of the inode."""


@dataclass(frozen=True, slots=True)
class Socket:
    """One socket of a network namespace.

    Attributes:
        inode: by which descriptors name it.
        table: the kernel's table that it stands in.
        local, remote: address and port; for the internet's tables.
        state: as the table writes it.
        path: of a local (unix) socket, if it has one.
        peer: inode of a local socket's other end; 0: it has none, None: not known.
    """

    inode: int
    table: str
    local: tuple[str, int] = ("", 0)
    remote: tuple[str, int] = ("", 0)
    state: str = ""
    path: str = ""
    peer: int | None = None

    def line(self) -> str:
        """For evidence."""
        if self.table not in INTERNET:
            end = f", its other end socket {self.peer}" if self.peer else ""
            return f"{self.table} {self.path or '(no name)'}{end}"
        way = "listens" if self.state == LISTENS else f"to {self.remote[0]} port {self.remote[1]}"
        return f"{self.table} {self.local[0]} port {self.local[1]} {way}"


def read_sockets(pid: int, proc: Path = Path("/proc")) -> dict[int, Socket]:
    """All sockets of a process's network namespace, by inode, and this one's local sockets.

    A process with a network of its own may hold a local socket of the machine's: the journal's.
    """
    found: dict[int, Socket] = {}
    for table in (*INTERNET, *OTHERS):
        for line in _lines(proc / str(pid) / "net" / table):
            with suppress(ValueError, IndexError):  # a local name may hold a line's end
                one = internet(table, line) if table in INTERNET else other(table, line)
                found[one.inode] = one
    for line in _lines(proc / "self/net/unix"):
        with suppress(ValueError, IndexError):
            one = other("unix", line)
            found.setdefault(one.inode, one)
    for end in unix_ends():
        if end.inode in found:  # by its answer: a name with a line's end could add lines to tables
            found[end.inode] = replace(found[end.inode], peer=end.peer, path=end.name)
    return found


def _lines(path: Path) -> list[str]:
    """A table without its heading; none of a kernel without that family."""
    with suppress(OSError):
        return path.read_text("utf-8", "replace").splitlines()[1:]
    return []


def internet(table: str, line: str) -> Socket:
    """A line of one of the internet's tables."""
    words = line.split()
    return Socket(int(words[9]), table, _address(words[1]), _address(words[2]), words[3])


def other(table: str, line: str) -> Socket:
    """A line of another table."""
    words = line.split()
    column = OTHERS[table]
    path = words[7] if table == "unix" and len(words) > 7 else ""
    return Socket(int(words[column]), table, path=path)


def _address(text: str) -> tuple[str, int]:
    """Address and port.

    >>> _address("0100007F:1F90")
    ('127.0.0.1', 8080)
    """
    host, _, port = text.partition(":")
    words = [int(host[start : start + 8], 16) for start in range(0, len(host), 8)]
    packed = struct.pack(f"={len(words)}I", *words)
    if len(packed) == 4:
        return socket.inet_ntoa(packed), int(port, 16)
    address = ipaddress.IPv6Address(packed)
    return str(address.ipv4_mapped or address), int(port, 16)
