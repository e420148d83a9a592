"""Heads of ledgers: kept as they came, the largest of each day, and fit for an auditor's hands."""

import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from edge.cli import main
from edge.outbox import Outbox
from firmware_cfg.codec import decode, encode
from firmware_cfg.messages import LedgerHead
from server.database import writer
from server.errors import NotFoundError
from server.heads import head_of_day, heads_by_day, latest_head
from server.health import health_of
from server.identity import apply_identity
from server.identity_file import load_identity
from server.ingest.committing import commit
from server.ingest.heads import purge_heads
from server.ingest.link import LinkState, LinkStatus
from server.ingest.reading import read
from server.ingest.requeue import requeue
from server.ingest.worker import IngestState
from server.scope import Scope
from server.signing import open_key
from server.testing import MONDAY, FakeClock, MessageFactory, a_head
from server.web.app import make_app
from server.web.parts import Parts
from tests.unit.edge.ledger.conftest import DEVICE, Device
from tests.unit.server.asgi import Client
from tests.unit.server.conftest import IDENTITY

DAY = timedelta(days=1)
OTHER = "00000000000000b2"


def hear(engine: Engine, head: LedgerHead | None, at: datetime, *, retained: bool = False) -> None:
    beat = encode(MessageFactory().health(at, head))
    topic = "encounter/v1/kiosk-1/up/health"
    commit(engine, [read(topic, beat, retained=retained)], at)


def kept(engine: Engine) -> list[tuple[int, str]]:
    with engine.connect() as connection:
        found = heads_by_day(connection, Scope.everything(), "kiosk-1")
    return [((one.day - MONDAY.date()).days, f"{one.head.size}") for one in found]


def latest(engine: Engine) -> LedgerHead:
    with engine.connect() as connection:
        return latest_head(connection, Scope.everything(), "kiosk-1").head


def client_of(engine: Engine, folder: Path, now: datetime = MONDAY) -> Client:
    link = LinkStatus(LinkState.CONNECTED, now)
    health = health_of(engine, lambda: link, IngestState)
    return Client(make_app(Parts(engine, open_key(folder), FakeClock(now), lambda: health)))


def test_the_latest_and_one_a_day_are_kept(engine: Engine) -> None:
    for hours, size in ((1, 5), (2, 9), (23, 30), (25, 31), (47, 60)):
        hear(engine, a_head(size), MONDAY + timedelta(hours=hours))
    assert kept(engine) == [(1, "60"), (0, "30")]
    assert latest(engine) == a_head(60)


def test_a_ledger_that_is_set_back_does_not_wipe_out_the_evidence(engine: Engine) -> None:
    hear(engine, a_head(500), MONDAY)
    hear(engine, a_head(300), MONDAY + timedelta(hours=1))
    hear(engine, a_head(3, OTHER), MONDAY + timedelta(hours=2))
    assert latest(engine) == a_head(3, OTHER)
    assert kept(engine) == [(0, "3"), (0, "500")]
    with engine.connect() as connection:
        assert head_of_day(connection, Scope.everything(), "kiosk-1", MONDAY.date()).head.size == 3


def test_after_90_days_a_head_goes_and_the_latest_stays(engine: Engine) -> None:
    hear(engine, a_head(5), MONDAY)
    for days, left in ((90, [(0, "5")]), (91, [])):
        with writer(engine).begin() as connection:
            purge_heads(connection, MONDAY + days * DAY)
        assert kept(engine) == left
    assert latest(engine).size == 5


def test_a_heartbeat_without_a_head_and_a_retained_one_change_nothing(engine: Engine) -> None:
    hear(engine, None, MONDAY)
    hear(engine, a_head(7), MONDAY, retained=True)
    assert kept(engine) == []
    with pytest.raises(NotFoundError, match="has sent no head"):
        latest(engine)


def test_heads_of_a_device_that_nobody_claimed_move_with_it(empty: Engine, tmp_path: Path) -> None:
    hear(empty, a_head(5), MONDAY)
    hear(empty, a_head(50), MONDAY + DAY)
    path = tmp_path / "identity.toml"
    path.write_text(IDENTITY, "utf-8")
    with writer(empty).begin() as connection:
        apply_identity(connection, load_identity(path))
    with pytest.raises(NotFoundError):
        latest(empty)
    hear(empty, a_head(70), MONDAY + DAY + timedelta(hours=1))
    requeue(empty, MONDAY)
    assert latest(empty).size == 70
    assert kept(empty) == [(1, "70"), (0, "5")]


def test_the_store_page_and_the_api_show_the_head(engine: Engine, tmp_path: Path) -> None:
    client = client_of(engine, tmp_path)
    assert client.get("/api/v1/devices").json()["items"][0]["ledger"] is None
    missing = client.get("/api/v1/devices/kiosk-1/ledger-head")
    assert (missing.status_code, missing.json()["status"]) == (404, 404)
    hear(engine, a_head(309), MONDAY)
    (device,) = client.get("/api/v1/devices").json()["items"]
    assert device["ledger"]["day"] == "2026-11-16"
    assert device["ledger"]["head"]["size"] == 309
    (store,) = client.get("/api/v1/stores").json()["items"]
    html = client.get(f"/stores/{store['store_id']}").text
    assert ">309 entries</a>, window 16 November 08:00, " in html
    assert f">{a_head(309).root[:8]}…</code>" in html
    chinese = client.get(f"/stores/{store['store_id']}", headers={"Accept-Language": "zh"}).text
    assert "309 条</a>，窗口 11月16日 08:00" in chinese


def test_a_head_from_the_api_is_what_ledger_verify_takes(
    empty: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "identity.toml"
    path.write_text(IDENTITY.replace("kiosk-1", DEVICE), "utf-8")
    with writer(empty).begin() as connection:
        apply_identity(connection, load_identity(path))
    database = tmp_path / "outbox.sqlite"
    device = Device(Outbox(database, 4, DEVICE, None), database)
    device.start()
    topic = f"encounter/v1/{DEVICE}/up/health"
    commit(empty, [read(topic, device.beat(30))], device.now)
    older = tmp_path / "older.sqlite"
    device.outbox.close()
    shutil.copy(database, older)
    device = Device(Outbox(database, 4, DEVICE, None), database, device.now)
    for _ in range(3):
        commit(empty, [read(topic, device.beat(30))], device.now)
    device.outbox.close()
    client, base = client_of(empty, tmp_path), f"/api/v1/devices/{DEVICE}/ledger-head"
    day = device.now.astimezone(UTC).date()
    for address in (base, f"{base}s/{day}"):
        answer = client.get(address)
        assert answer.status_code == 200
        assert isinstance(decode(LedgerHead, answer.content), LedgerHead)
        file = tmp_path / "head.json"
        file.write_bytes(answer.content)
        verify = ["ledger", "verify", "--head", str(file), "--database"]
        assert main([*verify, str(database)]) == 0
        assert "1 head kept elsewhere compared" in capsys.readouterr().out
        assert main([*verify, str(older)]) == 1
        assert "set back to an older state" in capsys.readouterr().out
    assert client.get(f"{base}s/{date(2020, 1, 1)}").status_code == 404
    assert client.get("/api/v1/devices/nobody/ledger-heads").status_code == 404
