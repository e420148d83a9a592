"""The device's stopwatch page, served for real and pressed in headless Chromium."""

import http.client
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect, sync_playwright

from edge.page.live import LivePage
from edge.page.snapshot import Snapshot
from edge.testing import a_visit
from edge.visits.values import Visit
from tests.unit.edge.page.story import a_shop

CHROMIUM = Path("/usr/bin/chromium")
LATE_MS = 10_000
OWN = {"Content-Type": "application/json", "Sec-Fetch-Site": "same-origin"}

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not CHROMIUM.exists(), reason=f"needs Chromium at {CHROMIUM}: apt-get install chromium"
    ),
]


@dataclass
class Counter:
    """A device with a camera whose time the test moves, and the page on it."""

    live: LivePage
    address: str
    page: Page
    complaints: list[str] = field(default_factory=list)

    def open(self, query: str = "") -> None:
        self.page.goto(f"{self.address}stopwatch{query}")

    def by_id(self, name: str) -> Locator:
        return self.page.locator(f"#{name}")

    def see(self, at_s: float, *visits: Visit) -> None:
        """A frame at camera time `at_s`; returns once the page's loop has taken it."""
        self.live.show(Snapshot(at_s, new_events=visits))
        time.sleep(0.25)

    def post(self, path: str, body: object) -> dict[str, object]:
        port = urlsplit(self.address).port or 0
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("POST", f"/stopwatch/{path}", json.dumps(body), OWN)
        answer = connection.getresponse()
        state: dict[str, object] = json.loads(answer.read())
        connection.close()
        assert answer.status == 200, state
        return state

    def pressed(self, parties: int, first_tap: int = 1) -> None:
        """Parties of sixty seconds, pressed by request; the device starts services 2 s late."""
        for number in range(parties):
            arrived_s = 1000.0 + 100 * number
            self.see(arrived_s + 60)
            for at, press in enumerate(("arrived", "served", "left")):
                party = None if press == "arrived" else number + 1
                tap = {"press": press, "party": party, "tap": first_tap + 3 * number + at}
                self.post("press", {**tap, "age_ms": (60_000, 30_000, 0)[at]})
            self.live.show(Snapshot(arrived_s + 61, new_events=(timed(arrived_s),)))


def timed(arrived_s: float) -> Visit:
    return a_visit(arrived_s, stay_s=60, greeted_after_s=30, served_after_s=32)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    flags = ["--disable-gpu", "--no-first-run", "--disable-background-networking"]
    flags += ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield running
        running.close()


@pytest.fixture
def counter(browser: Browser) -> Iterator[Counter]:
    live = LivePage(a_shop())
    address = live.start()
    context = browser.new_context(
        locale="en-GB", viewport={"width": 390, "height": 844}, has_touch=True
    )
    context.set_default_timeout(LATE_MS)
    expect.set_options(timeout=LATE_MS)
    made = Counter(live, address, context.new_page())
    made.page.on("console", lambda message: made.complaints.append(message.text))
    made.page.on("pageerror", lambda error: made.complaints.append(str(error)))
    made.see(900.0)
    yield made
    context.close()
    live.stop()
    assert made.complaints == []


def test_two_parties_are_timed_at_once_and_a_press_is_taken_back(counter: Counter) -> None:
    counter.open()
    counter.by_id("start").tap()
    expect(counter.by_id("count")).to_have_text("0 of 30 visits")
    for name in ("greeted", "served", "left", "drop", "undo"):
        expect(counter.by_id(name)).to_be_disabled()
    counter.by_id("arrived").tap()
    chips = counter.page.locator(".chip")
    expect(chips).to_have_count(1)
    counter.by_id("arrived").tap()
    expect(chips).to_have_count(2)
    expect(chips.nth(0)).to_have_attribute("aria-checked", "true")
    counter.by_id("greeted").tap()
    expect(chips.nth(0)).to_contain_text("greeted after 0:0")
    expect(counter.by_id("greeted")).to_be_disabled()
    chips.nth(1).tap()
    expect(counter.by_id("greeted")).to_contain_text("party 2")
    counter.by_id("served").tap()
    expect(chips.nth(1)).to_contain_text("served after 0:0")
    expect(counter.by_id("undo")).to_have_text("Undo “Served”, party 2")
    counter.by_id("undo").tap()
    expect(chips.nth(1)).to_contain_text("waiting")
    counter.by_id("drop").tap()
    expect(chips).to_have_count(1)
    counter.by_id("left").tap()
    expect(chips).to_have_count(0)
    expect(counter.by_id("count")).to_have_text("1 of 30 visits")
    expect(counter.by_id("ready")).to_have_text("29 more visits are needed.")
    expect(counter.by_id("certify")).to_be_disabled()
    counter.page.reload()
    expect(counter.by_id("count")).to_have_text("1 of 30 visits")


