"""Opening the database: SQLite in WAL mode by default, PostgreSQL by its URL.

A write transaction on SQLite begins IMMEDIATE, so that what it reads first cannot change
before it writes; commits are synchronous (FULL), since an acknowledgement is a promise that
outlives a power cut.
"""

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event

from server.tables import metadata

BUSY_TIMEOUT_MS = 10_000


def sqlite_url(path: Path) -> str:
    """URL of an SQLite file."""
    return f"sqlite:///{path}"


def open_database(url: str) -> Engine:
    """Engine for `url`, with the schema in place."""
    engine = create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    metadata.create_all(writer(engine))
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
