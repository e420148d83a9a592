"""A server that knows no cells of a store's week keeps them whole, and shows them nowhere."""

from __future__ import annotations

import zlib
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from edge.windows.release import STORE_POINT
from firmware_cfg.messages import Level, PointKind, Split, WeekFigures, Window, decode, encode
from server.database import open_database, sqlite_url, writer
from server.identity import apply_identity
from server.identity_file import load_identity
from server.ingest.committing import commit
from server.ingest.reading import read
from server.tables import AsideReason, aside, cell
from server.testing import MONDAY, MessageFactory
from tests.unit.server.conftest import IDENTITY

if TYPE_CHECKING:
    from pathlib import Path


def test_it_is_kept_aside_and_the_others_are_stored(tmp_path: Path) -> None:
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
        (kept,) = connection.execute(select(aside)).all()
    engine.dispose()
    assert kept.reason == AsideReason.UNASSIGNED_POINT.value
    window = decode(Window, zlib.decompress(kept.payload))
    assert window.cells[kept.cell_index].week == figures
