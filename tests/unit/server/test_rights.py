"""Who may do what, as one table over all routes; and nothing outside of a scope exists."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute
from sqlalchemy import Engine, select
from starlette.routing import Mount

from server import queries
from server.access import accounts
from server.access.gate import Gate
from server.access.reach import Reach, choices, scope_of
from server.access.roles import LOGGED, RIGHTS, Right, Role, not_above, roles_within
from server.access.secret import form_token
from server.database import writer
from server.health import health_of
from server.identity import apply_identity
from server.identity_file import load_identity
from server.ingest.link import LinkState, LinkStatus
from server.ingest.worker import IngestState
from server.schema.identity import organisation, point, region, store
from server.scope import Place, Scope
from server.signing import open_key
from server.testing import MONDAY, FakeClock
from server.web.app import make_app, routers
from server.web.needs import check_rights, rights_of
from server.web.pages import Renderer
from server.web.parts import Parts
from tests.unit.server.asgi import Client
from tests.unit.server.conftest import IDENTITY

CHAIN = (
    IDENTITY
    + """
[[store]]
key = "puxi-1"
organisation = "acme"
region = "china"
name = "Puxi"
timezone = "Asia/Shanghai"

[[store.point]]
key = "desk"
kind = "service_point"
label = "Desk"

[[organisation]]
key = "other"
name = "Other"

[[store]]
key = "oslo-1"
organisation = "other"
name = "Oslo"
timezone = "Europe/Oslo"

[[store.point]]
key = "till"
kind = "service_point"
label = "Till"

