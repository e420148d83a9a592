"""Stopping on a signal: in order at the first, at once at the second.

SIGTERM or Ctrl-C ──► HTTP: no new connections, answers at hand are finished (5 s)
──► ingest: the batch at hand is committed and acknowledged (10 s)
──► roll-ups: the transaction at hand is finished
──► status 0
a second one      ──► status 1, at once: nothing that was promised is lost, since what was
not acknowledged comes again
"""

import os
import signal
from types import FrameType

import uvicorn

from server.errors import ServerError

HURRIED = 1
SIGNALS = (signal.SIGTERM, signal.SIGINT)


class HttpServer(uvicorn.Server):
    """Drops its connections at the second signal, whichever that is."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Note a signal."""
        self.force_exit = self.force_exit or self.should_exit
        super().handle_exit(sig, frame)


def serve(server: uvicorn.Server) -> None:
    """Serve until a signal; one that comes after this returns ends the process at once.

    uvicorn raises the signals that it noted once more when it is done, the first one too.

    Raises:
        ServerError: the address could not be listened at.
    """
    noted = 0

    def note(_number: int, _frame: FrameType | None) -> None:
        nonlocal noted
        noted += 1
        if noted > 1:
            os._exit(HURRIED)

    for number in SIGNALS:
        signal.signal(number, note)
    server.run()
    if not server.started:
        raise ServerError("could not listen for HTTP; the log says why")
