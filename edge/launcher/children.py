"""Child processes: started by exec with exactly the descriptors they need, measured, ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

KILL_WAIT_S = 5.0
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Order:
    """How a process is to be started.

    Attributes:
        name: `edge`, `vision` or `relay`, for messages.
        command: the whole command line.
        descriptors: what it is given beyond standard input, output and error.
        has_output: whether results go to standard output; otherwise that is `/dev/null`.
    """

    name: str
    command: tuple[str, ...]
    descriptors: tuple[int, ...]
    has_output: bool = False


class Child:
    """A process that was started."""

    def __init__(self, order: Order) -> None:
        """Start it, in a process group of its own."""
        self.name = order.name
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and modules
            order.command,
            pass_fds=order.descriptors,
            stdin=subprocess.DEVNULL,
            stdout=None if order.has_output else subprocess.DEVNULL,
            process_group=0,
        )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def status(self) -> int | None:
        """Exit status, the negative number of the signal that ended it, or None: it runs."""
        return self._process.poll()

    def ask(self) -> None:
        """Ask it to end (SIGTERM); one that is stopped is continued, to hear it."""
        with suppress(ProcessLookupError):
            self._process.terminate()
            self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once and wait until it is gone."""
        self._process.kill()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(KILL_WAIT_S)

    def memory_mb(self) -> float:
        """Resident memory in MB; 0 where it cannot be known."""
        try:
            pages = int(Path(f"/proc/{self.pid}/statm").read_text("ascii").split()[1])
        except (OSError, ValueError, IndexError):
            return 0.0
        return pages * _PAGE_BYTES / 1e6


def how_it_ended(name: str, status: int) -> str:
    """The end of a process in words.

    >>> how_it_ended("vision", -9), how_it_ended("relay", 1)
    ('vision was killed by SIGKILL', 'relay ended with status 1')
    """
    if status >= 0:
        return f"{name} ended with status {status}"
    with suppress(ValueError):
        return f"{name} was killed by {signal.Signals(-status).name}"
    return f"{name} was killed by signal {-status}"


def say(message: str) -> None:
    """Tell the user, on standard error."""
    with suppress(OSError):
        sys.stderr.write(f"launcher: {message}\n")
        sys.stderr.flush()
