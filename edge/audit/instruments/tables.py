"""What the kernel's own tables show of a process: descriptors, shared memory, sockets.

Sampled while the process works, so that a thing that comes and goes between two samples may be
missed; strace, the counters and the packets have no such gaps.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

_INODE_COLUMN = {
    **dict.fromkeys(("tcp", "tcp6", "udp", "udp6", "udplite", "udplite6"), 9),
    **dict.fromkeys(("raw", "raw6", "icmp", "icmp6"), 9),
    "unix": 6,
    "packet": 8,
    "netlink": 9,
}
_SHARED = re.compile(r"\S+ .w.s ")
_STANDARD = 2
_RULES = "anon_inode:[landlock-ruleset]"  # the way in: rules go in, nothing comes out


@dataclass(slots=True)
class Tables:
    """What was seen in any of the samples.

    Attributes:
        samples: how many there were.
        refused: whether the kernel does not let this user look.
        sockets: descriptors that are sockets.
        writable: descriptors that can be written to, beside the standard ones and the records'.
        shared: writable memory that is shared.
        closed: whether its memory was closed to others of its user in every sample; None: it runs
            as root, where that does not show.
        listed: sockets in the tables of the network that the process lives in, whoever's; None:
            it is not a network of its own, so they say nothing.
    """

    samples: int = 0
    refused: bool = False
    sockets: set[str] = field(default_factory=set)
    writable: set[str] = field(default_factory=set)
    shared: set[str] = field(default_factory=set)
    closed: bool | None = None
    listed: set[str] | None = None

    def look(self, pid: int, records_fd: int | None) -> None:
        """Take a sample of a process; nothing if it has just ended."""
        own = Path("/proc") / str(pid)
        try:
            with suppress(FileNotFoundError, ProcessLookupError):
                for number, target, writable in _descriptors(own):
                    if target.startswith("socket:"):
                        self.sockets.add(target)
                    elif target == _RULES or number in (*range(_STANDARD + 1), records_fd):
                        continue
                    elif writable:
                        self.writable.add(f"{number} {target}")
                maps = (own / "maps").read_text("utf-8", "replace").splitlines()
                self.shared.update(line for line in maps if _SHARED.match(line))
                self.samples += 1
                closed = closed_to_its_user(pid)
                self.closed = closed if self.closed is not False else False
        except PermissionError:
            self.refused = True

    def look_at_network(self, known: frozenset[str]) -> None:
        """Take a sample of the sockets of this network, without those whose inode is known."""
        self.listed = (self.listed or set()) | (sockets_here() - known)


def _descriptors(own: Path) -> Iterator[tuple[int, str, bool]]:
    """Number, what it is, and whether it can be written to, of each that is open."""
    for entry in (own / "fd").iterdir():
        with suppress(FileNotFoundError):
            target = str(entry.readlink())
            text = (own / "fdinfo" / entry.name).read_text("ascii", "replace")
            flags = int(re.search(r"flags:\s+(\d+)", text)[1], 8)  # type: ignore[index]
            named_only = bool(flags & os.O_PATH)
            yield int(entry.name), target, not named_only and bool(flags & os.O_ACCMODE)


def closed_to_its_user(pid: int) -> bool | None:
    """Whether a process's memory and descriptors are closed to others of its user.

    The kernel gives the files of such a process in /proc to root; its folder itself, as all
    that everybody may read, stays its user's (task_dump_owner in fs/proc/base.c). None: it
    runs as root, so they are root's in any case.
    """
    own = Path("/proc") / str(pid)
    if own.stat().st_uid == 0:
        return None
    return (own / "environ").stat().st_uid == 0


def sockets_here() -> set[str]:
    """Every socket of a process in this process's network, as `table inode`."""
    found = set()
    for table, column in _INODE_COLUMN.items():
        path = Path("/proc/self/net") / table
        rows = path.read_text("ascii", "replace").splitlines()[1:] if path.exists() else []
        for row in rows:
            cells = row.split()
            if table == "netlink" and cells[2] == "0":
                continue  # the kernel's own
            found.add(f"{table} {cells[column]}")
    return found


def counters() -> dict[str, int]:
    """The kernel's counters of this process's network: packets, connections, errors."""
    found: dict[str, int] = {}
    own = Path("/proc/self/net")
    for name in ("snmp", "netstat"):
        lines = (own / name).read_text("ascii").splitlines()
        for names, values in zip(lines[::2], lines[1::2], strict=True):
            group, *columns = names.split()
            found |= {
                f"{group}{column}": int(value)
                for column, value in zip(columns, values.split()[1:], strict=True)
            }
    if (own / "snmp6").exists():
        pairs = (line.split() for line in (own / "snmp6").read_text("ascii").splitlines())
        found |= {name: int(value) for name, value in pairs}
    return found
