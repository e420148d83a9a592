"""The API's description: as committed, with stable operation ids, and nothing that breaks clients.

python -m tests.unit.server.test_openapi            after a wanted change
python -m tests.unit.server.test_openapi released   at a release, and at no other time
"""

import json
import sys
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi.routing import APIRoute
from sqlalchemy import create_engine

from server.health import Health
from server.signing import SigningKey
from server.testing import FakeClock
from server.web.app import make_app, routers
from server.web.needs import rights_of
from server.web.pages import Renderer
from server.web.parts import Parts
from tests.unit.server.openapi_breaks import METHODS, breaks

DOCS = Path(__file__).parents[3] / "docs"
COMMITTED = DOCS / "openapi.json"
RELEASED = DOCS / "openapi-released.json"
OPERATIONS = """
    amendConfirmation closeStore confirmStore createAccount createAccountLink createAmendment
    createNote createToken disableAccount enableAccount exportStandings exportStoreCells
    exportStoreFigures getAccount getAcknowledgementKey getAuditReport getDevice getHealth
    getLedgerHead getLedgerHeadOfDay getOrganisation getOrganisationFigures getPoint getPointCourse
    getPointFigures getRegion getRegionFigures getStore getStoreFigures getStoreHours
    handInAuditReport listAccesses listAccounts listAmendments listAssignments listAuditReports
    listChanges listConfirmations listDeviceAuditReports listDevices listLedgerHeads
    listOrganisations listPointGaps listPoints listRegions listStandings listStoreWeeks listStores
    listTokens mergePoint moveDevice moveRegion moveStore renameDevice renameOrganisation
    renamePoint renameRegion renameStore reopenStore replaceDevice retireDevice revokeToken
    setAccountRights setStoreHours unmergePoint withdrawAmendment
"""
PAGED = (
    "listOrganisations listRegions listStores listDevices listStandings listChanges "
    "listAmendments listAccounts listAccesses listAuditReports listDeviceAuditReports"
)


def some_parts() -> Parts:
    """What an application needs, over nothing."""
    key = SigningKey(Ed25519PrivateKey.generate())
    return Parts(create_engine("sqlite://"), key, FakeClock(), _no_health)


def description() -> dict[str, Any]:
    """The document of the application as it is."""
    found: dict[str, Any] = json.loads(json.dumps(make_app(some_parts()).openapi()))
    return found


def _no_health() -> Health:
    raise NotImplementedError("nobody asks for it")


@pytest.fixture
def parts() -> Parts:
    return some_parts()


@pytest.fixture(scope="module")
def now() -> dict[str, Any]:
    return description()


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        one["operationId"]: one
        for item in document["paths"].values()
        for method, one in item.items()
        if method in METHODS
    }


def test_it_is_as_committed(now: dict[str, Any]) -> None:
    assert now == json.loads(COMMITTED.read_text("utf-8"))


def test_operation_ids_are_these_and_no_others(now: dict[str, Any]) -> None:
    assert sorted(operations(now)) == sorted(OPERATIONS.split())
    count = sum(method in METHODS for item in now["paths"].values() for method in item)
    assert count == len(operations(now))


