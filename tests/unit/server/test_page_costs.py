"""What an answer costs does not grow with the chain, nor with the history before its period."""

import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, select

from server.health import Health
from server.schema.identity import store
from server.signing import open_key
from server.testing import FakeClock
from server.web.app import make_app
from server.web.parts import Parts
from tests.bench.copied_stores import enlarge
from tests.bench.query_history import History, Sizes, fill_history
from tests.unit.server.asgi import Client

LAST = date(2026, 11, 15)
NOW = datetime(2026, 11, 15, 19, tzinfo=UTC)
DAYS = 9
RANGE = {"period": "range", "first": "2026-11-08", "last": "2026-11-14"}
PERIOD = {"from": "2026-11-10T02:30:00Z", "to": "2026-11-14T09:30:00Z"}
PAGES = (
    "/",
    "/fleet",
    "/privacy",
    "/stores/{store}?period=today",
    "/stores/{store}?period=range&first=2026-11-08&last=2026-11-14",
    "/stores/{store}/privacy",
    "/api/v1/stores",
    "/api/v1/devices",
    "/api/v1/standings?kind=store&first_week=2026-11-02&last_week=2026-11-15",
)


@pytest.fixture
def history(empty: Engine) -> History:
    return fill_history(empty, Sizes(2, DAYS, points=2, cells_a_day=3), LAST)


@pytest.fixture
def client(history: History, empty: Engine, tmp_path: Path) -> Client:
    assert history.points
    parts = Parts(empty, open_key(tmp_path), FakeClock(NOW), _no_health)
    return Client(make_app(parts))


def _no_health() -> Health:
    raise NotImplementedError("no page here asks for it")


@contextmanager
def statements(engine: Engine) -> Iterator[list[str]]:
    """The statements sent while the block runs."""
    found: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        found.append(" ".join(statement.split()))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", note)


def counted(client: Client, engine: Engine, address: str) -> int:
    with statements(engine) as sent:
        assert client.get(address).status_code == 200, address
    return len(sent)


def test_a_page_sends_as_many_statements_of_many_stores_as_of_few(
    client: Client, empty: Engine
) -> None:
    with empty.connect() as connection:
        one = connection.execute(select(store.c.store_id)).scalars().first()
    addresses = [page.format(store=one) for page in PAGES]
    client.get("/")  # which signs in
    few = [counted(client, empty, address) for address in addresses]
    assert enlarge(empty, 8) == 6
    many = [counted(client, empty, address) for address in addresses]
    assert dict(zip(PAGES, many, strict=True)) == dict(zip(PAGES, few, strict=True))
    assert max(many) <= 60


def test_what_is_read_of_a_period_begins_near_it(client: Client, history: History) -> None:
    """No read of cells, windows or roll-ups goes back to the beginning of the history."""
    engine = client.app.state.gate.engine
    shop, point = history.stores[0], history.points[0]
    with statements(engine) as sent:
        client.get(f"/stores/{shop}", RANGE)
        for path in (f"points/{point}/course", f"points/{point}/gaps", f"stores/{shop}/figures"):
            assert client.get(f"/api/v1/{path}", PERIOD).status_code == 200
    timed = [one for one in sent if re.search(r'FROM ("window"|cell|rollup)\b', one)]
    assert len(timed) >= 8
    endless = [one for one in timed if not re.search(r"start_at >=? ", one)]
    assert endless == []


def test_exported_cells_are_those_of_the_course_piece_by_piece(
    client: Client, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.web.v1.exports.AT_ONCE", 2)
    shop = history.stores[1]
    text = client.get(f"/api/v1/stores/{shop}/cells.csv", PERIOD).text
    rows = list(csv.DictReader(text.splitlines()))
    told = [(row["point_id"], datetime.fromisoformat(row["from"]), row["visits"]) for row in rows]
    expected = [
        (str(point), datetime.fromisoformat(step["period"]["from"]), str(step["figures"]["visits"]))
        for point in history.points[2:]
        for step in client.get(f"/api/v1/points/{point}/course", PERIOD).json()["steps"]
        if step["gap"] is None
    ]
    assert len(rows) > 10
    assert told == expected
    assert all(row["waiting_median_s"] or row["waiting_median_more_than_s"] for row in rows)


def test_gaps_alone_are_those_of_the_course(client: Client, history: History) -> None:
    where = f"/api/v1/points/{history.points[0]}"
    steps = client.get(f"{where}/course", PERIOD).json()["steps"]
    gaps = [{"period": one["period"], "gap": one["gap"]} for one in steps if one["gap"]]
    assert gaps != []
    assert client.get(f"{where}/gaps", PERIOD).json()["items"] == gaps
