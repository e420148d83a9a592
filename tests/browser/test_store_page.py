"""The store page as people see it: in a real browser, over a real server."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from firmware_cfg.messages import PointKind, encode
from server.database import open_database, sqlite_url, writer
from server.identity import apply_identity
from server.identity_file import load_identity
from server.ingest.committing import commit
from server.ingest.reading import read
from server.testing import Load, MessageFactory
from tests.brokers import free_port
from tests.integration.server.processes import ServerProcess
from tests.unit.server.conftest import IDENTITY

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
VENDOR = Path(__file__).parents[2] / "server" / "static" / "vendor"
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
)
SHANGHAI = ZoneInfo("Asia/Shanghai")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}"),
    pytest.mark.skipif(not VENDOR.exists(), reason="no assets; npm ci, then npm run assets"),
]


def fill(state: Path, identity: Path) -> None:
    """Yesterday, from nine to five, at a counter and in a queue."""
    state.mkdir()
    engine = open_database(sqlite_url(state / "encounter.db"))
    with writer(engine).begin() as connection:
        apply_identity(connection, load_identity(identity))
    trading_day = (datetime.now(SHANGHAI) - timedelta(hours=4)).date()  # it begins at 04:00
    yesterday = trading_day - timedelta(days=1)
    opens = datetime.combine(yesterday, time(9), SHANGHAI).astimezone(UTC)
    factory = MessageFactory()
    base = "encounter/v1/kiosk-1/up/"
    readings = [read(base + "state", encode(factory.state()))]
    for index in range(16):
        start = opens + timedelta(minutes=30 * index)
        cells = [factory.cell(start, load=Load(40.0 + 8 * index))] if index != 6 else []
        if index == 8:
            cells.append(
                factory.cell(start, point="line", kind=PointKind.QUEUE, staff=False, visits=14)
            )
        readings.append(read(base + "window", encode(factory.window(*cells, start=start))))
    commit(engine, readings, datetime.now(UTC))
    engine.dispose()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("pages")
    identity = folder / "identity.toml"
    identity.write_text(re.sub(r"opening\.mon.*\n", "", IDENTITY), "utf-8")
    fill(folder / "state", identity)
    server = ServerProcess(folder, free_port(), free_port(), identity)
    server.start()
    (store,) = httpx.get(server.url + "/api/v1/stores").json()["items"]
    yield f"{server.url}/stores/{store['store_id']}"
    server.kill()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS.split())
        yield found
        found.close()


@dataclass
class Visitor:
    """A page, and whatever the browser complained of or asked of others."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.asked.add(request.url.split("/")[2]))


def visit(browser: Browser, width: int = 1280, **options: str) -> Visitor:
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        locale=options.get("locale", "en-GB"),
        color_scheme="dark" if options.get("scheme") == "dark" else "light",
    )
    return Visitor(context.new_page())


@pytest.mark.parametrize(
    ("width", "scheme", "locale"),
    [
        (1280, "light", "en-GB"),
        (390, "light", "en-GB"),
        (1280, "dark", "en-GB"),
        (390, "dark", "zh-CN"),
    ],
)
def test_figures_stand_there_without_a_complaint(
    browser: Browser, address: str, tmp_path: Path, *, width: int, scheme: str, locale: str
) -> None:
    visitor = visit(browser, width, scheme=scheme, locale=locale)
    page = visitor.page
    page.goto(f"{address}?period=yesterday")
    expect(page.locator(".big").first).to_have_text(re.compile(r"\d+ ?%"))
    expect(page.locator(".interval").first).to_contain_text("–")
    expect(page.locator(".u-wrap canvas").first).to_be_visible()
    expect(page.locator("article.total .cover").first).to_contain_text("09:00–12:00")
    expect(page.locator(".legend").first).to_be_visible()
    expect(page.locator(".legend .key-suppressed").last).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.screenshot(path=tmp_path / "store.png", full_page=True)
    assert (tmp_path / "store.png").stat().st_size > 20_000
    assert visitor.complaints == []
    assert visitor.asked == {address.split("/")[2]}


def test_the_first_page_shows_figures_and_the_way_to_the_store(
    browser: Browser, address: str
) -> None:
    visitor = visit(browser, 390)
    page = visitor.page
    page.goto(address.partition("/stores/")[0])
    expect(page.locator("li.store .big").first).to_have_text(re.compile(r"\d+"))
    expect(page.locator("li.store .alive")).to_contain_text("online")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.click("li.store a")
    expect(page.locator("h1")).to_have_text("Pudong")
    assert visitor.complaints == []


def test_without_figures_of_today_the_week_is_shown(browser: Browser, address: str) -> None:
    page = visit(browser).page
    page.goto(address)
    expect(page.locator(".notice")).to_contain_text("Nothing has been released today yet")
    page.click(".notice a")
    expect(page.locator("[data-period=today]")).to_have_attribute("aria-current", "true")


def test_print_is_dark_on_white_without_controls(browser: Browser, address: str) -> None:
    page = visit(browser, scheme="dark").page
    page.goto(f"{address}?period=yesterday")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    expect(page.locator("form.period")).to_be_hidden()
    expect(page.locator("header.top")).to_be_hidden()
    expect(page.locator(".big").first).to_be_visible()


def test_the_language_switches_and_stays(browser: Browser, address: str) -> None:
    visitor = visit(browser)
    page = visitor.page
    page.goto(f"{address}?period=yesterday")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.click("[data-lang=zh]")
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
    expect(page.locator("h2.shown")).to_contain_text("年")
    assert page.url.endswith("?period=yesterday")
    page.goto(address)
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
    assert visitor.complaints == []


def test_the_period_changes_in_place(browser: Browser, address: str) -> None:
    visitor = visit(browser)
    page = visitor.page
    page.goto(address)
    page.evaluate("window.stayed = true")
    page.click("[data-period=yesterday]")
    expect(page.locator("[data-period=yesterday]")).to_have_attribute("aria-current", "true")
    expect(page.locator(".u-wrap canvas").first).to_be_visible()
    assert page.evaluate("window.stayed") is True
    assert page.url.endswith("?period=yesterday")
    page.fill("[name=first]", "2026-02-02")
    page.fill("[name=last]", "2026-02-03")
    page.click("form.period button")
    expect(page.locator("h2.shown")).to_contain_text("2 February 2026")
    expect(page.locator(".nothing").first).to_be_visible()
    assert visitor.complaints == []


def test_the_chart_has_a_table_and_the_keyboard_reaches_it(browser: Browser, address: str) -> None:
    page = visit(browser).page
    page.goto(f"{address}?period=yesterday")
    summary = page.locator("details summary").first
    summary.focus()
    page.keyboard.press("Enter")
    rows = page.locator("table[id^=table-]").first.locator("tbody tr")
    expect(rows.first).to_be_visible()
    assert rows.count() >= 16
    assert page.locator("[role=img][aria-label]").count() == 2
    page.goto(address)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"


def test_the_colours_can_be_chosen(browser: Browser, address: str) -> None:
    page = visit(browser).page
    page.goto(address)
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.click("a[href*='theme=dark']")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate(ground) != light


def test_the_page_works_without_scripts(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False, locale="en-GB")
    page = context.new_page()
    page.goto(address)
    page.click("[data-period=yesterday]")
    expect(page.locator(".big").first).to_be_visible()
