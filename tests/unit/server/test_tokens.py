"""API tokens: their form, what they may do, how they end, and how much they may ask."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, select

from server.access import accounts, tokens
from server.access.buckets import Buckets
from server.access.errors import RefusedError, TooManyError
from server.access.gate import Gate
from server.access.reach import Reach
from server.access.recorder import Recorder
from server.access.roles import Role
from server.access.tokens import MOST, Wanted, checksum, is_wellformed, new_token
from server.database import writer
from server.health import health_of
from server.ingest.link import LinkState, LinkStatus
from server.ingest.worker import IngestState
from server.schema.access import api_token
from server.schema.identity import store
from server.signing import open_key
from server.testing import MONDAY, FakeClock
from server.web.app import make_app
from server.web.parts import Parts
from tests.access import a_caller, an_account
from tests.unit.server.asgi import Client

HERE = "192.0.2.7"
MONTH = MONDAY + timedelta(days=30)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(MONDAY)


@pytest.fixture
def gate(engine: Engine, clock: FakeClock) -> Gate:
    return Gate(engine, clock, Recorder(engine))


@pytest.fixture
def client(engine: Engine, clock: FakeClock, tmp_path: Path) -> Client:
    link = LinkStatus(LinkState.CONNECTED, MONDAY)
    health = health_of(engine, lambda: link, IngestState)
    return Client(make_app(Parts(engine, open_key(tmp_path), clock, lambda: health)), role=None)


def make(gate: Gate, account_id: UUID, **wanted: Any) -> str:
    caller = a_caller(gate.engine, account_id)
    usual = Wanted("report", caller.role, Reach(), MONTH)
    with writer(gate.engine).begin() as connection:
        return tokens.make(connection, caller, replace(usual, **wanted), gate.clock())[1]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def the_store(engine: Engine) -> Reach:
    with engine.connect() as connection:
        row = connection.execute(select(store)).one()
    return Reach(row.org_id, store_id=row.store_id)


def test_a_token_is_recognised_without_asking_anybody() -> None:
    made = {new_token() for _ in range(50)}
    assert len(made) == 50
    for token in made:
        assert re.fullmatch(r"enc_[0-9A-Za-z]{49}", token)
        assert is_wellformed(token)
        assert not is_wellformed(token[:-1] + ("a" if token[-1] != "a" else "b"))
        assert not is_wellformed(token[:10] + ("a" if token[10] != "a" else "b") + token[11:])
    for text in ("", "enc_", "enc_" + "0" * 43, "ENC_" + "0" * 43 + checksum("0" * 43)):
        assert not is_wellformed(text)
    assert is_wellformed("enc_" + "0" * 43 + checksum("0" * 43))


def test_a_token_brings_its_account_in_its_own_reach(gate: Gate) -> None:
    account_id = an_account(gate.engine, MONDAY)
    reach = the_store(gate.engine)
    token = make(gate, account_id, role=Role.STORE_MANAGER, reach=reach)
    caller = gate.by_token(token, HERE)
    assert caller is not None
    assert (caller.name, caller.role, caller.way) == ("ada", Role.STORE_MANAGER, "token")
    assert not caller.scope.all_organisations
    assert {one.id for one in caller.scope.stores} == {reach.store_id}


@pytest.mark.parametrize(
    "wrong", ["x", "enc_x", new_token(), ""], ids=["x", "short", "unknown", "none"]
)
def test_other_texts_bring_nobody(gate: Gate, wrong: str) -> None:
    make(gate, an_account(gate.engine, MONDAY))
    assert gate.by_token(wrong, HERE) is None


def test_only_its_hash_is_kept(gate: Gate) -> None:
    token = make(gate, an_account(gate.engine, MONDAY))
    with gate.engine.connect() as connection:
        assert token not in str(connection.execute(select(api_token)).all())


@pytest.mark.parametrize(
    ("role", "wanted", "reason"),
    [
        (Role.STORE_MANAGER, {"role": Role.REGIONAL_MANAGER}, "role"),
        (Role.REGIONAL_MANAGER, {"role": Role.AUDITOR}, "role"),
        (Role.AUDITOR, {"role": Role.ADMIN}, "role"),
        (Role.ADMIN, {"reach": Reach(uuid4())}, "reach"),
        (Role.ADMIN, {"reach": Reach(region_id=uuid4())}, "reach"),
        (Role.ADMIN, {"ends_at": MONDAY}, "end"),
        (Role.ADMIN, {"ends_at": MONDAY + timedelta(days=366)}, "end"),
        (Role.ADMIN, {"label": " "}, "label"),
        (Role.ADMIN, {"label": "x" * 81}, "label"),
    ],
)
def test_nobody_makes_a_token_above_oneself(
    gate: Gate, role: Role, wanted: dict[str, Any], reason: str
) -> None:
    account_id = an_account(gate.engine, MONDAY, role)
    with pytest.raises(RefusedError) as refused:
        make(gate, account_id, **wanted)
    assert refused.value.reason == reason


def test_a_token_reaches_no_further_than_its_maker(gate: Gate) -> None:
    reach = the_store(gate.engine)
    account_id = an_account(gate.engine, MONDAY, Role.STORE_MANAGER, [reach])
    for wider in (Reach(), Reach(reach.org_id)):
        with pytest.raises(RefusedError, match="inside your own"):
            make(gate, account_id, reach=wider)
    assert make(gate, account_id, reach=reach)


def test_a_token_ends_in_time_and_when_it_is_revoked(gate: Gate, clock: FakeClock) -> None:
    account_id = an_account(gate.engine, MONDAY)
    one, other = make(gate, account_id), make(gate, account_id)
    with writer(gate.engine).begin() as connection:
        found = tokens.find(connection, one)
        assert found is not None
        tokens.revoke(connection, account_id, found.token_id, MONDAY)
    assert gate.by_token(one, HERE) is None
    assert gate.by_token(other, HERE) is not None
    clock.at = MONTH
    assert gate.by_token(other, HERE) is None


def test_a_token_loses_what_its_account_loses(gate: Gate) -> None:
    account_id = an_account(gate.engine, MONDAY)
    token = make(gate, account_id, role=Role.AUDITOR)
    reach = the_store(gate.engine)
    with writer(gate.engine).begin() as connection:
        accounts.set_reaches(connection, account_id, [reach])
    caller = gate.by_token(token, HERE)
    assert caller is not None
    assert {one.id for one in caller.scope.stores} == {reach.store_id}
    assert not caller.scope.all_organisations
    with writer(gate.engine).begin() as connection:
        accounts.set_role(connection, account_id, Role.STORE_MANAGER)
    assert gate.by_token(token, HERE) is None
    with writer(gate.engine).begin() as connection:
        accounts.set_role(connection, account_id, Role.AUDITOR)
        accounts.disable(connection, account_id, MONDAY)
    assert gate.by_token(token, HERE) is None


def test_guessing_tokens_waits(gate: Gate) -> None:
    for _ in range(20):
        assert gate.by_token(new_token(), HERE) is None
    with pytest.raises(TooManyError):
        gate.by_token(new_token(), HERE)
    token = make(gate, an_account(gate.engine, MONDAY))
    assert gate.by_token(token, "198.51.100.1") is not None


def test_the_api_takes_tokens_and_pages_do_not(client: Client, gate: Gate) -> None:
    token = make(gate, an_account(gate.engine, MONDAY))
    assert client.get("/api/v1/stores", headers=bearer(token)).status_code == 200
    assert client.get("/api/v1/stores", headers={"Authorization": token}).status_code == 401
    assert client.get("/api/v1/stores", params={"token": token}).status_code == 401
    assert client.get("/", headers=bearer(token)).status_code == 303
    assert client.get("/accounts", headers=bearer(token)).status_code == 303


def test_a_token_is_made_used_and_revoked_over_the_api(client: Client, gate: Gate) -> None:
    own = bearer(make(gate, an_account(gate.engine, MONDAY)))
    asked = {"label": "child", "role": "auditor", "reach": {}, "ends_at": "2026-12-01T00:00:00Z"}
    made = client.send("POST", "/api/v1/tokens", json=asked, headers=own)
    assert made.status_code == 201, made.text
    child = bearer(made.json()["token"])
    assert client.get("/api/v1/stores", headers=child).status_code == 200
    client.app.state.gate.recorder.flush()
    items = client.get("/api/v1/tokens", headers=own).json()["items"]
    (listed,) = [one for one in items if one["label"] == "child"]
    assert listed["token_id"] == made.json()["token_id"]
    assert listed["used_at"] == MONDAY.isoformat().replace("+00:00", "Z")
    assert made.json()["token"] not in str(items)
    later = asked | {"ends_at": "2027-06-01T00:00:00Z"}
    assert client.send("POST", "/api/v1/tokens", json=later, headers=own).status_code == 422
    gone = client.send("DELETE", f"/api/v1/tokens/{listed['token_id']}", headers=own)
    assert gone.status_code == 204
    assert client.get("/api/v1/stores", headers=child).status_code == 401
    unknown = client.send("DELETE", f"/api/v1/tokens/{uuid4()}", headers=own)
    assert unknown.status_code == 404


def test_a_token_takes_those_made_with_it_along(client: Client, gate: Gate) -> None:
    account_id = an_account(gate.engine, MONDAY)
    chain = [make(gate, account_id)]
    asked = {"label": "child", "role": "admin", "reach": {}, "ends_at": MONTH.isoformat()}
    for _ in range(2):
        made = client.send("POST", "/api/v1/tokens", json=asked, headers=bearer(chain[-1]))
        chain.append(made.json()["token"])
    with writer(gate.engine).begin() as connection:
        first = tokens.find(connection, chain[0])
        assert first is not None
        tokens.revoke(connection, account_id, first.token_id, MONDAY)
    assert [gate.by_token(one, HERE) for one in chain] == [None, None, None]


def test_nobody_revokes_anothers_token(client: Client, gate: Gate) -> None:
    adas = make(gate, an_account(gate.engine, MONDAY))
    eves = make(gate, an_account(gate.engine, MONDAY, name="eve"))
    (listed,) = client.get("/api/v1/tokens", headers=bearer(adas)).json()["items"]
    path = f"/api/v1/tokens/{listed['token_id']}"
    assert client.send("DELETE", path, headers=bearer(eves)).status_code == 404
    assert client.get("/api/v1/stores", headers=bearer(adas)).status_code == 200


def test_a_flood_is_told_when_to_come_again(client: Client, gate: Gate) -> None:
    client.app.state.gate.buckets = Buckets(a_second=0.5, at_once=3)
    own = bearer(make(gate, an_account(gate.engine, MONDAY)))
    answers = [client.get("/api/v1/stores", headers=own) for _ in range(4)]
    assert [one.status_code for one in answers] == [200, 200, 200, 429]
    assert answers[-1].headers["retry-after"] == "2"
    assert answers[-1].headers["content-type"] == "application/problem+json"
    second = bearer(make(gate, an_account(gate.engine, MONDAY)))
    assert client.get("/api/v1/stores", headers=second).status_code == 429, "of one account"
    eves = bearer(make(gate, an_account(gate.engine, MONDAY, name="eve")))
    assert client.get("/api/v1/stores", headers=eves).status_code == 200


def test_an_account_has_so_many_tokens_at_most(gate: Gate, clock: FakeClock) -> None:
    mine = an_account(gate.engine, MONDAY)
    for _ in range(MOST):
        make(gate, mine)
    with pytest.raises(RefusedError, match="at most 50 in force"):
        make(gate, mine)
    make(gate, an_account(gate.engine, MONDAY, name="eve"))
    clock.at = MONTH
    make(gate, mine, ends_at=MONTH + timedelta(days=1))


def test_pages_too_are_bounded(client: Client) -> None:
    client.role = Role.ADMIN
    client.app.state.gate.page_buckets = Buckets(a_second=0.5, at_once=2)
    assert [client.get(path).status_code for path in ("/", "/account", "/")] == [200, 200, 429]
    assert client.get("/api/v1/stores").status_code == 200, "counted apart"
