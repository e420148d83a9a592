"""What somebody who means harm tries at tokens, links, names, addresses and devices."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from server.access import accounts, links, passwords, tokens
from server.access.addresses import network_of
from server.access.errors import TooManyError
from server.access.gate import Gate
from server.access.roles import Role
from server.access.tokens import Wanted
from server.database import writer
from server.errors import NotFoundError
from tests.access import a_caller, an_account
from tests.unit.server.api_chain import Chain, open_chain
from tests.unit.server.asgi import FORM, Client

PASSWORD = "tea in Hull at four"  # noqa: S105 -- of a test
HERE = "192.0.2.7"


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    return open_chain(tmp_path)


def api(client: Client, method: str, path: str, json: object = None) -> httpx.Response:
    """A change through the API with a session, as a page's script would make it."""
    token = FORM.search(client.get("/account").text)
    assert token is not None
    headers = {
        "Origin": client.base,
        "Sec-Fetch-Site": "same-origin",
        "X-Form-Token": token[1],
    }
    return client.send(method, f"/api/v1{path}", json=json, headers=headers)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def make(chain: Chain, account_id: UUID, role: Role, reach: str) -> tuple[UUID, str]:
    end = chain.clock() + timedelta(days=2)
    with writer(chain.engine).begin() as connection:
        caller = a_caller(chain.engine, account_id)
        wanted = Wanted(reach, role, chain.reach(reach), end)
        return tokens.make(connection, caller, wanted, chain.clock())


def test_a_token_sees_and_ends_only_itself_and_what_was_made_with_it(chain: Chain) -> None:
    account_id = an_account(chain.engine, chain.clock())
    wide_id, wide = make(chain, account_id, Role.ADMIN, "everything")
    narrow_id, narrow = make(chain, account_id, Role.STORE_MANAGER, "pudong")
    nobody = chain.client(None)

    def listed(token: str) -> set[str]:
        answer = nobody.send("GET", "/api/v1/tokens", headers=bearer(token))
        return {one["token_id"] for one in answer.json()["items"]}

    asked = {
        "label": "below",
        "role": "store_manager",
        "reach": {
            "organisation_id": str(chain.ids["acme"]),
            "store_id": str(chain.ids["pudong-1"]),
        },
        "ends_at": (chain.clock() + timedelta(days=1)).isoformat(),
    }
    made = nobody.send("POST", "/api/v1/tokens", json=asked, headers=bearer(narrow)).json()
    assert listed(narrow) == {str(narrow_id), made["token_id"]}
    assert listed(made["token"]) == {made["token_id"]}
    assert listed(wide) == {str(wide_id)}
    for other, status in ((wide_id, 404), (made["token_id"], 204), (narrow_id, 204)):
        path = f"/api/v1/tokens/{other}"
        answer = nobody.send("DELETE", path, headers=bearer(narrow))
        assert answer.status_code == status, path
    with chain.engine.connect() as connection:
        left = [one for one in tokens.of_account(connection, account_id) if not one.revoked_at]
    assert [one.token_id for one in left] == [wide_id]
    assert len(chain.client(Role.ADMIN).get("/api/v1/tokens").json()["items"]) == 3


def test_only_who_reaches_everything_claims_a_device_and_nothing_is_told(chain: Chain) -> None:
    at = chain.clock().isoformat()
    path = "/devices/kiosk-1/replacement"
    answers = set()
    for reach in ("pudong", "china", "acme"):
        admin = chain.client(Role.ADMIN, chain.reach(reach), name=f"admin.{reach}")
        for name in ("kiosk-9", "factory-new-77", *(["kiosk-2"] if reach == "pudong" else [])):
            refused = api(admin, "POST", path, {"device": name, "at": at})
            told = refused.text.replace(name, "it")
            answers.add((refused.status_code, told))
    assert len(answers) == 1, answers
    assert answers.pop()[0] == 409
    done = api(chain.client(Role.ADMIN), "POST", path, {"device": "factory-new-77", "at": at})
    assert done.status_code == 200, done.text


def test_a_name_tells_nothing_of_another_organisation(chain: Chain) -> None:
    """One list of names for all: who sees an organisation alone names accounts inside of it."""
    for name in ("grace", "grace@other", "grace@acme@other"):
        an_account(chain.engine, chain.clock(), Role.AUDITOR, [chain.reach("other")], name)
    above = chain.client(Role.ADMIN, name="above")
    admin = chain.client(Role.ADMIN, chain.reach("acme"))
    acme = {"organisation_id": str(chain.ids["acme"])}

    def invite(who: Client, name: str, *reaches: object) -> tuple[int, str]:
        body = {"name": name, "role": "auditor", "reaches": reaches or [acme]}
        answer = api(who, "POST", "/accounts", body)
        return answer.status_code, answer.json().get("name", answer.text)

    assert invite(admin, "grace") == (201, "grace@acme")
    assert invite(admin, "Grace@Other") == (201, "grace@other@acme")
    assert invite(admin, "eve@ACME") == (201, "eve@acme")
    taken, unfit = invite(admin, "grace"), invite(admin, "gr/ce")
    assert taken == unfit
    assert taken[0] == 422
    other = {"organisation_id": str(chain.ids["other"])}
    assert invite(above, "bob@other")[0] == 422
    assert invite(above, "bob@other", other) == (201, "bob@other")
    assert invite(above, "bob", other, acme) == (201, "bob")
    both = chain.client(Role.ADMIN, chain.reach("acme"), chain.reach("other"), name="both")
    assert "one organisation" in invite(both, "tim", other, acme)[1]
    assert invite(both, "tim", other) == (201, "tim@other")


