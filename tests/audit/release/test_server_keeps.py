"""A store's week, as the device names it, reaches the server whole, and stands alone there."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from edge.windows.release import STORE_POINT
from firmware_cfg.codec import encode
from firmware_cfg.messages import Level, PointKind, Split, WeekFigures
from server.database import open_database, sqlite_url, writer
from server.identity import apply_identity
from server.identity_file import load_identity
from server.ingest.committing import commit
from server.ingest.reading import read
from server.rollups.job import roll_up
from server.schema.cells import cell, store_week
from server.schema.messages import aside
from server.schema.rollups import rollup
from server.testing import MONDAY, MessageFactory
from tests.unit.server.conftest import IDENTITY

if TYPE_CHECKING:
    from pathlib import Path


def test_it_is_stored_beside_the_cells_and_not_among_them(tmp_path: Path) -> None:
    identity = tmp_path / "identity.toml"
    identity.write_text(IDENTITY, "utf-8")
    engine = open_database(sqlite_url(tmp_path / "server.sqlite"))
    with writer(engine).begin() as connection:
        apply_identity(connection, load_identity(identity))
    factory = MessageFactory()
    one = factory.cell(MONDAY)
    figures = WeekFigures(flawless=Split(yes=80, no=60), attended_percent=85)
    fields = dict(factory.cell(MONDAY, visits=200)) | {
        "point": STORE_POINT,
        "kind": PointKind.STORE,
        "level": Level.WEEK,
        "end": MONDAY + timedelta(days=5),
        "staff": None,
        "week": figures,
    }
    payload = encode(factory.window(one, type(one)(**fields), start=MONDAY))
    commit(engine, [read("encounter/v1/kiosk-1/up/window", payload)], MONDAY)
    with engine.connect() as connection:
        assert [row.visits for row in connection.execute(select(cell))] == [one.visits]
        (kept,) = connection.execute(select(store_week)).all()
        assert connection.execute(select(aside)).all() == []
    roll_up(engine, MONDAY + timedelta(days=7))
    with engine.connect() as connection:
        rolled = connection.execute(select(rollup.c.visits)).scalars().all()
    assert rolled
    assert set(rolled) == {one.visits}
    engine.dispose()
    assert kept.visits == 200
    assert WeekFigures.model_validate(kept.week) == figures
