"""What the kernel shows of a process, as values."""

from __future__ import annotations

import os
from collections.abc import Mapping as Table
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """A process of the device."""

    VISION = "vision"
    EDGE = "edge"
    RELAY = "relay"


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread: its number, and the lines of its `status`, by their names."""

    number: int
    status: Table[str, str]


@dataclass(frozen=True, slots=True)
class Descriptor:
    """Something that a process has open.

    Attributes:
        number: its number there.
        target: what the kernel calls it: a path, `pipe:[N]`, `socket:[N]`, `anon_inode:[…]`.
        flags: how it was opened, from `fdinfo`.
        place: device and inode, alike for whoever else has the same open.
        fifo: whether it is a pipe, named or not.
    """

    number: int
    target: str
    flags: int
    place: tuple[int, int] = (0, 0)
    fifo: bool = False

    @property
    def reads(self) -> bool:
        """Whether it can be read."""
        return self.flags & os.O_ACCMODE in (os.O_RDONLY, os.O_RDWR)

    @property
    def writes(self) -> bool:
        """Whether it can be written."""
        return self.flags & os.O_ACCMODE in (os.O_WRONLY, os.O_RDWR)

    @property
    def socket(self) -> int | None:
        """Inode of a socket; None: something else."""
        if not self.target.startswith("socket:["):
            return None
        return int(self.target[len("socket:[") : -1])

    def line(self) -> str:
        """For evidence."""
        way = {os.O_RDONLY: "read", os.O_WRONLY: "write"}.get(
            self.flags & os.O_ACCMODE, "read, write"
        )
        return f"{self.number}: {self.target} ({way})"


@dataclass(frozen=True, slots=True)
class Mapping:
    """A piece of a process's memory: from `start` to `end`, rights as `rw-p`, and of which file."""

    start: int
    end: int
    rights: str
    inode: int
    path: str

    @property
    def writable(self) -> bool:
        """Whether it can be written."""
        return "w" in self.rights

    @property
    def executable(self) -> bool:
        """Whether it can be run."""
        return "x" in self.rights

    @property
    def shared(self) -> bool:
        """Whether what is written is seen by others."""
        return self.rights.endswith("s")

    def line(self) -> str:
        """For evidence."""
        return f"{self.start:x}-{self.end:x} {self.rights} {self.path or '[plain memory]'}"


@dataclass(frozen=True, slots=True)
class Process:
    """A process of the device at one moment; None: the kernel does not show it to this user.

    Attributes:
        role: which of the three.
        pid, parent: process numbers.
        arguments: its command line.
        threads: at least one.
        unit: systemd unit by its control group; empty: started by hand.
        owner: user that its memory's files in /proc belong to: root, if it is closed to its own.
        core_limit: the two bounds of a core dump.
        started_s: seconds since the epoch.
        folder: its working folder.
        descriptors, mappings: what it has open, and its memory.
        environment: as it was given at exec.
        namespaces: by their names, as `net:[N]`.
        swap_limit: of its control group, as written there; empty: none.
    """

    role: Role
    pid: int
    parent: int
    arguments: tuple[str, ...]
    threads: tuple[Thread, ...]
    unit: str = ""
    owner: int = 0
    core_limit: tuple[str, str] = ("", "")
    started_s: float = 0.0
    folder: str = ""
    descriptors: tuple[Descriptor, ...] | None = None
    mappings: tuple[Mapping, ...] | None = None
    environment: Table[str, str] | None = None
    namespaces: Table[str, str] | None = None
    swap_limit: str = ""

    @property
    def status(self) -> Table[str, str]:
        """Of its first thread."""
        return self.threads[0].status

    @property
    def user(self) -> int:
        """Its real user."""
        return int(self.status.get("Uid", "0").split()[0])

    def option(self, name: str) -> str | None:
        """The value of an option of its command line."""
        if name in self.arguments[:-1]:
            return self.arguments[self.arguments.index(name) + 1]
        return None
