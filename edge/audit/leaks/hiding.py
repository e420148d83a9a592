"""A process that closes itself to others of its user, and stays so, or opens again by exec.

A copy of this process (fork), as another user than root, whose folder in /proc shows it. What
it becomes by exec is the system's `sleep`: any program would do.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from firmware_cfg.confine.closing import hide
from firmware_cfg.confine.native import PR_SET_DUMPABLE, process_control

STAY, EXEC = "stay", "exec"
_NOBODY = 65534
_SLEEP = "sleep"
_LASTS_S = 30
_WITHIN_S = 5.0
_STEP_S = 0.02


@contextmanager
def hiding(what: str) -> Iterator[int]:
    """The number of such a process; `what`: `STAY` or `EXEC`. It ends with the context."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        _in_the_copy(what, writing)
    os.close(writing)
    try:
        with os.fdopen(reading, "rb") as told:
            told.read(1)
        _wait_until_ready(pid, what)
        yield pid
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _in_the_copy(what: str, writing: int) -> None:
    """Become somebody, be open as every program is at its start, hide; does not return."""
    try:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setresgid(_NOBODY, _NOBODY, _NOBODY)
            os.setresuid(_NOBODY, _NOBODY, _NOBODY)
        process_control(PR_SET_DUMPABLE, 1)
        hide()
        os.write(writing, b"h")
        if what == EXEC:
            path = shutil.which(_SLEEP) or f"/bin/{_SLEEP}"
            os.execv(path, [_SLEEP, str(_LASTS_S)])  # noqa: S606 - the system's own
        time.sleep(_LASTS_S)
    finally:
        os._exit(1)


def _wait_until_ready(pid: int, what: str) -> None:
    until_s = time.monotonic() + _WITHIN_S
    while what == EXEC and time.monotonic() < until_s:
        if Path(f"/proc/{pid}/comm").read_text("utf-8", "replace").strip() == _SLEEP:
            return
        time.sleep(_STEP_S)
