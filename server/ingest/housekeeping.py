"""The thread that lets go of what was kept long enough: in the server's process, once a day.

Workers do none of it, however many there are: dropping parts of tables waits for their readers,
and nobody's batch should.
"""

import logging
import random
import threading

from sqlalchemy import Engine

from server.clock import Clock
from server.logs import event
from server.retention import retain

log = logging.getLogger(__name__)
EVERY_S = 86_400.0
RETRY_S = (60.0, 3600.0)


class Housekeeper:
    """Calls `server.retention.retain` at the start and each day; what fails is tried again.

    Args:
        engine: the database.
        clock: gives the present.
        every_s, retry_s: between two rounds; first and longest pause after one that failed.
    """

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        every_s: float = EVERY_S,
        retry_s: tuple[float, float] = RETRY_S,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._every_s = every_s
        self._retry_s = retry_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, timeout_s: float = 10.0) -> None:
        """Finish the round at hand and end."""
        self._stopping.set()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        pause_s = self._retry_s[0]
        while not self._stopping.is_set():
            try:
                done = retain(self._engine, self._clock())
            except Exception:  # supervisor: nothing else keeps this thread alive
                log.exception("ingest.purge_failed")
                self._stopping.wait(pause_s * random.uniform(0.5, 1.0))  # noqa: S311 jitter
                pause_s = min(2 * pause_s, self._retry_s[1])
            else:
                event(log, logging.INFO, "ingest.purged", parts_made=done.parts_made, **done.gone)
                pause_s = self._retry_s[0]
                self._stopping.wait(self._every_s)
