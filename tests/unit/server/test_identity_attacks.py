"""What somebody may try whose rights, store or account changed meanwhile; all of it once worked."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from server.access import accounts, links, passwords, tokens
from server.access.callers import Caller
from server.access.gate import Gate
from server.access.inviting import change_rights
from server.access.log import entries
from server.access.reach import Reach
from server.access.roles import Role
from server.access.tokens import Wanted
from server.database import writer
from server.errors import NotFoundError
from server.identity import Change, move_store
from server.schema.access import access_log
from server.schema.columns import NO_ORGANISATION
from server.scope import Scope
from tests.access import a_caller, an_account
from tests.unit.server.api_chain import API, NOW, PERIOD, WEEKS, Asker, Chain, open_chain

PASSWORD = "tea in Hull at four"  # noqa: S105 -- of a test
HERE = "192.0.2.7"
AN_HOUR = timedelta(hours=1)


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    return open_chain(tmp_path)


@pytest.fixture
def gate(chain: Chain) -> Gate:
    found: Gate = chain.app.state.gate
    return found


def someone(chain: Chain, role: Role, reach: str, name: str) -> UUID:
    return an_account(chain.engine, chain.clock(), role, [chain.reach(reach)], name)


def a_link(chain: Chain, account_id: UUID) -> str:
    with writer(chain.engine).begin() as connection:
        return links.make(connection, account_id, chain.clock())


def a_token(chain: Chain, caller: Caller, role: Role, reach: Reach) -> str:
    wanted = Wanted("script", role, reach, chain.clock() + AN_HOUR)
    with writer(chain.engine).begin() as connection:
        return tokens.make(connection, caller, wanted, chain.clock())[1]


def test_a_link_made_before_somebody_rose_does_not_hold_after(chain: Chain, gate: Gate) -> None:
    """Who made the link would come in as somebody above."""
    grace = someone(chain, Role.STORE_MANAGER, "pudong", "grace")
    secret = a_link(chain, grace)
    boss = a_caller(chain.engine, someone(chain, Role.ADMIN, "everything", "boss"))
    with writer(chain.engine).begin() as connection:
        change_rights(connection, boss, grace, Role.ADMIN, [Reach()])
    with pytest.raises(NotFoundError):
        gate.link(secret, HERE)


def test_what_was_handed_out_before_an_account_was_disabled_stays_dead(
    chain: Chain, gate: Gate
) -> None:
    grace = someone(chain, Role.STORE_MANAGER, "pudong", "grace")
    token = a_token(chain, a_caller(chain.engine, grace), Role.STORE_MANAGER, chain.reach("pudong"))
    secret = a_link(chain, grace)
    assert gate.by_token(token, HERE) is not None
    with writer(chain.engine).begin() as connection:
        accounts.disable(connection, grace, chain.clock())
    assert gate.by_token(token, HERE) is None
    with pytest.raises(NotFoundError):
        gate.link(secret, HERE)
    with writer(chain.engine).begin() as connection:
        accounts.enable(connection, grace)
    assert gate.by_token(token, HERE) is None
    with pytest.raises(NotFoundError):
        gate.link(secret, HERE)


@pytest.mark.parametrize("way", ["session", "token"])
def test_nobody_makes_a_link_for_the_own_account(chain: Chain, way: str) -> None:
    """It sets a password without the present one: whoever finds a session or a token open."""
    reach = chain.reach("acme")
    boss = someone(chain, Role.ADMIN, "acme", "boss")
    client = chain.client(Role.ADMIN, reach, name="boss")
    if way == "session":
        answer = client.post(f"/accounts/{boss}/link", form="/accounts")
    else:
        token = a_token(chain, a_caller(chain.engine, boss), Role.ADMIN, reach)
        headers = {"Authorization": f"Bearer {token}"}
        path = f"{API}/accounts/{boss}/link"
        answer = chain.client(None).send("POST", path, headers=headers)
    assert (answer.status_code, "/link/" in answer.text) == (422, False)


def test_a_script_whose_token_ended_locks_nobody_out(chain: Chain, gate: Gate) -> None:
    """One forgotten script behind the address of an office: its token is no guess."""
    grace = someone(chain, Role.STORE_MANAGER, "pudong", "grace")
    with writer(chain.engine).begin() as connection:
        accounts.set_password(connection, grace, passwords.hashed(PASSWORD))
    caller = a_caller(chain.engine, grace)
    token = a_token(chain, caller, Role.STORE_MANAGER, chain.reach("pudong"))
    chain.clock.at += 2 * AN_HOUR
    for _ in range(30):
        assert gate.by_token(token, HERE) is None
    assert gate.sign_in("grace", PASSWORD, HERE, None) is not None


def test_nobody_writes_into_the_log_of_another_organisation(chain: Chain) -> None:
    """Nor is an outsider's name told there; it is as if the store did not exist."""
    client = chain.client(Role.AUDITOR, chain.reach("acme"), name="mallory")
    for path in (
        f"/stores/{chain.ids['oslo-1']}",
        f"/points/{chain.ids['till']}",
        "/devices/kiosk-9",
    ):
        assert client.get(API + path, params={"note": "look here"}).status_code == 404
    chain.flush()
    with chain.engine.connect() as connection:
        rows = connection.execute(select(access_log).where(access_log.c.account == "mallory"))
        assert {(row.org_id, row.store_id) for row in rows} == {(NO_ORGANISATION, None)}
        inside = Scope(org_ids=frozenset({chain.ids["other"]}))
        assert "mallory" not in {one.account for one in entries(connection, inside)}


