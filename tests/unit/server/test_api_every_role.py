"""Whatever is asked of the API, by whatever role: no failure of ours, nothing from outside.

Requests are drawn from the API's own description (schemathesis), with ids of what there is, in
the caller's reach and outside of it, in the place of half of the invented ones. Each answer is
held against three rules: no 5xx; only what the description names; and no id of another
organisation, region, store, point, device, amendment or report than the caller sees, unless the
request itself named it.

`ENCOUNTER_API_EXAMPLES=200` asks more than the few that each run of the tests does.
"""

import json
import os
import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.config import SchemathesisConfig
from schemathesis.core.result import Ok

from server.access.roles import Role
from server.scope import Scope
from tests.unit.server.api_chain import NOW, Chain, open_chain, things_of
from tests.unit.server.asgi import BASE, Client

OWN_PAGE = {"Origin": BASE, "Sec-Fetch-Site": "same-origin"}
EXAMPLES = int(os.environ.get("ENCOUNTER_API_EXAMPLES", "2"))
pytestmark = pytest.mark.timeout(300 + 20 * EXAMPLES)
FORM = re.compile(r'name="form" value="([0-9a-f]+)"')
IDS = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|kiosk-[0-9]+")
SEEN = {
    "everything": {"acme", "other", "china", "east", "north", "pudong-1", "puxi-1", "oslo-1"},
    "acme": {"acme", "china", "east", "pudong-1", "puxi-1"},
    "east": {"acme", "east", "pudong-1"},
    "pudong": {"acme", "pudong-1"},
}
KINDS = {
    "organisation_id": ("acme", "other"),
    "region_id": ("china", "east", "north"),
    "parent_id": ("china", "east", "north"),
    "store_id": ("pudong-1", "puxi-1", "oslo-1"),
    "point_id": ("counter", "second", "line", "desk", "till"),
    "to_point_id": ("counter", "second", "line", "desk", "till"),
    "into": ("counter", "second", "line", "desk", "till"),
}
DEVICES = ("kiosk-1", "kiosk-2", "kiosk-9", "kiosk-77")
TIMES: Sequence[str] = [
    (NOW - timedelta(days=days)).isoformat() for days in (0, 1, 7, 14, 19, 20, 21, 30)
]
DAYS: Sequence[str] = [(NOW - timedelta(days=days)).date().isoformat() for days in (0, 7, 14, 21)]
WORDS = {
    "device": DEVICES,
    **dict.fromkeys(("from", "to", "at", "confirmed_from", "closed_at", "merged_from"), TIMES),
    **dict.fromkeys(("first_week", "last_week", "day"), DAYS),
}


@dataclass
class Somebody:
    """A caller, and what it may not be told."""

    chain: Chain
    client: Client
    headers: dict[str, str]
    foreign: frozenset[str]
    statuses: Counter[int] = field(default_factory=Counter)

    def ask(self, request: "Drawn") -> httpx.Response:
        self.chain.clock.at += timedelta(seconds=1)
        response = self.client.send(
            request.method,
            request.path,
            params=request.query,
            json=request.body,
            headers=self.headers,
        )
        self.statuses[response.status_code] += 1
        return response


@dataclass(frozen=True)
class Drawn:
    """A request that was drawn."""

    method: str
    template: str
    path: str
    query: dict[str, Any]
    body: Any

    @property
    def named(self) -> frozenset[str]:
        text = json.dumps([self.path, self.query, self.body], default=str, ensure_ascii=False)
        return frozenset(IDS.findall(text.lower()))


CALLERS = {
    "admin": (Role.ADMIN, "acme"),
    "admin of everything": (Role.ADMIN, "everything"),
    "regional_manager": (Role.REGIONAL_MANAGER, "east"),
    "store_manager": (Role.STORE_MANAGER, "pudong"),
    "auditor": (Role.AUDITOR, "acme"),
    "token": (Role.REGIONAL_MANAGER, "pudong"),
    "none": (None, "everything"),
}


def somebody(chain: Chain, name: str) -> Somebody:
    role, reach = CALLERS[name]
    things = things_of(chain)
    told = things["accounts"].union(*(things[key] for key in SEEN[reach]))
    foreign = frozenset(set().union(*things.values()) - told)
    if name == "token" and role is not None:
        token = chain.token(role, chain.reach(reach))
        client, headers = chain.client(None), {"Authorization": f"Bearer {token}"}
    elif role is None:
        client, headers = chain.client(None), OWN_PAGE
        foreign = frozenset().union(*things.values())
    else:
        client = chain.client(role, chain.reach(reach), name=name)
        form = FORM.search(client.get("/account").text)
        assert form is not None
        headers = OWN_PAGE | {"X-Form-Token": form[1]}
    return Somebody(chain, client, headers, foreign)


