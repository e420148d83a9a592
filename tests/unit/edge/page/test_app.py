"""The page's routes: own host alone, strict headers, everything from memory."""

import asyncio
from pathlib import Path

import pytest
from httpx import ASGITransport, AsyncClient, Response
from starlette.types import Message, Scope

from edge.errors import PageError
from edge.page import app as page_app
from edge.page.app import MOST_VIEWERS, create_app
from edge.page.feed import Feed
from edge.page.live import LivePage
from edge.page.plan import plan_json
from tests.unit.edge.page.story import COUNTER, QUEUE, a_scene, a_shop

STATIC = Path(page_app.__file__).parent / "static"


class Client:
    """A browser's requests to the page, without a socket."""

    def __init__(self) -> None:
        self._app = create_app(plan_json(a_shop()), Feed())

    def get(self, path: str, headers: dict[str, str] | None = None) -> Response:
        return self.ask("GET", path, headers)

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None) -> Response:
        async def answer() -> Response:
            base = "http://127.0.0.1:8765"
            async with AsyncClient(transport=ASGITransport(self._app), base_url=base) as client:
                return await client.request(method, path, headers=headers)

        return asyncio.run(answer())


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.mark.parametrize(
    "path",
    ["/", "/site.json", "/static/page.js", "/static/page.css", "/static/none.js", "/nowhere"],
)
def test_every_answer_keeps_to_itself(client: Client, path: str) -> None:
    headers = client.get(path).headers
    rules = headers["content-security-policy"].split("; ")
    assert rules[:4] == [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
    ]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert "set-cookie" not in headers
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8765", 200),
        ("localhost", 200),
        ("LOCALHOST:9000", 200),
        ("shop.example", 421),
        ("127.0.0.1.shop.example", 421),
        ("192.168.1.20:8765", 421),
        ("", 421),
    ],
)
def test_only_this_machines_names_are_answered(client: Client, host: str, status: int) -> None:
    for path in ("/", "/site.json", "/static/page.js"):
        assert client.get(path, headers={"host": host}).status_code == status


@pytest.mark.parametrize(
    ("site", "status"),
    [("same-origin", 200), ("none", 200), ("same-site", 403), ("cross-site", 403)],
)
def test_another_pages_requests_are_refused(client: Client, site: str, status: int) -> None:
    assert client.get("/site.json", headers={"sec-fetch-site": site}).status_code == status
    assert client.get("/", headers={"sec-fetch-site": site}).status_code == 200


def test_nothing_is_taken_in(client: Client) -> None:
    own = {"sec-fetch-site": "same-origin", "content-type": "application/json"}
    for path in ("/", "/site.json", "/events"):
        assert client.ask("POST", path, own).status_code == 405
        assert client.ask("POST", path).status_code == 403


def test_the_plan_names_zones_and_terms(client: Client) -> None:
    plan = client.get("/site.json").json()
    assert plan["size_px"] == [1600, 900]
    assert [(zone["kind"], zone["name"]) for zone in plan["zones"]] == [
        ("queue", "queue-1"),
        ("counter", "counter-1"),
        ("staff", "counter-1"),
    ]
    assert plan["zones"][0]["polygon_px"] == [list(point) for point in QUEUE]
    assert plan["zones"][1]["polygon_px"] == [list(point) for point in COUNTER]
    assert (plan["k"], plan["window_s"], plan["greet_within_s"]) == (10, 1800, 30)
    assert plan["publishes"] is False


def test_the_files_are_served_with_their_types_and_nothing_beside_them(client: Client) -> None:
    for name, media_type in (
        ("page.js", "text/javascript; charset=utf-8"),
        ("page.css", "text/css; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
    ):
        response = client.get(f"/static/{name}")
        assert response.headers["content-type"] == media_type
        assert response.content == (STATIC / name).read_bytes()
    for path in ("/static/..%2fapp.py", "/static/", "/static/../app.py", "/app.py"):
        assert client.get(path).status_code == 404


def test_the_shell_needs_nothing_from_elsewhere() -> None:
    for file in STATIC.iterdir():
        text = file.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text, file.name
        assert "https://" not in text, file.name
        for store in (
            "localStorage",
            "sessionStorage",
            "indexedDB",
            "document.cookie",
            "innerHTML",
        ):
            assert store not in text, f"{file.name}: {store}"


def test_every_sentence_has_a_chinese_one() -> None:
    words = (STATIC / "words.js").read_text(encoding="utf-8")
    english, chinese = (
        words.partition(f"const {code} = {{")[2].partition("\n};")[0] for code in ("en", "zh")
    )
    keys = [
        [
            line.split(":")[0]
            for line in book.splitlines()
            if line.startswith("  ") and line[2:3].isalpha()
        ]
        for book in (english, chinese)
    ]
    assert keys[0] == keys[1]
    shell = (STATIC / "index.html").read_text(encoding="utf-8")
    said = {part.split('"')[0] for part in shell.split('data-say="')[1:]}
    assert said <= {key.strip() for key in keys[0]}


def events_scope() -> Scope:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "path": "/events",
        "raw_path": b"/events",
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "headers": [(b"host", b"127.0.0.1:8765")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8765),
    }


def test_a_viewer_that_reads_nothing_holds_up_nobody() -> None:
    async def tell() -> None:
        feed = Feed()
        app = create_app(b"{}", feed)
        pump = asyncio.create_task(feed.pump())
        got: list[bytes] = []
        never = asyncio.Event()

        async def receive() -> Message:
            await never.wait()
            return {"type": "http.disconnect"}

        async def stuck(message: Message) -> None:
            del message
            await never.wait()

        async def reading(message: Message) -> None:
            got.append(message.get("body", b""))

        viewers = [
            asyncio.create_task(app(events_scope(), receive, send)) for send in (stuck, reading)
        ]
        for second in range(3):
            feed.show(a_scene(float(second)))
            await asyncio.sleep(0.12)
        assert b'"at_s":2.0' in b"".join(got)
        feed.closing = True
        never.set()
        await asyncio.gather(pump, *viewers)

    asyncio.run(tell())


def test_a_ninth_viewer_is_told_to_close_another_page_first() -> None:
    async def tell() -> None:
        app = create_app(b"{}", Feed())
        gone = asyncio.Event()
        statuses: list[int] = []

        async def receive() -> Message:
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        viewers = []
        for _ in range(MOST_VIEWERS + 1):
            viewers.append(asyncio.create_task(app(events_scope(), receive, send)))
            await asyncio.sleep(0.01)
        assert statuses == [200] * MOST_VIEWERS + [503]
        gone.set()
        await asyncio.gather(*viewers)

    asyncio.run(tell())


def test_without_a_page_in_the_site_file_there_is_none() -> None:
    page = LivePage(a_shop(port=None))
    with pytest.raises(PageError, match=r"\[page\]: expected the table"):
        page.start()
    page.show(a_scene(0.0))
    page.stop()
