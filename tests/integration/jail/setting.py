"""What a test tells the process that it starts inside the jail: values, as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from firmware_cfg.confine.kernel import Kernel

ROOT = Path(__file__).parents[3]
START = ("-I", "-B", str(Path(__file__).with_name("start.py")))


class Wish(StrEnum):
    """What a role does otherwise than usual."""

    CLOSE_AS_VISION = "close as vision"
    """Close by another policy than it entered by."""
    STREAM = "stream"
    """Close as vision does with the relay's pipe."""
    NARROW = "narrow"
    """Close in two stages."""
    LOAD = "load"
    """Load a library, and make code of its own, while the source would be opened."""
    NO_LIBRARY = "no library"
    """libseccomp is not there."""
    MEMORY = "memory"
    """Say what of its memory can be written and run, before and after."""


@dataclass(frozen=True, slots=True)
class Setting:
    """How the process is started, and what it does.

    Attributes:
        role: module of this folder that it runs.
        policy: name of the policy it enters by and closes with.
        answers_fd: pipe that it answers on.
        jailed: False for a control run, the same without the jail.
        kernel: fields of `Kernel` that this machine is to lack, with their values.
        without: layers that are permitted to be missing.
        write: folder that it may keep files in.
        connect_port: TCP port that it may connect to; 0: none.
        bind_ports: TCP ports that it may listen on; 0 among them: any free one.
        folder, file_fd, other_pid: see `escapes.Scene`.
        threads: of the detector.
        wishes: what the role does otherwise.
        more: what else the role needs.
    """

    role: str
    policy: str = "vision"
    answers_fd: int = 1
    jailed: bool = True
    kernel: tuple[tuple[str, int], ...] = ()
    without: tuple[str, ...] = ()
    write: str = ""
    connect_port: int = 0
    bind_ports: tuple[int, ...] = ()
    folder: str = ""
    file_fd: int = -1
    other_pid: int = 0
    threads: int = 2
    wishes: tuple[Wish, ...] = ()
    more: str = ""

    @property
    def kept_fds(self) -> tuple[int, ...]:
        """Descriptors beside the standard ones."""
        return tuple(one for one in (self.answers_fd, self.file_fd) if one > 2)

    def offered(self) -> Kernel:
        """What this machine's kernel offers, without what it is to lack."""
        there, less = Kernel.ask(), dict(self.kernel)
        return Kernel(
            less.get("landlock_abi", there.landlock_abi),
            bool(less.get("seccomp", there.seccomp)),
            bool(less.get("tsync", there.tsync)),
            bool(less.get("dumpable", there.dumpable)),
            bool(less.get("core", there.core)),
            there.library,
        )

    def text(self) -> str:
        """As one argument of a command line."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, text: str) -> Setting:
        """The setting that `text` was made of."""
        values = json.loads(text)
        values["kernel"] = tuple((name, value) for name, value in values["kernel"])
        values["without"] = tuple(values["without"])
        values["bind_ports"] = tuple(values["bind_ports"])
        values["wishes"] = tuple(Wish(wish) for wish in values["wishes"])
        return cls(**values)
