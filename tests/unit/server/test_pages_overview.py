"""The first page: what needs attention, regions and stores, from rows of `standing` alone."""

import gzip
import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, insert, select, update

from firmware_cfg.cells import PointKind
from firmware_cfg.codec import encode
from server.access.reach import Reach
from server.access.roles import Role
from server.database import writer
from server.health import health_of
from server.identity import apply_identity
from server.identity_file import load_identity
from server.ingest.committing import commit
from server.ingest.link import LinkState, LinkStatus
from server.ingest.reading import read
from server.ingest.worker import IngestState
from server.periods import StoreTime
from server.rollups.job import roll_up
from server.schema.identity import device, store
from server.schema.rollups import standing
from server.signing import open_key
from server.testing import MONDAY, FakeClock, MessageFactory
from server.web import overview
from server.web.app import make_app
from server.web.overview import shown_week
from server.web.parts import Parts
from tests.unit.server.asgi import Client
from tests.unit.server.chain_identity import CHAIN, ids_of

NOW = MONDAY + timedelta(days=8, hours=4)
WEEK = date(2026, 11, 16)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


@pytest.fixture
def chain(empty: Engine, tmp_path: Path) -> Engine:
    path = tmp_path / "chain.toml"
    path.write_text(CHAIN, "utf-8")
    with writer(empty).begin() as connection:
        apply_identity(connection, load_identity(path))
    return empty


@pytest.fixture
def parts(chain: Engine, clock: FakeClock, tmp_path: Path) -> Parts:
    link = LinkStatus(LinkState.CONNECTED, NOW)
    health = health_of(chain, lambda: link, IngestState)
    return Parts(chain, open_key(tmp_path), clock, lambda: health)


@pytest.fixture
def client(parts: Parts) -> Client:
    return Client(make_app(parts))


def confirm_all(engine: Engine) -> None:
    with writer(engine).begin() as connection:
        connection.execute(update(store).values(confirmed_at=MONDAY - timedelta(days=365)))


def stand(
    engine: Engine,
    subject: str,
    figure: str,
    value: float,
    *,
    within: float = 0.05,
    monday: date = WEEK,
) -> None:
    """Write one figure of a week; `subject` by its key in the identity file."""
    known = ids_of(engine)
    expected = {"served_within": 180.0, "greeted_within": 30.0}.get(figure)
    row = {
        "org_id": known["acme"],
        "subject_id": known[subject],
        "week": monday,
        "figure": figure,
        "value": value,
        "low": value - within,
        "high": value + within,
        "rests_on": 200,
        "expected_s": expected,
    }
    with writer(engine).begin() as connection:
        connection.execute(insert(standing).values(row))


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


@pytest.mark.parametrize(
    ("zones", "since"),
    [
        (("Asia/Shanghai",), timedelta(days=6, hours=22)),
        (("Asia/Shanghai", "Europe/Oslo"), timedelta(days=7, hours=5)),
        (("America/Los_Angeles", "Asia/Shanghai"), timedelta(days=7, hours=14)),
        ((), timedelta(days=7, hours=2)),
    ],
)
def test_a_week_is_shown_once_it_is_over_everywhere(
    zones: tuple[str, ...], since: timedelta
) -> None:
    times = [StoreTime(ZoneInfo(one), time(4), {}, frozenset()) for one in zones]
    instant = timedelta(seconds=1)
    assert shown_week(MONDAY + since - instant, times) == WEEK - timedelta(days=7)
    for day in range(6):
        assert shown_week(MONDAY + since + timedelta(days=day), times) == WEEK


def test_a_chain_without_stores_says_how_to_begin(empty: Engine, tmp_path: Path) -> None:
    link = LinkStatus(LinkState.CONNECTED, NOW)
    health = health_of(empty, lambda: link, IngestState)
    parts = Parts(empty, open_key(tmp_path), FakeClock(NOW), lambda: health)
    assert "No store has been set up yet" in Client(make_app(parts)).get("/").text


def test_figures_of_released_cells_reach_the_first_page(chain: Engine, client: Client) -> None:
    confirm_all(chain)
    factory = MessageFactory()
    queue = factory.cell(visits=20, point="line", kind=PointKind.QUEUE)
    window = factory.window(factory.cell(visits=60), queue, start=MONDAY)
    reading = read("encounter/v1/kiosk-1/up/window", encode(window))
    commit(chain, [reading], MONDAY + timedelta(hours=4))
    roll_up(chain, NOW)
    text = text_of(client.get("/").text)
    assert "Week of 16 November – 22 November" in text
    for name in ("Acme", "China", "Pudong"):
        row = text[text.index(f" {name} ", text.index("Regions")) :]
        assert re.match(rf" {name} (devices not heard: 1 )?\d+ %.{{0,300}}\) 80 ", row), row[:320]
    assert re.search(r" Puxi (devices not heard: 1 )?– not told: suppressed, or nothing", text)


