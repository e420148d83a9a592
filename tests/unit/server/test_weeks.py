"""A store's week: stored once and for good, added to nothing, shown in steps."""

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from firmware_cfg.codec import encode
from firmware_cfg.messages import Patterns, Split, WeekFigures, Window
from server.database import writer
from server.health import health_of
from server.identity import apply_identity
from server.identity_file import load_identity
from server.ingest import keeping
from server.ingest.committing import Tally, commit
from server.ingest.fates import Aside
from server.ingest.link import LinkState, LinkStatus
from server.ingest.reading import WindowReading, read
from server.ingest.requeue import requeue
from server.ingest.worker import IngestState
from server.periods import Period
from server.queries import stores
from server.released_week import Comparability, ReleasedWeek
from server.schema.cells import cell, store_week
from server.schema.messages import AsideReason, aside
from server.scope import Scope
from server.signing import open_key
from server.suppression import PlainShare, Suppressed, part_of_week, read_weeks
from server.testing import MONDAY, FakeClock, MessageFactory
from server.web.app import make_app
from server.web.parts import Parts
from tests.unit.server.asgi import Client
from tests.unit.server.conftest import IDENTITY

WEEK = timedelta(days=7)
SUNDAY = MONDAY + timedelta(days=6, hours=4)
ASSIGNED = re.search(r"assignment = .*", IDENTITY).group()  # type: ignore[union-attr]
FIRST = '{ local = "a", point = "counter", valid_to = 2026-11-18T00:00:00Z }'
SECOND = '{ local = "b", point = "line", valid_from = 2026-11-18T00:00:00Z }'
MOVED = '{ local = "b", store = "puxi-1", point = "till", valid_from = 2026-11-18T00:00:00Z }'
PUXI = """[[store]]
key = "puxi-1"
organisation = "acme"
name = "Puxi"
timezone = "Asia/Shanghai"

[[store.point]]
key = "till"
kind = "service_point"
label = "Till"

[[device]]"""


@pytest.fixture
def client(engine: Engine, tmp_path: Path) -> Client:
    link = LinkStatus(LinkState.CONNECTED, SUNDAY)
    health = health_of(engine, lambda: link, IngestState)
    return Client(make_app(Parts(engine, open_key(tmp_path), FakeClock(SUNDAY), lambda: health)))


def take(engine: Engine, *windows: Window) -> Tally:
    readings = [read(f"encounter/v1/{one.device}/up/window", encode(one)) for one in windows]
    return commit(engine, readings, SUNDAY).tally


def weeks(engine: Engine, start: datetime = MONDAY, end: datetime = SUNDAY) -> list[ReleasedWeek]:
    with engine.connect() as connection:
        (one,) = stores(connection, Scope.everything(), limit=1)
        return read_weeks(connection, one.org_id, one.store_id, Period(start, end))


def reasons(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.execute(select(aside.c.reason)).scalars())


def claim(engine: Engine, folder: Path, text: str) -> None:
    path = folder / "other.toml"
    path.write_text(text, "utf-8")
    with writer(engine).begin() as connection:
        apply_identity(connection, load_identity(path))


def get(client: Client, path: str, **query: str) -> dict[str, Any]:
    response = client.get(path, params=query)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def store_path(client: Client) -> str:
    return f"/stores/{get(client, '/api/v1/stores')['items'][0]['store_id']}"


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def section(client: Client, language: str = "en", query: str = "") -> str:
    html = client.get(store_path(client) + query, headers={"Accept-Language": language}).text
    parts = html.split('<section class="weeks"')
    return words(parts[1].split("</section>")[0]) if len(parts) == 2 else ""


def test_a_week_is_stored_with_its_figures_and_once(engine: Engine) -> None:
    factory = MessageFactory()
    one = factory.window(factory.cell(), factory.week())
    assert take(engine, one) == Tally(stored=1)
    assert take(engine, one) == Tally(repeated=1)
    (found,) = weeks(engine)
    assert found.told == factory.week().week
    assert (found.visits, found.k, found.device) == (200, 10, "kiosk-1")
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(cell)).scalar() == 1


