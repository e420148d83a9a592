"""A database in memory's place, one organisation with a store, a counter and a queue."""

import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from uuid import uuid4

import pytest
from argon2 import PasswordHasher
from sqlalchemy import Engine

from server.access import passwords
from server.database import open_database, sqlite_url, writer
from server.identity import Change, apply_identity
from server.identity.finding import organisation_by_key
from server.identity_file import Identity, load_identity
from server.web.pages import Renderer
from tests.postgres import MIGRATED, Postgres, is_there, running
from tests.unit.server.identity_larger import NOW
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
_MORE = """
[[store.point]]
key = "till-2"
kind = "service_point"
label = "Till 2"

[[store]]
key = "puxi-1"
organisation = "acme"
name = "Puxi"
timezone = "Asia/Shanghai"

[[store.point]]
key = "counter"
kind = "service_point"
label = "Counter"

[[device]]"""
LARGER = IDENTITY.replace("\n[[device]]", _MORE)

RECORDED = (
    "test_api",
    "test_ingest",
    "test_pages",
    "test_pages_changes",
    "test_pages_overview",
    "test_rollups",
    "test_rollups_due",
    "test_rollups_standings",
    "test_suppression",
    "test_web",
    "test_weeks",
    "test_worker",
)

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture(scope="session", autouse=True)
def _templates_are_compiled_once() -> Iterator[None]:
    """Many applications in one process: what fills their pages has no state, and is made once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("server.web.app.Renderer", cache(Renderer))
        yield


@pytest.fixture(autouse=True)
def _passwords_cost_little(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A password takes 64 MiB and a sixth of a second, by design; here in `test_accounts` alone."""
    if request.path.stem != "test_accounts":
        monkeypatch.setattr(passwords, "_hasher", CHEAP)
        monkeypatch.setattr(passwords, "NOBODYS", CHEAP.hash(str(uuid4())))


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


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database of ours in a file, to make copies of."""
    path = tmp_path_factory.mktemp("migrated") / "encounter.db"
    engine = open_database(sqlite_url(path))
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path


@pytest.fixture
def empty(tmp_path: Path, migrated: Path) -> Iterator[Engine]:
    path = tmp_path / "encounter.db"
    shutil.copy(migrated, path)
    engine = open_database(sqlite_url(path))
    yield engine
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """An empty database of ours, on each engine."""
    if request.param == "sqlite":
        empty: Engine = request.getfixturevalue("empty")
        yield empty
        return
    server: Postgres = request.getfixturevalue("postgres")
    engine = open_database(server.new_database(MIGRATED))
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One database for many examples, each with an organisation of its own."""
    engine = open_database(sqlite_url(tmp_path_factory.mktemp("shared") / "encounter.db"))
    yield engine
    engine.dispose()


@pytest.fixture
def engine(empty: Engine, identity: Identity) -> Engine:
    with writer(empty).begin() as connection:
        apply_identity(connection, identity)
    return empty


@pytest.fixture
def larger(empty: Engine, tmp_path: Path) -> tuple[Engine, Identity]:
    """Two stores, and the identity that they were made from."""
    path = tmp_path / "larger.toml"
    path.write_text(LARGER, "utf-8")
    identity = load_identity(path)
    with writer(empty).begin() as connection:
        apply_identity(connection, identity)
    return empty, identity


@pytest.fixture
def change(larger: tuple[Engine, Identity]) -> Iterator[Change]:
    with writer(larger[0]).begin() as connection:
        yield Change(connection, organisation_by_key(connection, "acme"), "Ada", NOW)
