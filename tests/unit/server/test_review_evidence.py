"""Reports and heads stay with the store where the device stood; a move takes none along."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from firmware_cfg.codec import encode
from server import audit_reports
from server.access.reach import Reach
from server.access.roles import Role
from server.database import writer
from server.identity import Change, move_device
from server.ingest.committing import commit
from server.ingest.reading import read
from server.scope import Scope
from server.testing import MessageFactory, a_head
from tests.unit.server.api_chain import NOW, REPORT, Chain, open_chain
from tests.unit.server.asgi import Client

REPORTS = "/api/v1/devices/kiosk-1/audit-reports"
HEADS = "/api/v1/devices/kiosk-1/ledger-heads"


@dataclass
class Moved:
    """A chain in which the first store's device went to the second one."""

    chain: Chain
    old: Client
    new: Client


@pytest.fixture
def moved(tmp_path: Path) -> Moved:
    chain = open_chain(tmp_path)
    acme = chain.ids["acme"]
    with writer(chain.engine).begin() as connection:
        change = Change(connection, acme, "grace", NOW)
        move_device(change, "kiosk-1", chain.ids["puxi-1"], {}, NOW)
    puxi = Reach(acme, store_id=chain.ids["puxi-1"])
    return Moved(
        chain,
        chain.client(Role.AUDITOR, chain.reach("pudong"), name="old"),
        chain.client(Role.AUDITOR, puxi, name="new"),
    )


def devices(client: Client, path: str = "/api/v1/audit-reports") -> list[str]:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return [one["device"] for one in answer.json()["items"]]


def test_a_report_stays_with_its_store(moved: Moved) -> None:
    assert devices(moved.old) == devices(moved.old, REPORTS) == ["kiosk-1"]
    assert (devices(moved.new), devices(moved.new, REPORTS)) == (["kiosk-2"], [])
    (own,) = moved.old.get("/api/v1/audit-reports").json()["items"]
    assert own["store_id"] == str(moved.chain.ids["pudong-1"])
    text = f"{REPORTS}/{own['report_id']}"
    assert moved.old.get(text).content == REPORT
    assert moved.new.get(text).status_code == 404
    page = f"/stores/{moved.chain.ids['pudong-1']}/privacy"
    assert own["report_id"] in moved.old.get(page).text
    assert moved.old.get(f"{page}/audit-reports/{own['report_id']}").content == REPORT
    other = f"/stores/{moved.chain.ids['puxi-1']}/privacy"
    assert own["report_id"] not in moved.new.get(other).text
    for client in (moved.new, moved.chain.client(Role.ADMIN)):
        answer = client.get(f"{other}/audit-reports/{own['report_id']}")
        assert answer.status_code == 404


def test_the_same_report_from_the_new_store_is_one_of_its_own(moved: Moved) -> None:
    acme = moved.chain.ids["acme"]
    with writer(moved.chain.engine).begin() as connection:
        made = audit_reports.hand_in(connection, acme, "kiosk-1", REPORT, by="new", now=NOW)
        again = audit_reports.hand_in(connection, acme, "kiosk-1", REPORT, by="else", now=NOW)
    assert (made.handed_in_by, again) == ("new", made)
    assert devices(moved.old, REPORTS) == devices(moved.new, REPORTS) == ["kiosk-1"]
    with moved.chain.engine.connect() as connection:
        every = audit_reports.reports(connection, Scope.everything(), org_id=acme, name="kiosk-1")
    assert len(every) == 2


@pytest.mark.parametrize("later", [timedelta(hours=1), timedelta(days=1)])
def test_heads_stay_with_the_store_where_the_device_stood(moved: Moved, later: timedelta) -> None:
    """Also of the day of the move itself, though later heads are larger."""
    beat = encode(MessageFactory("kiosk-1").health(NOW + later, a_head(70)))
    topic = "encounter/v1/kiosk-1/up/health"
    commit(moved.chain.engine, [read(topic, beat)], NOW + later)

    def sizes(client: Client) -> list[int]:
        answer = client.get(HEADS)
        assert answer.status_code == 200, answer.text
        return [one["head"]["size"] for one in answer.json()["items"]]

    assert (sizes(moved.old), sizes(moved.new)) == ([7], [70])
    assert sizes(moved.chain.client(Role.ADMIN)) == [70, 7]
    latest = "/api/v1/devices/kiosk-1/ledger-head"
    assert moved.old.get(latest).json()["size"] == 7
    assert moved.new.get(latest).json()["size"] == 70
    page = f"/stores/{moved.chain.ids['puxi-1']}/privacy"
    shown = moved.new.get(page).text
    assert a_head(70).root in shown
    assert "Heads by day: 1, kiosk-1" in shown


def test_the_head_of_before_a_move_is_not_the_new_stores(moved: Moved) -> None:
    assert moved.new.get("/api/v1/devices/kiosk-1/ledger-head").status_code == 404
    (here,) = (
        one
        for one in moved.new.get("/api/v1/devices").json()["items"]
        if one["device"] == "kiosk-1"
    )
    assert here["ledger"] is None


def test_who_never_had_the_device_finds_neither(moved: Moved) -> None:
    other = moved.chain.client(Role.AUDITOR, moved.chain.reach("other"), name="other")
    for path in (REPORTS, HEADS, "/api/v1/devices/kiosk-1/ledger-head"):
        assert other.get(path).status_code == 404