def known_value(chain: Chain, name: str, rng: random.Random) -> object:
    """Something there is, for a field of this name; none: nothing is known of it."""
    if name in KINDS:
        return str(chain.ids[rng.choice(KINDS[name])])
    if name == "watches":
        return {"counter-1": str(chain.ids[rng.choice(KINDS["point_id"])])}
    if name in {"amendment_id", "report_id"}:
        things = things_of(chain)
        return rng.choice(sorted(things["pudong-1"] | things["oslo-1"]))
    return rng.choice(WORDS[name]) if name in WORDS else None


def filled(chain: Chain, given_: object, rng: random.Random) -> Any:
    """The same with things that there are in the place of half of the invented ones."""
    if isinstance(given_, Mapping):
        return {key: _filled(chain, key, value, rng) for key, value in given_.items()}
    return given_


def _filled(chain: Chain, key: str, value: object, rng: random.Random) -> Any:
    known = known_value(chain, key, rng)
    if known is not None and rng.random() < 0.75:
        return known
    if isinstance(value, list | tuple):
        return [filled(chain, one, rng) for one in value]
    return filled(chain, value, rng)


def drawn_of(chain: Chain, case: Any, rng: random.Random) -> Drawn:
    path, query = case.operation.path, filled(chain, dict(case.query or {}), rng)
    if {"from", "to"} <= set(query):
        query |= dict(zip(("from", "to"), sorted([query["from"], query["to"]]), strict=True))
    if "cursor" in query:
        del query["cursor"]
    for name, value in filled(chain, dict(case.path_parameters or {}), rng).items():
        path = path.replace("{" + name + "}", _quoted(value))
    body = case.body if isinstance(case.body, dict | list | str | int | float | bool) else None
    plain = {key: value for key, value in query.items() if value is not None}
    return Drawn(case.method, case.operation.path, path, plain, filled(chain, body, rng))


def _quoted(value: object) -> str:
    return httpx.URL("http://x").copy_with(path=f"/{value}").raw_path.decode()[1:]


def operations(chain: Chain) -> Iterator[Any]:
    schema = schemathesis.openapi.from_dict(chain.app.openapi(), config=SchemathesisConfig())
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        yield found.ok()


def check(request: Drawn, response: httpx.Response, known: Any, who: Somebody) -> None:
    where = f"{request.method} {request.path} {request.query} {request.body!r}"
    assert response.status_code < 500, f"{where}: {response.text}"
    named = known["responses"]
    documented = {str(response.status_code), f"{response.status_code // 100}XX"} & set(named)
    assert documented, f"{where}: {response.status_code} is not in the description"
    if response.status_code >= 400:
        assert response.headers["content-type"] == "application/problem+json", where
        assert response.json()["status"] == response.status_code
    told = frozenset(IDS.findall(response.text.lower()))
    assert not (told & who.foreign) - request.named, f"{where}: tells {told & who.foreign}"


def ask_some(who: Somebody, operation: Any, known: Any) -> list[int]:
    """Ask one operation something, and check what comes; the statuses."""
    statuses: list[int] = []

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=EXAMPLES < 10,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(), seed=st.integers(0, 2**16))
    def ask(case: Any, seed: int) -> None:
        rng = random.Random(seed)  # noqa: S311 which ids, not secret
        request = drawn_of(who.chain, case, rng)
        response = who.ask(request)
        check(request, response, known, who)
        statuses.append(response.status_code)

    ask()
    return statuses


@pytest.mark.parametrize("name", CALLERS)
def test_no_role_gets_a_failure_or_what_lies_outside(tmp_path: Path, name: str) -> None:
    chain = open_chain(tmp_path)
    who = somebody(chain, name)
    document = chain.app.openapi()
    reached: Counter[str] = Counter()

    for operation in operations(chain):
        known = document["paths"][operation.path][operation.method]
        for status in ask_some(who, operation, known):
            reached[known["operationId"]] += status < 300
    reached += Counter()
    chain.flush()
    _says(name, who, reached, len(list(operations(chain))))
    if name == "none":
        assert set(who.statuses) <= {200, 401}
        assert set(reached) <= {"getHealth"}
    else:
        assert len(reached) > 5
        assert who.statuses[200] > 10
    chain.engine.dispose()


def _says(name: str, who: Somebody, reached: Counter[str], count: int) -> None:
    found = ", ".join(f"{status}: {number}" for status, number in sorted(who.statuses.items()))
    print(  # noqa: T201 the figures of a long run
        f"{name}: {len(reached)} of {count} operations answered with something; {found}"
    )


def test_a_planted_hole_in_the_scope_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = open_chain(tmp_path)
    who = somebody(chain, "store_manager")
    monkeypatch.setattr(Scope, "limit", lambda _self, query, _table: query)
    document = chain.app.openapi()
    for operation in operations(chain):
        known = document["paths"][operation.path][operation.method]
        if known["operationId"] in {"listDevices", "listRegions"}:
            with pytest.raises(AssertionError, match="tells"):
                ask_some(who, operation, known)
    chain.engine.dispose()