[[device]]
id = "kiosk-9"
organisation = "other"
store = "oslo-1"
assignment = [{ local = "till", point = "till" }]
"""
)
A, R, S, U = Role.ADMIN, Role.REGIONAL_MANAGER, Role.STORE_MANAGER, Role.AUDITOR
ALL = {A, R, S, U}
TABLE = {
    Right.OPEN: ALL,
    Right.OWN: ALL,
    Right.FIGURES: ALL,
    Right.NOTE: {A, R, S},
    Right.AMEND: {A, R},
    Right.CONFIRM: {A, R, S},
    Right.EVIDENCE: {A, U},
    Right.ACCESS_LOG: {A, U},
    Right.IDENTITY: {A},
    Right.ACCOUNTS: {A},
}
ROUTES = {
    Right.OPEN: """
        GET /healthz, GET /api/v1/openapi.json, GET /preferences, GET /sign-in, POST /sign-in,
        GET /link/{secret}, POST /link/{secret}""",
    Right.OWN: """
        GET /api/v1/privacy/key, POST /sign-out, GET /account, POST /account/password,
        GET /tokens, POST /tokens, POST /tokens/{token_id}/revoke,
        GET /api/v1/tokens, POST /api/v1/tokens, DELETE /api/v1/tokens/{token_id}""",
    Right.FIGURES: """
        GET /, GET /stores/{store_id}, GET /fleet,
        GET /api/v1/stores, GET /api/v1/stores/{store_id},
        GET /api/v1/stores/{store_id}/points, GET /api/v1/stores/{store_id}/figures,
        GET /api/v1/stores/{store_id}/weeks, GET /api/v1/points/{point_id}/figures,
        GET /api/v1/points/{point_id}/course, GET /api/v1/devices, GET /api/v1/organisations,
        GET /api/v1/organisations/{organisation_id},
        GET /api/v1/organisations/{organisation_id}/figures, GET /api/v1/regions,
        GET /api/v1/regions/{region_id}, GET /api/v1/regions/{region_id}/figures,
        GET /api/v1/standings, GET /api/v1/stores/{store_id}/hours,
        GET /api/v1/stores/{store_id}/amendments, GET /api/v1/stores/{store_id}/cells.csv,
        GET /api/v1/stores/{store_id}/figures.csv, GET /api/v1/exports/standings.csv,
        GET /api/v1/points/{point_id}, GET /api/v1/points/{point_id}/gaps,
        GET /api/v1/devices/{device}, GET /api/v1/devices/{device}/assignments""",
    Right.NOTE: "POST /stores/{store_id}/notes, POST /api/v1/stores/{store_id}/notes",
    Right.AMEND: """
        POST /stores/{store_id}/voids,
        POST /stores/{store_id}/amendments/{amendment_id}/withdraw,
        POST /api/v1/stores/{store_id}/amendments,
        DELETE /api/v1/stores/{store_id}/amendments/{amendment_id}""",
    Right.CONFIRM: """
        POST /stores/{store_id}/confirm,
        PUT /api/v1/stores/{store_id}/confirmation,
        DELETE /api/v1/stores/{store_id}/confirmation""",
    Right.IDENTITY: """
        PATCH /api/v1/organisations/{organisation_id}, PATCH /api/v1/regions/{region_id},
        PUT /api/v1/regions/{region_id}/parent, PATCH /api/v1/stores/{store_id},
        PUT /api/v1/stores/{store_id}/region, PUT /api/v1/stores/{store_id}/closing,
        DELETE /api/v1/stores/{store_id}/closing, PUT /api/v1/stores/{store_id}/hours,
        PATCH /api/v1/points/{point_id}, PUT /api/v1/points/{point_id}/merge,
        DELETE /api/v1/points/{point_id}/merge, PATCH /api/v1/devices/{device},
        PUT /api/v1/devices/{device}/place, POST /api/v1/devices/{device}/replacement,
        PUT /api/v1/devices/{device}/retirement""",
    Right.ACCESS_LOG: "GET /access-log, GET /api/v1/access-log",
    Right.EVIDENCE: """
        GET /privacy, GET /stores/{store_id}/privacy,
        POST /stores/{store_id}/privacy/audit-reports,
        GET /stores/{store_id}/privacy/audit-reports/{report_id},
        GET /api/v1/devices/{device}/ledger-head, GET /api/v1/devices/{device}/ledger-heads,
        GET /api/v1/devices/{device}/ledger-heads/{day}, GET /api/v1/audit-reports,
        GET /api/v1/devices/{device}/audit-reports, POST /api/v1/devices/{device}/audit-reports,
        GET /api/v1/devices/{device}/audit-reports/{report_id}""",
    Right.ACCOUNTS: """
        GET /accounts, POST /accounts, POST /accounts/{account_id}/link,
        POST /accounts/{account_id}/role, POST /accounts/{account_id}/disable,
        POST /accounts/{account_id}/enable,
        GET /api/v1/accounts, POST /api/v1/accounts, GET /api/v1/accounts/{account_id},
        POST /api/v1/accounts/{account_id}/link, PUT /api/v1/accounts/{account_id}/rights,
        PUT /api/v1/accounts/{account_id}/disabled,
        DELETE /api/v1/accounts/{account_id}/disabled""",
}
EXPECTED = {tuple(one.split()): right for right, text in ROUTES.items() for one in text.split(",")}
FILLED = {"{device}": "kiosk-1", "{day}": "2026-11-16", "{secret}": "none"}


@pytest.fixture
def chain(empty: Engine, tmp_path: Path) -> Engine:
    path = tmp_path / "chain.toml"
    path.write_text(CHAIN, "utf-8")
    with writer(empty).begin() as connection:
        apply_identity(connection, load_identity(path))
    return empty


@pytest.fixture
def parts(chain: Engine, tmp_path: Path) -> Parts:
    link = LinkStatus(LinkState.CONNECTED, MONDAY)
    health = health_of(chain, lambda: link, IngestState)
    return Parts(chain, open_key(tmp_path), FakeClock(MONDAY), lambda: health)


def ids(engine: Engine) -> dict[str, UUID]:
    """Ids of organisations, regions, stores, points by their key in the identity file."""
    found: dict[str, UUID] = {}
    with engine.connect() as connection:
        for table, column in (
            (organisation, "org_id"),
            (region, "region_id"),
            (store, "store_id"),
            (point, "point_id"),
        ):
            for row in connection.execute(select(table)):
                found[row.slug] = getattr(row, column)
    return found


def all_routes(parts: Parts) -> Iterator[APIRoute]:
    for router in routers(make_app(parts), parts, Renderer()):
        for route in router.routes:
            assert isinstance(route, APIRoute), route
            yield route


def test_roles_include_what_the_table_says() -> None:
    assert {right: {role for role in Role if right in RIGHTS[role]} for right in Right} == TABLE


def test_every_route_needs_the_right_that_the_table_says(parts: Parts) -> None:
    found = {
        (method, route.path): rights_of(route)
        for route in all_routes(parts)
        for method in route.methods or ()
    }
    assert found == {key: [right] for key, right in EXPECTED.items()}


def test_nothing_but_static_files_is_served_beside_these_routes(parts: Parts) -> None:
    app = make_app(parts)
    mounts = [route for route in app.routes if isinstance(route, Mount)]
    others = [
        route
        for route in app.routes
        if not isinstance(route, Mount) and getattr(route, "path", None) is not None
    ]
    assert [one.path for one in mounts] == ["/static"]
    assert others == []


def test_a_route_that_names_no_right_is_not_served() -> None:
    router = APIRouter()

    @router.get("/forgotten")
    def forgotten() -> None: ...

    with pytest.raises(TypeError, match="/forgotten: expected one right"):
        check_rights(router)


def path_of(template: str) -> str:
    for name, value in FILLED.items():
        template = template.replace(name, value)
    names = ("organisation_id", "region_id", "store_id", "point_id", "token_id", "account_id")
    for name in (*names, "amendment_id", "report_id"):
        template = template.replace("{" + name + "}", str(uuid4()))
    return template


@pytest.mark.parametrize("role", Role)
def test_each_role_reaches_what_it_may_and_nothing_else(parts: Parts, role: Role) -> None:
    app = make_app(parts)
    refused = set()
    for (method, template), right in EXPECTED.items():
        if right is Right.OPEN:
            continue
        client = Client(app, role, name=role)
        client.get("/preferences")
        token = form_token(client.cookies["session"])
        headers = {"Origin": client.base, "X-Form-Token": token}
        response = client.send(method, path_of(template), headers=headers)
        assert response.status_code < 500, (method, template)
        assert response.status_code != 401, (method, template)
        if response.status_code == 403:
            refused.add((method, template))
    assert refused == {key for key, right in EXPECTED.items() if role not in TABLE[right]}


def test_nobody_reaches_anything_but_what_is_open(parts: Parts) -> None:
    client = Client(make_app(parts), role=None)
    for (method, template), right in EXPECTED.items():
        response = client.send(method, path_of(template))
        if right is Right.OPEN:
            assert response.status_code in (200, 303, 404) or method == "POST", template
            continue
        if template.startswith("/api/"):
            assert response.status_code == 401, template
            assert response.headers["www-authenticate"] == "Bearer"
        else:
            assert response.status_code == 303, template
            assert response.headers["location"].startswith("/sign-in")


def test_what_is_logged_is_everything_but_ones_own() -> None:
    assert set(Right) - LOGGED == {Right.OPEN, Right.OWN}


def test_a_role_hands_on_no_more_than_itself() -> None:
    assert {role: set(roles_within(role)) for role in Role} == {
        A: ALL,
        R: {R, S},
        S: {S},
        U: {U},
    }
    assert all(not_above(role, role) for role in Role)


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
    known = ids(parts.engine)
    client = Client(make_app(parts), Role.REGIONAL_MANAGER, [reaches(known)[name]])
    listed = {one["store_id"] for one in client.get("/api/v1/stores").json()["items"]}
    assert listed == {str(known[one]) for one in SEEN[name]}
    devices = {one["device"] for one in client.get("/api/v1/devices").json()["items"]}
    assert devices == {
        device
        for device, at in {"kiosk-1": "pudong-1", "kiosk-9": "oslo-1"}.items()
        if at in SEEN[name]
    }


@pytest.mark.parametrize(("role", "name"), [(S, "puxi"), (R, "east"), (U, "other"), (A, "acme")])
def test_what_lies_outside_is_answered_as_if_it_did_not_exist(
    parts: Parts, role: Role, name: str
) -> None:
    known = ids(parts.engine)
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
    known = ids(parts.engine)
    client = Client(make_app(parts), role, [Reach(known["acme"])])
    for suffix in ("ledger-head", "ledger-heads", "ledger-heads/2026-11-16"):
        there = client.get(f"/api/v1/devices/kiosk-9/{suffix}")
        never = client.get(f"/api/v1/devices/kiosk-8/{suffix}")
        assert (there.status_code, never.status_code) == (404, 404)
        assert there.text.replace("kiosk-9", "X") == never.text.replace("kiosk-8", "X")


def test_a_store_that_moves_is_seen_from_where_it_went(parts: Parts) -> None:
    known = ids(parts.engine)
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
    known = ids(chain)
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
    known = ids(chain)
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
    known = ids(parts.engine)
    client = Client(make_app(parts), S, [Reach(known["acme"], store_id=known["puxi-1"])])
    client.get("/api/v1/stores")
    gate: Gate = client.app.state.gate
    caller = gate.by_session(client.cookies["session"])
    assert caller is not None
    with writer(parts.engine).begin() as connection:
        accounts.set_reaches(connection, caller.account_id, [Reach(known["other"])])
    items = client.get("/api/v1/stores").json()["items"]
    assert [one["name"] for one in items] == ["Oslo"]
