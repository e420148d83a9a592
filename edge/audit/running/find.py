"""The device's processes among all of this machine's, by their command lines."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from edge.audit.running.descriptors import CAMERAS
from edge.audit.running.holders import Others
from edge.audit.running.reading import PROC, read_descriptors, read_process
from edge.audit.running.values import Descriptor, Process, Role

MODULES = {"vision": Role.VISION, "edge.appliance": Role.EDGE, "edge.relay": Role.RELAY}


def find_processes(site: Path) -> tuple[Process, ...]:
    """The processes that run with this site file, and the relay that feeds them."""
    found = [
        process
        for pid in _numbers()
        if (role := role_of(pid)) is not None and (process := read_process(role, pid)) is not None
    ]
    ours = [one for one in found if _has_site(one, site)]
    parents = {one.parent for one in ours}
    relays = [one for one in found if one.role is Role.RELAY and one.parent in parents]
    return tuple(sorted([*ours, *relays], key=lambda one: (list(Role).index(one.role), one.pid)))


def site_files() -> tuple[Path, ...]:
    """The site files that the edge processes of this machine run with."""
    found = set()
    for pid in _numbers():
        if role_of(pid) is Role.EDGE and (process := read_process(Role.EDGE, pid)) is not None:
            named = process.option("--site")
            if named is not None:
                found.add((Path(process.folder or "/") / named).resolve())
    return tuple(sorted(found))


def role_of(pid: int) -> Role | None:
    """Which of the device's processes this is: `python … -m MODULE …`; None: another."""
    try:
        words = (PROC / str(pid) / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
    except OSError:
        return None
    if "-m" not in words[1:]:
        return None
    at = words.index("-m")
    named_python = Path(words[0]).name.startswith("python")
    return MODULES.get(words[at + 1]) if named_python and at + 1 < len(words) else None


def held_by_others(known: set[int]) -> Others:
    """What all other processes of the machine have open, pipes and cameras alone."""
    held: dict[int, tuple[Descriptor, ...]] = {}
    hidden = []
    for pid in _numbers():
        if pid in known or pid == os.getpid():
            continue
        opened = read_descriptors(pid)
        if opened is None and (PROC / str(pid)).exists():
            hidden.append(pid)
        kept = tuple(one for one in opened or () if one.fifo or one.target.startswith(CAMERAS))
        if kept:
            held[pid] = kept
    return Others(held, tuple(hidden))


def _numbers() -> Iterator[int]:
    yield from sorted(int(entry.name) for entry in PROC.iterdir() if entry.name.isdecimal())


def _has_site(process: Process, site: Path) -> bool:
    named = process.option("--site")
    if named is None:
        return False
    path = Path(process.folder or "/") / named
    with suppress(OSError):
        return path.resolve() == site.resolve()
    return False
