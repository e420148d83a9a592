"""Writes down later, in batches, what answers need not wait for.

Two things: rows of the access log, and when sessions, tokens and accounts were last used. A
thread writes them every two seconds and at the stop; a server that is killed loses at most
that. Where the database cannot take them they wait; once very many wait, answers wait too,
and what then still cannot be written is counted and reported as lost.
"""

import logging
import threading
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Connection, Engine, bindparam, update
from sqlalchemy.exc import SQLAlchemyError

from server.access.log import Seen, write
from server.database import writer
from server.logs import event
from server.schema.access import account, api_token, session

log = logging.getLogger(__name__)
EVERY_S = 2.0
MOST_WAITING = 5_000
STOP_WITHIN_S = 10.0


class Mark(StrEnum):
    """Of what it is written down when it was last used."""

    SESSION = "session"
    TOKEN = "token"  # noqa: S105 - a word, not a secret
    ACCOUNT = "account"


COLUMNS: Mapping[Mark, tuple[Column[Any], Column[Any]]] = {
    Mark.SESSION: (session.c.sha256, session.c.seen_at),
    Mark.TOKEN: (api_token.c.token_id, api_token.c.used_at),
    Mark.ACCOUNT: (account.c.account_id, account.c.last_seen_at),
}
Used = dict[tuple[Mark, str | UUID], datetime]


class Recorder:
    """Keeps what is to be written, and writes it."""

    def __init__(self, engine: Engine, most_waiting: int = MOST_WAITING) -> None:
        self._engine = engine
        self._most = most_waiting
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._answers: list[Seen] = []
        self._used: Used = {}
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.lost = 0

    def start(self) -> None:
        """Write every two seconds from now on."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write what waits, and end."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(STOP_WITHIN_S)
        self.flush()

    def answered(self, one: Seen) -> bool:
        """Keep an answer; whether so many wait that `flush` is due at once."""
        with self._lock:
            self._answers.append(one)
            return len(self._answers) >= self._most

    def used(self, at: datetime, *what: tuple[Mark, str | UUID]) -> None:
        """Keep when something was last used: a session by its SHA-256, the others by their id."""
        with self._lock:
            self._used.update(dict.fromkeys(what, at))

    def used_at(self, what: Mark, key: str | UUID) -> datetime | None:
        """When something was last used, where that is not written down yet."""
        with self._lock:
            return self._used.get((what, key))

    def flush(self) -> None:
        """Write what waits."""
        with self._writing:
            with self._lock:
                answers, self._answers = self._answers, []
                used = dict(self._used)
            if not answers and not used:
                return
            try:
                with writer(self._engine).begin() as connection:
                    write(connection, answers)
                    _touch(connection, used)
            except SQLAlchemyError as error:
                self._wait_again(answers, error)
                return
            with self._lock:
                for what, at in used.items():
                    if self._used[what] == at:  # not used again meanwhile
                        del self._used[what]

    def _wait_again(self, answers: list[Seen], error: SQLAlchemyError) -> None:
        with self._lock:
            waiting = answers + self._answers
            over = max(0, len(waiting) - 2 * self._most)
            self._answers = waiting[over:]
            self.lost += over
        event(
            log,
            logging.ERROR,
            "access_log.not_written",
            waiting=len(waiting) - over,
            lost=self.lost,
            error=type(error).__name__,
        )

    def _run(self) -> None:
        while not self._stopping.wait(EVERY_S):
            try:
                self.flush()
            except Exception:
                log.exception("access_log.failed")


def _touch(connection: Connection, used: Used) -> None:
    for mark, (key, column) in COLUMNS.items():
        rows = [{"row": one, "at": at} for (what, one), at in used.items() if what is mark]
        if rows:
            statement = update(key.table).where(key == bindparam("row"))
            connection.execute(statement.values({column.name: bindparam("at")}), rows)
