"""Changes of who is who by pages: first what they will do, then done, within one's reach alone."""

import html
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import func, select

from firmware_cfg.codec import encode
from server.access.log import entries
from server.access.roles import Role
from server.amending import rulings_of
from server.ingest.committing import commit
from server.ingest.reading import read
from server.schema.cells import cell
from server.schema.identity import assignment, device, point, store
from server.scope import Scope
from server.testing import MessageFactory
from tests.unit.server.api_chain import NOW, Chain, open_chain
from tests.unit.server.asgi import Client
from tests.unit.server.page_checks import faults

LOCAL_NOW = "2026-12-07T20:00"
"""`NOW` on the clock of Pudong."""


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    return open_chain(tmp_path)


def text_of(page: str) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


def fields_of(page: str) -> dict[str, object]:
    """The hidden fields of the form that confirms."""
    found: dict[str, object] = {}
    (form,) = re.findall(r'<form class="confirm".*?</form>', page, re.DOTALL)
    for name, value in re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form):
        kept = found.setdefault(name, [])
        assert isinstance(kept, list)
        kept.append(html.unescape(value))
    return found


def confirmed(client: Client, path: str, form: str, data: Mapping[str, object]) -> str:
    """What was said before it was done."""
    asked = client.post(f"{path}/check", data, form=form)
    assert asked.status_code == 200, text_of(asked.text)
    assert faults(asked.text) == []
    done = client.send("POST", path, data=fields_of(asked.text))
    assert done.status_code == 303, text_of(done.text)
    return text_of(asked.text)


def watched(chain: Chain, name: str) -> set[tuple[str, str]]:
    """Local ids and points of a device that hold now, by their keys."""
    with chain.engine.connect() as connection:
        rows = connection.execute(
            select(assignment.c.local_id, point.c.slug)
            .join(point, point.c.point_id == assignment.c.point_id)
            .where(assignment.c.device == name, assignment.c.valid_to.is_(None))
        )
        return {(row.local_id, row.slug) for row in rows}


def moving(chain: Chain, to: str, **points: str) -> dict[str, object]:
    data: dict[str, object] = {"store": str(chain.ids[to]), "at": LOCAL_NOW}
    data["local"] = [name.replace("_", "-") for name in points]
    data["point"] = [str(chain.ids[key]) for key in points.values()]
    return data


def test_a_device_is_moved_once_it_was_said_what_that_does(chain: Chain) -> None:
    client = chain.client(Role.ADMIN, chain.reach("acme"))
    page = "/devices/kiosk-1"
    shown = client.get(f"{page}?to={chain.ids['puxi-1']}")
    assert faults(shown.text) == []
    assert "“counter-1” stands for" in text_of(shown.text)
    taken = client.post(f"{page}/place/check", moving(chain, "puxi-1", counter_1="desk"), form=page)
    assert (taken.status_code, "Another device watches that point" in taken.text) == (422, True)
    retired = {"at": LOCAL_NOW}
    said = confirmed(client, "/devices/kiosk-2/retirement", "/devices/kiosk-2", retired)
    assert "kiosk-2 watches nothing from 7 December 20:00 on." in said
    assert "What it watches as “counter-1” ends then: Desk." in said
    assert watched(chain, "kiosk-2") == set()
    said = confirmed(client, f"{page}/place", page, moving(chain, "puxi-1", counter_1="desk"))
    assert "From 7 December 20:00 on, kiosk-1 stands in Puxi." in said
    assert "What it watches as “line” ends then: Line." in said
    assert "“counter-1” stands for Desk from then on." in said
    assert watched(chain, "kiosk-1") == {("counter-1", "desk")}


def test_looking_at_what_a_change_would_do_changes_nothing(chain: Chain) -> None:
    client = chain.client(Role.ADMIN)
    before = chain.engine.connect().execute(select(func.count()).select_from(assignment)).scalar()
    data: dict[str, object] = {"at": LOCAL_NOW, "new": "kiosk-7"}
    answer = client.post("/devices/kiosk-1/replacement/check", data, form="/devices/kiosk-1")
    assert "Nobody has claimed kiosk-7 yet: it will belong to Acme" in text_of(answer.text)
    after = chain.engine.connect().execute(select(func.count()).select_from(assignment)).scalar()
    assert (before, watched(chain, "kiosk-7")) == (after, set())


