"""API and pages over a small store: shapes, problems, protection, languages."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from firmware_cfg.codec import encode
from server.errors import ListenError
from server.health import health_of
from server.ingest.committing import commit
from server.ingest.link import LinkState, LinkStatus
from server.ingest.reading import read
from server.ingest.worker import IngestState
from server.signing import open_key
from server.testing import MONDAY, FakeClock, MessageFactory
from server.web.app import make_app
from server.web.pages import own_path
from server.web.parts import Parts
from server.web.protection import HttpAddress, check_address
from tests.unit.server.asgi import Client

NOW = datetime(2026, 11, 16, 12, tzinfo=UTC)
NO_POINT = "/api/v1/points/00000000-0000-0000-0000-000000000000"


@pytest.fixture
def parts(engine: Engine, tmp_path: Path) -> Parts:
    factory = MessageFactory()
    base = "encounter/v1/kiosk-1/up/"
    cells = [factory.cell(MONDAY + timedelta(minutes=30 * index)) for index in (0, 1, 4)]
    readings = [
        read(base + "window", encode(factory.window(one, start=one.start))) for one in cells
    ]
    readings += [
        read(base + "state", encode(factory.state())),
        read(base + "reported", encode(factory.reported(greet_within_s=20))),
        read(base + "health", encode(factory.health())),
    ]
    commit(engine, readings, NOW)
    link = LinkStatus(LinkState.UNREACHABLE, NOW, "ConnectionRefusedError")
    return Parts(
        engine,
        open_key(tmp_path),
        FakeClock(NOW),
        lambda: health_of(engine, lambda: link, IngestState),
    )


@pytest.fixture
def client(parts: Parts) -> Client:
    return Client(make_app(parts))


def get(client: Client, path: str, **query: str) -> dict[str, Any]:
    response = client.get(path, params=query)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def counter(client: Client) -> str:
    (store,) = get(client, "/api/v1/stores")["items"]
    points = get(client, f"/api/v1/stores/{store['store_id']}/points")["items"]
    assert [one["label"] for one in points] == ["Counter", "Line"]
    return f"/api/v1/points/{points[0]['point_id']}"


def test_figures_carry_their_period_in_the_stores_zone(client: Client) -> None:
    asked = {"from": "2026-11-16T08:00:00+08:00", "to": "2026-11-16T10:00:00+08:00"}
    answer = get(client, counter(client) + "/figures", **asked)
    assert answer["asked"] == asked
    figures = answer["figures"]
    covered = [{"from": "2026-11-16T08:00:00+08:00", "to": "2026-11-16T09:00:00+08:00"}]
    assert figures["covered"] == covered
    assert figures["waiting_median"]["covered"] == covered
    assert figures["visits"] == 48
    assert figures["greet_within_s"] == 20
    assert figures["served_within"]["value"] * 20 == pytest.approx(
        round(figures["served_within"]["value"] * 20)
    )


def test_a_period_without_a_whole_cell_is_suppressed(client: Client) -> None:
    asked = {"from": "2026-11-16T00:10:00Z", "to": "2026-11-16T00:50:00Z"}
    assert get(client, counter(client) + "/figures", **asked)["figures"] == {
        "suppressed": True,
        "reason": "few",
    }


@pytest.mark.parametrize("limit", [{"serve_within_s": "170"}, {"greet_within_s": "30"}])
def test_shares_are_answered_for_reported_expectations_alone(
    client: Client, limit: dict[str, str]
) -> None:
    asked = {"from": "2026-11-16T08:00:00+08:00", "to": "2026-11-16T10:00:00+08:00"}
    reported = {"greet_within_s": "20", "serve_within_s": "180"}
    (store,) = get(client, "/api/v1/stores")["items"]
    for path in (counter(client), f"/api/v1/stores/{store['store_id']}"):
        assert get(client, path + "/figures", **asked, **reported)["figures"]["visits"] == 48
        response = client.get(path + "/figures", params=asked | limit)
        assert response.status_code == 422
        assert "greet_within_s 20 and serve_within_s 180" in response.json()["detail"]


def test_the_course_shows_cells_and_gaps(client: Client) -> None:
    asked = {"from": "2026-11-16T00:00:00Z", "to": "2026-11-16T12:00:00Z"}
    steps = get(client, counter(client) + "/course", **asked)["steps"]
    gaps = [step["gap"] for step in steps]
    assert gaps == [
        None,
        None,
        "nothing_received",
        None,
        "nothing_received",
        "nothing_received",
        "pending",
    ]


def test_devices_and_key(client: Client) -> None:
    (device,) = get(client, "/api/v1/devices")["items"]
    assert (device["device"], device["alive"]) == ("kiosk-1", "online")
    assert len(get(client, "/api/v1/privacy/key")["public_key"]) == 64


def test_an_unreachable_broker_is_a_state(client: Client) -> None:
    health = get(client, "/healthz")
    assert health["status"] == "degraded"
    assert health["broker"]["state"] == "unreachable"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/stores/00000000-0000-0000-0000-000000000000", 404),
        ("/api/v1/stores/x", 422),
        (f"{NO_POINT}/figures", 422),
        (
            f"{NO_POINT}/figures?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z",
            422,
        ),
        ("/api/v1/nowhere", 404),
    ],
)
def test_errors_are_problems(client: Client, path: str, status: int) -> None:
    response = client.get(path)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["status"] == status


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/nowhere", 404, "Nothing here"),
        ("/stores/00000000-0000-0000-0000-000000000000", 404, "Nothing here"),
        ("/stores/x", 422, "not as expected"),
        ("/?page=none", 422, "not as expected"),
    ],
)
def test_errors_on_pages_are_pages(client: Client, path: str, status: int, said: str) -> None:
    response = client.get(path)
    assert response.status_code == status
    assert response.headers["content-type"].startswith("text/html")
    assert said in response.text


def test_a_defect_says_so_in_the_words_of_whoever_asked(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.web.pages.overview_page", lambda *_: 1 / 0)
    monkeypatch.setattr("server.web.v1.places.catalogue.regions", lambda *_: 1 / 0)
    page = client.get("/")
    assert (page.status_code, "went wrong on the server" in page.text) == (500, True)
    answer = client.get("/api/v1/regions")
    assert (answer.status_code, answer.json()["title"]) == (500, "Internal Server Error")


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "192.168.1.9", ""])
def test_a_foreign_host_name_is_refused(client: Client, host: str) -> None:
    assert client.get("/api/v1/stores", headers={"Host": host}).status_code == 421


@pytest.mark.parametrize("host", ["localhost:8080", "[::1]:8080", "127.0.0.1"])
def test_the_loopbacks_names_are_served(client: Client, host: str) -> None:
    assert client.get("/api/v1/stores", headers={"Host": host}).status_code == 200


def test_every_answer_carries_the_security_headers(client: Client) -> None:
    for path in ("/", "/api/v1/stores", "/nowhere", "/static/pages.css"):
        headers = client.get(path).headers
        assert headers["content-security-policy"].startswith(
            "default-src 'none'; script-src 'self'"
        )
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.9", "::", "example.com"])  # noqa: S104
def test_other_machines_are_served_over_https_alone(host: str) -> None:
    with pytest.raises(ListenError, match=r"plain text.*--public-url"):
        check_address(HttpAddress(host, 8080))
    check_address(HttpAddress(host, 8080, "https://figures.example"))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_this_machine_is_served_without(host: str) -> None:
    check_address(HttpAddress(host, 8080))


@pytest.mark.parametrize(
    "url",
    [
        "http://figures.example",
        "https://",
        "https://figures.example/under",
        "https://figures.example?x=1",
        "https://user@figures.example:x",
        "figures.example",
    ],
)
def test_a_public_url_is_a_host_by_https(url: str) -> None:
    with pytest.raises(ListenError, match="--public-url: expected https://HOST"):
        check_address(HttpAddress("127.0.0.1", 8080, url))


def page(client: Client, query: str = "", language: str = "en") -> str:
    (store,) = get(client, "/api/v1/stores")["items"]
    response = client.get(
        f"/stores/{store['store_id']}{query}", headers={"Accept-Language": language}
    )
    assert "style=" not in response.text
    assert "<script>" not in response.text
    text: str = response.text
    return text


def test_the_page_speaks_the_visitors_language(client: Client) -> None:
    assert "Served within 3 min" in page(client)
    assert "3 分钟内开始服务" in page(client, language="zh-CN,zh;q=0.9")
    client.cookies["lang"] = "zh"
    assert "已隐去（少于 10 组）" in page(client, language="en")


def test_a_wrong_range_is_explained(client: Client) -> None:
    assert "cannot be shown" in page(client, "?period=range&first=2026-02-02&last=2026-02-01")


def test_suppressed_is_said_plainly(client: Client) -> None:
    assert "suppressed (fewer than 10 parties)" in page(client)


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "x",
        "/\n",
    ],
)
def test_preferences_lead_nowhere_else(address: str) -> None:
    assert own_path(address) == "/"


def test_preferences_come_back_to_the_page(client: Client) -> None:
    response = client.get("/preferences?lang=zh&theme=dark&to=/stores/1?period=week")
    assert response.headers["location"] == "/stores/1?period=week"
    assert client.cookies["lang"] == "zh"
    assert client.cookies["theme"] == "dark"


def test_labels_cannot_become_markup(client: Client, parts: Parts) -> None:
    with parts.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE point SET label = '<script>alert(1)</script>'")
    assert "&lt;script&gt;" in page(client)
