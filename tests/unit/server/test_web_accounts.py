"""The administrator's page: inviting, changing, disabling; nothing beyond the own reach."""

import re
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, select

from server.access import accounts
from server.access.gate import Gate
from server.access.reach import Reach
from server.access.roles import Role
from server.database import writer
from server.errors import NotFoundError
from server.health import health_of
from server.ingest.link import LinkState, LinkStatus
from server.ingest.worker import IngestState
from server.schema.identity import organisation
from server.signing import open_key
from server.testing import MONDAY, FakeClock
from server.web.app import make_app
from server.web.parts import Parts
from tests.access import an_account
from tests.unit.server.asgi import Client

LINK = re.compile(r"http://127\.0\.0\.1/link/([\w-]+)")
PASSWORD = "three warm words"  # noqa: S105 a test's
HERE = "192.0.2.7"
EVERYTHING = "::"


@pytest.fixture
def client(engine: Engine, tmp_path: Path) -> Client:
    link = LinkStatus(LinkState.CONNECTED, MONDAY)
    health = health_of(engine, lambda: link, IngestState)
    return Client(make_app(Parts(engine, open_key(tmp_path), FakeClock(MONDAY), lambda: health)))


@pytest.fixture
def acme(engine: Engine) -> UUID:
    with engine.connect() as connection:
        found: UUID = connection.execute(select(organisation.c.org_id)).scalar_one()
        return found


def gate_of(client: Client) -> Gate:
    found: Gate = client.app.state.gate
    return found


def account(client: Client, name: str) -> accounts.Account:
    with gate_of(client).engine.connect() as connection:
        found = accounts.by_name(connection, name)
    assert found is not None
    return found


def invite(client: Client, name: str = "Grace", role: str = "auditor", *reach: str) -> str:
    data: dict[str, object] = {"name": name, "role": role, "reach": list(reach) or [EVERYTHING]}
    return client.post("/accounts", data).text


def test_an_invited_account_chooses_its_password_by_the_link(client: Client, acme: UUID) -> None:
    found = LINK.search(invite(client, "Grace", "regional_manager", f"{acme}::"))
    assert found is not None
    one = account(client, "grace")
    assert (one.role, one.reaches, one.has_password) == (
        Role.REGIONAL_MANAGER,
        (Reach(acme),),
        False,
    )
    gate = gate_of(client)
    link, name = gate.link(found[1], HERE)
    assert name == "grace"
    caller = gate.by_session(gate.use_link(link, None, PASSWORD))
    assert caller is not None
    assert caller.scope.org_ids == {acme}


@pytest.mark.parametrize(
    ("name", "role", "reach", "words"),
    [
        ("ada", "auditor", [EVERYTHING], "Choose another name"),
        ("<b>", "auditor", [EVERYTHING], "A name has 2 to 64"),
        ("grace", "auditor", ["nonsense"], "at least one place"),
        ("grace", "auditor", [f"{uuid4()}::"], "at least one place"),
        ("grace", "auditor", [f":{uuid4()}:"], "at least one place"),
    ],
)
def test_wrong_invitations_are_explained(
    client: Client, name: str, role: str, reach: list[str], words: str
) -> None:
    answer = client.post("/accounts", {"name": name, "role": role, "reach": reach})
    assert (answer.status_code, words in answer.text) == (422, True)
    assert "&lt;b&gt;" in answer.text or name != "<b>"


def test_role_and_reach_are_changed(client: Client, acme: UUID) -> None:
    invite(client)
    path = f"/accounts/{account(client, 'grace').account_id}/role"
    data: dict[str, object] = {"role": "store_manager", "reach": [f"{acme}::"]}
    assert client.post(path, data, form="/accounts").status_code == 303
    one = account(client, "grace")
    assert (one.role, one.reaches) == (Role.STORE_MANAGER, (Reach(acme),))


def test_an_account_is_disabled_and_enabled(client: Client) -> None:
    invite(client)
    path = f"/accounts/{account(client, 'grace').account_id}"
    assert client.post(path + "/disable", form="/accounts").status_code == 303
    assert account(client, "grace").disabled_at == MONDAY
    assert "disabled" in client.get("/accounts").text
    assert client.post(path + "/enable", form="/accounts").status_code == 303
    assert account(client, "grace").disabled_at is None


def test_nobody_takes_away_the_own_account(client: Client) -> None:
    client.get("/accounts")
    path = f"/accounts/{account(client, 'ada').account_id}"
    assert client.post(path + "/disable", form="/accounts").status_code == 422
    change: dict[str, object] = {"role": "auditor", "reach": [EVERYTHING]}
    assert client.post(path + "/role", change, form="/accounts").status_code == 422
    one = account(client, "ada")
    assert (one.disabled_at, one.role) == (None, Role.ADMIN)


def test_an_organisations_administrator_stays_inside_it(client: Client, acme: UUID) -> None:
    engine = gate_of(client).engine
    other = uuid4()
    with writer(engine).begin() as connection:
        connection.execute(organisation.insert().values(org_id=other, slug="x", name="Elsewhere"))
    above = an_account(engine, MONDAY, name="above")
    beside = an_account(engine, MONDAY, name="beside", reaches=[Reach(other)])
    both = an_account(engine, MONDAY, name="both", reaches=[Reach(other), Reach(acme)])
    client.reaches = [Reach(acme)]
    shown = client.get("/accounts").text
    for name in ("above", "beside", "both", "Elsewhere"):
        assert name not in shown
    for account_id in (above, beside, both, uuid4()):
        for action in ("link", "disable", "enable", "role"):
            data: dict[str, object] = {"role": "auditor", "reach": [f"{acme}::"]}
            answer = client.post(f"/accounts/{account_id}/{action}", data, form="/accounts")
            assert answer.status_code == 404, action
    for reach in (EVERYTHING, f"{other}::"):
        data = {"name": "grace", "role": "admin", "reach": [reach]}
        assert client.post("/accounts", data).status_code == 422
    data = {"name": "grace", "role": "admin", "reach": [f"{acme}::"]}
    assert client.post("/accounts", data).status_code == 200


def test_a_new_link_ends_the_one_before(client: Client) -> None:
    first = LINK.search(invite(client))
    path = f"/accounts/{account(client, 'grace').account_id}/link"
    second = LINK.search(client.post(path, form="/accounts").text)
    assert first is not None
    assert second is not None
    gate = gate_of(client)
    assert gate.link(second[1], HERE)[1] == "grace"
    with pytest.raises(NotFoundError):
        gate.link(first[1], HERE)