def test_a_week_is_added_to_nothing(engine: Engine, client: Client) -> None:
    factory = MessageFactory()
    take(engine, factory.window(factory.cell()))
    asked = {"from": MONDAY.isoformat(), "to": SUNDAY.isoformat()}
    (counter, _) = get(client, f"/api/v1{store_path(client)}/points")["items"]
    paths = [f"/api/v1{store_path(client)}/figures"]
    paths += [f"/api/v1/points/{counter['point_id']}/{one}" for one in ("figures", "course")]

    def told() -> list[Any]:
        """All answers, but for the coverage: another window came."""
        return [get(client, path, **asked) | {"coverage": None} for path in paths]

    before = told()
    take(engine, factory.window(factory.week()))
    assert told() == before
    assert before[0]["figures"]["visits"] == 24


def test_weeks_of_a_device_are_disjoint_and_never_change(engine: Engine, tmp_path: Path) -> None:
    second = IDENTITY[IDENTITY.index("[[device]]") :].replace("kiosk-1", "kiosk-2")
    second = re.sub(r"assignment = .*", 'assignment = [{ local = "x", point = "line" }]', second)
    claim(engine, tmp_path, IDENTITY + second)
    one, two = MessageFactory(), MessageFactory("kiosk-2")
    later = MONDAY + timedelta(days=1)
    windows = [one.window(one.week()), one.window(one.week(later, 300)), two.window(two.week())]
    assert take(engine, *windows) == Tally(stored=3, aside=1)
    assert reasons(engine) == [AsideReason.OVERLAPPING_CELL]
    assert [(w.device, w.visits) for w in weeks(engine)] == [("kiosk-1", 200), ("kiosk-2", 200)]
    assert requeue(engine, SUNDAY) == 0


@pytest.mark.parametrize(
    ("assigned", "reason"),
    [
        ("assignment = []", AsideReason.UNASSIGNED_POINT),
        (f"assignment = [{FIRST}]", AsideReason.OUTSIDE_ASSIGNMENT),
        (f"assignment = [{SECOND}]", AsideReason.OUTSIDE_ASSIGNMENT),
        (f"assignment = [{FIRST}, {MOVED}]", AsideReason.OUTSIDE_ASSIGNMENT),
        (f"assignment = [{FIRST}, {SECOND}]", None),
        ('assignment = [{ local = "a", point = "till", store = "puxi-1" }]', None),
    ],
)
def test_a_week_stands_at_the_one_store_that_was_watched_all_through(
    empty: Engine, tmp_path: Path, assigned: str, reason: AsideReason | None
) -> None:
    text = IDENTITY.replace(ASSIGNED, assigned).replace("[[device]]", PUXI)
    claim(empty, tmp_path, text)
    factory = MessageFactory()
    take(empty, factory.window(factory.week()))
    assert reasons(empty) == ([] if reason is None else [reason])
    with empty.connect() as connection:
        found = connection.execute(select(store_week.c.store_id)).scalars().all()
        names = {one.store_id: one.name for one in stores(connection, Scope.everything())}
    expected = "Puxi" if "puxi-1" in assigned else "Pudong"
    assert [names[one] for one in found] == ([expected] if reason is None else [])


def test_weeks_that_an_earlier_server_kept_aside_are_released(engine: Engine) -> None:
    factory = MessageFactory()
    take(engine, factory.window())
    factory.sequence = 0
    payload = encode(factory.window(factory.cell(), factory.week()))
    reading = read("encounter/v1/kiosk-1/up/window", payload)
    assert isinstance(reading, WindowReading)
    with writer(engine).begin() as connection:
        (one,) = stores(connection, Scope.everything())
        reason = AsideReason.UNASSIGNED_POINT
        kept = Aside(one.org_id, reading, reason, cell_index=1)
        keeping.keep_asides(connection, [kept], SUNDAY)
    assert requeue(engine, SUNDAY) == 1
    assert len(weeks(engine)) == 1
    assert reasons(engine) == []


def a_week(visits: int, k: int = 10, told: WeekFigures | None = None) -> ReleasedWeek:
    made = Comparability(1, "a", "e", "m")
    told = told or WeekFigures()
    period = Period(MONDAY, SUNDAY)
    return ReleasedWeek("kiosk-1", period, k, visits, told, 90.0, 8.0, 2.0, made)


