"""The page of a store: the usual period, the store's total, queues, k in force."""

import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from firmware_cfg.codec import encode
from firmware_cfg.histogram import Fate, Histogram
from firmware_cfg.messages import Cell, Outcomes, PointKind, WireHistogram
from server.health import health_of
from server.ingest.committing import commit
from server.ingest.link import LinkState, LinkStatus
from server.ingest.reading import read
from server.ingest.worker import IngestState
from server.signing import open_key
from server.testing import MONDAY, FakeClock, Load, MessageFactory
from server.web.app import make_app
from server.web.parts import Parts
from tests.unit.server.asgi import Client

HALF_HOUR = timedelta(minutes=30)
BASE = "encounter/v1/kiosk-1/up/"
NOON = MONDAY + timedelta(hours=4)  # in the store's zone
TOMORROW = NOON + timedelta(days=1)


@pytest.fixture
def factory() -> MessageFactory:
    return MessageFactory()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOON)


@pytest.fixture
def client(engine: Engine, clock: FakeClock, tmp_path: Path) -> Client:
    link = LinkStatus(LinkState.CONNECTED, NOON)
    health = health_of(engine, lambda: link, IngestState)
    return Client(make_app(Parts(engine, open_key(tmp_path), clock, lambda: health)))


def take(engine: Engine, factory: MessageFactory, *cells: Cell, at: datetime = MONDAY) -> None:
    reading = read(BASE + "window", encode(factory.window(*cells, start=at)))
    assert commit(engine, [reading], NOON).tally.aside == 0


def line(factory: MessageFactory, visits: int = 14, at: datetime = MONDAY) -> Cell:
    return factory.cell(at, visits=visits, point="line", kind=PointKind.QUEUE)


def store_path(client: Client) -> str:
    (store,) = client.get("/api/v1/stores").json()["items"]
    return f"/stores/{store['store_id']}"


def seen(client: Client, query: str = "") -> str:
    """The text of the store page, tags left out."""
    return words(client.get(store_path(client) + query).text)


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_today_is_shown_once_something_of_today_is_released(
    engine: Engine, factory: MessageFactory, client: Client
) -> None:
    take(engine, factory, factory.cell())
    text = seen(client)
    assert "Monday 16 November 2026" in text
    assert "Nothing has been released today" not in text


def test_before_that_the_last_7_days_with_a_way_to_today(
    engine: Engine, factory: MessageFactory, client: Client, clock: FakeClock
) -> None:
    take(engine, factory, factory.cell())
    clock.at = TOMORROW
    html = client.get(store_path(client)).text
    assert "Nothing has been released today yet, so these are the last 7 days." in html
    assert f'href="{store_path(client)}?period=today">Show today</a>' in html
    assert "24 visits" in html
    assert "Nothing has been released today yet" not in seen(client, "?period=week")
    assert "Nothing was released inside this period" in seen(client, "?period=today")


def test_a_wrong_range_shows_the_usual_view(client: Client) -> None:
    response = client.get(store_path(client) + "?period=range&first=2026-02-02&last=2026-02-01")
    assert response.status_code == 422
    assert "This is the usual view instead" in response.text


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-30", "9999-12-31"])
def test_the_ends_of_the_calendar_are_refused_in_words(client: Client, day: str) -> None:
    query = f"?period=range&first={day}&last={day}"
    assert client.get(store_path(client) + query).status_code == 422
    asked = {"from": f"{day}T00:00:00+14:00", "to": f"{day}T01:00:00+14:00"}
    for name in ("figures", "weeks"):
        answer = client.get(f"/api/v1{store_path(client)}/{name}", params=asked)
        assert (answer.status_code, "expected 2 to 9998" in answer.text) == (422, True)


def test_the_whole_store_counts_each_visit_once_and_those_who_left(
    engine: Engine, factory: MessageFactory, client: Client
) -> None:
    take(engine, factory, factory.cell(visits=60), line(factory, 40))
    asked = {"from": MONDAY.isoformat(), "to": (MONDAY + HALF_HOUR).isoformat()}
    found = client.get(f"/api/v1{store_path(client)}/figures", params=asked).json()
    points = client.get(f"/api/v1{store_path(client)}/points").json()["items"]
    counter = client.get(f"/api/v1/points/{points[0]['point_id']}/figures", params=asked).json()
    assert found["figures"]["visits"] == 100
    assert found["figures"]["served_within"]["value"] == pytest.approx(
        0.6 * counter["figures"]["served_within"]["value"], abs=0.01
    )
    assert [len(part["covered"]) for part in found["parts"]] == [1, 1]
    assert found["k"] == 10
    assert "Whole store 100 visits" in seen(client)


