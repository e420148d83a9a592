"""The fleet: those that need somebody come first, and who was retired raises no alarm."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, insert, select, update

from firmware_cfg.messages import Coverage
from server.database import writer
from server.health import health_of
from server.ingest.link import LinkState, LinkStatus
from server.ingest.worker import IngestState
from server.schema.cells import window
from server.schema.fleet import device_status
from server.schema.identity import device, store
from server.signing import open_key
from server.testing import MONDAY, FakeClock
from server.web.app import make_app
from server.web.parts import Parts
from tests.unit.server.asgi import Client

NOW = MONDAY + timedelta(hours=4)
WELL: dict[str, Any] = {
    "online": True,
    "faults": [],
    "clock": "synchronised",
    "certificate_days": 200,
    "disk_free_mb": 5_000,
    "last_sign_at": NOW,
    "health_at": NOW,
}


@pytest.fixture
def client(engine: Engine, tmp_path: Path) -> Client:
    link = LinkStatus(LinkState.CONNECTED, NOW)
    health = health_of(engine, lambda: link, IngestState)
    return Client(make_app(Parts(engine, open_key(tmp_path), FakeClock(NOW), lambda: health)))


def add(connection: Connection, name: str, *, sends: bool = True, **special: Any) -> None:
    """A device that is well, but for what is special about it."""
    row = connection.execute(select(store.c.org_id, store.c.store_id)).one()
    here = {"org_id": row.org_id, "device": name}
    labelled = {"store_id": row.store_id, "label": f"it-{name}"}
    connection.execute(insert(device).values(**here, **labelled))
    connection.execute(insert(device_status).values(here | WELL | special))
    if sends:
        start = NOW - timedelta(hours=3)
        times = {"start_at": start, "end_at": start + timedelta(minutes=30)}
        key = {"epoch": "0" * 16, "sequence": 1}
        said = {"coverage": Coverage.PARTIAL.value, "clock": "synchronised", "invalid": []}
        connection.execute(insert(window).values(here | times | key | said))


def test_those_that_need_somebody_come_first(engine: Engine, client: Client) -> None:
    with writer(engine).begin() as connection:
        connection.execute(update(device).values(label="it-never"))
        add(connection, "fine-1")
        add(connection, "fine-2")
        add(connection, "full", disk_free_mb=3)
        add(connection, "mute", sends=False)
        add(connection, "over", certificate_days=-5)
        add(connection, "silent", last_sign_at=NOW - timedelta(hours=2))
        add(connection, "soon", certificate_days=12)
        add(connection, "wrong", clock="estimated")
    html = client.get("/fleet").text
    found = re.findall(r'/devices/[^"]+">it-([a-z0-9-]+)<', html)
    assert found == ["silent", "never", "over", "soon", "full", "mute", "wrong", "fine-1", "fine-2"]


def test_a_retired_device_is_marked_and_no_alarm(engine: Engine, client: Client) -> None:
    with writer(engine).begin() as connection:
        add(connection, "old", last_sign_at=NOW - timedelta(days=33))
        was = update(device).where(device.c.device == "old")
        connection.execute(was.values(retired_at=NOW - timedelta(days=33)))
        path = f"/stores/{connection.execute(select(store.c.store_id)).scalar_one()}"
    assert "it-old" not in client.get("/fleet").text
    row = client.get(path).text.partition("it-old</th>")[2].partition("</tr>")[0]
    assert "replaced or retired since Wednesday 14 October 2026" in row
    assert "alive" not in row
    assert "起已更换或停用" in client.get(path, headers={"Accept-Language": "zh"}).text
    items = client.get("/api/v1/devices").json()["items"]
    told = {one["device"]: one["retired_at"] for one in items}
    assert told["old"].startswith("2026-10-14T")
    assert told["kiosk-1"] is None
