"""The store page as people see it: in a real browser, over a real server."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from firmware_cfg.codec import decode, encode
from firmware_cfg.messages import LedgerHead, Patterns, PointKind, Window
from server.database import open_database, sqlite_url, writer
from server.identity import apply_identity
from server.identity_file import load_identity
from server.ingest.committing import commit
from server.ingest.reading import read
from server.testing import Load, MessageFactory, a_head
from tests.access import a_session, an_account
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
        connection.exec_driver_sql("UPDATE store SET confirmed_at = '2020-01-01 00:00:00.000000'")
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
    readings += [read(base + "window", encode(one)) for one in weeks_before(yesterday, factory)]
    head = a_head(309, window=opens)
    readings.append(read(base + "health", encode(factory.health(datetime.now(UTC), head))))
    commit(engine, readings, datetime.now(UTC))
    engine.dispose()


def weeks_before(day: date, factory: MessageFactory) -> list[Window]:
    """The two weeks before that of `day`, as a team of two releases them; zones then changed."""
    monday = day - timedelta(days=day.weekday() + 7)
    found = []
    for back, visits, geometry in ((7, 420, "b"), (0, 200, "a")):
        start = datetime.combine(monday - timedelta(days=back), time(9), SHANGHAI).astimezone(UTC)
        cell = factory.week(start, visits)
        if cell.week is not None and visits == 420:
            patterns = Patterns(interactive=60, proactive=210, reactive=75)
            told = cell.week.model_copy(update={"patterns": patterns, "recovered": None})
            cell = factory.week(start, visits, told)
        one = factory.window(cell, start=cell.end - timedelta(minutes=30))
        found.append(one.model_copy(update={"geometry_hash": geometry * 64}))
    return found


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pages") / "state"


@pytest.fixture(scope="module")
def address(state: Path) -> Iterator[str]:
    folder = state.parent
    identity = folder / "identity.toml"
    identity.write_text(re.sub(r"opening\.mon.*\n", "", IDENTITY), "utf-8")
    fill(state, identity)
    server = ServerProcess(folder, free_port(), free_port(), identity)
    server.start()
    (store,) = httpx.get(server.url + "/api/v1/stores", headers=server.bearer).json()["items"]
    yield f"{server.url}/stores/{store['store_id']}"
    server.kill()


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A browser in which somebody is signed in, whatever window is opened."""

    browser: Browser
    address: str
    secret: str

    def new_context(self, **options: Any) -> BrowserContext:
        """A window with the session's cookie."""
        context = self.browser.new_context(**options)
        context.add_cookies([{"name": "session", "value": self.secret, "url": self.address}])
        return context


@pytest.fixture(scope="module")
def browser(address: str, state: Path) -> Iterator[SignedIn]:
    engine = open_database(sqlite_url(state / "encounter.db"))
    now = datetime.now(UTC)
    secret = a_session(engine, an_account(engine, now), now)
    engine.dispose()
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS.split())
        yield SignedIn(found, address.partition("/stores/")[0], secret)
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


def visit(browser: SignedIn, width: int = 1280, **options: str) -> Visitor:
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
    browser: SignedIn, address: str, tmp_path: Path, *, width: int, scheme: str, locale: str
) -> None:
    visitor = visit(browser, width, scheme=scheme, locale=locale)
    page = visitor.page
    page.goto(f"{address}?period=yesterday")
    expect(page.locator("ol.moments .big").nth(1)).to_have_text(re.compile(r"\d+ ?%"))
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


def test_the_first_page_shows_the_way_to_the_store(browser: SignedIn, address: str) -> None:
    visitor = visit(browser, 390)
    page = visitor.page
    page.goto(address.partition("/stores/")[0])
    expect(page.locator("h1")).to_have_text("Overview")
    expect(page.locator("svg.trend").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.click("table.stores tbody a")
    expect(page.locator("h1")).to_have_text("Pudong")
    assert visitor.complaints == []


def test_without_figures_of_today_the_week_is_shown(browser: SignedIn, address: str) -> None:
    page = visit(browser).page
    page.goto(address)
    expect(page.locator(".notice")).to_contain_text("Nothing has been released today yet")
    page.click(".notice a")
    expect(page.locator("[data-period=today]")).to_have_attribute("aria-current", "true")


def test_print_is_dark_on_white_without_controls(browser: SignedIn, address: str) -> None:
    page = visit(browser, scheme="dark").page
    page.goto(f"{address}?period=yesterday")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    expect(page.locator("form.period")).to_be_hidden()
    expect(page.locator("header.top")).to_be_hidden()
    expect(page.locator(".big").first).to_be_visible()


def test_the_language_switches_and_stays(browser: SignedIn, address: str) -> None:
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


def test_the_period_changes_in_place(browser: SignedIn, address: str) -> None:
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


def test_the_chart_has_a_table_and_the_keyboard_reaches_it(browser: SignedIn, address: str) -> None:
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


@pytest.mark.parametrize(
    ("width", "scheme", "locale", "title", "greeted"),
    [
        (1280, "light", "en-GB", "Per week, for the whole store", "75 % of 200"),
        (390, "dark", "zh-CN", "按周，全店合计", "75% 共 200 次"),
    ],
)
def test_a_stores_weeks_stand_in_a_table_of_their_own(
    browser: SignedIn,
    address: str,
    *,
    width: int,
    scheme: str,
    locale: str,
    title: str,
    greeted: str,
) -> None:
    visitor = visit(browser, width, scheme=scheme, locale=locale)
    page = visitor.page
    page.goto(f"{address}?period=yesterday")
    weeks = page.locator("section.weeks")
    expect(weeks.locator("h2")).to_have_text(title)
    expect(weeks.locator("thead th")).to_have_count(3)
    expect(weeks.locator("tbody tr").nth(0).locator("td")).to_have_text(["200", "420"])
    expect(weeks.locator("tbody tr").nth(1).locator("td").first).to_have_text(greeted)
    expect(weeks.locator("tbody tr")).to_have_count(14)
    expect(weeks.locator(".suppressed")).to_have_count(4)
    expect(weeks.locator(".cut")).to_be_visible()
    weeks.locator(".scroll").focus()
    assert page.evaluate("document.activeElement.className") == "scroll"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert visitor.complaints == []


def test_the_head_of_a_ledger_is_a_file_for_an_auditor(
    browser: SignedIn, address: str, tmp_path: Path
) -> None:
    page = visit(browser).page
    page.goto(address)
    with page.expect_download() as download:
        page.click("section.devices a[download]")
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    assert file.name == "kiosk-1-ledger-head.json"
    assert decode(LedgerHead, file.read_bytes()).size == 309


def test_the_colours_can_be_chosen(browser: SignedIn, address: str) -> None:
    page = visit(browser).page
    page.goto(address)
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.click("a[href*='theme=dark']")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate(ground) != light


def test_the_page_works_without_scripts(browser: SignedIn, address: str) -> None:
    context = browser.new_context(java_script_enabled=False, locale="en-GB")
    page = context.new_page()
    page.goto(address)
    page.click("[data-period=yesterday]")
    expect(page.locator(".big").first).to_be_visible()
