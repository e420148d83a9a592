"""A database in memory's place, one organisation with a store, a counter and a queue."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from server.database import open_database, sqlite_url, writer
from server.identity import apply_identity
from server.identity_file import Identity, load_identity
from tests.postgres import MIGRATED, Postgres, is_there, running
from tests.unit.server.statements import recorded, without_organisation

IDENTITY = """
[[organisation]]
key = "acme"
name = "Acme"

[[region]]
key = "china"
organisation = "acme"
name = "China"

[[region]]
key = "east"
organisation = "acme"
name = "East"
parent = "china"

[[store]]
key = "pudong-1"
organisation = "acme"
region = "east"
name = "Pudong"
timezone = "Asia/Shanghai"
opening.mon = ["08:00-12:00", "13:00-20:00"]

[[store.point]]
key = "counter"
kind = "service_point"
label = "Counter"

[[store.point]]
key = "line"
kind = "queue"
label = "Line"

[[device]]
id = "kiosk-1"
organisation = "acme"
store = "pudong-1"
assignment = [{ local = "counter-1", point = "counter" }, { local = "line", point = "line" }]
"""

RECORDED = (
    "test_api",
    "test_ingest",
    "test_pages",
    "test_pages_changes",
    "test_pages_overview",
    "test_rollups",
    "test_suppression",
    "test_web",
    "test_weeks",
    "test_worker",
)


@pytest.fixture(autouse=True)
def _organisation_is_named(request: pytest.FixtureRequest) -> Iterator[None]:
    """Each statement of pages, API, ingest and roll-ups names the organisation it is about."""
    if request.path.stem not in RECORDED:
        yield
        return
    with recorded() as statements:
        yield
    found = {one: tables for one in statements if (tables := without_organisation(one))}
    assert not found, "expected org_id of each spread table in the statement's conditions"


@pytest.fixture
def identity_path(tmp_path: Path) -> Path:
    path = tmp_path / "identity.toml"
    path.write_text(IDENTITY, "utf-8")
    return path


@pytest.fixture
def identity(identity_path: Path) -> Identity:
    return load_identity(identity_path)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL, with one migrated database to make copies of."""
    if not is_there():
        pytest.skip("no PostgreSQL on this machine")
    with running() as server:
        server.make_template()
        yield server


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(sqlite_url(tmp_path / "encounter.db"))
    yield engine
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database of ours, on each engine."""
    if request.param == "sqlite":
        engine = open_database(sqlite_url(tmp_path / "encounter.db"))
    else:
        server: Postgres = request.getfixturevalue("postgres")
        engine = open_database(server.new_database(MIGRATED))
    yield engine
    engine.dispose()


@pytest.fixture
def engine(empty: Engine, identity: Identity) -> Engine:
    with writer(empty).begin() as connection:
        apply_identity(connection, identity)
    return empty
