"""Opening the database: SQLite in WAL mode by default, PostgreSQL by its URL.

A write transaction on SQLite begins IMMEDIATE, so that what it reads first cannot change
before it writes; commits are synchronous (FULL), since an acknowledgement is a promise that
outlives a power cut.
"""

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from server.errors import DatabaseError
from server.migrating import migrate

BUSY_TIMEOUT_MS = 10_000
DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}


def sqlite_url(path: Path) -> str:
    """URL of an SQLite file."""
    return f"sqlite:///{path}"


def open_database(url: str) -> Engine:
    """Engine for `url`, with the schema in place: an older one is brought up to date.

    Raises:
        DatabaseError: a URL that names no engine of ours; a schema that is not this product's,
            or that a newer version has changed beyond what this one can use.
    """
    engine = open_engine(url)
    migrate(engine)
    return engine


def open_engine(url: str) -> Engine:
    """Engine for `url`, whatever is in the database.

    Raises:
        DatabaseError: a URL that names no engine of ours.
    """
    try:
        asked = make_url(url)
    except ArgumentError:
        raise DatabaseError("--database: expected a URL such as sqlite:////srv/e.db") from None
    driver = DRIVERS.get(asked.get_backend_name())
    if driver is None:
        raise DatabaseError(
            f"--database: expected sqlite:// or postgresql://, found {asked.get_backend_name()}://"
        )
    sqlite = driver == "sqlite"
    engine = create_engine(asked.set(drivername=driver), pool_pre_ping=not sqlite)
    if sqlite:
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def writer(engine: Engine) -> Engine:
    """The same engine, for transactions that write."""
    return engine.execution_options(writes=True)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    if not isinstance(connection, sqlite3.Connection):
        return
    connection.isolation_level = None
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        f"busy_timeout = {BUSY_TIMEOUT_MS}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
