"""Bringing the schema up to date, step by step (Alembic).

A step first only *expands*: it adds tables, and columns that may be empty, so that the version
before it still runs beside it. What became superfluous is taken away by a step of a later
release (`CONTRACTS = True` in its file). So a server can go back by one release, data and all.

| schema found | what becomes of it |
|---|---|
| none | made |
| older | brought up to date, one step after another, under a lock |
| newer by steps that only expand | used as it is |
| of a release that contracted since, or not ours | refused |

Newer steps leave their number of contractions in `schema_contractions`, since an older server
has not their files.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect, text

from server.errors import DatabaseError
from server.parts_of_time import make_parts

SCRIPTS = Path(__file__).parent / "migrations"
LOCK = 0x656E636F756E7465
"""PostgreSQL's advisory lock: two servers that start at once migrate one after the other."""


def migrate(engine: Engine, to: str = "head") -> tuple[str | None, str | None]:
    """Bring the schema to the step `to` (`head`: the latest; `-1`: one back).

    Returns:
        the steps before and after.

    Raises:
        DatabaseError: a schema that this version cannot use.
    """
    with engine.execution_options(writes=True).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
        before = step_now(connection)
        _check(connection, before)
        if to != "head" or before is None or before in known_steps():
            _change(connection, to)
        make_parts(connection)
        return before, step_now(connection)


def step_now(connection: Connection) -> str | None:
    """The step that the schema stands at; none in an empty database."""
    return MigrationContext.configure(connection).get_current_revision()


def latest_step() -> str | None:
    """The latest step that this version knows."""
    return _scripts().get_current_head()


def _check(connection: Connection, step: str | None) -> None:
    tables = inspect(connection).get_table_names()
    if step is None and tables:
        raise DatabaseError(
            f"the database has tables ({', '.join(sorted(tables)[:3])}, …) but no record of "
            "migrations: it is another product's, or older than the first release; expected an "
            "empty one. Devices send again what they still have, 35 days of it"
        )
    if step is None or step in known_steps():
        return
    found = connection.execute(text("SELECT max(contractions) FROM schema_contractions")).scalar()
    if (found or 0) > contractions():
        raise DatabaseError(
            f"the database's schema ({step}) is newer than this version, which knows "
            f"{latest_step()}: start the version that made it, or go back with its `migrate --to`"
        )


def known_steps() -> set[str]:
    """The steps that this version knows."""
    return {one.revision for one in _scripts().walk_revisions()}


def contractions() -> int:
    """How many of the steps that this version knows take something away."""
    return sum(getattr(one.module, "CONTRACTS", False) for one in _scripts().walk_revisions())


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(SCRIPTS))


def _change(connection: Connection, to: str) -> None:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(SCRIPTS))
    if to.startswith("-"):
        command.downgrade(config, to)
        return
    command.upgrade(config, to)
