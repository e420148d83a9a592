"""One server at a time on a state folder and a database.

Two would sign with two keys, give out two first links, and take each other's connection to the
broker.

| what | held by | ends |
|---|---|---|
| the state folder | a lock on `server.lock` in it | with the process |
| an SQLite file | a lock on `FILE.lock` beside it | with the process |
| a PostgreSQL database | an advisory lock of a session of its own | with the session |

    free ──► held ──session lost──► away ──database answers, nobody has it──► held
                                     └──database answers, another has it──► lost: the server stops

Away, the server goes on: its database is away, too. What two servers commit in the seconds until
one of them knows is safe: keys and row locks in the database decide, not this lease.
"""

import fcntl
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from server.backup import Place
from server.database import open_engine
from server.errors import LeaseError
from server.logs import event

log = logging.getLogger(__name__)
LOCK_FILE = "server.lock"
KEY = {"one": 0x656E636F, "two": 0x756E7465}
"""PostgreSQL's advisory lock, of two numbers; migrating has another."""
_SETTINGS = {
    "idle_session_timeout": "0",
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}
"""Of the session: a machine that vanished holds nothing for more than a minute."""
WAIT_S = 8.0
"""A server that was killed a moment ago may still hold it."""
LOOK_EACH_S = 5.0
STOP_WITHIN_S = 5.0
_TRY_S = 0.25


@contextmanager
def only_server(
    place: Place,
    on_loss: Callable[[], None],
    *,
    wait_s: float = WAIT_S,
    look_each_s: float = LOOK_EACH_S,
) -> Iterator[None]:
    """Hold the state folder and the database while the block runs.

    Args:
        place: both.
        on_loss: called once, from another thread, when another server has the database; it is
            to end the block.
        wait_s: how long another one is waited for.
        look_each_s: how often the session at PostgreSQL is looked at.

    Raises:
        LeaseError: another server has it; at the start, or at the end of the block.
    """
    until_s = time.monotonic() + wait_s
    with ExitStack() as stack:
        for path in _lock_files(place):
            stack.enter_context(_file_held(path, until_s))
        if place.is_sqlite:
            yield
            return
        session = Session(place.database_url, until_s)
        stack.callback(session.close)
        watch = _Watch(session, on_loss, look_each_s)
        stack.callback(watch.stop)
        yield
        watch.check()


def stop_process() -> None:
    """End this process in order, as SIGTERM does."""
    os.kill(os.getpid(), signal.SIGTERM)


def _lock_files(place: Place) -> list[Path]:
    found = [place.state_dir / LOCK_FILE]
    if place.is_sqlite and place.sqlite_file.name:  # none of a database in memory
        found.append(place.sqlite_file.with_name(place.sqlite_file.name + ".lock"))
    return found


@contextmanager
def _file_held(path: Path, until_s: float) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while not _locked(descriptor):
            if time.monotonic() > until_s:
                holder = os.read(descriptor, 100).decode("ascii", "replace").strip()
                raise LeaseError(
                    f"{path}: another server runs here (process {holder or 'unknown'}); "
                    "expected one at a time. Stop that one first"
                )
            time.sleep(_TRY_S)
        os.truncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode("ascii"))
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class Session:
    """A session at PostgreSQL that holds the database for this server.

    Args:
        url: the database.
        until_s: until when, by `time.monotonic`, another one is waited for.

    Raises:
        LeaseError: another server holds it.
    """

    def __init__(self, url: str, until_s: float) -> None:
        self._engine = open_engine(url)
        self._connection: Connection | None = None
        try:
            self._take_by(until_s)
        except BaseException:
            self.close()
            raise

    def _take_by(self, until_s: float) -> None:
        while not self.take():
            if time.monotonic() > until_s:
                raise LeaseError(
                    f"another server runs on this database ({self._holder()}); expected one at "
                    "a time. Stop that one first"
                )
            time.sleep(_TRY_S)

    def stands(self) -> bool:
        """Whether the session still answers; with it, the lock is held."""
        if self._connection is None:
            return False
        try:
            self._connection.execute(text("SELECT 1"))
        except SQLAlchemyError:
            self._drop()
            return False
        return True

    def take(self) -> bool:
        """Take the lock in a new session; whether nobody else has it."""
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        self._connection = connection
        name = f"encounter-server on {socket.gethostname()}, process {os.getpid()}"
        for setting, value in (_SETTINGS | {"application_name": name[:63]}).items():
            told = {"name": setting, "value": value}
            connection.execute(text("SELECT set_config(:name, :value, false)"), told)
        if connection.execute(text("SELECT pg_try_advisory_lock(:one, :two)"), KEY).scalar_one():
            return True
        self._drop()
        return False

    def _holder(self) -> str:
        """Who has it, as its session says."""
        with self._engine.connect() as connection:
            row = connection.execute(
                text(
                    "SELECT a.application_name FROM pg_locks l "
                    "JOIN pg_stat_activity a USING (pid) JOIN pg_database d ON d.oid = l.database "
                    "WHERE l.locktype = 'advisory' AND l.granted AND d.datname = "
                    "current_database() AND l.classid = :one AND l.objid = :two AND l.objsubid = 2"
                ),
                KEY,
            ).first()
        return "it has just ended" if row is None else row.application_name or "of another role"

    def _drop(self) -> None:
        if self._connection is not None:
            with suppress(SQLAlchemyError):
                self._connection.invalidate()
                self._connection.close()
            self._connection = None

    def close(self) -> None:
        """Let go."""
        self._drop()
        self._engine.dispose()


class _Watch:
    """Looks at the session again and again, and takes the lock anew where it was lost."""

    def __init__(self, session: Session, on_loss: Callable[[], None], look_each_s: float) -> None:
        self._session = session
        self._on_loss = on_loss
        self._look_each_s = look_each_s
        self._lost = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lease", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End looking, though a database that is away may still be waited for."""
        self._stopping.set()
        self._thread.join(STOP_WITHIN_S)

    def check(self) -> None:
        """Say whether another server has the database.

        Raises:
            LeaseError: it has.
        """
        if self._lost:
            raise LeaseError("another server took this database while it was away from this one")

    def _run(self) -> None:
        while not self._stopping.wait(self._look_each_s):
            if self._session.stands():
                continue
            try:
                self._lost = not self._session.take()
            except SQLAlchemyError:
                continue  # still away
            if self._lost:
                event(log, logging.CRITICAL, "server.lease_lost")
                self._on_loss()
                return
            event(log, logging.WARNING, "server.lease_taken_again")