def test_every_figure_carries_what_it_rests_on(
    engine: Engine, factory: MessageFactory, client: Client
) -> None:
    waits = Histogram(3, {Fate.EVENT: {50: 40}, Fate.LEFT: {40: 12}, Fate.CENSORED: {40: 6}})
    one = factory.cell(visits=60).model_copy(
        update={
            "left_censored": 2,
            "waiting": WireHistogram.of(waits),
            "outcomes": Outcomes(served=41, abandoned=12, still_present=7),
        }
    )
    take(engine, factory, one)
    asked = {"from": MONDAY.isoformat(), "to": (MONDAY + HALF_HOUR).isoformat()}
    points = client.get(f"/api/v1{store_path(client)}/points").json()["items"]
    total, found = (
        client.get(f"/api/v1{path}/figures", params=asked).json()
        for path in (store_path(client), f"/points/{points[0]['point_id']}")
    )
    names = ("served_within", "waiting_median", "waiting_p90")
    for name in (*names, "left_unserved"):
        assert total["figures"][name] == {"suppressed": True, "reason": "partial"}
        assert total["figures"]["visits"] == 60
    figures = found["figures"]
    for name in names:
        assert figures[name]["counts"] == {"of": 58, "left": 12, "censored": 6}
    assert figures["left_unserved"]["counts"] == {"of": 53, "left": None, "censored": None}
    for answer in (total, found):
        figures = answer["figures"]
        assert answer["coverage"] == {"low": 0.99, "high": 1.0}
        assert (figures["already_there"], figures["unfinished"]) == (2, 7)
        parts = figures["observed"], figures["bridged"], figures["unknown"]
        assert parts == (0.95, 0.04, 0.01)
        assert figures["measured"]["all_measured"] is True
    text = seen(client)
    assert "of 58: 12 left before, 6 not seen to the end" in text
    assert "2 already there when seeing began, 7 not gone when counted" in text
    assert "99–100 %; 4 % bridged, 1 % unknown" in text
    course = f"/api/v1/points/{points[0]['point_id']}/course"
    (step,) = (
        one
        for one in client.get(course, params=asked).json()["steps"]
        if not one["figures"]["suppressed"]
    )
    assert step["coverage"] == {"low": 0.99, "high": 1.0}


def test_pages_say_what_the_ranges_hold(
    engine: Engine, factory: MessageFactory, client: Client
) -> None:
    take(engine, factory, factory.cell())
    holds = "They hold chance, the width of the histogram’s buckets, the error of measuring"
    assert holds in seen(client)
    assert "the errors are another’s" not in seen(client)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE cell SET model = 'unheard of'")
    assert "the errors are another’s" in seen(client)
    chinese = client.get(store_path(client), headers={"Accept-Language": "zh"}).text
    assert "已计入抽样误差、直方图分桶宽度、测量误差" in chinese


def test_the_total_says_which_point_is_in_it_for_which_time(
    engine: Engine, factory: MessageFactory, client: Client
) -> None:
    take(engine, factory, factory.cell())
    assert "not in it, since nothing is released: Line" in seen(client)
    take(engine, factory, line(factory, at=MONDAY + HALF_HOUR), at=MONDAY + HALF_HOUR)
    text = seen(client)
    assert "The points are in it for different times: Counter: 08:00–08:30; Line: 08:30" in text


def test_a_total_has_no_period_of_its_own_making(
    engine: Engine, factory: MessageFactory, client: Client
) -> None:
    take(engine, factory, factory.cell())
    asked = {"from": MONDAY.isoformat(), "to": (MONDAY + HALF_HOUR / 2).isoformat()}
    found = client.get(f"/api/v1{store_path(client)}/figures", params=asked).json()
    assert found["figures"] == {"suppressed": True, "reason": "few"}


def test_a_queue_tells_who_left_and_never_shares_of_nobody(
    engine: Engine, factory: MessageFactory, client: Client
) -> None:
    take(engine, factory, factory.cell(), line(factory, 20))
    text = seen(client)
    assert "Line: 20 parties left without being served. Half of them left within" in text
    queue = text[text.index("Line Queue") : text.index("Devices")]
    assert "Left without being served 20" in queue
    assert "Stay before leaving, median" in queue
    assert "Served within" not in queue
    points = client.get(f"/api/v1{store_path(client)}/points").json()["items"]
    asked = {"from": MONDAY.isoformat(), "to": (MONDAY + HALF_HOUR).isoformat()}
    found = client.get(f"/api/v1/points/{points[1]['point_id']}/figures", params=asked).json()
    for name in ("served_within", "flawless", "recovered"):
        assert found["figures"][name] is None
    assert found["leaving"]["left"] == 20
    assert found["leaving"]["stay_median"]["value_s"] > 0


@pytest.mark.parametrize(("serve_s", "named"), [(40.0, False), (900.0, True)])
def test_a_counter_is_named_only_if_it_is_surely_slower(
    engine: Engine, client: Client, serve_s: float, *, named: bool
) -> None:
    factory = MessageFactory()
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE point SET kind = 'service_point'")
    slow = factory.cell(visits=60, point="line", load=Load(serve_s=serve_s))
    take(engine, factory, factory.cell(visits=60, load=Load(serve_s=40.0)), slow)
    text = seen(client)
    assert ("Look here first" in text) is named
    assert ("clearly fewer than at the best point" in text) is named


def test_suppressed_names_the_k_in_force(
    engine: Engine, factory: MessageFactory, client: Client
) -> None:
    reported = read(BASE + "reported", encode(factory.reported(k=25)))
    commit(engine, [reported], NOON)
    assert "suppressed (fewer than 25 parties), or not measured" in seen(client)
    take(engine, factory, factory.cell(visits=70, staff=False, k=30))
    text = seen(client)
    assert "suppressed (fewer than 30 parties, or a small team)" in text
    assert "fewer than 10" not in text


def test_a_change_is_marked_in_the_course_and_said_in_its_table(
    engine: Engine, client: Client
) -> None:
    early, late = MessageFactory(), MessageFactory(sequence=1, expectations_hash="f" * 64)
    take(engine, early, early.cell(visits=60))
    after = MONDAY + HALF_HOUR
    window = late.window(late.cell(after, visits=60), start=after)
    commit(engine, [read("encounter/v1/kiosk-1/up/window", encode(window))], NOON)
    html = client.get(f"{store_path(client)}?period=today").text
    (row,) = re.findall(r"<tr[^>]* data-cut>.*?</tr>", html, re.DOTALL)
    assert f'data-start="{int(after.timestamp())}"' in row
    assert "not strictly comparable with before: expectations changed" in row
    assert "before and after are not strictly comparable" in html
    assert re.search(r'class="heat-\d cut"', html)
