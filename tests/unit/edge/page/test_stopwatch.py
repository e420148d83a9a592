"""The stopwatch's routes: only this page's own presses count, each once and at its time."""

import asyncio
import json

import pytest
from httpx import ASGITransport, AsyncClient, Response

from edge.page.app import create_app
from edge.page.feed import Feed
from edge.page.plan import plan_json
from edge.page.snapshot import Snapshot
from edge.page.stopwatch import MOST_BODY_BYTES, CameraTime, Desk
from edge.testing import a_visit
from edge.visits.values import Visit
from tests.unit.edge.page.story import a_scene, a_shop

BASE = "http://127.0.0.1:8765"
OWN = {"sec-fetch-site": "same-origin", "content-type": "application/json"}


class Client:
    """A browser's requests to a page with a stopwatch, without a socket."""

    def __init__(self) -> None:
        site = a_shop()
        desk = Desk(site)
        self.feed = Feed(desk.follow)
        self.taps = 0
        self._app = create_app(plan_json(site), self.feed, desk)

    def ask(self, method: str, path: str, body: str = "", **headers: str) -> Response:
        async def answer() -> Response:
            transport = ASGITransport(self._app)
            async with AsyncClient(transport=transport, base_url=BASE) as client:
                return await client.request(method, path, content=body, headers=headers)

        return asyncio.run(answer())

    def post(self, path: str, body: object) -> Response:
        return self.ask("POST", f"/stopwatch/{path}", json.dumps(body), **OWN)

    def press(self, press: str, party: int | None = None, age_ms: float = 0.0) -> Response:
        self.taps += 1
        tap = {"press": press, "party": party, "age_ms": age_ms, "tap": self.taps}
        return self.post("press", tap)

    def state(self) -> dict[str, object]:
        state: dict[str, object] = self.ask("GET", "/stopwatch/state.json").json()
        return state

    def show(self, at_s: float, *visits: Visit) -> None:
        self.feed.show(Snapshot(at_s, new_events=visits))
        self.feed.take()


@pytest.fixture
def client() -> Client:
    made = Client()
    made.feed.show(a_scene(100.0))
    made.feed.take()
    return made


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (OWN, 200),
        ({"origin": BASE, "content-type": "application/json; charset=utf-8"}, 200),
        ({**OWN, "origin": BASE}, 200),
        ({"content-type": "application/json"}, 403),
        ({**OWN, "sec-fetch-site": "none"}, 403),
        ({**OWN, "sec-fetch-site": "same-site"}, 403),
        ({**OWN, "sec-fetch-site": "cross-site"}, 403),
        ({**OWN, "origin": "http://shop.example"}, 403),
        ({"origin": "null", "content-type": "application/json"}, 403),
        ({**OWN, "content-type": "text/plain"}, 415),
        ({**OWN, "content-type": "application/x-www-form-urlencoded"}, 415),
        ({"sec-fetch-site": "same-origin"}, 415),
        ({**OWN, "host": "shop.example"}, 421),
    ],
)
def test_only_this_pages_own_presses_count(
    client: Client, headers: dict[str, str], status: int
) -> None:
    answer = client.ask("POST", "/stopwatch/begin", "{}", **headers)
    assert answer.status_code == status
    assert (client.state()["session"] is not None) == (status == 200)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "{",
        '{"press": "arrived"}',
        '{"press": "sneezed", "age_ms": 0, "tap": 1}',
        '{"press": "arrived", "age_ms": -1, "tap": 1}',
        '{"press": "arrived", "age_ms": 60001, "tap": 1}',
        '{"press": "arrived", "age_ms": NaN, "tap": 1}',
        '{"press": "arrived", "age_ms": 0, "tap": 1, "observer": "Li"}',
    ],
)
def test_a_press_that_cannot_be_read_is_refused(client: Client, body: str) -> None:
    client.post("begin", {})
    assert client.ask("POST", "/stopwatch/press", body, **OWN).status_code == 400
    assert client.state()["session"]["parties"] == []  # type: ignore[index]


def test_a_long_body_is_refused(client: Client) -> None:
    long = json.dumps({"point": "x" * MOST_BODY_BYTES})
    assert client.ask("POST", "/stopwatch/begin", long, **OWN).status_code == 413


def test_a_press_sent_twice_counts_once(client: Client) -> None:
    client.post("begin", {})
    client.press("arrived")
    client.taps -= 1
    client.press("arrived")
    assert len(client.state()["session"]["parties"]) == 1  # type: ignore[index]


def test_a_press_sent_late_is_stamped_when_the_finger_was_down(client: Client) -> None:
    client.post("begin", {})
    client.press("arrived", age_ms=30_000)
    client.press("greeted", 1, age_ms=20_000)
    (party,) = client.state()["session"]["parties"]  # type: ignore[index]
    assert party["greeted_s"] == pytest.approx(10.0, abs=0.3)
    assert party["here_s"] == pytest.approx(30.0, abs=0.5)


def test_nothing_begins_before_the_first_frame() -> None:
    client = Client()
    answer = client.post("begin", {})
    assert answer.status_code == 409
    assert answer.json()["refused"]["message"] == "expected frames from the camera, found none yet"
    assert client.state()["seeing"] is False


def test_thirty_visits_become_a_certificate_and_can_be_forgotten(client: Client) -> None:
    assert client.ask("GET", "/stopwatch/certificate.json").status_code == 404
    client.post("begin", {"point": "counter-1"})
    for number in range(1, 31):
        at_s = 100.0 * (number + 1)
        client.show(at_s)
        client.press("arrived")
        client.show(at_s + 20)
        client.press("served", number)
        client.show(at_s + 60)
        client.press("left", number)
        client.show(at_s + 61, a_visit(at_s, stay_s=60, greeted_after_s=19, served_after_s=23))
    refused = client.post("certify", {})
    assert refused.status_code == 409
    assert "expected the last visits to be final" in refused.json()["refused"]["message"]
    client.show(3300.0)
    made = client.post("certify", {}).json()
    assert made["session"] is None
    assert made["certificate"]["sample_size"] == 30
    measures = made["certificate"]["measures"]
    assert measures["waiting"]["bias_s"] == pytest.approx(3.0, abs=0.3)
    assert measures["greeting"] == {"withheld": "fewer than 10 pairs"}
    saved = client.ask("GET", "/stopwatch/certificate.json")
    assert saved.json() == made["certificate"]
    assert saved.headers["content-disposition"] == 'attachment; filename="certificate.json"'
    assert client.post("stop", {}).json()["certificate"] is None
    assert client.ask("GET", "/stopwatch/certificate.json").status_code == 404


def test_too_few_says_how_many(client: Client) -> None:
    client.post("begin", {})
    client.press("arrived")
    client.show(150.0)
    client.press("left", 1)
    answer = client.post("certify", {})
    assert answer.status_code == 409
    refused = answer.json()["refused"]
    assert (refused["needed"], refused["found"], refused["logged"]) == (30, 0, 1)
    assert answer.json()["session"]["finished"] == 1


def test_camera_time_goes_by_the_least_delayed_frames() -> None:
    camera = CameraTime()
    for at_s, came_s in ((10.0, 1000.3), (10.5, 1000.6), (10.5, 1003.0), (11.0, 1001.3)):
        camera.see(at_s, came_s)
    assert camera.at(1002.0) == pytest.approx(11.9)


def test_without_a_desk_there_is_no_stopwatch() -> None:
    app = create_app(plan_json(a_shop()), Feed())
    assert not [one for one in app.routes if "stopwatch" in str(getattr(one, "path", ""))]
