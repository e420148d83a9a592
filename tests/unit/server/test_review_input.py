"""What breaks databases, calendars and addresses is refused in words, on both databases."""

import shutil
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine

from server.access.roles import Role
from server.web.pages import own_path
from tests.unit.server.api_chain import Chain, fill_chain
from tests.unit.server.asgi import Client
from tests.unit.server.test_review_access import api

ENDS = ("0001-01-01T00:00:00+10:00", "9999-12-31T23:59:59-10:00")
BROKEN = ("//[", "http://[x", "/\\evil", "//evil.example", "https://evil.example/", "evil")


@pytest.fixture
def folder() -> Iterator[Path]:
    found = Path(tempfile.mkdtemp())
    yield found
    shutil.rmtree(found)


@pytest.fixture
def chain(either: Engine, folder: Path) -> Chain:
    return fill_chain(either, folder)


@pytest.mark.parametrize("address", BROKEN)
def test_no_address_leads_elsewhere_or_breaks(address: str) -> None:
    assert own_path(address) == "/"


def test_broken_ways_back_lead_to_the_beginning(chain: Chain) -> None:
    nobody = chain.client(None)
    assert nobody.get("/sign-in", {"to": "//["}).status_code == 200
    assert nobody.get("/preferences", {"to": "//["}).headers["location"] == "/"
    form = {"name": "ada", "password": "wrong password", "to": "//["}
    assert nobody.post("/sign-in", form).status_code == 403


def test_instants_at_the_ends_of_the_calendar_are_refused(chain: Chain) -> None:
    client = chain.client(Role.ADMIN)
    for at in ENDS:
        log = client.get("/access-log", {"before": at, "entry": str(uuid4())})
        assert log.status_code == 422, log.text
        asked = {"label": "x", "role": "auditor", "reach": {}, "ends_at": at}
        assert api(client, "POST", "/tokens", asked).status_code == 422


def test_control_signs_are_refused(chain: Chain) -> None:
    client, nobody = chain.client(Role.ADMIN), chain.client(None)
    store = f"/stores/{chain.ids['pudong-1']}"
    end = (chain.clock() + timedelta(days=1)).isoformat()
    for sign in ("\0", "\x1b", "\x7f"):
        bad = f"a{sign}b"
        page = nobody.post("/sign-in", {"name": bad, "password": "x" * 12})
        assert page.status_code in {403, 422}
        token = {"label": bad, "role": "auditor", "reach": "::", "days": "30"}
        assert client.post("/tokens", token).status_code == 422
        asked = {"label": bad, "role": "auditor", "reach": {}, "ends_at": end}
        assert api(client, "POST", "/tokens", asked).status_code == 422
        assert client.post("/accounts", _invitation(bad)).status_code == 422
        note = {"start": "2026-11-20T10:00", "end": "2026-11-20T12:00", "reason": bad}
        assert client.post(f"{store}/notes", note, form=store).status_code == 422


def _invitation(name: str) -> dict[str, object]:
    return {"name": name, "role": "auditor", "reach": "::"}


def test_a_reason_of_two_lines_is_taken(chain: Chain) -> None:
    client: Client = chain.client(Role.ADMIN)
    store = f"/stores/{chain.ids['pudong-1']}"
    note = {"start": "2026-11-20T10:00", "end": "2026-11-20T12:00", "reason": "one\r\ntwo"}
    assert client.post(f"{store}/notes", note, form=store).status_code == 303