def test_a_store_that_moves_takes_its_manager_along_and_leaves_the_others(chain: Chain) -> None:
    """With sessions and tokens that were open all the while, and the same for what is listed."""
    acme, pudong = chain.ids["acme"], chain.ids["pudong-1"]
    near = Asker(chain.client(None), chain.token(Role.REGIONAL_MANAGER, chain.reach("east"), "li"))
    wide = Asker(
        chain.client(None), chain.token(Role.REGIONAL_MANAGER, chain.reach("china"), "mei")
    )
    own = chain.client(Role.STORE_MANAGER, chain.reach("pudong"), name="wang")
    paths = (f"/stores/{pudong}", f"/points/{chain.ids['counter']}", "/devices/kiosk-1")
    for region, seen in (("east", True), ("china", False), (None, False)):
        with writer(chain.engine).begin() as connection:
            change = Change(connection, acme, "ada", NOW)
            move_store(change, pudong, None if region is None else chain.ids[region])
        for path in paths:
            assert near("GET", path).status_code == (200 if seen else 404), (region, path)
            assert wide("GET", path).status_code == (200 if region else 404), (region, path)
            assert own.get(API + path).status_code == 200
        assert [one["store_id"] for one in near.get("/stores")["items"]] == [str(pudong)] * seen
        assert own.get("/").status_code == own.get(f"/stores/{pudong}").status_code == 200


def test_every_way_to_take_figures_along_is_in_the_log(chain: Chain) -> None:
    ask = Asker(chain.client(None), chain.token(Role.AUDITOR, chain.reach("acme"), "noor"))
    store = f"/stores/{chain.ids['pudong-1']}"
    for path, query in (
        (f"{store}/cells.csv", PERIOD),
        (f"{store}/figures.csv", PERIOD),
        ("/exports/standings.csv", WEEKS),
        (f"{store}/figures", PERIOD),
    ):
        assert ask("GET", path, **query).status_code == 200, path
    tag = ask("GET", f"{store}/figures", **PERIOD).headers["etag"]
    again = ask.headers | {"If-None-Match": tag}
    client = chain.client(None)
    known = client.get(f"{API}{store}/figures", params=PERIOD, headers=again)
    assert known.status_code == 304
    chain.flush()
    with chain.engine.connect() as connection:
        rows = entries(connection, Scope(org_ids=frozenset({chain.ids["acme"]})))
    found = [(one.operation, one.status, one.way) for one in rows if one.account == "noor"]
    assert sorted(found) == [
        ("exportStandings", 200, "token"),
        ("exportStoreCells", 200, "token"),
        ("exportStoreFigures", 200, "token"),
        ("getStoreFigures", 200, "token"),
        ("getStoreFigures", 200, "token"),
        ("getStoreFigures", 304, "token"),
    ]