def unclaimed(chain: Chain, name: str) -> int:
    """Three windows of a device that nobody claimed; how many cells there are."""
    factory = MessageFactory(name)
    starts = [NOW - timedelta(hours=3) + timedelta(minutes=30 * number) for number in range(3)]
    windows = [encode(factory.window(factory.cell(at, 30), start=at)) for at in starts]
    commit(chain.engine, [read(f"encounter/v1/{name}/up/window", one) for one in windows], NOW)
    with chain.engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(cell)).scalar_one()


@pytest.mark.parametrize("way", ["page", "api"])
def test_what_a_new_device_sent_before_counts_as_soon_as_it_takes_over(
    chain: Chain, way: str
) -> None:
    before = unclaimed(chain, "kiosk-7")
    if way == "page":
        data: dict[str, object] = {"at": "2026-12-07T17:00", "new": "kiosk-7"}
        data |= {"local": ["counter-1", "line"], "new_local": ["counter-1", "queue-1"]}
        client = chain.client(Role.ADMIN)
        said = confirmed(client, "/devices/kiosk-1/replacement", "/devices/kiosk-1", data)
        assert "From 7 December 17:00 on, kiosk-7 takes over from kiosk-1." in said
        assert "“queue-1” stands for Line" in said
        assert watched(chain, "kiosk-7") == {("counter-1", "counter"), ("queue-1", "line")}
    else:
        body = {"device": "kiosk-7", "at": (NOW - timedelta(hours=3)).isoformat()}
        token = chain.token(Role.ADMIN, chain.reach("everything"))
        headers = {"Authorization": f"Bearer {token}"}
        path = "/api/v1/devices/kiosk-1/replacement"
        done = chain.client(None).send("POST", path, json=body, headers=headers)
        assert done.status_code == 200, done.text
    with chain.engine.connect() as connection:
        after = connection.execute(select(func.count()).select_from(cell)).scalar_one()
        retired = select(device.c.device).where(device.c.retired_at.is_not(None))
        assert connection.execute(retired).scalars().all() == ["kiosk-1"]
    assert after - before == 3


def test_why_a_device_cannot_move_is_said_with_the_time(chain: Chain) -> None:
    client = chain.client(Role.ADMIN)
    early = moving(chain, "pudong-1", counter_1="second") | {"at": "2026-11-20T12:00"}
    answer = client.post("/devices/kiosk-1/place", early, form="/devices/kiosk-1")
    assert answer.status_code == 422
    assert "until 4 December 12:30 already: expected that time or a later" in text_of(answer.text)
    chinese = client.get("/devices/kiosk-1", headers={"Accept-Language": "zh"}).text
    assert "它观察什么" in text_of(chinese)


