"""Lists that grow are cut by the database; they hold what lies inside the reach, and no more."""

import re
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine, insert

from server.access import accounts
from server.access.reach import Reach
from server.access.roles import Role
from server.amending import Kind
from server.amending.making import Wish, amend
from server.audit_reports import hand_in, latest_of
from server.database import writer
from server.identity import Change
from server.periods import Period
from server.schema.access import account, account_reach
from server.schema.identity import device, device_owner
from server.scope import Place, Scope
from server.testing import MONDAY
from tests.unit.server.api_chain import NOW, REPORT, Asker, Chain, every, open_chain
from tests.unit.server.page_checks import faults
from tests.unit.server.statements import recorded

MANY = 7


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    found = open_chain(tmp_path)
    acme, store_id = found.ids["acme"], found.ids["pudong-1"]
    hour = Period(MONDAY, MONDAY + timedelta(hours=1))
    with writer(found.engine).begin() as connection:
        for number in range(MANY):
            name = f"more-{number}"
            row = {"org_id": acme, "device": name, "label": name, "store_id": store_id}
            connection.execute(insert(device).values(row))
            connection.execute(insert(device_owner).values(device=name, org_id=acme))
            reach = Reach(acme, store_id=store_id)
            accounts.make(connection, f"{name}@acme", Role.STORE_MANAGER, [reach], NOW)
            change = Change(connection, acme, "grace", NOW)
            amend(change, Wish(Kind.NOTE, store_id, None, hour, name))
    return found


@pytest.mark.parametrize(
    ("path", "table", "count"),
    [
        ("/devices", "device", MANY + 2),
        ("/accounts", "account", MANY + 1),
        ("/stores/{pudong-1}/amendments", "amendment", MANY + 2),
    ],
)
def test_a_page_is_cut_by_the_database(chain: Chain, path: str, table: str, count: int) -> None:
    for key, one in chain.ids.items():
        path = path.replace(f"{{{key}}}", str(one))
    ask = Asker(chain.client(None), chain.token(Role.ADMIN, chain.reach("acme")))
    with recorded() as statements:
        found = every(ask, path)
    assert len(found) == count
    lists = [one for one in statements if f"FROM {table} " in one and "ORDER BY" in one]
    assert lists
    assert all("LIMIT" in one for one in lists), lists


def test_accounts_with_any_reach_outside_are_not_listed(either: Engine) -> None:
    acme, other, region, store = (uuid4() for _ in range(4))
    scope = Scope(
        org_ids=frozenset({acme}),
        regions=frozenset({Place(other, region)}),
        stores=frozenset({Place(other, store)}),
    )
    reaches = {
        "all": (Reach(),),
        "both": (Reach(acme), Reach(other)),
        "elsewhere": (Reach(other, store_id=uuid4()),),
        "inside": (Reach(acme, store_id=uuid4()), Reach(other, region_id=region)),
        "mixed": (Reach(acme), Reach()),
        "other region": (Reach(other, region_id=store),),
        "part": (Reach(other, store_id=store),),
        "whole": (Reach(acme),),
    }
    with writer(either).begin() as connection:
        made = {
            name: accounts.make(connection, name, Role.AUDITOR, each, MONDAY)
            for name, each in reaches.items()
        }
        nowhere = {"account_id": uuid4(), "name": "nowhere", "role": "auditor", "made_at": MONDAY}
        connection.execute(insert(account).values(nowhere))
        gone = {"reach_id": uuid4(), "account_id": made["elsewhere"], "org_id": acme}
        connection.execute(insert(account_reach).values(gone))
    with either.connect() as connection:
        found = accounts.within(connection, scope, after=None, limit=100)
        assert [one.name for one in found] == ["inside", "part", "whole"]
        some = accounts.within(connection, scope, after="inside", limit=1)
        assert [(one.name, one.reaches) for one in some] == [("part", reaches["part"])]
        assert len(accounts.within(connection, Scope.everything(), after=None, limit=100)) == 9
        assert accounts.within(connection, Scope(), after=None, limit=100) == []


def test_the_accounts_page_comes_in_parts(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.web.accounts_pages.ACCOUNTS_A_PAGE", 3)
    client = chain.client(Role.ADMIN, chain.reach("acme"), name="boss@acme")
    first = client.get("/accounts").text
    assert first.count("<strong>more-") == 2
    assert "The name ends with @acme" in first
    assert "/accounts?after=more-1%40acme" in first
    assert faults(first) == []
    (rights,) = re.findall(r'href="(/accounts/[^"?]+)" aria-label="[^"]*more-1@acme', first)
    assert faults(client.get(rights).text) == []
    second = client.get("/accounts?after=more-1@acme").text
    assert [f"more-{number}@acme" in second for number in range(6)] == [False] * 2 + [True] * 3 + [
        False
    ]


def test_the_latest_report_of_each_store_is_found_however_many_came(chain: Chain) -> None:
    """The page of privacy once looked at the last 200 reports of all stores alone."""
    ids = {key: chain.ids[key] for key in ("pudong-1", "puxi-1")}
    with writer(chain.engine).begin() as connection:
        for day in (21, 22):
            text = REPORT.replace(b"2026-11-20", f"2026-11-{day}".encode())
            hand_in(connection, chain.ids["acme"], "kiosk-1", text, by="noor", now=NOW)
        acme = Scope(org_ids=frozenset({chain.ids["acme"]}))
        found = latest_of(connection, acme, list(ids.values()))
        assert {key: found[one].made_at.day for key, one in ids.items()} == {
            "pudong-1": 22,
            "puxi-1": 20,
        }
        assert latest_of(connection, Scope(), list(ids.values())) == {}
