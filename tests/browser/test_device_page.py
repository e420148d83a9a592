"""The device's local page, served for real and opened in headless Chromium."""

import http.client
import os
import signal
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from edge.errors import PageError
from edge.page.live import LivePage
from edge.page.snapshot import Snapshot
from edge.testing import a_visit
from edge.visits.person import Role
from edge.visits.values import Outcome, Visit
from tests.unit.edge.page.story import a_person, a_scene, a_shop, members

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HERE = Outcome.STILL_PRESENT
LATE_MS = 10_000

chromium_needed = pytest.mark.skipif(
    not CHROMIUM.exists(), reason=f"needs Chromium at {CHROMIUM}: apt-get install chromium"
)


@dataclass
class Watch:
    """What a page did that it should not have."""

    page: Page
    origin: str
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self._note(request.url))

    def _note(self, url: str) -> None:
        if not url.startswith(self.origin):
            self.complaints.append(f"asked for {url}")


@pytest.fixture
def live() -> Iterator[tuple[LivePage, str]]:
    page = LivePage(a_shop())
    address = page.start()
    yield page, address
    page.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    flags = [*FLAGS, "--no-sandbox"] if os.geteuid() == 0 else FLAGS
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield running
        running.close()


@pytest.fixture
def watch(live: tuple[LivePage, str], browser: Browser) -> Iterator[Watch]:
    context = browser.new_context(locale="en-GB", reduced_motion="reduce")
    context.set_default_timeout(LATE_MS)
    expect.set_options(timeout=LATE_MS)
    watched = Watch(context.new_page(), live[1])
    yield watched
    context.close()
    assert watched.complaints == []


def a_couple(stay_s: float, *, greeted_after_s: float | None = None) -> Visit:
    visit = a_visit(100.0, stay_s=stay_s, greeted_after_s=greeted_after_s, outcome=HERE)
    return members(visit, 1, 2)


def in_the_shop(at_s: float, *visits: Visit) -> Snapshot:
    people = (
        a_person(1, 600.0, 600.0),
        a_person(2, 680.0, 620.0),
        a_person(3, 1200.0, 330.0, Role.STAFF),
        a_person(4, 100.0, 860.0, Role.UNKNOWN),
    )
    return a_scene(at_s, *visits, people=people)


@chromium_needed
@pytest.mark.browser
def test_couple_waits_then_is_greeted_and_leaves(live: tuple[LivePage, str], watch: Watch) -> None:
    device, address = live
    page = watch.page
    page.goto(address)
    expect(page.locator("#notice")).to_have_text("Connected. Waiting for the first frame…")
    device.show(in_the_shop(131.0, a_couple(31.0)))
    expect(page.locator("#drawing g.person")).to_have_count(4)
    expect(page.locator("#drawing .person .dot.staff")).to_have_count(1)
    expect(page.locator("#drawing .person .dot.unknown")).to_have_count(1)
    expect(page.locator("#drawing polygon")).to_have_count(3)
    expect(page.locator("#notice")).to_be_hidden()
    doing = page.locator("#parties .doing")
    expect(doing).to_have_text("party of 2 · waiting 0:31 · not greeted yet")
    expect(page.locator("#parties .is-late")).to_have_count(1)
    expect(page.locator("#moments .text")).to_have_text(["arrived at queue-1, party of 2"])
    device.show(in_the_shop(142.0, a_couple(42.0, greeted_after_s=38.0)))
    expect(doing).to_have_text("party of 2 · waiting 0:42 · greeted after 0:38")
    told = page.locator("#moments .text")
    expect(told.first).to_have_text("greeted after 0:38 · expected within 0:30")
    expect(page.locator("#spoken")).to_have_text("P1 greeted after 0:38 · expected within 0:30")
    gone = members(a_visit(100.0, stay_s=60.0, greeted_after_s=38.0), 1, 2)
    device.show(replace(a_scene(200.0), new_events=(gone,)))
    expect(told.first).to_have_text("left after 1:00: greeted, not served")
    expect(page.locator("#drawing g.person")).to_have_count(0)
    expect(page.locator("#nobody")).to_be_visible()


