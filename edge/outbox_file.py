"""The outbox's database file: opened durable and bounded, moved aside if it is corrupt."""

import secrets
import sqlite3
from pathlib import Path

from edge.errors import OutboxError

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


def open_database(path: Path, bound_mb: int) -> tuple[sqlite3.Connection, bool]:
    """Open or make the database; True if a corrupt one was moved aside for a new one.

    The new one has a new epoch. The latest corrupt file is kept as `<name>.corrupt`; it
    holds nothing but what was released.

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
    database.execute("PRAGMA temp_store = MEMORY")  # no folder for temporary files in the jail
    database.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
    database.execute(f"PRAGMA journal_size_limit = {WAL_PAGES * 4096}")
    (verdict,) = database.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise sqlite3.DatabaseError(verdict)
    database.executescript(SCHEMA)
    (page_bytes,) = database.execute("PRAGMA page_size").fetchone()
    pages = bound_mb * 1_000_000 // page_bytes - WAL_PAGES
    database.execute(f"PRAGMA max_page_count = {pages}")
    made = (
        ("layout", _LAYOUT),
        ("epoch", secrets.token_hex(8).encode()),
        ("last_seq", b"0"),
    )
    database.executemany("INSERT OR IGNORE INTO meta VALUES (?, ?)", made)
    (layout,) = database.execute("SELECT value FROM meta WHERE key = 'layout'").fetchone()
    if bytes(layout) != _LAYOUT:
        found = bytes(layout)[:20]
        raise OutboxError(f"{path}: expected layout {_LAYOUT!r}, found {found!r}")


def _move_aside(path: Path) -> None:
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    path.replace(path.with_name(path.name + ".corrupt"))


def has_room(database: sqlite3.Connection) -> bool:
    """Whether another message may be stored without touching the reserve."""
    (pages,) = database.execute("PRAGMA page_count").fetchone()
    (free,) = database.execute("PRAGMA freelist_count").fetchone()
    (most,) = database.execute("PRAGMA max_page_count").fetchone()
    return bool(pages - free < most - RESERVE_PAGES)
