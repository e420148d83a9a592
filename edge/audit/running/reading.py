"""From /proc to values. What this user may not see becomes None, never an assumption."""

from __future__ import annotations

import os
import stat
import time
from contextlib import suppress
from pathlib import Path

from edge.audit.running.values import Descriptor, Mapping, Process, Role, Thread

PROC = Path("/proc")
CGROUPS = Path("/sys/fs/cgroup")
_NAMESPACES = ("net", "mnt", "pid", "user", "ipc", "uts", "cgroup")


def read_process(role: Role, pid: int) -> Process | None:
    """Everything the kernel shows of a process; None: it is gone."""
    folder = PROC / str(pid)
    try:
        threads = _threads(folder)
        arguments = tuple(_words(folder / "cmdline"))
        parent, started_s = _parent_and_start(folder)
        owner = (folder / "environ").stat().st_uid  # the folder itself stays its user's
        group = _group(folder)
    except (OSError, ValueError, IndexError):
        return None
    if not threads:
        return None
    return Process(
        role,
        pid,
        parent,
        arguments,
        threads,
        unit=next((part for part in reversed(group.split("/")) if part.endswith(".service")), ""),
        owner=owner,
        core_limit=_core_limit(folder),
        started_s=started_s,
        folder=_link(folder / "cwd"),
        descriptors=read_descriptors(pid),
        mappings=read_mappings(pid),
        environment=_environment(folder),
        namespaces=_namespaces(folder),
        swap_limit=_swap_limit(group),
    )


def read_descriptors(pid: int) -> tuple[Descriptor, ...] | None:
    """What a process has open; None: not for this user."""
    folder = PROC / str(pid)
    try:
        numbers = sorted(int(name) for name in os.listdir(folder / "fd"))  # noqa: PTH208 - names
        found = []
        for number in numbers:
            with suppress(FileNotFoundError):  # closed meanwhile
                found.append(_descriptor(folder, number))
    except OSError:
        return None
    return tuple(found)


def _descriptor(folder: Path, number: int) -> Descriptor:
    entry = folder / "fd" / str(number)
    seen = entry.stat()
    lines = (folder / "fdinfo" / str(number)).read_text("ascii").splitlines()
    flags = next(int(one.split()[1], 8) for one in lines if one.startswith("flags:"))
    place = (seen.st_dev, seen.st_ino)
    fifo = stat.S_ISFIFO(seen.st_mode)
    return Descriptor(number, str(entry.readlink()), flags, place, fifo)


def read_mappings(pid: int) -> tuple[Mapping, ...] | None:
    """A process's memory; None: not for this user."""
    try:
        text = (PROC / str(pid) / "maps").read_text("utf-8", "replace")
    except OSError:
        return None
    found = []
    for line in text.splitlines():
        words = line.split(maxsplit=5)
        start, _, end = words[0].partition("-")
        path = words[5] if len(words) > 5 else ""
        found.append(Mapping(int(start, 16), int(end, 16), words[1], int(words[4]), path))
    return tuple(found)


def status_of(path: Path) -> dict[str, str]:
    """The lines of a `status` file, by their names."""
    pairs = (line.partition(":") for line in path.read_text("utf-8", "replace").splitlines())
    return {name: value.strip() for name, _, value in pairs}


def boot_s() -> float:
    """When this machine started, seconds since the epoch by its present clock."""
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)


def _threads(folder: Path) -> tuple[Thread, ...]:
    found = []
    for number in sorted(int(entry.name) for entry in (folder / "task").iterdir()):
        with suppress(FileNotFoundError, ProcessLookupError):
            found.append(Thread(number, status_of(folder / "task" / str(number) / "status")))
    return tuple(found)


def _words(path: Path) -> list[str]:
    return path.read_bytes().decode("utf-8", "replace").removesuffix("\0").split("\0")


def _parent_and_start(folder: Path) -> tuple[int, float]:
    fields = (folder / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    return int(fields[1]), boot_s() + int(fields[19]) / os.sysconf("SC_CLK_TCK")


def _core_limit(folder: Path) -> tuple[str, str]:
    with suppress(OSError):
        for line in (folder / "limits").read_text("ascii").splitlines():
            if line.startswith("Max core file size"):
                soft, hard = line.removeprefix("Max core file size").split()[:2]
                return soft, hard
    return "", ""


def _environment(folder: Path) -> dict[str, str] | None:
    try:
        pairs = (word.partition("=") for word in _words(folder / "environ"))
    except OSError:
        return None
    return {name: value for name, _, value in pairs if name}


def _namespaces(folder: Path) -> dict[str, str] | None:
    found = {name: _link(folder / "ns" / name) for name in _NAMESPACES}
    return found if found["net"] else None


def _group(folder: Path) -> str:
    with suppress(OSError):
        for line in (folder / "cgroup").read_text("utf-8").splitlines():
            if line.startswith("0::"):
                return line.removeprefix("0::")
    return ""


def _swap_limit(group: str) -> str:
    with suppress(OSError):
        return (CGROUPS / group.lstrip("/") / "memory.swap.max").read_text("ascii").strip()
    return ""


def _link(path: Path) -> str:
    with suppress(OSError):
        return str(path.readlink())
    return ""