@chromium_needed
@pytest.mark.browser
def test_what_leaves_the_device_is_said(live: tuple[LivePage, str], watch: Watch) -> None:
    device, address = live
    page = watch.page
    device.show(a_scene(1.0))
    page.goto(address)
    expect(page.locator("#link")).to_have_text("connected to 127.0.0.1:18830, 2 waiting")
    expect(page.locator("#released")).to_contain_text("3 parties so far")
    expect(page.locator("#rule")).to_contain_text("until at least 10 parties are in a cell")
    expect(page.locator(".banner").first).to_contain_text("never stored or sent")
    stored = page.evaluate("[document.cookie, localStorage.length, sessionStorage.length]")
    assert stored == ["", 0, 0]


@chromium_needed
@pytest.mark.browser
def test_the_language_changes_and_stays_in_the_address(
    live: tuple[LivePage, str], watch: Watch
) -> None:
    device, address = live
    page = watch.page
    device.show(in_the_shop(131.0, a_couple(31.0, greeted_after_s=18.0)))
    page.goto(address)
    expect(page.locator("#moments-title")).to_have_text("Moments")
    page.locator("#language").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#moments-title")).to_have_text("关键时刻")
    expect(page.locator("html")).to_have_attribute("lang", "zh")
    expect(page.locator("#parties .doing")).to_have_text("2 人同行 · 等候 0:31 · 0:18 时获迎候")
    expect(page.locator("#link")).to_contain_text("已连接")
    assert urlsplit(page.url).query == "lang=zh"
    page.reload()
    expect(page.locator("#moments-title")).to_have_text("关键时刻")
    page.locator("#language").click()
    expect(page.locator("#moments .text").first).to_have_text("greeted after 0:18")


@chromium_needed
@pytest.mark.browser
@pytest.mark.parametrize("width", [320, 390, 800, 1600])
def test_no_screen_is_too_narrow(live: tuple[LivePage, str], watch: Watch, width: int) -> None:
    device, address = live
    page = watch.page
    page.set_viewport_size({"width": width, "height": 800})
    device.show(in_the_shop(131.0, a_couple(31.0, greeted_after_s=18.0)))
    page.goto(address)
    expect(page.locator("#drawing g.person")).to_have_count(4)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    stage = page.locator("#stage").bounding_box()
    assert stage is not None
    assert stage["width"] / stage["height"] == pytest.approx(16 / 9, rel=0.02)


@chromium_needed
@pytest.mark.browser
def test_a_lost_device_is_said_and_found_again(browser: Browser) -> None:
    first = LivePage(a_shop())
    address = first.start()
    context = browser.new_context(locale="en-GB")
    page = context.new_page()
    page.goto(address)
    first.show(in_the_shop(131.0, a_couple(31.0)))
    expect(page.locator("#moments .text")).to_have_count(1, timeout=LATE_MS)
    first.stop()
    lost = page.locator("#connection")
    expect(lost).to_have_text("no connection to the device", timeout=LATE_MS)
    expect(page.locator("#notice")).to_have_text("No connection to the device. Trying again…")
    second = LivePage(a_shop(urlsplit(address).port))
    second.start()
    second.show(in_the_shop(5.0))
    expect(lost).to_have_text("connected", timeout=LATE_MS)
    expect(page.locator("#moments .text")).to_have_count(0, timeout=LATE_MS)
    context.close()
    second.stop()


def test_a_taken_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PageError, match=rf"expected 127\.0\.0\.1:{port} to be free"):
            LivePage(a_shop(port)).start()


def test_start_and_stop_leave_signals_and_threads_alone() -> None:
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    threads = threading.active_count()
    page = LivePage(a_shop())
    address = urlsplit(page.start())
    assert address.hostname == "127.0.0.1"
    connection = http.client.HTTPConnection("127.0.0.1", address.port or 0, timeout=5)
    connection.request("GET", "/")
    answer = connection.getresponse()
    assert (answer.status, answer.getheader("server")) == (200, None)
    connection.close()
    assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == handlers
    page.stop()
    page.stop()
    page.show(a_scene(1.0))
    assert threading.active_count() == threads


def test_a_socket_that_never_reads_holds_up_nobody(live: tuple[LivePage, str]) -> None:
    device, address = live
    port = urlsplit(address).port or 0
    with socket.create_connection(("127.0.0.1", port)) as stuck:
        stuck.sendall(b"GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        for second in range(3000):
            device.show(in_the_shop(float(second)))
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/events")
        answer = connection.getresponse()
        seen = b""
        while b'"at_s":2999.0' not in seen:
            seen += answer.read1(4096)
        connection.close()
