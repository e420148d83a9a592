"""The edge's one database: opened durable and bounded, moved aside if it is corrupt.

The outbox's messages and the ledger's entries stand in it, each within a bound of its own.
"""

import logging
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from edge.errors import OutboxError, OutboxFullError
from edge.ledger.tables import LEDGER_BYTES, LEDGER_SCHEMA, ledger_bytes

LOG = logging.getLogger(__name__)
SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS message (
    seq INTEGER PRIMARY KEY,
    payload BLOB NOT NULL,
    sha256 TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'settled', 'rejected')),
    reason TEXT NOT NULL DEFAULT '',
    settled_at REAL
);
CREATE INDEX IF NOT EXISTS message_status ON message (status, seq);
"""
WAL_PAGES = 256
RESERVE_PAGES = 64  # so that a full outbox can still be acknowledged, and emptied
_LAYOUT = b"1"


class StateDatabase:
    """The database of one device, for one process and several threads.

    Args:
        path: its file.
        bound_mb: most space of the outbox on disk, MB; the ledger's comes on top.

    Attributes:
        path: its file.
        rebuilt: a corrupt file was moved aside, and this one is new.

    Raises:
        OutboxError: the file cannot be opened.
    """

    def __init__(self, path: Path, bound_mb: int) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._database, self.rebuilt = open_database(path, bound_mb)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One transaction under the lock; rolled back on any error.

        Raises:
            OutboxFullError: no room, in the bound or on the disk.
            OutboxError: the database failed.
        """
        with self._lock:
            try:
                self._database.execute("BEGIN IMMEDIATE")
                yield self._database
                self._database.execute("COMMIT")
            except BaseException as error:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                if isinstance(error, sqlite3.Error):
                    raise _told(error, self.path) from error
                raise

    def forget_the_past(self) -> None:
        """Let the files hold the present state alone, and no page as it was before.

        Deleted content is overwritten (`secure_delete`), but not in the write-ahead log; so the
        log is emptied. Two states of one cell would tell the visits between them.

        Raises:
            OutboxError: the database failed.
        """
        with self._lock:
            try:
                self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            except sqlite3.Error as error:
                raise _told(error, self.path) from error

    def meta(self, key: str) -> bytes:
        """A value kept under a name; empty if there is none."""
        with self._lock:
            return meta(self._database, key)

    def forget_corrupt(self, limit: datetime) -> None:
        """Delete the corrupt file that was moved aside, if that was before `limit`."""
        aside = _aside(self.path)
        try:
            if aside.exists() and aside.stat().st_mtime < limit.timestamp():
                aside.unlink()
                LOG.info("corrupt_database_deleted %s", aside)
        except OSError as error:
            LOG.warning("corrupt_database_not_deleted %s: %s", aside, error)

    def close(self) -> None:
        """Close it."""
        with self._lock:
            self._database.close()


def meta(database: sqlite3.Connection, key: str) -> bytes:
    """A value kept under a name; empty if there is none."""
    row = database.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return row[0] if row is not None and isinstance(row[0], bytes) else b""


def keep_meta(database: sqlite3.Connection, **values: bytes) -> None:
    """Keep values under their names."""
    database.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", values.items())


def open_database(path: Path, bound_mb: int) -> tuple[sqlite3.Connection, bool]:
    """Open or make the database; True if a corrupt one was moved aside for a new one.

    The new one has a new epoch. The latest corrupt file is kept as `<name>.corrupt`, for as
    long as entries of the ledger are; it holds nothing but what was released.

    Raises:
        OutboxError: the folder cannot be written, or the file is of a newer layout.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        return _connect(path, bound_mb), False
    except sqlite3.OperationalError as error:
        raise OutboxError(f"{path}: cannot open the outbox ({error})") from error
    except sqlite3.DatabaseError:
        _move_aside(path)
        return _connect(path, bound_mb), True
    except OSError as error:
        raise OutboxError(f"{path.parent}: cannot make the outbox's folder ({error})") from error


def _connect(path: Path, bound_mb: int) -> sqlite3.Connection:
    database = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=10)
    try:
        _prepare(database, path, bound_mb)
    except BaseException:
        database.close()
        raise
    return database


def _prepare(database: sqlite3.Connection, path: Path, bound_mb: int) -> None:
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("PRAGMA secure_delete = ON")  # a freed page may hold a cell from before
    database.execute("PRAGMA temp_store = MEMORY")  # no folder for temporary files in the jail
    database.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
    database.execute(f"PRAGMA journal_size_limit = {WAL_PAGES * 4096}")
    (verdict,) = database.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise sqlite3.DatabaseError(verdict)
    database.executescript(SCHEMA + LEDGER_SCHEMA)
    (page_bytes,) = database.execute("PRAGMA page_size").fetchone()
    pages = (bound_mb * 1_000_000 + LEDGER_BYTES) // page_bytes - WAL_PAGES
    database.execute(f"PRAGMA max_page_count = {pages}")
    made = (
        ("layout", _LAYOUT),
        ("epoch", secrets.token_hex(8).encode()),
        ("last_seq", b"0"),
    )
    database.executemany("INSERT OR IGNORE INTO meta VALUES (?, ?)", made)
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # see `forget_the_past`
    (layout,) = database.execute("SELECT value FROM meta WHERE key = 'layout'").fetchone()
    if bytes(layout) != _LAYOUT:
        found = bytes(layout)[:20]
        raise OutboxError(f"{path}: expected layout {_LAYOUT!r}, found {found!r}")


def _move_aside(path: Path) -> None:
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    path.replace(_aside(path))


def _aside(path: Path) -> Path:
    return path.with_name(path.name + ".corrupt")


def has_room(database: sqlite3.Connection) -> bool:
    """Whether another message may be stored without touching the reserve or the ledger's room."""
    (pages,) = database.execute("PRAGMA page_count").fetchone()
    (free,) = database.execute("PRAGMA freelist_count").fetchone()
    (most,) = database.execute("PRAGMA max_page_count").fetchone()
    (page_bytes,) = database.execute("PRAGMA page_size").fetchone()
    ledgers_room = max(0, LEDGER_BYTES - ledger_bytes(database)) // page_bytes
    return bool(pages - free < most - RESERVE_PAGES - ledgers_room)


def _told(error: sqlite3.Error, path: Path) -> OutboxError:
    if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
        return OutboxFullError(full(path))
    return OutboxError(f"{path}: {error}")


def full(path: Path) -> str:
    """Says that there is no room."""
    return f"{path}: no room for another message, none was dropped"
