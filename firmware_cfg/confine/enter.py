"""The way in: lays Landlock on itself and becomes the program by exec.

    python -I -S …/firmware_cfg/confine/__main__.py enter POLICY options -- MODULE arguments

A process with one thread that imports the standard library and `confine` alone. In order:
check the kernel; close every descriptor but 0 to 2 and the kept; no core dumps; no new
privileges; Landlock; a filter of calls that are refused from here on; exec of
`python -I -B -m MODULE`, isolated from the caller's Python settings and preloaded libraries.
"""

from __future__ import annotations

import os
import resource
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from firmware_cfg.confine.errors import ConfinementError, refuse_unpermitted
from firmware_cfg.confine.filters import refusals
from firmware_cfg.confine.interpreter import interpreter_paths, root
from firmware_cfg.confine.kernel import Kernel
from firmware_cfg.confine.landlock import DEVICE, KEEP, READ, Files, Tcp, restrict
from firmware_cfg.confine.layers import Layer
from firmware_cfg.confine.native import PR_SET_NO_NEW_PRIVS, process_control
from firmware_cfg.confine.seccomp import load

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from firmware_cfg.confine.policy import Policy

MAIN = Path(__file__).with_name("__main__.py")
_DROPPED = ("LD_", "PYTHON", "GCONV_", "GLIBC_", "MALLOC_", "LOCPATH", "NLSPATH")


@dataclass(frozen=True, slots=True)
class Entry:
    """How a process goes into its jail.

    Attributes:
        policy: its table.
        read: files and folders that it may read, beside the interpreter's and the policy's.
        write: files that it may write, and folders that it may keep files in.
        devices: device files that it may read, write and command.
        connect_ports, bind_ports: TCP ports.
        keep_fds: descriptors beside 0 to 2 that it keeps.
        without: layers that the site file permits it to lack.
    """

    policy: Policy
    read: tuple[Path, ...] = ()
    write: tuple[Path, ...] = ()
    devices: tuple[Path, ...] = ()
    connect_ports: tuple[int, ...] = ()
    bind_ports: tuple[int, ...] = ()
    keep_fds: tuple[int, ...] = ()
    without: tuple[Layer, ...] = ()


def command(entry: Entry, module: str, arguments: Sequence[str]) -> list[str]:
    """The command line that enters by `entry` and runs `python -m module arguments`."""
    options: list[str] = []
    for name, values in (
        ("--read", entry.read),
        ("--write", entry.write),
        ("--device", entry.devices),
        ("--connect-port", entry.connect_ports),
        ("--bind-port", entry.bind_ports),
        ("--keep-fd", entry.keep_fds),
        ("--without", entry.without),
    ):
        options += [f"{name}={value}" for value in values]
    start = [sys.executable, "-I", "-S", "-B", str(MAIN), "enter", entry.policy.name]
    return [*start, *options, "--", module, *arguments]


def enter(entry: Entry, program: Sequence[str], kernel: Kernel | None = None) -> None:
    """Confine this process, and become `python program…`; does not return.

    Args:
        entry: how.
        program: arguments of the interpreter: `-m`, a module and its arguments.
        kernel: what the kernel offers; asked where it is not given.

    Raises:
        ConfinementError: a required layer is missing, and the entry does not permit that.
    """
    confine_files(entry, kernel or Kernel.ask())
    interpreter = [sys.executable, "-I", "-B", *program]
    os.execve(sys.executable, interpreter, _environment(os.environ))  # noqa: S606


def confine_files(entry: Entry, kernel: Kernel) -> None:
    """Everything of `enter` but the exec.

    Raises:
        ConfinementError: a required layer is missing, and the entry does not permit that.
    """
    refuse_unpermitted(kernel.lacks(), entry.without, kernel.in_words())
    if len(os.listdir("/proc/self/task")) != 1:  # noqa: PTH208 - names alone
        raise ConfinementError(Layer.LANDLOCK, "expected one thread, found several")
    _close_all_but(entry.keep_fds)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    process_control(PR_SET_NO_NEW_PRIVS, 1)
    if kernel.landlock_abi:
        try:
            restrict(kernel.landlock_abi, path_rights(entry), port_rights(entry))
        except OSError as error:
            raise ConfinementError(Layer.LANDLOCK, f"the kernel refuses: {error}") from error
    if kernel.seccomp:
        try:
            load(refusals(entry.policy), default_error=0, every_thread=False)
        except OSError as error:
            raise ConfinementError(Layer.SECCOMP, f"the kernel refuses: {error}") from error


def path_rights(entry: Entry) -> Mapping[Path, Files]:
    """Every path that the process may use, with its rights."""
    ours = root()
    rights = interpreter_paths()
    for path in (
        *(Path(one) for one in entry.policy.reads),
        *(ours / name for name in (*entry.policy.packages, *entry.policy.data)),
        *_about_itself(),
        *entry.read,
    ):
        rights[path] = rights.get(path, Files(0)) | READ
    for paths, wanted in ((entry.write, KEEP), (entry.devices, DEVICE)):
        for path in paths:
            rights[path] = rights.get(path, Files(0)) | wanted
    return rights


def port_rights(entry: Entry) -> Mapping[int, Tcp]:
    """Every TCP port that the process may use, with its rights."""
    rights = dict.fromkeys(entry.connect_ports, Tcp.CONNECT)
    for port in entry.bind_ports:
        rights[port] = rights.get(port, Tcp(0)) | Tcp.BIND
    return rights


def _about_itself() -> tuple[Path, ...]:
    """What the kernel says of this process: its threads, its network's interfaces."""
    own = Path("/proc") / str(os.getpid())
    names = ("cgroup", "maps", "net", "smaps", "stat", "status", "task")
    return (*(own / name for name in names), Path("/proc/swaps"))


def _close_all_but(kept: Sequence[int]) -> None:
    numbers = sorted({*kept, 2})
    for before, after in pairwise((*numbers, os.sysconf("SC_OPEN_MAX"))):
        os.closerange(before + 1, after)
    for number in kept:
        os.set_inheritable(number, True)


def _environment(given: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in given.items() if not name.startswith(_DROPPED)}