@pytest.mark.parametrize(
    ("part", "others", "visits", "k", "found"),
    [
        (80, 60, 200, 10, PlainShare(0.57, 140)),
        (60, 80, 200, 10, PlainShare(0.43, 140)),
        (23, 22, 200, 10, PlainShare(0.5, 44)),  # fewer than 50 in it: steps of 5 points
        (17, 23, 40, 10, PlainShare(0.4, 40)),
        (10, 11, 30, 10, PlainShare(0.5, 21)),
        (9, 100, 200, 10, Suppressed()),
        (100, 9, 200, 10, Suppressed()),
        (24, 100, 200, 25, Suppressed()),
        (0, 0, 200, 10, Suppressed()),
    ],
)
def test_both_parts_are_at_least_k_and_shares_come_in_steps(
    part: int, others: int, visits: int, k: int, found: PlainShare | Suppressed
) -> None:
    assert part_of_week(part, others, a_week(visits, k)) == found


def test_the_page_shows_weeks_and_why_they_are_weeks(engine: Engine, client: Client) -> None:
    assert section(client) == ""
    factory = MessageFactory()
    take(engine, factory.window(factory.cell(), factory.week()))
    text = section(client)
    assert "Per week, for the whole store" in text
    assert "A team of fewer than three is a person" in text
    for shown in (
        "Week 16 November – 20 November",
        "Visits 200",
        "Greeted in time 75 % of 200",
        "Of those who left unserved, greeted before 50 % of 50",
        "Flawless rate 75 % of 200",
        "Recovered after a fault 50 % of 50",
        "Service interrupted 25 % of 200",
        "Greeting latency, median of those greeted 16–23 s",
        "Interaction duration, median of those greeted 1:30–2:08 min",
        "Counter open when needed 85 %",
        "Threshold k 10",
    ):
        assert shown in text
    assert "Service pattern" not in text
    assert "steps of 5 points" not in text
    chinese = section(client, "zh")
    assert "不足三人的团队等同于个人" in chinese
    assert "及时获得迎候 75% 共 200 次" in chinese


def test_what_may_not_be_told_says_so_and_little_comes_in_steps(
    engine: Engine, client: Client
) -> None:
    factory = MessageFactory()
    told = WeekFigures(
        flawless=Split(yes=17, no=23),
        attended_percent=95,
        patterns=Patterns(interactive=12, proactive=14, reactive=14),
    )
    take(engine, factory.window(factory.week(visits=40, told=told, k=12)))
    text = section(client)
    assert "Greeted in time not told" in text
    assert "Flawless rate 40 % of 40" in text
    assert "Counter open when needed at least 95 %" in text
    assert "Service pattern: proactive 35 % of 40" in text
    assert "each at least 12" in text
    assert "shares in steps of 5 points" in text
    assert "groups of at least" not in text


def test_a_changed_week_names_its_cut_and_the_latest_comes_first(
    engine: Engine, client: Client
) -> None:
    factory = MessageFactory()
    take(engine, factory.window(factory.week(MONDAY - WEEK)))
    factory.expectations_hash = "f" * 64
    take(engine, factory.window(factory.week(visits=300)))
    text = section(client)
    assert "Visits 300 200" in text
    assert "16 November are not strictly comparable: expectations changed" in text
    assert section(client, query="?period=range&first=2026-07-01&last=2026-07-02") == ""


def test_the_api_gives_whole_weeks_inside_the_period(engine: Engine, client: Client) -> None:
    factory = MessageFactory()
    take(engine, factory.window(factory.week()))
    path = f"/api/v1{store_path(client)}/weeks"
    tuesday = MONDAY + timedelta(days=1)
    empty = get(client, path, **{"from": tuesday.isoformat(), "to": SUNDAY.isoformat()})
    assert empty["devices"] == []
    found = get(client, path, **{"from": MONDAY.isoformat(), "to": SUNDAY.isoformat()})
    ((device, (week,), cuts),) = [(d["device"], d["weeks"], d["cuts"]) for d in found["devices"]]
    assert (device, cuts) == ("kiosk-1", [])
    assert week["period"]["from"] == "2026-11-16T08:00:00+08:00"
    assert week["flawless"] == {"suppressed": False, "value": 0.75, "of": 200}
    assert week["patterns"] == {"suppressed": True, "reason": "few"}
    assert week["attended_share"]["value"] == 0.85
    assert week["coverage"] == {"low": 0.04, "high": 0.05}  # one half hour of eleven hours
    wrong = client.get(path, params={"from": "2024-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"})
    assert wrong.status_code == 422