def test_lists_that_grow_come_in_pages(now: dict[str, Any]) -> None:
    known = operations(now)
    for name in PAGED.split():
        names = {one["name"] for one in known[name]["parameters"]}
        assert {"cursor", "limit"} <= names, name
        schema = known[name]["responses"]["200"]["content"]["application/json"]["schema"]
        page = now["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        assert {"items", "next_cursor"} <= set(page["required"]), name


def test_every_operation_says_what_it_is_for_and_how_it_fails(now: dict[str, Any]) -> None:
    for name, one in operations(now).items():
        assert one.get("description"), name
        if name != "getHealth":
            assert {"4XX", "5XX"} <= set(one["responses"]), name


def test_every_operation_is_documented_with_its_request_and_right(parts: Parts) -> None:
    rows = {
        f"| `{route.operation_id}` | `{method} {route.path.removeprefix('/api/v1')}` "
        f"| {rights_of(route)[0].replace('_', ' ')} |"
        for router in routers(make_app(parts), parts, Renderer())
        for route in router.routes
        if isinstance(route, APIRoute) and route.operation_id
        for method in route.methods or ()
    }
    lines = (DOCS / "api.md").read_text("utf-8").splitlines()
    assert {line for line in lines if line.startswith("| `")} == rows


def test_nothing_breaks_who_uses_the_released_one(now: dict[str, Any]) -> None:
    assert breaks(json.loads(RELEASED.read_text("utf-8")), now) == []


def _operation(document: dict[str, Any], name: str) -> dict[str, Any]:
    return operations(document)[name]


def _schema(document: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"][name]
    return found


def _no_path(one: dict[str, Any]) -> None:
    del one["paths"]["/api/v1/stores/{store_id}"]


def _no_operation(one: dict[str, Any]) -> None:
    del one["paths"]["/api/v1/stores/{store_id}"]["patch"]


def _other_id(one: dict[str, Any]) -> None:
    _operation(one, "getStore")["operationId"] = "fetchStore"


def _no_field(one: dict[str, Any]) -> None:
    schema = _schema(one, "StoreOut")
    del schema["properties"]["timezone"]
    schema["required"].remove("timezone")


def _no_deep_field(one: dict[str, Any]) -> None:
    schema = _schema(one, "CountsOut")
    del schema["properties"]["censored"]
    schema["required"].remove("censored")


def _field_may_be_missing(one: dict[str, Any]) -> None:
    _schema(one, "StoreOut")["required"].remove("name")


def _field_may_be_null(one: dict[str, Any]) -> None:
    named = _schema(one, "StoreOut")["properties"]
    named["name"] = {"anyOf": [named["name"], {"type": "null"}]}


def _other_type(one: dict[str, Any]) -> None:
    _schema(one, "FiguresOut")["properties"]["visits"]["type"] = "string"


def _new_required_parameter(one: dict[str, Any]) -> None:
    added = {"name": "unit", "in": "query", "required": True, "schema": {"type": "string"}}
    _operation(one, "getPointFigures")["parameters"].append(added)


def _parameter_becomes_required(one: dict[str, Any]) -> None:
    for each in _operation(one, "listStores")["parameters"]:
        each["required"] = each["required"] or each["name"] == "limit"


def _narrower_parameter(one: dict[str, Any]) -> None:
    for each in _operation(one, "listStores")["parameters"]:
        if each["name"] == "limit":
            each["schema"]["maximum"] = 50


def _no_parameter(one: dict[str, Any]) -> None:
    operation = _operation(one, "listStores")
    operation["parameters"] = [p for p in operation["parameters"] if p["name"] != "region_id"]


def _new_required_field_of_body(one: dict[str, Any]) -> None:
    schema = _schema(one, "NoteIn")
    schema["properties"]["colour"] = {"type": "string"}
    schema["required"].append("colour")


def _no_field_of_body(one: dict[str, Any]) -> None:
    del _schema(one, "NoteIn")["properties"]["point_id"]


def _fewer_words(one: dict[str, Any]) -> None:
    _schema(one, "Role")["enum"].remove("auditor")


def _no_kind_of_answer(one: dict[str, Any]) -> None:
    del _operation(one, "exportStoreCells")["responses"]["200"]["content"]["text/csv"]


def _no_answer(one: dict[str, Any]) -> None:
    responses = _operation(one, "createToken")["responses"]
    responses["200"] = responses.pop("201")


PLANTS: list[Callable[[dict[str, Any]], None]] = [
    _no_path,
    _no_operation,
    _other_id,
    _no_field,
    _no_deep_field,
    _field_may_be_missing,
    _field_may_be_null,
    _other_type,
    _new_required_parameter,
    _parameter_becomes_required,
    _narrower_parameter,
    _no_parameter,
    _new_required_field_of_body,
    _no_field_of_body,
    _fewer_words,
    _no_kind_of_answer,
    _no_answer,
]


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__.strip("_"))
def test_a_planted_break_is_found(
    now: dict[str, Any], plant: Callable[[dict[str, Any]], None]
) -> None:
    planted = deepcopy(now)
    plant(planted)
    assert breaks(now, now) == []
    assert breaks(now, planted) != []


def _more_fields(one: dict[str, Any]) -> None:
    schema = _schema(one, "StoreOut")
    schema["properties"]["colour"] = {"type": "string"}
    schema["required"].append("colour")


def _more_to_ask(one: dict[str, Any]) -> None:
    added = {"name": "unit", "in": "query", "required": False, "schema": {"type": "string"}}
    _operation(one, "listStores")["parameters"].append(added)
    _schema(one, "NoteIn")["properties"]["colour"] = {"type": "string"}
    for each in _operation(one, "listStores")["parameters"]:
        if each["name"] == "limit":
            each["schema"]["maximum"] = 500


def _more_operations(one: dict[str, Any]) -> None:
    one["paths"]["/api/v1/new"] = {"get": {"operationId": "getNew", "responses": {"200": {}}}}


def _never_null_any_more(one: dict[str, Any]) -> None:
    named = _schema(one, "StoreOut")["properties"]
    named["region_id"] = {"type": "string", "format": "uuid"}


@pytest.mark.parametrize(
    "change", [_more_fields, _more_to_ask, _more_operations, _never_null_any_more]
)
def test_what_only_adds_breaks_nothing(
    now: dict[str, Any], change: Callable[[dict[str, Any]], None]
) -> None:
    changed = deepcopy(now)
    change(changed)
    assert breaks(now, changed) == []


if __name__ == "__main__":
    text = json.dumps(description(), indent=2, ensure_ascii=False) + "\n"
    COMMITTED.write_text(text, "utf-8")
    if sys.argv[1:] == ["released"]:
        RELEASED.write_text(text, "utf-8")
