"""Every thread of this process: what the kernel says of it, and probes made inside it.

A filter or a ruleset belongs to a thread, so each is asked. What the kernel says stands in
`/proc/self/task/N/status`; those files are opened before the process closes, since nothing
can be opened afterwards. It says whether a thread has filters, how many, and whether it may
gain privileges; of Landlock it says nothing.

So the probes are made in the thread itself: a signal is sent to it while it sleeps, and the
handler makes them there. A handler that runs Python would be unsound in a thread that holds
the allocator's lock; hence only threads that the kernel reports asleep are asked, one at a
time, while the caller waits: when all sleep, none is inside the allocator. A thread that does
not sleep in time, blocks the signal or does not answer counts as not confined.
"""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Callable
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from firmware_cfg.confine.errors import ConfinementError
from firmware_cfg.confine.layers import Layer
from firmware_cfg.confine.native import LIBC, signal_thread

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNAL = signal.SIGRTMIN + 7
PATIENCE_S = 10.0
_LOOK_S = 0.001
_Handler = ctypes.CFUNCTYPE(None, ctypes.c_int)
_STATUS_BYTES = 8192


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread of this process, its status file open.

    Attributes:
        number: the kernel's number of it.
        status_fd: descriptor of its status file.
    """

    number: int
    status_fd: int

    def status(self) -> dict[str, str]:
        """What the kernel says of it now; empty once it has ended."""
        try:
            text = os.pread(self.status_fd, _STATUS_BYTES, 0).decode("utf-8", "replace")
        except ProcessLookupError:
            return {}
        pairs = (line.partition(":") for line in text.splitlines())
        return {name: value.strip() for name, _, value in pairs}


@contextmanager
def every_thread() -> Iterator[tuple[Thread, ...]]:
    """The threads that there are, their status files open for the time of the block.

    Raises:
        ConfinementError: the kernel does not tell.
    """
    threads: list[Thread] = []
    try:
        try:
            for name in os.listdir("/proc/self/task"):  # noqa: PTH208 - names alone
                with suppress(FileNotFoundError, ProcessLookupError):
                    path = f"/proc/self/task/{name}/status"
                    threads.append(Thread(int(name), os.open(path, os.O_RDONLY | os.O_CLOEXEC)))
        except OSError as error:
            raise ConfinementError(Layer.SECCOMP_TSYNC, f"cannot see threads: {error}") from None
        yield tuple(threads)
    finally:
        for thread in threads:
            os.close(thread.status_fd)


def check_status(threads: tuple[Thread, ...]) -> None:
    """Hold the kernel's word on each thread against this thread's own.

    Raises:
        ConfinementError: a thread may gain privileges, lacks a filter, or is new.
    """
    own = {thread.number: thread.status() for thread in threads}
    main = own[own_number()]
    alive = {number: status for number, status in own.items() if status}
    if int(main["Threads"]) != len(alive):
        raise ConfinementError(
            Layer.SECCOMP_TSYNC, f"expected {len(alive)} threads, found {main['Threads']}"
        )
    wanted = {"NoNewPrivs": "1", "Seccomp": "2"}
    if "Seccomp_filters" in main:  # Linux 5.9 and later
        wanted["Seccomp_filters"] = main["Seccomp_filters"]
    for number, status in alive.items():
        for name, value in wanted.items():
            if status.get(name) != value:
                found = status.get(name, "nothing")
                raise ConfinementError(
                    Layer.SECCOMP_TSYNC, f"thread {number}: expected {name} {value}, found {found}"
                )


class Inquiry:
    """Makes probes in other threads of this process.

    Built before the process closes (the handler needs memory that can be executed), used
    after. The handler is never given back: its memory loses the rights that this would need.
    """

    def __init__(self) -> None:
        """Make the handler."""
        self._probe: Callable[[], list[str]] = list
        self._answers: dict[int, list[str]] = {}
        self._handler = _Handler(self._answer)
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._handler))
        LIBC.signal.restype, LIBC.signal.argtypes = ctypes.c_void_p, (ctypes.c_int, ctypes.c_void_p)

    def ask(
        self, threads: tuple[Thread, ...], probe: Callable[[], list[str]]
    ) -> dict[int, list[str]]:
        """What each thread but the calling one could do, by its number.

        `probe` is called in each, and returns what was not refused.

        Raises:
            ConfinementError: a thread did not answer.
        """
        self._probe, self._answers = probe, {}
        others = [one for one in threads if one.number != own_number()]
        before = LIBC.signal(SIGNAL, ctypes.cast(self._handler, ctypes.c_void_p))
        try:
            for thread in others:
                self._wait(thread, others)
        finally:
            LIBC.signal(SIGNAL, before)
        return self._answers

    def _answer(self, number: int) -> None:
        del number
        self._answers[own_number()] = self._probe()

    def _wait(self, thread: Thread, others: list[Thread]) -> None:
        until_s = time.monotonic() + PATIENCE_S
        asked = False
        while thread.number not in self._answers:
            status = thread.status()
            if not status:
                return  # it has ended
            if time.monotonic() > until_s:
                did = "no answer from" if asked else "no sleep in"
                raise ConfinementError(
                    Layer.SECCOMP_TSYNC, f"{did} thread {thread.number} ({status['Name']})"
                )
            if not asked and all(_asleep(one) for one in others):
                asked = True
                with suppress(ProcessLookupError):
                    signal_thread(os.getpid(), thread.number, SIGNAL)
            time.sleep(_LOOK_S)


def own_number() -> int:
    """The kernel's number of the calling thread."""
    return int(LIBC.gettid())


def _asleep(thread: Thread) -> bool:
    status = thread.status()
    return not status or status["State"].startswith("S")
