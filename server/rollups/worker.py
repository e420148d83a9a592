"""The thread that makes roll-ups while the server runs."""

import logging
import random
import threading
from datetime import datetime, timedelta
from time import monotonic

from sqlalchemy import Engine

from server.clock import Clock
from server.logs import event
from server.rollups.ended import mark_ended_weeks
from server.rollups.job import roll_up

log = logging.getLogger(__name__)
EVERY_S = 10.0
WEEKS_EVERY = timedelta(minutes=15)
RETRY_S = (1.0, 60.0)


class RollupWorker:
    """Makes what is due, again and again; whatever fails is tried again later.

    Attributes:
        failing: whether the last attempt failed.
        last_at: when the last one that did not fail ended; none before it.
    """

    def __init__(self, engine: Engine, clock: Clock, every_s: float = EVERY_S) -> None:
        self.failing = False
        self.last_at: datetime | None = None
        self._engine = engine
        self._clock = clock
        self._every_s = every_s
        self._stopping = threading.Event()
        self._weeks_at: datetime | None = None
        self._thread = threading.Thread(target=self._run, name="rollups", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, timeout_s: float = 10.0) -> None:
        """Finish the transaction at hand and end."""
        self._stopping.set()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        wait_s = RETRY_S[0]
        while not self._stopping.is_set():
            try:
                more = self._round()
            except Exception:  # supervisor: nothing else keeps this thread alive
                self.failing = True
                log.exception("rollups.failed")
                self._stopping.wait(wait_s * random.uniform(0.5, 1.0))  # noqa: S311 jitter
                wait_s = min(wait_s * 2, RETRY_S[1])
            else:
                self.failing = False
                self.last_at = self._clock()
                wait_s = RETRY_S[0]
                self._stopping.wait(0.0 if more else self._every_s)

    def _round(self) -> bool:
        """Do a little, so that a stop is heeded soon; whether there may be more."""
        began, now = monotonic(), self._clock()
        if self._weeks_at is None or now - self._weeks_at >= WEEKS_EVERY:
            mark_ended_weeks(self._engine, self._weeks_at, now)
            self._weeks_at = now
        done = roll_up(self._engine, now, limit=200)
        if done:
            took_s = round(monotonic() - began, 3)
            event(log, logging.INFO, "rollups.made", marks=done, took_s=took_s)
        return done > 0