WRONG: dict[str, tuple[str, dict[str, object], str]] = {
    "no time": ("retirement", {}, "Expected a time"),
    "the future": ("retirement", {"at": "2027-01-01T00:00"}, "lies in the future"),
    "no store": ("place", {"at": LOCAL_NOW}, "Choose the store"),
    "no device": ("replacement", {"at": LOCAL_NOW}, "Name the device"),
    "one that watches": ("replacement", {"at": LOCAL_NOW, "new": "kiosk-2"}, "watches points"),
    "no name": ("name", {}, "1 to 120 characters"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_refused_in_words(chain: Chain, name: str) -> None:
    what, data, words = WRONG[name]
    client = chain.client(Role.ADMIN)
    for path in (f"/devices/kiosk-1/{what}", f"/devices/kiosk-1/{what}/check"):
        answer = client.post(path, data, form="/devices/kiosk-1")
        assert (answer.status_code, words in text_of(answer.text)) == (422, True), path
        assert faults(answer.text) == []


def test_names_change_and_points_are_merged_and_parted(chain: Chain) -> None:
    client = chain.client(Role.ADMIN, chain.reach("pudong"))
    page = f"/stores/{chain.ids['pudong-1']}/setup"
    counter, second = str(chain.ids["counter"]), str(chain.ids["second"])
    said = confirmed(client, f"{page}/store_name", page, {"name": "Pudong <2>"})
    assert "“Pudong” is called “Pudong <2>” from now on" in said
    confirmed(client, f"{page}/point_name", page, {"name": "Till", "point": counter})
    said = confirmed(client, f"{page}/merge", page, {"point": counter, "into": second})
    assert "All that Till ever released counts under =Second." in said
    assert "Released periods that count differently then: 18." in said
    shown = client.get(page).text
    assert "counts under =Second" in text_of(shown)
    assert faults(shown) == []
    said = confirmed(client, f"{page}/unmerge", page, {"point": counter})
    assert "Released periods that count as before again: 18." in said
    later = {"point": counter, "into": second, "since": "2026-11-30T00:00"}
    said = confirmed(client, f"{page}/merge", page, later)
    assert "What Till released from 30 November 00:00 on counts under =Second." in said
    wrong = {"point": counter, "into": second, "since": "sometime"}
    assert client.post(f"{page}/merge", wrong, form=page).status_code == 422
    with chain.engine.connect() as connection:
        rulings = rulings_of(connection, chain.ids["acme"], chain.ids["pudong-1"])
        names = connection.execute(select(store.c.name)).scalars().all()
    assert rulings.sources_of(UUID(second)) == {UUID(second), UUID(counter)}
    assert "Pudong <2>" in names


def test_points_that_do_not_fit_are_not_merged(chain: Chain) -> None:
    client = chain.client(Role.ADMIN)
    page = f"/stores/{chain.ids['pudong-1']}/setup"
    counter = str(chain.ids["counter"])
    for into, status, words in (
        ("line", 422, "two points of the same kind"),
        ("counter", 422, "counts under this one already"),
        ("desk", 404, "There is no page"),
    ):
        data = {"point": counter, "into": str(chain.ids[into])}
        answer = client.post(f"{page}/merge", data, form=page)
        assert (answer.status_code, words in text_of(answer.text)) == (status, True), into


def test_a_device_outside_is_not_there_and_cannot_be_taken(chain: Chain) -> None:
    client = chain.client(Role.ADMIN, chain.reach("pudong"))
    mine = "/devices/kiosk-1"
    for name in ("kiosk-2", "kiosk-9", "kiosk-8"):
        assert client.get(f"/devices/{name}").status_code == 404
        for what in ("name", "place", "replacement", "retirement"):
            for path in (f"/devices/{name}/{what}", f"/devices/{name}/{what}/check"):
                assert client.post(path, {"at": LOCAL_NOW}, form=mine).status_code == 404, path
        data: dict[str, object] = {"at": LOCAL_NOW, "new": name}
        answer = client.post(f"{mine}/replacement", data, form=mine)
        assert "Expected a device within your own reach" in answer.text
    for key in ("puxi-1", "oslo-1"):
        assert client.get(f"{mine}?to={chain.ids[key]}").status_code == 404
        away = moving(chain, key) | {"local": [], "point": []}
        assert client.post(f"{mine}/place", away, form=mine).status_code == 404
        assert client.get(f"/stores/{chain.ids[key]}/setup").status_code == 404
    assert "Puxi" not in client.get(mine).text


def test_only_administrators_get_the_forms_and_each_change_is_in_the_log(chain: Chain) -> None:
    manager = chain.client(Role.REGIONAL_MANAGER, chain.reach("acme"), name="mei")
    shown = manager.get("/devices/kiosk-1").text
    assert "“line”" not in shown
    assert "<form" not in shown[shown.index("<main") :]
    client = chain.client(Role.ADMIN, chain.reach("acme"), name="ada")
    confirmed(client, "/devices/kiosk-1/name", "/devices/kiosk-1", {"name": "Kiosk A"})
    refused = manager.send("POST", "/devices/kiosk-1/name", data={"name": "Mine"})
    assert refused.status_code == 403
    without = client.send("POST", "/devices/kiosk-1/name", data={"name": "Forged"})
    assert without.status_code == 403
    assert "Kiosk A" in client.get("/fleet").text
    chain.flush()
    with chain.engine.connect() as connection:
        rows = entries(connection, Scope(org_ids=frozenset({chain.ids["acme"]})))
    assert {
        ("ada", "checkDevice", 200),
        ("ada", "changeDevice", 303),
        ("mei", "changeDevice", 403),
    } <= {
        (one.account, one.operation, one.status)
        for one in rows
        if one.subject == "kiosk-1/name" and one.store_id == chain.ids["pudong-1"]
    }
