"""Steps with a chain's data in the database: back by one and forth, and killed in the middle."""

import subprocess
import sys
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, MetaData, inspect, select

from server.access import links
from server.database import open_database, open_engine, sqlite_url, writer
from server.migrating import latest_step, migrate, step_now
from server.simulating.chain import planned_chain
from server.simulating.loading import Target, load_chain
from tests.postgres import MIGRATED, Postgres

NOW = datetime(2026, 11, 23, 5, tzinfo=UTC)
OF_THE_LAST_STEP = {
    "access_log",
    "account",
    "account_reach",
    "api_token",
    "one_time_link",
    "session",
}
KILLED = """\
import sys, time
from server import migrating
from server.database import open_engine
def stop(_connection):
    print("all steps done, nothing committed", flush=True)
    time.sleep(60)
migrating.make_parts = stop
migrating.migrate(open_engine(sys.argv[1]))
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with two weeks of a small chain in it."""
    if request.param == "sqlite":
        found = sqlite_url(tmp_path / "encounter.db")
    else:
        server: Postgres = request.getfixturevalue("postgres")
        found = server.new_database(MIGRATED)
    engine = open_database(found)
    chain = planned_chain(1, 14, 3, date(2026, 11, 9))
    load_chain(chain, Target(engine, 1, NOW), lambda _: None)
    engine.dispose()
    return found


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    one = open_engine(url)
    yield one
    one.dispose()


def content(engine: Engine, *, without: AbstractSet[str] = frozenset()) -> dict[str, list[str]]:
    """All rows of all tables but those, and of parts of tables, which their tables have."""
    whole = MetaData()
    names = set(inspect(engine).get_table_names()) - without - {"alembic_version"}
    whole.reflect(engine, only=[one for one in names if not one.rpartition("_")[2].isdecimal()])
    with engine.connect() as connection:
        return {
            name: sorted(map(repr, connection.execute(select(table)).all()))
            for name, table in whole.tables.items()
            if not name.endswith("_other")
        }


def test_a_step_back_and_forth_keeps_a_chains_data(engine: Engine) -> None:
    with writer(engine).begin() as connection:
        links.make(connection, None, NOW)
    before = content(engine)
    assert min(len(before[name]) for name in ("cell", "window", "rollup")) > 50
    assert before["one_time_link"]
    assert migrate(engine, "-1") == ("0003", "0002")
    kept = {name: rows for name, rows in before.items() if name not in OF_THE_LAST_STEP}
    assert content(engine) == kept
    assert migrate(engine) == ("0002", latest_step())
    assert content(engine, without=OF_THE_LAST_STEP) == kept
    assert content(engine)["one_time_link"] == []


def test_a_migration_that_is_killed_has_changed_nothing(engine: Engine, url: str) -> None:
    migrate(engine, "-1")
    before = content(engine)
    order = [sys.executable, "-c", KILLED, url]
    with subprocess.Popen(order, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"all steps done, nothing committed\n"
        process.kill()
    with engine.connect() as connection:
        assert step_now(connection) == "0002"
    assert content(engine) == before
    assert migrate(engine) == ("0002", latest_step())
    assert content(engine, without=OF_THE_LAST_STEP) == before
