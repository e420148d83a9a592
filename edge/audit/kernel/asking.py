"""Has a process make the attempts, in each of its threads, and a control beside it."""

from __future__ import annotations

import errno
import os
import socket
import struct
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from edge.audit.kernel.attempts import Attempt
from edge.audit.kernel.errors import TracingError
from edge.audit.kernel.instruction import find_instruction
from edge.audit.kernel.tracing import Stopped
from edge.audit.running.reading import read_mappings
from edge.audit.running.values import Process
from firmware_cfg.confine.seccomp import number_of

SLEEP = "/bin/sleep"
_CONTROL_S = "600"
_AT_FDCWD = -100
_DISCARD_PORT = 9


@dataclass(frozen=True, slots=True)
class Place:
    """A path that a process must not be able to open, and how."""

    path: Path
    flags: int = os.O_RDONLY

    def name(self) -> str:
        """For evidence."""
        way = "write" if self.flags & os.O_ACCMODE else "read"
        return f"open {self.path} to {way}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the kernel answered a thread.

    Attributes:
        thread: its number.
        attempt: the attempt's name.
        result: as the call returned it; an error number as a negative one.
    """

    thread: int
    attempt: str
    result: int

    @property
    def error(self) -> int:
        """The error number; 0: none."""
        return -self.result if -4096 < self.result < 0 else 0

    def word(self) -> str:
        """The error's name, or that it was done."""
        return errno.errorcode.get(self.error, str(self.error)) if self.error else "done"


def ask_calls(process: int, threads: Sequence[int], tried: Sequence[Attempt]) -> list[Answer]:
    """Let each thread make each attempt.

    Raises:
        TracingError: a thread cannot be stopped, or did not do it.
    """
    answers = []
    numbers = [(one.name(), number_of(one.call), one.arguments) for one in tried]
    for stopped in _each(process, threads):
        for name, number, arguments in numbers:
            if number is not None:
                result = stopped.call(number, *arguments)
                answers.append(Answer(stopped.thread, name, result))
    return answers


def ask_places(process: int, threads: Sequence[int], places: Sequence[Place]) -> list[Answer]:
    """Let each thread open each place; what opens is closed at once.

    Raises:
        TracingError: as above.
    """
    openat, close = _number("openat"), _number("close")
    answers = []
    for stopped in _each(process, threads):
        for place in places:
            path = os.fsencode(place.path) + b"\0"
            flags = place.flags | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
            result = stopped.call_with(path, 1, openat, _AT_FDCWD, flags, 0)
            answers.append(Answer(stopped.thread, place.name(), result))
            if result >= 0:
                stopped.call(close, result)
    return answers


def ask_port(process: int, threads: Sequence[int]) -> list[Answer]:
    """Let each thread connect to this machine's own port 9 by TCP; nothing is sent.

    Raises:
        TracingError: as above.
    """
    make, connect, close = _number("socket"), _number("connect"), _number("close")
    address = struct.pack("=H", socket.AF_INET) + struct.pack(
        ">H4s8x", _DISCARD_PORT, b"\x7f\0\0\1"
    )
    kind = socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
    answers = []
    for stopped in _each(process, threads):
        made = stopped.call(make, socket.AF_INET, kind, 0)
        if made < 0:
            answers.append(Answer(stopped.thread, "socket for TCP", made))
            continue
        result = stopped.call_with(address, 1, connect, made, len(address))
        stopped.call(close, made)
        answers.append(Answer(stopped.thread, "connect to 127.0.0.1 port 9", result))
    return answers


def filters_of(process: Process) -> dict[int, tuple[bytes, ...]]:
    """The kernel's copy of each thread's filters, newest first.

    Raises:
        TracingError: as above.
        OSError: the kernel does not give them.
    """
    threads = [one.number for one in process.threads if one.status.get("Seccomp") == "2"]
    return {stopped.thread: stopped.filters() for stopped in _each(process.pid, threads)}


@contextmanager
def control(user: int, group: int) -> Iterator[int]:
    """An ordinary process of this user and group, without a jail; its number.

    Raises:
        TracingError: it cannot be started.
    """
    one = (user, group) if os.geteuid() == 0 else (None, None)
    try:
        process = subprocess.Popen(  # noqa: S603 - a fixed command
            [SLEEP, _CONTROL_S], user=one[0], group=one[1], extra_groups=[] if one[0] else None
        )
    except OSError as error:
        raise TracingError(f"control: {SLEEP}: {error.strerror}") from error
    try:
        yield process.pid
    finally:
        process.kill()
        process.wait()


def _each(process: int, threads: Sequence[int]) -> Iterator[Stopped]:
    """Each thread, stopped while it is looked at; those that ended meanwhile are left out."""
    mappings = read_mappings(process)
    if mappings is None:
        raise TracingError(f"process {process}: its memory cannot be seen by this user")
    instruction = find_instruction(process, mappings)
    for thread in threads:
        with suppress(FileNotFoundError):
            Path(f"/proc/{process}/task/{thread}").stat()
            with Stopped(process, thread, instruction) as stopped:
                yield stopped


def _number(name: str) -> int:
    number = number_of(name)
    if number is None:
        raise TracingError(f"{name}: this machine has no such call")
    return number
