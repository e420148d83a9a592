"""A process and all that it started, as /proc shows them."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

_STEP_S = 0.05


def family(pid: int) -> tuple[int, ...]:
    """The process numbers of `pid` and its descendants that run now, parents first."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError, IndexError):
                fields = (entry / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
                parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [pid]
    for one in found:
        found += parents.get(one, [])
    return tuple(found)


def command_line(pid: int) -> tuple[str, ...]:
    """The arguments of a process; empty if it is gone."""
    try:
        text = Path(f"/proc/{pid}/cmdline").read_text("utf-8", "replace")
    except OSError:
        return ()
    return tuple(text.split("\0")[:-1])


def find(pid: int, marks: tuple[str, ...]) -> int | None:
    """The descendant of `pid` whose arguments hold `marks` side by side; None: there is none."""
    for one in family(pid):
        line = command_line(one)
        for begin in range(len(line)):
            if line[begin : begin + len(marks)] == marks:
                return one
    return None


def end(pid: int, patience_s: float, *, from_top: bool = False) -> None:
    """Ask what `pid` started (or itself, `from_top`) to end by SIGTERM; kill what is left."""
    started = family(pid) if from_top else family(pid)[1:]
    if started:
        _signal(started[0], signal.SIGTERM)
    until_s = time.monotonic() + patience_s
    while time.monotonic() < until_s and any(map(_runs, started)):
        time.sleep(_STEP_S)
    for one in started:
        _signal(one, signal.SIGKILL)


def _runs(pid: int) -> bool:
    """Whether it still works: neither gone, nor ended and waiting to be asked for its status."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def _signal(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
