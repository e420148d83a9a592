"""The demo's chain and its two devices can stand in one database."""

import sys
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from server.cli import parser
from server.clock import now_utc
from server.database import open_database, sqlite_url, writer
from server.identity import apply_identity
from server.identity_file import load_identity
from server.schema.identity import organisation, region, store
from server.simulating.chain import planned_chain
from server.simulating.where import make_identity

DEMO = Path(__file__).parents[3] / "deploy" / "demo"


@pytest.fixture
def demo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(DEMO))
    for name in ("demo", "sites"):
        monkeypatch.delitem(sys.modules, name, raising=False)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_database(sqlite_url(tmp_path / "encounter.db"))


@pytest.mark.usefixtures("demo")
def test_the_chain_that_the_demo_asks_for_can_be_asked_for() -> None:
    import demo  # noqa: PLC0415 found by the fixture

    chosen = parser().parse_args(["simulate", "--state", "state", *demo.CHAIN])
    assert chosen.organisation == "demo"
    assert chosen.stores >= 10


@pytest.mark.usefixtures("demo")
def test_the_chain_and_the_devices_are_of_one_organisation(engine: Engine, tmp_path: Path) -> None:
    import sites  # noqa: PLC0415 found by the fixture

    today = now_utc().date()
    chain = planned_chain(12, 28, 7, today - timedelta(days=28), "demo")
    path = sites.write_identity(tmp_path, DEMO / "square.toml", str(sites.VIDEO))
    with writer(engine).begin() as connection:
        make_identity(connection, chain, now_utc())
        assert apply_identity(connection, load_identity(path), now_utc()) == ()
        (row,) = connection.execute(select(organisation)).all()
        stores = set(connection.execute(select(store.c.slug)).scalars())
        regions = set(connection.execute(select(region.c.slug)).scalars())
    assert (row.slug, row.name) == ("demo", "Encounter demo")
    assert {"lotus", "video", "store-0000", "store-0011"} <= stores
    assert {"east", "west", "germany", "kansai"} <= regions
    engine.dispose()
