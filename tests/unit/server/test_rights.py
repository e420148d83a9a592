"""Who may do what, as one table over all routes."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute
from sqlalchemy import Engine
from starlette.routing import Mount

from server.access.roles import LOGGED, RIGHTS, Right, Role, not_above, roles_within
from server.access.secret import form_token
from server.health import health_of
from server.ingest.link import LinkState, LinkStatus
from server.ingest.worker import IngestState
from server.signing import open_key
from server.testing import MONDAY, FakeClock
from server.web.app import make_app, routers
from server.web.needs import check_rights, rights_of
from server.web.pages import Renderer
from server.web.parts import Parts
from tests.unit.server.asgi import Client
from tests.unit.server.chain_identity import apply_chain

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
        GET /, GET /stores/{store_id}, GET /changes, GET /api/v1/changes, GET /fleet,
        GET /devices/{device},
        GET /api/v1/stores, GET /api/v1/stores/{store_id},
        GET /api/v1/stores/{store_id}/points, GET /api/v1/stores/{store_id}/figures,
        GET /api/v1/stores/{store_id}/weeks, GET /api/v1/points/{point_id}/figures,
        GET /api/v1/points/{point_id}/course, GET /api/v1/devices, GET /api/v1/organisations,
        GET /api/v1/organisations/{organisation_id},
        GET /api/v1/organisations/{organisation_id}/figures, GET /api/v1/regions,
        GET /api/v1/regions/{region_id}, GET /api/v1/regions/{region_id}/figures,
        GET /api/v1/standings, GET /api/v1/stores/{store_id}/hours,
        GET /api/v1/stores/{store_id}/confirmations,
        GET /api/v1/stores/{store_id}/amendments, GET /api/v1/stores/{store_id}/cells.csv,
        GET /api/v1/stores/{store_id}/figures.csv, GET /api/v1/exports/standings.csv,
        GET /api/v1/points/{point_id}, GET /api/v1/points/{point_id}/gaps,
        GET /api/v1/devices/{device}, GET /api/v1/devices/{device}/assignments""",
    Right.NOTE: "POST /stores/{store_id}/notes, POST /api/v1/stores/{store_id}/notes",
    Right.AMEND: """
        POST /stores/{store_id}/voids, POST /stores/{store_id}/relabels,
        POST /stores/{store_id}/amendments/check,
        POST /stores/{store_id}/amendments/{amendment_id}/check,
        POST /stores/{store_id}/amendments/{amendment_id}/withdraw,
        POST /api/v1/stores/{store_id}/amendments,
        DELETE /api/v1/stores/{store_id}/amendments/{amendment_id},
        POST /stores/{store_id}/confirmation, POST /stores/{store_id}/confirmation/check,
        POST /api/v1/stores/{store_id}/confirmations""",
    Right.CONFIRM: """
        POST /stores/{store_id}/confirm,
        PUT /api/v1/stores/{store_id}/confirmation""",
    Right.IDENTITY: """
        POST /devices/{device}/{what}, POST /devices/{device}/{what}/check,
        GET /stores/{store_id}/setup, POST /stores/{store_id}/setup/{what},
        POST /stores/{store_id}/setup/{what}/check,
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
        GET /accounts/{account_id},
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
    apply_chain(empty, tmp_path)
    return empty


@pytest.fixture
def parts(chain: Engine, tmp_path: Path) -> Parts:
    link = LinkStatus(LinkState.CONNECTED, MONDAY)
    health = health_of(chain, lambda: link, IngestState)
    return Parts(chain, open_key(tmp_path), FakeClock(MONDAY), lambda: health)


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