def test_thirty_visits_make_a_certificate_in_both_languages(counter: Counter) -> None:
    counter.post("begin", {"point": "counter-1"})
    counter.pressed(29)
    counter.open()
    expect(counter.by_id("count")).to_have_text("29 of 30 visits")
    expect(counter.by_id("certify")).to_be_disabled()
    counter.see(4000.0)
    counter.by_id("arrived").tap()
    expect(counter.page.locator(".chip")).to_have_count(1)
    counter.see(4060.0)
    counter.by_id("left").tap()
    expect(counter.by_id("count")).to_have_text("30 visits; 30 are needed")
    expect(counter.by_id("ready")).to_contain_text("still settles the last visits")
    expect(counter.by_id("certify")).to_be_disabled()
    counter.see(4061.0, timed(4000.0))
    counter.see(4130.0)
    counter.by_id("certify").tap()
    expect(counter.by_id("result")).to_be_visible()
    expect(counter.by_id("run")).to_be_hidden()
    waiting = counter.page.locator(".measure").first
    expect(waiting).to_contain_text("Waiting time")
    bias = waiting.locator(".bias").inner_text()
    assert float(bias.replace("\u00a0s", "")) == pytest.approx(2.0, abs=0.4)
    expect(counter.page.locator(".measure").nth(1)).to_contain_text("Withheld: fewer than 10 pairs")
    expect(counter.page.locator(".facts")).to_contain_text("30 of 30")
    with counter.page.expect_download() as saved:
        counter.by_id("download").tap()
    body = json.loads(saved.value.path().read_text("utf-8"))
    assert (saved.value.suggested_filename, body["sample_size"]) == ("certificate.json", 30)
    counter.by_id("language").tap()
    expect(waiting).to_contain_text("等候时长")
    expect(counter.page.locator("html")).to_have_attribute("lang", "zh")
    counter.by_id("again").tap()
    expect(counter.by_id("start")).to_have_text("开始")


def test_the_wrong_counter_gives_no_certificate_and_keeps_the_rows(counter: Counter) -> None:
    counter.post("begin", {"point": "counter-1"})
    for number in range(30):
        counter.post(
            "press", {"press": "arrived", "party": None, "tap": 2 * number, "age_ms": 50_000}
        )
        left = {"press": "left", "party": number + 1, "tap": 2 * number + 1}
        counter.post("press", {**left, "age_ms": 1000})
    counter.see(1100.0)
    counter.open("?lang=zh")
    # a refusal is an answer, which Chromium's console mentions all the same
    counter.by_id("certify").tap()
    expect(counter.by_id("trouble")).to_have_text(
        "未生成证书：您记录的 30 次到访中，设备有 0 次，至少需要 30 次。"
        "记录仍保留；请继续，或确认服务点是否正确。"
    )
    expect(counter.by_id("count")).to_have_text("已完成 30 次到访（需 30 次）")
    assert [text for text in counter.complaints if "409" not in text] == []
    counter.complaints.clear()


def test_stop_asks_once_more_and_forgets(counter: Counter) -> None:
    counter.open()
    counter.by_id("start").tap()
    counter.by_id("arrived").tap()
    expect(counter.page.locator(".chip")).to_have_count(1)
    counter.by_id("left").tap()
    expect(counter.by_id("count")).to_have_text("1 of 30 visits")
    counter.by_id("stop").tap()
    expect(counter.by_id("stop")).to_have_text("Really erase 1 visit?")
    counter.by_id("stop").tap()
    expect(counter.by_id("start")).to_be_visible()
    counter.by_id("start").tap()
    expect(counter.by_id("count")).to_have_text("0 of 30 visits")


def test_a_press_without_connection_is_sent_later_with_its_time(counter: Counter) -> None:
    counter.open()
    counter.by_id("start").tap()
    expect(counter.by_id("run")).to_be_visible()

    def cut(route: Route) -> None:
        route.abort()

    counter.page.route("**/stopwatch/press", cut)
    counter.by_id("arrived").tap()
    expect(counter.by_id("trouble")).to_have_text("No connection; to be sent later: 1 press.")
    time.sleep(2.5)
    counter.page.unroute("**/stopwatch/press", cut)
    chip = counter.page.locator(".chip .time")
    expect(chip).to_have_text("0:03")
    expect(counter.by_id("trouble")).not_to_contain_text("No connection")
    assert [text for text in counter.complaints if "ERR_FAILED" not in text] == []
    counter.complaints.clear()


def test_keys_one_to_four_press_the_buttons(counter: Counter) -> None:
    counter.open()
    counter.by_id("start").tap()
    expect(counter.by_id("run")).to_be_visible()
    counter.page.keyboard.press("1")
    chips = counter.page.locator(".chip")
    expect(chips).to_have_count(1)
    counter.page.keyboard.press("2")
    expect(chips).to_contain_text("greeted after")
    counter.page.keyboard.press("4")
    expect(counter.by_id("count")).to_have_text("1 of 30 visits")


@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_screen_is_too_narrow_for_the_four_buttons(
    counter: Counter, width: int, language: str
) -> None:
    page = counter.page
    page.set_viewport_size({"width": width, "height": 740})
    counter.open(f"?lang={language}")
    counter.by_id("start").tap()
    for _ in range(5):
        counter.by_id("arrived").tap()
    expect(page.locator(".chip")).to_have_count(5)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for name in ("arrived", "greeted", "served", "left"):
        box = counter.by_id(name).bounding_box()
        assert box is not None
        assert box["height"] >= 90
        assert box["width"] >= 120
        assert box["y"] + box["height"] <= 740
    stored = page.evaluate("[document.cookie, localStorage.length, sessionStorage.length]")
    assert stored == ["", 0, 0]


def test_the_view_leads_to_the_stopwatch_and_back(counter: Counter) -> None:
    counter.page.goto(f"{counter.address}?lang=zh")
    counter.by_id("stopwatch").tap()
    expect(counter.by_id("start")).to_have_text("开始")
    counter.by_id("back").tap()
    expect(counter.by_id("moments-title")).to_have_text("关键时刻")
