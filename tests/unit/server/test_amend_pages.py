"""Amendments by pages: what will change is told before it does, and what cannot be is refused."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from server.access.roles import Role
from server.amending import Kind, amendments
from server.rollups_due import COUNTED_FOR
from server.schema.cells import amendment
from server.testing import MONDAY
from tests.unit.server.api_chain import Asker, Chain, open_chain
from tests.unit.server.page_checks import faults
from tests.unit.server.test_identity_pages import fields_of, text_of


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    return open_chain(tmp_path)


def said(chain: Chain, kind: str, **more: str) -> dict[str, object]:
    """A form about the first week, on the store's clock."""
    point = str(chain.ids["counter"])
    times = {"start": "2026-11-16T00:00", "end": "2026-11-19T00:00"}
    return {"kind": kind, "point": point, **times, "reason": "two zones, <one> name", **more}


def test_a_wrong_zone_counts_under_the_point_that_it_was(chain: Chain) -> None:
    client = chain.client(Role.REGIONAL_MANAGER, chain.reach("china"))
    store = f"/stores/{chain.ids['pudong-1']}"
    second = str(chain.ids["second"])
    form = said(chain, "relabel", to=second, both_ways="true")
    asked = client.post(f"{store}/amendments/check", form, form=store)
    assert (asked.status_code, faults(asked.text)) == (200, [])
    words = text_of(asked.text)
    assert (
        "Released periods of Counter that lie within 16 November 00:00 – 19 November 00:00" in words
    )
    assert "count under =Second. Periods that count differently then: 4." in words
    assert "Those of =Second count under Counter." in words
    assert "It can be withdrawn until Saturday 11 December 2027" in words
    with chain.engine.connect() as connection:
        count = connection.execute(select(func.count()).select_from(amendment)).scalar_one()
        assert count == 6, "looking changes nothing"
    assert client.send("POST", f"{store}/relabels", data=fields_of(asked.text)).status_code == 303
    page = client.get(store).text
    assert "Counts under another point" in page
    assert "two zones, &lt;one&gt; name" in page
    with chain.engine.connect() as connection:
        made = amendments(connection, chain.ids["acme"], chain.ids["pudong-1"])
    points = {(str(one.point_id), str(one.to_point_id)) for one in made if one.kind is Kind.RELABEL}
    assert points == {(form["point"], second), (second, form["point"])}


@pytest.mark.parametrize(
    ("kind", "more", "words"),
    [
        ("relabel", {}, "Expected two different points"),
        ("relabel", {"to": "{line}"}, "two points of the same kind"),
        ("relabel", {"to": "{desk}"}, "Expected a point of this store"),
        ("void", {"end": "2026-11-01T00:00"}, "an end after its beginning"),
        ("void", {"reason": " "}, "a reason of 1 to 500"),
        ("void", {"start": "2025-01-01T00:00"}, "are no longer made anew"),
    ],
)
def test_what_cannot_be_is_said_before_and_the_form_keeps_its_words(
    chain: Chain, kind: str, more: dict[str, str], words: str
) -> None:
    client = chain.client(Role.ADMIN)
    store = f"/stores/{chain.ids['pudong-1']}"
    named = {name: str(one) for name, one in chain.ids.items() if "-" not in name}
    form = said(chain, kind) | {name: text.format(**named) for name, text in more.items()}
    for path in ("amendments/check", f"{kind}s"):
        answer = client.post(f"{store}/{path}", form, form=store)
        assert (answer.status_code, words in text_of(answer.text)) == (422, True), path
        assert faults(answer.text) == []
        assert 'value="2026-11-16T00:00"' in answer.text or "start" in more
        chosen = re.search(r'name="point">.*?</select>', answer.text)
        assert chosen is not None
        assert f'value="{form["point"]}" selected' in chosen[0]


def test_a_void_whose_cells_may_be_gone_stays_and_the_page_says_so(chain: Chain) -> None:
    client = chain.client(Role.ADMIN)
    store = f"/stores/{chain.ids['pudong-1']}"
    ask = Asker(chain.client(None), chain.token(Role.ADMIN, chain.reach("everything")))
    kinds = {one["kind"]: one for one in ask.get(f"{store}/amendments")["items"]}
    assert kinds["note"]["can_be_withdrawn_until"] is None
    path = f"{store}/amendments/{kinds['void']['amendment_id']}"
    assert f'action="{path}/check"' in client.get(store).text
    chain.clock.at = MONDAY + timedelta(days=4) + COUNTED_FOR + timedelta(seconds=1)
    html = client.get(store).text
    assert f'action="{path}/check"' not in html
    assert "no longer to be withdrawn since Wednesday 15 December 2027" in text_of(html)
    for action in ("check", "withdraw"):
        answer = client.post(f"{path}/{action}", form=store)
        assert answer.status_code == 422
        assert "cells of its time may be gone" in text_of(answer.text)
