"""The schema's steps, on both engines: made, equal to what the code says, one back, newer."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, create_engine, inspect, text

from server import parts_of_time
from server.database import open_database, open_engine, sqlite_url, writer
from server.errors import DatabaseError
from server.migrating import latest_step, migrate
from server.schema.whole import SPREAD, metadata
from tests.postgres import Postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def bare(request: pytest.FixtureRequest, tmp_path: Path) -> Engine:
    if request.param == "sqlite":
        return open_engine(sqlite_url(tmp_path / "bare.db"))
    server: Postgres = request.getfixturevalue("postgres")
    return open_engine(server.new_database())


def test_steps_lead_to_the_schema_of_the_code(either: Engine) -> None:
    parts = {table.name for table in parts_of_time.parted()}
    with either.connect() as connection:
        options = {"compare_type": True, "include_object": lambda _o, name, kind, *_: not (
            kind == "table" and any(name.startswith(f"{one}_") for one in parts)
            and name not in metadata.tables)}  # fmt: skip
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []


def test_every_spread_table_begins_its_key_with_the_organisation() -> None:
    for table in SPREAD:
        assert next(column.name for column in table.primary_key) == "org_id", table.name


def test_every_parted_table_has_its_time_in_its_key() -> None:
    for table in parts_of_time.parted():
        assert table.info["by_time"] in table.primary_key.columns, table.name


def test_one_step_back_and_forth_keeps_the_rows(bare: Engine) -> None:
    migrate(bare)
    with writer(bare).begin() as connection:
        connection.execute(
            text("INSERT INTO device_owner VALUES ('kiosk-1', :org)"),
            {"org": "00000000000000000000000000000001"},
        )
    assert migrate(bare, "-1") == ("0003", "0002")
    assert "account" not in inspect(bare).get_table_names()
    assert migrate(bare) == ("0002", latest_step())
    with bare.connect() as connection:
        assert connection.execute(text("SELECT device FROM device_owner")).scalar() == "kiosk-1"
    bare.dispose()


def test_migrating_twice_changes_nothing(bare: Engine) -> None:
    migrate(bare)
    assert migrate(bare) == (latest_step(), latest_step())
    bare.dispose()


def test_a_newer_schema_that_only_expanded_is_used(bare: Engine) -> None:
    migrate(bare)
    _claim_step(bare, "9999")
    assert migrate(bare) == ("9999", "9999")
    bare.dispose()


def test_a_newer_schema_that_contracted_is_refused(bare: Engine) -> None:
    migrate(bare)
    _claim_step(bare, "9999")
    with writer(bare).begin() as connection:
        connection.execute(text("INSERT INTO schema_contractions VALUES (1)"))
    with pytest.raises(DatabaseError, match="newer than this version"):
        migrate(bare)
    bare.dispose()


def test_a_database_of_something_else_is_refused(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "other.db")
    other = create_engine(url)
    with other.begin() as connection:
        connection.execute(text("CREATE TABLE recipes (name TEXT)"))
    other.dispose()
    with pytest.raises(DatabaseError, match="recipes"):
        open_database(url)


@pytest.mark.parametrize("url", ["mysql://localhost/encounter", "encounter.db", "oracle://x"])
def test_other_engines_are_refused(url: str) -> None:
    with pytest.raises(DatabaseError, match="expected"):
        open_engine(url)


def _claim_step(engine: Engine, step: str) -> None:
    with writer(engine).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :step"), {"step": step})