def test_a_store_on_trial_is_named_and_its_figures_are_not(chain: Engine, client: Client) -> None:
    stand(chain, "pudong-1", "visits", 777.0)
    html = client.get("/").text
    text = text_of(html)
    assert "On trial: its commissioning waits to be confirmed." in text
    assert "on trial: its figures stand on its own page alone" in text
    assert "777" not in text


def test_a_fall_against_the_weeks_before_is_sure_where_the_ranges_do_not_meet(
    chain: Engine, client: Client
) -> None:
    confirm_all(chain)
    for back in (1, 2, 3):
        stand(chain, "pudong-1", "served_within", 0.9, monday=WEEK - timedelta(weeks=back))
        stand(chain, "puxi-1", "served_within", 0.9, monday=WEEK - timedelta(weeks=back))
    stand(chain, "pudong-1", "served_within", 0.6)
    stand(chain, "puxi-1", "served_within", 0.82, within=0.07)
    text = text_of(client.get("/").text)
    first = text.index("Sure 60 % (55–65 %) of 200 parties were served within 3 min")
    second = text.index("Likely 82 % (75–89 %) of 200 parties were served within 3 min")
    assert first < second
    assert "in its weeks before it was 90 %" in text


def hear(engine: Engine, at: datetime, *names: str) -> None:
    factory = MessageFactory()
    for name in names:
        beat = factory.health(MONDAY).model_copy(update={"device": name})
        commit(engine, [read(f"encounter/v1/{name}/up/health", encode(beat))], at)


def test_a_silent_device_is_a_fact_and_a_retired_one_none(
    chain: Engine, client: Client, clock: FakeClock
) -> None:
    confirm_all(chain)
    hear(chain, NOW, "kiosk-1", "kiosk-2")
    text = text_of(client.get("/").text)
    assert "Sure Never heard of: kiosk-9." in text
    assert "No sign of life" not in text
    hear(chain, NOW, "kiosk-9")
    text = text_of(client.get("/").text)
    assert "Every device is heard. No figure of this week could be compared" in text
    for back in range(3):
        stand(chain, "pudong-1", "served_within", 0.9, monday=WEEK - timedelta(weeks=back))
    assert "no figure is clearly worse than usual, and every device" in client.get("/").text
    clock.at = NOW + timedelta(hours=5)
    hear(chain, clock.at, "kiosk-2", "kiosk-9")
    text = text_of(client.get("/").text)
    assert "Sure No sign of life: kiosk-1." in text
    assert "devices not heard: 1" in text
    with writer(chain).begin() as connection:
        connection.execute(update(device).values(retired_at=NOW))
    assert "No sign of life" not in client.get("/").text
    assert "Every device" not in client.get("/").text


def test_a_week_without_figures_is_named_where_there_were_some_before(
    chain: Engine, client: Client
) -> None:
    confirm_all(chain)
    stand(chain, "pudong-1", "visits", 300, monday=WEEK - timedelta(weeks=2))
    stand(chain, "puxi-1", "visits", 300, monday=WEEK - timedelta(weeks=2))
    stand(chain, "puxi-1", "visits", 280)
    html = client.get("/").text
    notes = [
        text_of(one) for one in re.findall(r'<li class="note">.*?</li>\s*</ul>', html, re.DOTALL)
    ]
    named = [one for one in notes if "No figures in this week" in one]
    assert [one.split()[0] for one in named] == ["Pudong"]
    assert "?period=range&amp;first=2026-11-16&amp;last=2026-11-22" in html
    assert "本周没有数据，而此前几周有。" in client.get("/", headers={"Accept-Language": "zh"}).text
    with writer(chain).begin() as connection:
        connection.execute(update(store).values(ended_at=MONDAY))
    assert "No figures in this week" not in client.get("/").text


