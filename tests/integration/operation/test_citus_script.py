"""distribute.sql as PostgreSQL reads it, with Citus's two functions played by our own.

Citus itself is in no package of Debian. What it would refuse can be asked of PostgreSQL's
catalogue: a unique index of a spread table, or of a part of one, without the distribution
column; that column of another type than the first table's; a foreign key between the two kinds.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from server.database import open_engine
from tests.postgres import BINARIES, MIGRATED, is_there, running

SCRIPT = Path(__file__).parents[3] / "deploy" / "server" / "citus" / "distribute.sql"
EXTENSION = "CREATE EXTENSION IF NOT EXISTS citus;"
PLAYED = """
CREATE TABLE told (kind text, name regclass, by text, beside text);
CREATE FUNCTION create_reference_table(name regclass) RETURNS void LANGUAGE sql AS
$$INSERT INTO told VALUES ('reference', name, NULL, NULL)$$;
CREATE FUNCTION create_distributed_table(name regclass, by text, colocate_with text)
RETURNS void LANGUAGE sql AS $$INSERT INTO told VALUES ('spread', name, by, colocate_with)$$;
CREATE VIEW spread AS WITH RECURSIVE whole AS (
  SELECT name::oid, by FROM told WHERE kind = 'spread'
  UNION SELECT i.inhrelid, s.by FROM pg_inherits i JOIN whole s ON i.inhparent = s.name
) SELECT * FROM whole;
"""
UNIQUE_WITHOUT = """SELECT indexrelid::regclass::text FROM pg_index JOIN spread s
ON indrelid = s.name WHERE indisunique AND NOT EXISTS (SELECT FROM pg_attribute a
WHERE a.attrelid = s.name AND a.attname = s.by AND a.attnum = ANY (indkey))"""
TYPES = """SELECT DISTINCT atttypid::regtype::text FROM pg_attribute JOIN spread s
ON attrelid = s.name AND attname = s.by"""
FOREIGN_KEYS = "SELECT conname FROM pg_constraint WHERE contype = 'f'"
OURS = """SELECT count(*) FROM pg_class c WHERE relkind IN ('r', 'p') AND NOT relispartition
AND relnamespace = 'public'::regnamespace AND relname NOT IN ('told', 'alembic_version')"""


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    if not is_there():
        pytest.skip("no PostgreSQL on this machine")
    with running() as server:
        server.make_template()
        url = server.new_database(MIGRATED)
        engine = open_engine(url)
        try:
            with engine.begin() as connection:
                connection.execute(text(PLAYED))
            done = run_script(url)
            assert done.returncode == 0, done.stderr
            with engine.connect() as connection:
                yield connection
        finally:
            engine.dispose()


def run_script(url: str) -> subprocess.CompletedProcess[str]:
    script = SCRIPT.read_text("utf-8")
    assert script.count(EXTENSION) == 1
    order = [str(BINARIES[-1] / "psql"), "-d", url, "-v", "ON_ERROR_STOP=1", "-q", "-f", "-"]
    told = script.replace(EXTENSION, "")
    return subprocess.run(order, input=told, capture_output=True, text=True, check=False)


def asked(connection: Connection, question: str) -> list[object]:
    return list(connection.execute(text(question)).scalars())


def test_postgresql_runs_the_script_and_it_tells_of_every_table(connection: Connection) -> None:
    kinds = asked(connection, "SELECT kind FROM told")
    assert len(kinds) == asked(connection, OURS)[0]
    assert {"reference", "spread"} == set(kinds)


def test_nothing_in_the_catalogue_would_be_refused(connection: Connection) -> None:
    assert asked(connection, UNIQUE_WITHOUT) == []
    assert asked(connection, TYPES) == ["uuid"]
    assert asked(connection, FOREIGN_KEYS) == []
    first = "SELECT beside FROM told WHERE kind = 'spread' ORDER BY name::text = 'access_log' DESC"
    assert set(asked(connection, first)) == {"none", "access_log"}


def test_a_key_without_the_column_would_be_found(connection: Connection) -> None:
    with connection.begin_nested():
        connection.execute(text("CREATE UNIQUE INDEX planted ON device (device)"))
        assert asked(connection, UNIQUE_WITHOUT) == ["planted"]
    connection.rollback()
