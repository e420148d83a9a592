"""Nothing outside of a scope exists, and a scope is what it reaches at this instant."""

from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine

from server import queries
from server.access import accounts
from server.access.gate import Gate
from server.access.reach import Reach, choices, scope_of
from server.access.roles import Role
from server.database import writer
from server.health import health_of
from server.ingest.link import LinkState, LinkStatus
from server.ingest.worker import IngestState
from server.schema.identity import store
from server.scope import Place, Scope
from server.signing import open_key
from server.testing import MONDAY, FakeClock
from server.web.app import make_app
from server.web.parts import Parts
from tests.unit.server.asgi import Client
from tests.unit.server.chain_identity import apply_chain, ids_of

A, R, S, U = Role.ADMIN, Role.REGIONAL_MANAGER, Role.STORE_MANAGER, Role.AUDITOR


@pytest.fixture
def chain(empty: Engine, tmp_path: Path) -> Engine:
    apply_chain(empty, tmp_path)
    return empty


@pytest.fixture
def parts(chain: Engine, tmp_path: Path) -> Parts:
    link = LinkStatus(LinkState.CONNECTED, MONDAY)
    health = health_of(chain, lambda: link, IngestState)
    return Parts(chain, open_key(tmp_path), FakeClock(MONDAY), lambda: health)


def reaches(known: dict[str, UUID]) -> dict[str, Reach]:
    acme = known["acme"]
    return {
        "everything": Reach(),
        "acme": Reach(acme),
        "china": Reach(acme, region_id=known["china"]),
        "east": Reach(acme, region_id=known["east"]),
        "puxi": Reach(acme, store_id=known["puxi-1"]),
        "other": Reach(known["other"]),
    }


SEEN = {
    "everything": {"pudong-1", "puxi-1", "oslo-1"},
    "acme": {"pudong-1", "puxi-1"},
    "china": {"pudong-1", "puxi-1"},
    "east": {"pudong-1"},
    "puxi": {"puxi-1"},
    "other": {"oslo-1"},
}


@pytest.mark.parametrize("name", SEEN)
def test_a_reach_sees_its_stores_and_those_below(parts: Parts, name: str) -> None:
    known = ids_of(parts.engine)
    client = Client(make_app(parts), Role.REGIONAL_MANAGER, [reaches(known)[name]])
    listed = {one["store_id"] for one in client.get("/api/v1/stores").json()["items"]}
    assert listed == {str(known[one]) for one in SEEN[name]}
    devices = {one["device"] for one in client.get("/api/v1/devices").json()["items"]}
    assert devices == {
        device
        for device, at in {"kiosk-1": "pudong-1", "kiosk-2": "puxi-1", "kiosk-9": "oslo-1"}.items()
        if at in SEEN[name]
    }


@pytest.mark.parametrize(("role", "name"), [(S, "puxi"), (R, "east"), (U, "other"), (A, "acme")])
def test_what_lies_outside_is_answered_as_if_it_did_not_exist(
    parts: Parts, role: Role, name: str
) -> None:
    known = ids_of(parts.engine)
    client = Client(make_app(parts), role, [reaches(known)[name]])
    asked = {"from": "2026-11-16T00:00:00Z", "to": "2026-11-17T00:00:00Z"}
    nothing = str(uuid4())
    points = {"pudong-1": "counter", "puxi-1": "desk", "oslo-1": "till"}
    hidden = {"pudong-1", "puxi-1", "oslo-1"} - SEEN[name]
    paths = [
        (f"{prefix}{{}}{suffix}", key)
        for store_key in hidden
        for prefix, key, suffixes in (
            ("/stores/", store_key, ("",)),
            ("/api/v1/stores/", store_key, ("", "/points", "/figures", "/weeks")),
            ("/api/v1/points/", points[store_key], ("/figures", "/course")),
        )
        for suffix in suffixes
    ]
    assert len(paths) >= 6
    for template, key in paths:
        there = client.get(template.format(known[key]), params=asked)
        never = client.get(template.format(nothing), params=asked)
        assert (there.status_code, never.status_code) == (404, 404), template
        bare = [
            client_text(one.text).replace(str(value), "X")
            for one, value in ((there, known[key]), (never, nothing))
        ]
        assert bare[0] == bare[1], template