def test_addresses_of_one_ipv6_network_wait_together() -> None:
    table = {
        "192.0.2.7": "192.0.2.7",
        "::ffff:192.0.2.7": "192.0.2.7",
        "2001:db8::1": "2001:db8::/64",
        "2001:db8::ffff:1": "2001:db8::/64",
        "2001:db8:0:1::1": "2001:db8:0:1::/64",
        "fe80::1%eth0": "fe80::/64",
        "unknown": "unknown",
    }
    assert {one: network_of(one) for one in table} == table


@pytest.fixture
def gate(chain: Chain) -> Gate:
    found: Gate = chain.app.state.gate
    return found


@pytest.fixture
def ada(chain: Chain) -> UUID:
    account_id = an_account(chain.engine, chain.clock())
    with writer(chain.engine).begin() as connection:
        accounts.set_password(connection, account_id, passwords.hashed(PASSWORD))
    return account_id


def test_a_guesser_with_many_ipv6_addresses_waits(gate: Gate) -> None:
    heard = 0
    for number in range(30):
        try:
            assert gate.by_token("enc_wrong", f"2001:db8::{number:x}") is None
            heard += 1
        except TooManyError:
            continue
    assert heard == 20
    assert gate.by_token("enc_wrong", "2001:db8:0:1::1") is None


def test_a_full_line_is_nobodys_failure(
    gate: Gate, ada: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_kept: str | None, _password: str) -> bool:
        raise TooManyError(1.0)

    caller = a_caller(gate.engine, ada)
    with monkeypatch.context() as patched:
        patched.setattr(passwords, "fits", full)
        for _ in range(9):
            with pytest.raises(TooManyError) as refused:
                gate.sign_in("ada", PASSWORD, HERE, None)
            assert refused.value.wait_s == 1.0
            with pytest.raises(TooManyError):
                gate.change_password(caller, PASSWORD, "another tea in Hull 9")
    assert gate.sign_in("ada", PASSWORD, HERE, None) is not None


def test_a_full_line_takes_no_failure_away(
    gate: Gate, ada: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    del ada
    for _ in range(5):
        assert gate.sign_in("ada", "wrong password!!", HERE, None) is None
    with pytest.raises(TooManyError) as first:
        gate.sign_in("ada", PASSWORD, HERE, None)

    def full(_kept: str | None, _password: str) -> bool:
        raise TooManyError(7.0)

    clock = gate.clock
    later = clock() + timedelta(seconds=first.value.wait_s)
    monkeypatch.setattr(passwords, "fits", full)
    monkeypatch.setattr(gate, "clock", lambda: later)
    with pytest.raises(TooManyError) as line:
        gate.sign_in("ada", PASSWORD, HERE, None)
    assert line.value.wait_s == 7.0
    monkeypatch.setattr(gate, "clock", clock)
    with pytest.raises(TooManyError) as still:
        gate.sign_in("ada", PASSWORD, HERE, None)
    assert still.value.wait_s == first.value.wait_s


def test_a_change_of_password_ends_the_links_of_the_account(gate: Gate, ada: UUID) -> None:
    other = an_account(gate.engine, gate.clock(), name="grace")
    with writer(gate.engine).begin() as connection:
        mine = links.make(connection, ada, gate.clock())
        theirs = links.make(connection, other, gate.clock())
        first = links.make(connection, None, gate.clock())
    gate.change_password(a_caller(gate.engine, ada), PASSWORD, "another tea in Hull 9")
    with pytest.raises(NotFoundError):
        gate.link(mine, HERE)
    for secret in (theirs, first):
        assert gate.link(secret, HERE)


def test_the_course_of_a_store_on_trial_says_so(chain: Chain) -> None:
    client = chain.client(Role.ADMIN)
    store = f"/stores/{chain.ids['pudong-1']}"
    course = f"/api/v1/points/{chain.ids['counter']}/course"
    params = {"from": "2026-11-16T00:00:00Z", "to": "2026-11-23T00:00:00Z"}
    assert client.get(course, params).json()["trial"] is False
    again = {"confirmed_from": None, "reason": "the camera was turned"}
    assert api(client, "POST", f"{store}/confirmations", again).status_code == 200
    assert client.get(course, params).json()["trial"] is True
