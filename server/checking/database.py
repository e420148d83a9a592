"""The database itself: opened so that nothing can be changed, whole, and of this version."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from sqlalchemy import Connection, create_engine, func, inspect, select, text

from server.backup import Place
from server.checking.findings import Finding, fails, holds, none_of, not_checked
from server.database import BUSY_TIMEOUT_MS, open_engine
from server.errors import DatabaseError
from server.migrating import latest_step, step_now
from server.parts_of_time import parted
from server.schema.columns import NO_ORGANISATION
from server.schema.identity import organisation
from server.schema.whole import SPREAD

INTEGRITY, SCHEMA, PARTS = "database is whole", "schema", "rows have a part of time"


@contextmanager
def reading(place: Place) -> Iterator[Connection]:
    """A connection that can only read, and sees one instant throughout.

    Raises:
        DatabaseError: there is no database.
    """
    if place.is_sqlite:
        if not place.sqlite_file.exists():
            raise DatabaseError(f"{place.sqlite_file}: no database there")
        engine = create_engine("sqlite://", creator=lambda: _open_file(place.sqlite_file))
        options = {}
    else:
        engine = open_engine(place.database_url)
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    try:
        with engine.connect().execution_options(**options) as connection:
            yield connection
    finally:
        engine.dispose()


def _open_file(path: Path) -> sqlite3.Connection:
    found = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    found.isolation_level = None
    found.execute("PRAGMA query_only = ON")
    found.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    found.execute("BEGIN")
    return found


def check_schema(connection: Connection) -> Finding:
    """Whether the schema stands where this version has it."""
    now, latest = step_now(connection), latest_step()
    if now == latest:
        return holds(SCHEMA, f"step {now}")
    return fails(SCHEMA, f"step {now}, expected {latest}; see `encounter-server migrate --check`")


def check_integrity(connection: Connection) -> Finding:
    """Whether every page and index can be read and agrees."""
    if connection.dialect.name == "sqlite":
        said = connection.execute(text("PRAGMA integrity_check(20)")).scalars().all()
        return none_of(INTEGRITY, (one for one in said if one != "ok"), "integrity_check: ok")
    rows = sum(count_rows(connection).values())
    indexes = _amcheck(connection)
    by_amcheck = "extension amcheck is not there" if indexes is None else f"amcheck: {indexes}"
    return holds(INTEGRITY, f"{rows} rows read; indexes: {by_amcheck}")


def count_rows(connection: Connection) -> dict[str, int]:
    """Rows of each spread table, read one organisation after another."""
    orgs = organisations(connection)
    return {
        table.name: sum(
            connection.execute(
                select(func.count()).select_from(table).where(table.c.org_id == org_id)
            ).scalar_one()
            for org_id in orgs
        )
        for table in SPREAD
    }


def organisations(connection: Connection) -> list[UUID]:
    """The organisations, and the one that stands for none."""
    ids = connection.execute(select(organisation.c.org_id)).scalars()
    return [*ids, NO_ORGANISATION]


def check_parts(connection: Connection) -> Finding:
    """Whether the parts for what lies outside of all parts are empty."""
    if connection.dialect.name != "postgresql":
        return not_checked(PARTS, "SQLite has no parts")
    there = set(inspect(connection).get_table_names())
    found = []
    for table in parted():
        name = f"{table.name}_other"
        if name in there:
            count = connection.execute(text(f'SELECT count(*) FROM "{name}"')).scalar_one()  # noqa: S608 our own name
            found += [f"{name}: {count} rows"] if count else []
    return none_of(PARTS, found, "the parts for all other times are empty")


def _amcheck(connection: Connection) -> int | None:
    """Check the indexes of our tables by PostgreSQL's amcheck; how many; none without it."""
    there = "SELECT 1 FROM pg_extension WHERE extname = 'amcheck'"
    if connection.execute(text(there)).scalar() is None:
        return None
    checked = connection.execute(
        text(
            "SELECT bt_index_check(c.oid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
            "JOIN pg_am a ON a.oid = c.relam JOIN pg_class t ON t.oid = i.indrelid "
            "WHERE a.amname = 'btree' AND c.relkind = 'i' AND i.indisvalid "
            "AND t.relnamespace = current_schema()::regnamespace"
        )
    )
    return len(checked.all())