def client_text(text: str) -> str:
    """An answer without the form token, which never repeats."""
    start = text.find('name="form" value="')
    return text if start < 0 else text[:start] + text[start + 19 + 128 :]


@pytest.mark.parametrize("role", [A, U])
def test_ledgers_outside_are_not_there_either(parts: Parts, role: Role) -> None:
    known = ids_of(parts.engine)
    client = Client(make_app(parts), role, [Reach(known["acme"])])
    for suffix in ("ledger-head", "ledger-heads", "ledger-heads/2026-11-16"):
        there = client.get(f"/api/v1/devices/kiosk-9/{suffix}")
        never = client.get(f"/api/v1/devices/kiosk-8/{suffix}")
        assert (there.status_code, never.status_code) == (404, 404)
        assert there.text.replace("kiosk-9", "X") == never.text.replace("kiosk-8", "X")


def test_a_store_that_moves_is_seen_from_where_it_went(parts: Parts) -> None:
    known = ids_of(parts.engine)
    client = Client(make_app(parts), R, [Reach(known["acme"], region_id=known["east"])])
    assert client.get(f"/api/v1/stores/{known['puxi-1']}").status_code == 404
    with writer(parts.engine).begin() as connection:
        connection.execute(
            store.update()
            .where(store.c.org_id == known["acme"], store.c.store_id == known["puxi-1"])
            .values(region_id=known["east"])
        )
    assert client.get(f"/api/v1/stores/{known['puxi-1']}").status_code == 200


def test_reaches_of_several_places_add_up(chain: Engine) -> None:
    known = ids_of(chain)
    mine = reaches(known)
    with chain.connect() as connection:
        found = scope_of(connection, [mine["east"], mine["puxi"], mine["other"]])
        names = {one.name for one in queries.stores(connection, found)}
    assert names == {"Pudong", "Puxi", "Oslo"}
    assert found.touched == {known["acme"], known["other"]}
    assert not found.sees_organisation(known["acme"])
    assert found.sees_region(known["acme"], known["east"])
    assert not found.sees_region(known["acme"], known["china"])


def test_nothing_is_seen_by_nobody(chain: Engine) -> None:
    with chain.connect() as connection:
        assert queries.stores(connection, Scope()) == []
        assert queries.devices(connection, Scope(), MONDAY) == []
        assert choices(connection, Scope()) == []


def test_what_lies_in_two_scopes(chain: Engine) -> None:
    known = ids_of(chain)
    mine = reaches(known)
    with chain.connect() as connection:
        scopes = {name: scope_of(connection, [one]) for name, one in mine.items()}
        for name, one in scopes.items():
            for other_name, other in scopes.items():
                both = one.meet(other)
                assert both == other.meet(one)
                seen = {row.store_id for row in queries.stores(connection, both)}
                assert seen == {known[key] for key in SEEN[name] & SEEN[other_name]}
                assert one.holds(both)
                assert other.holds(both)
    assert scopes["acme"].holds(scopes["china"])
    assert scopes["china"].holds(scopes["east"])
    assert not scopes["china"].holds(scopes["acme"])
    assert not scopes["east"].holds(scopes["puxi"])
    assert not scopes["acme"].holds(scopes["everything"])
    single = Scope(stores=frozenset({Place(known["acme"], known["puxi-1"])}))
    assert scopes["china"].holds(single)


def test_a_scope_is_read_from_the_database_at_each_request(parts: Parts) -> None:
    known = ids_of(parts.engine)
    client = Client(make_app(parts), S, [Reach(known["acme"], store_id=known["puxi-1"])])
    client.get("/api/v1/stores")
    gate: Gate = client.app.state.gate
    caller = gate.by_session(client.cookies["session"])
    assert caller is not None
    with writer(parts.engine).begin() as connection:
        accounts.set_reaches(connection, caller.account_id, [Reach(known["other"])])
    items = client.get("/api/v1/stores").json()["items"]
    assert [one["name"] for one in items] == ["Oslo"]
