"""The API's lists, changes, conditional answers and exports, and what of it is logged."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import select

from server.access import log
from server.access.roles import Role
from server.schema.access import access_log
from server.scope import Scope
from server.web.protection import MOST_BYTES
from server.web.v1.cursors import cursor_of
from tests.unit.server.api_chain import (
    API,
    NOW,
    PERIOD,
    REPORT,
    WEEKS,
    Asker,
    Chain,
    every,
    open_chain,
)


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[Chain]:
    found = open_chain(tmp_path)
    yield found
    found.engine.dispose()


@pytest.fixture
def token(chain: Chain) -> str:
    return chain.token(Role.ADMIN, chain.reach("acme"))


@pytest.fixture
def ask(chain: Chain, token: str) -> Asker:
    return Asker(chain.client(None), token)


@pytest.mark.parametrize(
    ("path", "key", "count", "query"),
    [
        ("/organisations", "organisation_id", 2, {}),
        ("/regions", "region_id", 3, {}),
        ("/stores", "store_id", 3, {}),
        ("/devices", "device", 3, {}),
        ("/accounts", "account_id", 1, {}),
        ("/audit-reports", "report_id", 3, {}),
        ("/standings", "subject_id", 3, {"kind": "store", **WEEKS}),
        ("/standings", "subject_id", 3, {"kind": "region", **WEEKS}),
    ],
)
def test_pages_of_a_list_are_the_whole_list(
    chain: Chain, path: str, key: str, count: int, query: dict[str, str]
) -> None:
    ask = Asker(chain.client(None), chain.token(Role.ADMIN, chain.reach("everything")))
    parted = [one[key] for one in every(ask, path, **query)]
    whole = [one[key] for one in ask.get(path, **query)["items"]]
    assert parted == whole
    assert len(set(whole)) == count


@pytest.mark.parametrize(
    "cursor", ["x", "", "!!", cursor_of("not an id"), cursor_of(1, 2, 3), "W10", "x" * 401]
)
def test_a_cursor_of_ones_own_making_is_refused(ask: Asker, cursor: str) -> None:
    for path in ("/stores", "/audit-reports"):
        response = ask("GET", path, cursor=cursor)
        assert response.status_code == 422
        assert response.headers["content-type"] == "application/problem+json"


def test_times_carry_the_offset_of_the_store(chain: Chain, ask: Asker) -> None:
    store = ask.get(f"/stores/{chain.ids['pudong-1']}")
    assert store["confirmed_from"] == "2026-11-01T08:00:00+08:00"
    (device,) = ask.get("/devices", store_id=str(chain.ids["pudong-1"]))["items"]
    assert device["last_sign_at"].endswith("+08:00")
    assert device == ask.get("/devices/kiosk-1")
    (one, _) = ask.get("/devices/kiosk-1/assignments")["items"]
    assert datetime.fromisoformat(one["valid_from"]).utcoffset() is not None


def test_what_was_not_changed_is_not_sent_again(chain: Chain, ask: Asker) -> None:
    path = f"/points/{chain.ids['counter']}/figures"
    first = ask("GET", path, **PERIOD)
    tag = first.headers["etag"]
    ask.headers["If-None-Match"] = f'"other", {tag}'
    again = ask("GET", path, **PERIOD)
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert again.headers["cache-control"] == "no-store"
    void = {"kind": "void", "from": PERIOD["from"], "to": "2026-11-17T00:00:00Z", "reason": "dark"}
    assert ask("POST", f"/stores/{chain.ids['pudong-1']}/amendments", void).status_code == 201
    assert ask("GET", path, **PERIOD).status_code == 200


def test_a_region_is_its_confirmed_stores(chain: Chain, ask: Asker) -> None:
    def visits(path: str) -> int:
        found = ask.get(path, **WEEKS)["figures"]
        return 0 if found.get("suppressed") else int(found["visits"])

    def of_store(key: str) -> int:
        return int(ask.get(f"/stores/{chain.ids[key]}/figures", **PERIOD)["figures"]["visits"])

    china, east = (f"/regions/{chain.ids[key]}/figures" for key in ("china", "east"))
    assert visits(east) == of_store("pudong-1") > 0
    assert visits(china) == of_store("pudong-1") + of_store("puxi-1")
    assert visits(f"/organisations/{chain.ids['acme']}/figures") == visits(china)
    again = {"confirmed_from": None, "reason": "the camera was turned"}
    assert ask("POST", f"/stores/{chain.ids['puxi-1']}/confirmations", again).json()["trial"]
    chain.roll_up()
    assert visits(china) == visits(east)
    assert ask.get(f"/stores/{chain.ids['puxi-1']}/figures", **PERIOD)["trial"] is True
    named = {one["name"] for one in every(ask, "/standings", kind="store", **WEEKS)}
    assert named == {"Pudong"}


def test_a_void_and_its_withdrawal(chain: Chain, ask: Asker) -> None:
    path = f"/points/{chain.ids['counter']}/figures"
    before = ask.get(path, **PERIOD)
    where = f"/stores/{chain.ids['pudong-1']}/amendments"
    void = {"kind": "void", "from": "2026-11-16T00:00:00Z", "to": "2026-11-17T00:00:00Z"}
    assert ask("POST", where, void).status_code == 422
    assert ask("POST", where, void | {"reason": " \t "}).status_code == 422
    assert ask("POST", where, void | {"reason": "x", "to": void["from"]}).status_code == 422
    made = ask("POST", where, void | {"reason": "wrong zone"}).json()
    assert made["cells"] == 4
    (one,) = made["items"]
    assert one["made_by"] == "grace"
    assert one["period"]["from"] == "2026-11-16T08:00:00+08:00"
    assert ask.get(path, **PERIOD)["figures"]["visits"] < before["figures"]["visits"]
    gaps = ask.get(f"/points/{chain.ids['counter']}/gaps", **PERIOD)["items"]
    assert "voided" in {gap["gap"] for gap in gaps}
    assert one in every(ask, where)
    back = ask("DELETE", f"{where}/{one['amendment_id']}")
    assert back.json()["items"][0]["withdrawn_by"] == "grace"
    assert ask("DELETE", f"{where}/{one['amendment_id']}").status_code == 409
    assert ask.get(path, **PERIOD) == before


def test_a_store_manager_notes_and_confirms_but_takes_nothing_out(chain: Chain) -> None:
    ask = Asker(chain.client(None), chain.token(Role.STORE_MANAGER, chain.reach("pudong")))
    where = f"/stores/{chain.ids['pudong-1']}"
    note = {"from": PERIOD["from"], "to": PERIOD["to"], "reason": "sale"}
    assert ask("POST", f"{where}/notes", note).json()["items"][0]["kind"] == "note"
    assert ask("POST", f"{where}/amendments", note | {"kind": "void"}).status_code == 403
    since = ask.get(where)["confirmed_from"]
    other = {"confirmed_from": NOW.isoformat()}
    assert ask("PUT", f"{where}/confirmation", other).status_code == 409
    assert ask("PUT", f"{where}/confirmation", {"confirmed_from": since}).status_code == 200
    assert ask("POST", f"{where}/confirmations", other | {"reason": "bad week"}).status_code == 403
    assert ask.get(where)["confirmed_from"] == since
    assert ask("PATCH", where, {"name": "Mine"}).status_code == 403
    elsewhere = f"/stores/{chain.ids['puxi-1']}"
    assert ask("POST", f"{elsewhere}/notes", note).status_code == 404
    assert ask.get(where)["region_id"] is None


def test_names_and_places_change(chain: Chain, ask: Asker) -> None:
    ids = chain.ids
    for path, field in (
        (f"/organisations/{ids['acme']}", "name"),
        (f"/regions/{ids['east']}", "name"),
        (f"/stores/{ids['pudong-1']}", "name"),
        (f"/points/{ids['counter']}", "label"),
        ("/devices/kiosk-1", "label"),
    ):
        key = ask.get(path).get("key")
        assert ask("PATCH", path, {"name": "  New  "}).json()[field] == "New"
        assert ask.get(path).get("key") == key
        assert ask("PATCH", path, {"name": "a\u0000b"}).status_code == 422
    moved = ask("PUT", f"/stores/{ids['puxi-1']}/region", {"region_id": str(ids["east"])})
    assert moved.json()["region_id"] == str(ids["east"])
    circle = ask("PUT", f"/regions/{ids['china']}/parent", {"parent_id": str(ids["east"])})
    assert circle.status_code == 409
    foreign = ask("PUT", f"/stores/{ids['puxi-1']}/region", {"region_id": str(ids["north"])})
    assert foreign.status_code == 404
    hours = {"opening": {"mon": ["08:00-12:00"]}, "special": {"2026-12-24": ["08:00-10:00"]}}
    path = f"/stores/{ids['pudong-1']}/hours"
    assert ask("PUT", path, hours).json()["opening"] == hours["opening"]
    assert ask.get(path)["special"] == hours["special"]
    assert ask("PUT", path, {"opening": {"mon": ["25:00-12:00"]}}).status_code == 409


def test_points_merge_and_part(chain: Chain, ask: Asker) -> None:
    counter, second = (f"/points/{chain.ids[key]}" for key in ("counter", "second"))
    visits = ask.get(f"{counter}/figures", **PERIOD)["figures"]["visits"]
    retired = ask("PUT", "/devices/kiosk-1/retirement", {"at": NOW.isoformat()})
    assert retired.status_code == 200
    into = {"into": str(chain.ids["second"])}
    assert ask("PUT", f"{counter}/merge", into).json()["merged_into"] == into["into"]
    assert ask.get(f"{second}/figures", **PERIOD)["figures"]["visits"] == visits
    assert ask("PUT", f"{second}/merge", {"into": str(chain.ids["till"])}).status_code == 404
    assert ask("DELETE", f"{counter}/merge").json()["merged_into"] is None
    assert ask.get(f"{counter}/figures", **PERIOD)["figures"]["visits"] == visits


def test_devices_move_and_are_replaced(chain: Chain, ask: Asker) -> None:
    at = {"at": (NOW - timedelta(minutes=1)).isoformat()}
    foreign, unclaimed = (
        ask("POST", "/devices/kiosk-1/replacement", {"device": name, **at})
        for name in ("kiosk-9", "kiosk-3")
    )
    assert (foreign.status_code, unclaimed.status_code) == (409, 409)
    assert foreign.text.replace("kiosk-9", "X") == unclaimed.text.replace("kiosk-3", "X")
    far = Asker(chain.client(None), chain.token(Role.ADMIN, chain.reach("everything"), "root"))
    replaced = far("POST", "/devices/kiosk-1/replacement", {"device": "kiosk-3", **at})
    assert replaced.json()["device"] == "kiosk-3"
    watched = ask.get("/devices/kiosk-3/assignments")["items"]
    assert {one["point_id"] for one in watched} == {
        str(chain.ids["counter"]),
        str(chain.ids["line"]),
    }
    place = {"store_id": str(chain.ids["puxi-1"]), "watches": {}, "at": NOW.isoformat()}
    moved = ask("PUT", "/devices/kiosk-3/place", place)
    assert moved.json()["store_id"] == str(chain.ids["puxi-1"])
    there = place | {"store_id": str(chain.ids["oslo-1"])}
    assert ask("PUT", "/devices/kiosk-3/place", there).status_code == 404
    closed = ask("PUT", f"/stores/{chain.ids['puxi-1']}/closing", {"closed_at": NOW.isoformat()})
    assert closed.json()["closed_at"] is not None
    assert ask("PUT", "/devices/kiosk-3/place", place).status_code == 409
    assert ask("DELETE", f"/stores/{chain.ids['puxi-1']}/closing").json()["closed_at"] is None


def test_accounts_are_invited_changed_and_disabled(chain: Chain, ask: Asker) -> None:
    acme = {"organisation_id": str(chain.ids["acme"])}
    wanted = {"name": "Lin", "role": "auditor", "reaches": [acme]}
    made = ask("POST", "/accounts", wanted)
    assert made.status_code == 201
    assert "/link/" in made.json()["link"]
    where = f"/accounts/{made.json()['account_id']}"
    assert ask.get(where)["has_password"] is False
    assert ask("POST", "/accounts", wanted).status_code == 422
    for reach in ({}, {"organisation_id": str(chain.ids["other"])}):
        assert ask("POST", "/accounts", wanted | {"reaches": [reach]}).status_code == 422
    store = acme | {"store_id": str(chain.ids["puxi-1"])}
    rights = {"role": "store_manager", "reaches": [store]}
    assert ask("PUT", f"{where}/rights", rights).json()["role"] == "store_manager"
    assert ask("PUT", f"{where}/disabled").json()["disabled_at"] is not None
    assert ask("DELETE", f"{where}/disabled").json()["disabled_at"] is None
    (own,) = [one for one in ask.get("/accounts")["items"] if one["name"] == "grace"]
    assert ask("PUT", f"/accounts/{own['account_id']}/disabled").status_code == 422
    assert ask("GET", f"/accounts/{uuid4()}").status_code == 404


def test_a_change_with_a_session_needs_its_form_token(chain: Chain) -> None:
    client = chain.client(Role.ADMIN, chain.reach("acme"))
    path = f"{API}/stores/{chain.ids['pudong-1']}"
    assert client.send("PATCH", path, json={"name": "x"}).status_code == 403


def test_reports_of_audits_are_kept_as_they_came(ask: Asker) -> None:
    where = "/devices/kiosk-1/audit-reports"
    (known,) = ask.get(where)["items"]
    assert known["verdict"] == "holds"
    text = ask("GET", f"{where}/{known['report_id']}")
    assert text.content == REPORT
    again = ask("POST", where, json.loads(REPORT))
    assert again.json()["verdict"] == "holds"
    failing = {"report_version": 1, "at": "2026-11-21T10:00:00Z", "counts": {"holds": 3}}
    failing |= {"audited": {"version": "0.1.0"}, "findings": [{"status": "fails"}] * 2000}
    made = ask("POST", where, failing)
    assert len(made.request.content) > 20_000
    assert made.json()["verdict"] == "fails"
    assert ask("POST", where, failing).json()["report_id"] == made.json()["report_id"]
    assert len(every(ask, where)) == len(ask.get(where)["items"])
    later = failing | {"at": "2027-01-01T00:00:00Z"}
    others: tuple[object, ...] = ({}, [], failing | {"report_version": 9}, later)
    for wrong in others:
        assert ask("POST", where, wrong).status_code == 422
    assert ask("GET", "/devices/kiosk-9/audit-reports").status_code == 404


def test_only_reports_may_be_large(chain: Chain, ask: Asker) -> None:
    large = {"name": "x" * (MOST_BYTES + 1)}
    assert ask("PATCH", f"/stores/{chain.ids['pudong-1']}", large).status_code == 413
    assert ask("POST", "/devices/kiosk-1/audit-reports", large).status_code == 422


def table(response: httpx.Response) -> list[dict[str, str]]:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(response.text)))


def test_exports_say_what_the_answers_say(chain: Chain, ask: Asker) -> None:
    where = f"/stores/{chain.ids['pudong-1']}"
    cells = table(ask("GET", f"{where}/cells.csv", **PERIOD))
    steps = ask.get(f"/points/{chain.ids['counter']}/course", **PERIOD)["steps"]
    told = [one for one in steps if one["gap"] is None]
    of_counter = [one for one in cells if one["point"] == "Counter"]
    assert [one["from"] for one in of_counter] == [one["period"]["from"] for one in told]
    for row, one in zip(of_counter, told, strict=True):
        assert int(row["visits"]) == one["figures"]["visits"]
        share = one["figures"]["served_within"]
        assert float(row["served_within"]) == share["value"]
        assert int(row["served_within_of"]) == share["counts"]["of"]
    of_queue = [one for one in cells if one["kind"] == "queue"]
    for name in ("served_within", "flawless", "recovered"):
        assert {one[name] for one in of_queue} == {""}
    figures = table(ask("GET", f"{where}/figures.csv", **PERIOD))
    assert [one["point"] for one in figures] == ["Counter", "'=Second", "Line", ""]
    assert figures[1]["visits"] == ""
    total = ask.get(f"{where}/figures", **PERIOD)["figures"]
    assert int(figures[-1]["visits"]) == total["visits"]
    weeks = table(ask("GET", "/exports/standings.csv", **WEEKS))
    assert {one["store"] for one in weeks} == {"Pudong", "Puxi"}


def test_a_store_on_trial_is_in_no_export(chain: Chain, ask: Asker) -> None:
    where = f"/stores/{chain.ids['puxi-1']}"
    assert table(ask("GET", f"{where}/cells.csv", **PERIOD)) != []
    ask("POST", f"{where}/confirmations", {"confirmed_from": None, "reason": "turned"})
    chain.roll_up()
    assert table(ask("GET", f"{where}/cells.csv", **PERIOD)) == []
    assert table(ask("GET", f"{where}/figures.csv", **PERIOD)) == []
    weeks = table(ask("GET", "/exports/standings.csv", **WEEKS))
    assert {one["store"] for one in weeks} == {"Pudong"}


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/standings", {"kind": "store", "first_week": "2026-11-16", "last_week": "2026-11-01"}),
        ("/standings", {"kind": "store", "first_week": "2024-11-16", "last_week": "2026-11-16"}),
        ("/standings", {"kind": "store", "first_week": "0001-01-01", "last_week": "0001-01-09"}),
        ("/standings", {"kind": "point", "first_week": "2026-11-16", "last_week": "2026-11-16"}),
        ("/exports/standings.csv", {"first_week": "9999-12-31", "last_week": "9999-12-31"}),
        ("/stores", {"limit": "0"}),
        ("/stores", {"limit": "201"}),
        ("/devices/Not-A-Device", {}),
        ("/devices/%00", {}),
    ],
)
def test_what_cannot_be_asked_is_a_problem(ask: Asker, path: str, asked: dict[str, str]) -> None:
    response = ask("GET", path, **asked)
    assert response.status_code == 422
    assert response.json()["status"] == 422


def test_the_log_is_told_in_pages_and_to_whom_it_concerns(chain: Chain, ask: Asker) -> None:
    far = Asker(chain.client(None), chain.token(Role.ADMIN, chain.reach("everything"), "root"))
    near = Asker(chain.client(None), chain.token(Role.AUDITOR, chain.reach("acme"), "lin"))
    oslo = str(chain.ids["oslo-1"])
    far.get(f"/stores/{oslo.upper()}/figures", **PERIOD)
    far.get("/devices", store_id=oslo)
    far.get("/stores", cursor=cursor_of(oslo), organisation=oslo)
    far.get(f"/regions/{chain.ids['north']}")
    far("GET", "/standings", kind="store", store_id=oslo, **WEEKS)
    far("GET", "/devices/%00")
    far.get("/stores", limit="1")
    chain.flush()
    with chain.engine.connect() as connection:
        rows = connection.execute(select(access_log)).all()
        mine = log.entries(connection, Scope(org_ids=frozenset([chain.ids["other"]])))
    assert len(rows) >= 7
    assert {one.operation for one in mine} >= {"getStoreFigures", "listDevices", "getRegion"}
    assert "listStandings" in {one.operation for one in mine}
    told = every(near, "/access-log")
    assert {one["operation"] for one in told} == {"listStores", "listStandings"}
    assert oslo not in str(told)
    assert cursor_of(oslo) not in str(told)
    assert ask("GET", "/access-log").status_code == 200
