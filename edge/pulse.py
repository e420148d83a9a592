"""Signs of life of the edge process, for whoever would replace it if it hangs.

To the launcher, over a pipe: `READY` once, then each second `RECORDS` if any came since the
last sign, otherwise `ALIVE`. To systemd, over its notification socket: `READY=1`, then
`WATCHDOG=1`. The signs come from the loop that does the work, never from a thread of their own:
a thread would go on when the work hangs.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

READY, ALIVE, RECORDS = b"b", b"e", b"r"
PULSE_S = 1.0
NOTIFY_SOCKET = "NOTIFY_SOCKET"


class Listener(Protocol):
    """Takes signs of life; never waits, never raises."""

    def ready(self) -> None:
        """The work begins."""

    def alive(self, *, records: bool) -> None:
        """The work goes on; whether `records` came since the last sign."""


@dataclass(frozen=True, slots=True)
class Pipe:
    """The launcher's pulse pipe.

    Attributes:
        descriptor: its writing end.
    """

    descriptor: int

    def ready(self) -> None:
        """The work begins."""
        os.set_blocking(self.descriptor, False)
        self._say(READY)

    def alive(self, *, records: bool) -> None:
        """The work goes on."""
        self._say(RECORDS if records else ALIVE)

    def _say(self, sign: bytes) -> None:
        with suppress(BlockingIOError, BrokenPipeError):  # full: it has enough to read
            os.write(self.descriptor, sign)


class ServiceManager:
    """systemd's notification socket (sd_notify(3)): opened before the jail closes."""

    def __init__(self, path: str) -> None:
        """Connect to the socket named by the environment; `@` stands for the abstract kind."""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.setblocking(False)
        with suppress(OSError):
            self._socket.connect("\0" + path[1:] if path.startswith("@") else path)

    def ready(self) -> None:
        """The work begins."""
        self._say(b"READY=1\nSTATUS=starting\n")

    def alive(self, *, records: bool) -> None:
        """The work goes on."""
        status = b"counting" if records else b"no records come"
        self._say(b"WATCHDOG=1\nSTATUS=" + status + b"\n")

    def _say(self, text: bytes) -> None:
        with suppress(OSError):
            self._socket.send(text)


@dataclass(slots=True)
class Pulse:
    """Gives each listener a sign every `PULSE_S` seconds.

    Attributes:
        listeners: who is told.
        clock: monotonic seconds.
    """

    listeners: tuple[Listener, ...]
    clock: Callable[[], float]
    _said_s: float = field(default=-1e9, init=False)
    _records: bool = field(default=False, init=False)

    def ready(self) -> None:
        """The work begins."""
        for listener in self.listeners:
            listener.ready()

    def beat(self, *, records: bool) -> None:
        """The work goes on; called as often as it does."""
        self._records |= records
        if self.clock() - self._said_s < PULSE_S:
            return
        self._said_s = self.clock()
        for listener in self.listeners:
            listener.alive(records=self._records)
        self._records = False


def listeners(descriptor: int | None) -> tuple[Listener, ...]:
    """Who is to be told: the launcher by its pipe, systemd by its socket, both or neither."""
    found: list[Listener] = [] if descriptor is None else [Pipe(descriptor)]
    path = os.environ.pop(NOTIFY_SOCKET, "")
    return (*found, ServiceManager(path)) if path else tuple(found)
