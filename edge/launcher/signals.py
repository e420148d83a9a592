"""Signals of the launcher: a wish to stop, and the death of a child, as a readable descriptor."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Self

WISHES = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals:
    """While entered: `stop_asked` is set by a wish, and `descriptor` is readable by any signal."""

    def __init__(self) -> None:
        """Nothing is installed yet."""
        self.stop_asked = False
        self.descriptor = -1

    def __enter__(self) -> Self:
        """Install."""
        self.descriptor, self._writer = os.pipe()
        for end in (self.descriptor, self._writer):
            os.set_blocking(end, False)
        self._wakeup = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        self._before = {number: signal.signal(number, self._wish) for number in WISHES}
        self._before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, _noted)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Restore what was there."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup)
        os.close(self.descriptor)
        os.close(self._writer)

    def clear(self) -> None:
        """Forget what made `descriptor` readable."""
        with suppress(BlockingIOError):
            os.read(self.descriptor, 4096)

    def _wish(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self.stop_asked = True


def _noted(number: int, frame: FrameType | None) -> None:
    """Nothing to do here: `descriptor` has become readable."""
    del number, frame