def test_regions_open_one_level_after_another(chain: Engine, client: Client) -> None:
    known = ids_of(chain)
    whole = client.get("/").text
    assert f"/?region={known['china']}" in whole
    assert f"/?region={known['east']}" not in whole
    html = client.get(f"/?region={known['china']}").text
    assert f"/?region={known['east']}" in html
    assert "Pudong" in html
    below = client.get(f"/?region={known['east']}").text
    assert "Stores in East" in below
    table = below[below.index('id="stores"') :]
    assert ("Pudong" in table, "Puxi" in table, "Oslo" in table) == (True, False, False)
    assert client.get(f"/?region={uuid4()}").status_code == 404


def test_a_manager_sees_the_own_region_and_nothing_of_others(parts: Parts, chain: Engine) -> None:
    confirm_all(chain)
    known = ids_of(chain)
    for subject in ("pudong-1", "puxi-1", "china", "east"):
        stand(chain, subject, "visits", {"pudong-1": 111, "puxi-1": 222}.get(subject, 333))
    reach = [Reach(known["acme"], region_id=known["east"])]
    client = Client(make_app(parts), Role.REGIONAL_MANAGER, reach)
    html = client.get("/").text
    assert ">111<" in html
    assert ">222<" not in html
    assert "Puxi" not in html
    assert f"/?region={known['china']}" not in html
    assert client.get(f"/?region={known['china']}").status_code == 404
    alone = Client(
        make_app(parts), Role.STORE_MANAGER, [Reach(known["acme"], store_id=known["puxi-1"])], "mei"
    )
    html = alone.get("/").text
    assert ">222<" in html
    assert ">111<" not in html
    assert ">333<" not in html


def test_many_stores_come_a_page_at_a_time_where_fewest_were_served_first(
    chain: Engine, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirm_all(chain)
    stand(chain, "pudong-1", "served_within", 0.9)
    stand(chain, "puxi-1", "served_within", 0.7)
    monkeypatch.setattr(overview, "STORES_A_PAGE", 1)
    found = [
        re.findall(r'<th scope="row"><a href="/stores/[^"]+">(\w+)<', client.get(path).text)
        for path in ("/", "/?page=2", "/?page=3", "/?page=99")
    ]
    assert found == [["Puxi"], ["Pudong"], ["Oslo"], ["Oslo"]]
    assert "Page 2 of 3" in client.get("/?page=2").text


def test_the_first_page_speaks_chinese(client: Client) -> None:
    text = client.get("/", headers={"Accept-Language": "zh"}).text
    assert "最需要关注" in text
    assert "试运行中：等待确认投入使用。" in text


def many(engine: Engine, stores: int, weeks: int, org_id: UUID) -> Iterator[dict[str, object]]:
    names = (
        "visits",
        "served_within",
        "greeted_within",
        "left_unserved",
        "waiting_p90",
        "coverage",
    )
    with engine.connect() as connection:
        found = connection.execute(select(store.c.store_id).where(store.c.org_id == org_id))
        for number, store_id in enumerate(found.scalars()):
            for back in range(weeks):
                for name in names:
                    yield {
                        "org_id": org_id,
                        "subject_id": store_id,
                        "week": WEEK - timedelta(weeks=back),
                        "figure": name,
                        "value": 0.5 + number / (2 * stores),
                        "low": 0.4,
                        "high": 0.99,
                        "rests_on": 200,
                        "expected_s": None,
                    }


def test_the_first_load_of_five_hundred_stores_is_small(chain: Engine, client: Client) -> None:
    known = ids_of(chain)
    fields = {"org_id": known["acme"], "timezone": "Europe/Oslo", "day_starts": "04:00"}
    days: dict[str, object] = {"opening": {}, "closed": [], "special": {}, "region_id": None}
    confirmed: dict[str, datetime] = {"confirmed_at": MONDAY}
    rows = [
        {"store_id": uuid4(), "slug": f"s{n}", "name": f"Store {n}", **fields, **days, **confirmed}
        for n in range(500)
    ]
    with writer(chain).begin() as connection:
        connection.execute(insert(store), rows)
        connection.execute(insert(standing), list(many(chain, 500, 8, known["acme"])))
    response = client.get("/", headers={"Accept-Encoding": "gzip"})
    sent = int(response.headers["content-length"])
    static = Path(overview.__file__).parents[1] / "static"
    files = [static / "pages.css", static / "charts.js", *(static / "vendor").glob("*.[cj]s*")]
    assert response.status_code == 200
    assert sent < 20_000
    assert sent + sum(packed(one.read_bytes()) for one in files) < 150_000


def packed(content: bytes) -> int:
    return len(gzip.compress(content))
