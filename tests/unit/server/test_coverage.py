"""A device that is dark sends nothing, and that counts as not seen: wherever a coverage stands."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, update

from firmware_cfg.codec import encode
from server import queries
from server.amending import rulings_of
from server.database import writer
from server.health import health_of
from server.identity import apply_identity
from server.identity_file import ALWAYS, Identity
from server.ingest.committing import commit
from server.ingest.link import LinkState, LinkStatus
from server.ingest.reading import read
from server.ingest.worker import IngestState
from server.periods import Period
from server.rollups.ended import mark_ended_weeks
from server.rollups.job import roll_up
from server.schema.identity import assignment, organisation, store
from server.schema.rollups import rollup_due, standing
from server.scope import Scope
from server.signing import open_key
from server.testing import MONDAY, FakeClock, MessageFactory
from server.unseen import Watch, length_ms, unseen
from server.web.app import make_app
from server.web.parts import Parts
from tests.unit.server.asgi import Client

HOUR = timedelta(hours=1)
HOUR_MS = 3_600_000
LATER = MONDAY + timedelta(days=8)
DAY = Period(MONDAY, MONDAY + 12 * HOUR)
"""Open from 08:00 to 12:00 and from 13:00 to 20:00 in Shanghai: 0 to 4 and 5 to 12 in UTC."""


def send(engine: Engine, *hours: float) -> None:
    """The windows of half an hour that begin so long after Monday 08:00, each with a cell."""
    factory = MessageFactory()
    for each in hours:
        start = MONDAY + each * HOUR
        window = factory.window(factory.cell(start, visits=60), start=start)
        reading = read("encounter/v1/kiosk-1/up/window", encode(window))
        assert commit(engine, [reading], start + HOUR).tally.aside == 0


def halves(*spans: tuple[float, float]) -> list[float]:
    return [start + n / 2 for start, end in spans for n in range(round(2 * (end - start)))]


@pytest.fixture
def dark(either: Engine, identity: Identity) -> Engine:
    """Of 11 hours of opening, nothing came of 12:00 to 14:30 and from 16:00 on."""
    with writer(either).begin() as connection:
        apply_identity(connection, identity)
        connection.execute(update(store).values(confirmed_at=MONDAY - timedelta(days=90)))
    send(either, *halves((0, 4), (6.5, 8)))
    return either


def lacking(
    engine: Engine, period: Period = DAY, now: datetime = LATER
) -> tuple[list[Period], list[Period]]:
    """Of the counter and of the queue."""
    with engine.connect() as connection:
        one = queries.stores(connection, Scope.everything())[0]
        ids = [each.ref.point_id for each in queries.points(connection, one)]
        rulings = rulings_of(connection, one.org_id, one.store_id)
        found = unseen(connection, Watch(one.org_id, ids, one.time, rulings), period, now)
    counter, queue = (list(found[each]) for each in ids)
    return counter, queue


def test_opening_time_without_a_window_is_unseen(dark: Engine) -> None:
    gaps = [Period(MONDAY + 5 * HOUR, MONDAY + 6.5 * HOUR), Period(MONDAY + 8 * HOUR, DAY.end)]
    assert lacking(dark) == (gaps, gaps)
    assert lacking(dark, now=MONDAY + 9 * HOUR)[0] == gaps[:1]
    ended = Period(MONDAY + timedelta(days=7), MONDAY + timedelta(days=8))
    assert length_ms(lacking(dark, ended, LATER + timedelta(days=8))[0]) == 11 * HOUR_MS


def test_before_its_first_window_a_device_that_was_always_there_lacks_nothing(
    dark: Engine,
) -> None:
    before = Period(MONDAY - timedelta(days=7), MONDAY)
    week = Period(before.start, DAY.end)
    assert lacking(dark, week) == lacking(dark)
    since = assignment.c.valid_from
    with writer(dark).begin() as connection:
        assert set(connection.execute(select(since)).scalars()) == {ALWAYS}
        connection.execute(update(assignment).values(valid_from=before.start))
    assert length_ms(lacking(dark, before)[0]) == 11 * HOUR_MS
    with writer(dark).begin() as connection:
        connection.execute(update(store).values(confirmed_at=MONDAY))
    assert lacking(dark, before) == ([], [])
    with writer(dark).begin() as connection:
        connection.execute(update(assignment).values(valid_to=MONDAY + 7 * HOUR))
    assert lacking(dark)[0] == [Period(MONDAY + 5 * HOUR, MONDAY + 6.5 * HOUR)]


@pytest.fixture
def client(dark: Engine, tmp_path: Path) -> Client:
    link = LinkStatus(LinkState.CONNECTED, LATER)
    health = health_of(dark, lambda: link, IngestState)
    return Client(make_app(Parts(dark, open_key(tmp_path), FakeClock(LATER), lambda: health)))


HALF = {"low": 0.49, "high": 0.5}


def test_answers_say_that_half_of_the_time_was_not_seen(client: Client) -> None:
    asked = {"from": DAY.start.isoformat(), "to": DAY.end.isoformat()}
    (one,) = client.get("/api/v1/stores").json()["items"]
    at = f"/api/v1/stores/{one['store_id']}"
    points = client.get(f"{at}/points").json()["items"]
    counter = f"/api/v1/points/{points[0]['point_id']}"
    assert client.get(f"{counter}/figures", params=asked).json()["coverage"] == HALF
    year = asked | {"from": (MONDAY - timedelta(days=300)).isoformat()}
    assert client.get(f"{counter}/figures", params=year).json()["coverage"] == HALF
    # Nothing was released of the queue, and half of its windows came all the same.
    queue = f"/api/v1/points/{points[1]['point_id']}"
    assert client.get(f"{queue}/figures", params=asked).json()["coverage"] == HALF
    total = client.get(f"{at}/figures", params=asked).json()["coverage"]
    assert total["high"] == pytest.approx(5.5 / 16.5, abs=0.01)
    steps = client.get(f"{counter}/course", params=asked).json()["steps"]
    assert {one["coverage"]["high"] for one in steps if one["gap"] is None} == {1.0}


def test_what_stands_of_a_week_says_so_once_it_is_over(dark: Engine, client: Client) -> None:
    roll_up(dark, MONDAY + 9 * HOUR)
    assert stood(dark) == [pytest.approx(5.5 / 8.5, abs=0.01)] * 4  # the store, its regions
    assert mark_ended_weeks(dark, LATER - timedelta(hours=1), LATER) == 0
    assert mark_ended_weeks(dark, LATER - timedelta(days=2), LATER) == 1
    assert roll_up(dark, LATER) == 1
    assert stood(dark) == [pytest.approx(5.5 / 16.5, abs=0.01)] * 4
    with dark.connect() as connection:
        assert connection.execute(select(rollup_due)).all() == []
        org_id = connection.execute(select(organisation.c.org_id)).scalar_one()
    week = {"first_week": "2026-11-16", "last_week": "2026-11-16"}
    told = client.get(f"/api/v1/organisations/{org_id}/figures", params=week).json()
    assert told["coverage"]["high"] == pytest.approx(5.5 / 16.5, abs=0.01)
    assert "% of the time was seen" in client.get("/").text


def stood(engine: Engine) -> list[float]:
    """The upper bounds of the coverage that stands."""
    query = select(standing.c.high).where(standing.c.figure == "coverage")
    with engine.connect() as connection:
        return list(connection.execute(query.where(standing.c.week == MONDAY.date())).scalars())
