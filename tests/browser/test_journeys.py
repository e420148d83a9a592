"""What people come for: why a store is worse, ending a trial, evidence; what they may not see."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from server.access.roles import Role
from server.testing import a_head
from server.web.overview import shown_week
from tests.brokers import free_port
from tests.browser.chain import CLOCK, Visitor, fill, invitation, store_ids
from tests.browser.test_store_page import CHROMIUM, FLAGS, VENDOR
from tests.integration.server.processes import ServerProcess

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}"),
    pytest.mark.skipif(not VENDOR.exists(), reason="no assets; npm ci, then npm run assets"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("journeys")
    identity = folder / "identity.toml"
    fill(folder / "state", identity, datetime.now(UTC))
    server = ServerProcess(folder, free_port(), free_port(), identity)
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS.split())
        yield found
        found.close()


def visitor(
    browser: Browser, width: int = 1280, locale: str = "en-GB", dark: str = "light"
) -> Visitor:
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        locale=locale,
        color_scheme="dark" if dark == "dark" else "light",
    )
    return Visitor(context.new_page(), width)


def test_a_manager_finds_the_worst_store_and_why(browser: Browser, server: ServerProcess) -> None:
    someone = visitor(browser)
    page = someone.page
    someone.come_in(invitation(server.state, server.url, "mei", Role.REGIONAL_MANAGER, "china"))
    expect(page.locator("h1")).to_have_text("Overview")
    first = page.locator("ol.notes > li").first
    expect(first.locator(".where")).to_have_text("Pudong")
    expect(first).to_contain_text("were greeted within 30 s; in its weeks before it was")
    expect(first.locator(".sure").first).to_have_text("Sure")
    expect(page.locator("table.stores tbody tr").first).to_contain_text("Pudong")
    expect(page.locator("table.stores tbody tr").last).to_contain_text("Wuxi trial")
    assert "Oslo" not in page.content()
    someone.look("journey-overview")
    week = page.locator("hgroup p").inner_text()
    first.locator(".where").click()
    expect(page.locator("h1")).to_have_text("Pudong")
    expect(page.locator("ol.moments > li")).to_have_count(4)
    expect(page.locator("ol.moments > li").nth(1)).to_contain_text("no greeting within 30 s")
    expect(page.locator("table.hours td[class^=heat]").first).to_be_visible()
    someone.look("journey-store")
    assert "Week of" in week
    page.click("section.amendments summary")
    page.fill("section.amendments textarea", "Two of three tills were closed for repair")
    page.click("section.amendments button:has-text('Note it')")
    expect(page.locator("ul.amendments .reason")).to_have_text(
        "Two of three tills were closed for repair"
    )
    assert someone.complaints == []


def test_a_store_manager_ends_the_trial_of_the_own_store(
    browser: Browser, server: ServerProcess
) -> None:
    someone = visitor(browser, 390)
    page = someone.page
    someone.come_in(invitation(server.state, server.url, "wang", Role.STORE_MANAGER, "wuxi"))
    expect(page.locator("ol.notes")).to_contain_text("commissioning waits to be confirmed")
    page.click("table.stores tbody a")
    expect(page.locator("h1 .tag")).to_have_text("trial")
    someone.look("journey-trial")
    since = page.locator("[name=since]")
    assert since.input_value() == since.get_attribute("max")
    page.click("form.confirm button")
    expect(page.locator("h1 .tag")).to_have_count(0)
    page.goto(server.url)
    expect(page.locator("body")).not_to_contain_text("waits to be confirmed")
    assert someone.complaints == []


def test_an_auditor_reads_the_evidence_and_hands_in_a_report(
    browser: Browser, server: ServerProcess, tmp_path: Path
) -> None:
    someone = visitor(browser)
    page = someone.page
    someone.come_in(invitation(server.state, server.url, "noor", Role.AUDITOR, "acme"))
    page.click("a[href='/privacy']")
    page.click("main a:has-text('Puxi')")
    expect(page.locator("h1")).to_have_text("Puxi: what it sends")
    expect(page.locator("dl.head code.copy").first).to_have_text(a_head(309).root)
    expect(page.locator("section:has(#hidden) tbody").first).to_contain_text("Counter")
    with page.expect_download() as download:
        page.click("a[download$='ledger-head.json']")
    assert json.loads(download.value.path().read_text())["size"] == 309
    report = tmp_path / "audit.json"
    report.write_text(
        json.dumps(
            {
                "report_version": 1,
                "at": "2026-01-01T00:00:00+00:00",
                "counts": {"holds": 40, "fails": 1},
                "audited": {"version": "0.1.0"},
                "findings": [{"status": "fails", "check": "x" * 100_000}],
            }
        )
    )
    page.set_input_files("[name=report]", report)
    page.click("button:has-text('Hand in')")
    expect(page.locator(".verdict")).to_have_text("fails")
    someone.look("journey-privacy")
    page.click("a[href='/access-log']")
    expect(page.locator("table.log tbody tr").first).to_be_visible()
    assert someone.complaints == []


def test_what_lies_outside_is_not_there(browser: Browser, server: ServerProcess) -> None:
    someone = visitor(browser)
    page = someone.page
    someone.come_in(invitation(server.state, server.url, "li", Role.STORE_MANAGER, "puxi"))
    ids = store_ids(server.state)
    for key, status in (("puxi", 200), ("pudong", 404), ("oslo", 404)):
        answer = page.goto(f"{server.url}/stores/{ids[key]}")
        assert answer is not None
        assert answer.status == status
    for path in ("/privacy", "/access-log", "/accounts"):
        answer = page.goto(server.url + path)
        assert answer is not None
        assert answer.status == 403
    expect(page.locator("header a[href='/privacy']")).to_have_count(0)


@pytest.mark.parametrize(
    ("width", "dark", "locale"),
    [(1280, "dark", "zh-CN"), (360, "light", "en-GB"), (360, "dark", "zh-CN")],
)
def test_pages_fit_and_complain_of_nothing(
    browser: Browser, server: ServerProcess, *, width: int, dark: str, locale: str
) -> None:
    someone = visitor(browser, width, locale, dark)
    page = someone.page
    name = f"all-{width}-{dark}-{locale[:2]}"
    page.goto(invitation(server.state, server.url, name, Role.ADMIN, "acme"))
    for field in ("password", "again"):
        page.fill(f"[name={field}]", "three warm words")
    page.click("main form button")
    at = f"/stores/{store_ids(server.state)['pudong']}"
    paths = (
        "/",
        "/changes",
        "/fleet",
        f"{at}?period=week",
        "/privacy",
        f"{at}/privacy",
        "/access-log",
    )
    for number, path in enumerate(paths):
        page.goto(server.url + path)
        expect(page.locator("main h1")).to_be_visible()
        someone.look(f"{number}-{name}")
    assert someone.complaints == []


def test_the_keyboard_goes_from_the_first_page_to_a_store(
    browser: Browser, server: ServerProcess
) -> None:
    context = browser.new_context(java_script_enabled=False, locale="en-GB")
    someone = Visitor(context.new_page())
    page = someone.page
    someone.come_in(invitation(server.state, server.url, "keys", Role.REGIONAL_MANAGER, "china"))
    page.goto(server.url)  # a key before the page is there would go to the one before
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    for _ in range(3):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.className") == "where":
            break
    expect(page.locator("a.where:focus")).to_have_count(1)
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("Pudong")


def test_a_manager_takes_a_wrong_zone_out_for_a_week_and_puts_it_back(
    browser: Browser, server: ServerProcess
) -> None:
    someone = visitor(browser)
    page = someone.page
    someone.come_in(invitation(server.state, server.url, "ruth", Role.REGIONAL_MANAGER, "china"))
    monday = shown_week(datetime.now(UTC), [CLOCK])
    days = f"period=range&first={monday - timedelta(days=7)}&last={monday + timedelta(days=6)}"
    weeks = f"{server.url}/stores/{store_ids(server.state)['puxi']}?{days}"
    page.goto(weeks)
    counter, gap = page.locator("article.point:not(.total)"), page.locator("[data-gap=voided]")
    visits = counter.locator(".count").inner_text()
    expect(gap).to_have_count(0)
    page.locator("section.amendments summary").focus()
    page.keyboard.press("Enter")
    page.select_option("section.amendments form.amend [name=point]", label="Counter")
    page.fill("section.amendments form.amend [name=start]", f"{monday}T00:00")
    page.fill("section.amendments form.amend textarea", "the zone lay over the shelf")
    someone.look("journey-amend")
    page.locator("button:has-text('Take out of the figures')").press("Enter")
    expect(page.locator("h1")).to_have_text("Take figures out")
    expect(page.locator("ul.will li").first).to_contain_text("leave all figures on pages")
    someone.look("journey-check")
    page.locator("form.confirm button").press("Enter")
    expect(page.locator("ul.amendments .reason")).to_have_text("the zone lay over the shelf")
    page.goto(weeks)
    expect(gap.first).to_be_attached()
    expect(counter.locator("canvas")).to_be_visible()
    expect(counter.locator("dl.missing")).to_contain_text("taken out of the figures")
    expect(counter.locator(".count")).not_to_have_text(visits)
    someone.look("journey-gap")
    page.click("ul.amendments button")
    expect(page.locator("h1")).to_have_text("Withdraw an amendment")
    page.locator("form.confirm button").press("Enter")
    expect(page.locator("li.withdrawn .reason")).to_have_count(1)
    page.goto(weeks)
    expect(counter.locator(".count")).to_have_text(visits)
    expect(gap).to_have_count(0)
    assert someone.complaints == []


def test_an_administrator_moves_a_device_and_sees_first_what_that_does(
    browser: Browser, server: ServerProcess
) -> None:
    someone = visitor(browser, 390, "zh-CN", "dark")
    page = someone.page
    someone.come_in(invitation(server.state, server.url, "shu", Role.ADMIN, "acme"))
    page.click("a[href='/fleet']")
    page.click("table.fleet a[href='/devices/kiosk-3']")
    page.click("form[action$='/retirement/check'] button")
    page.click("form.confirm button")
    expect(page.locator("h1")).to_have_text("kiosk-3")
    page.goto(f"{server.url}/devices/kiosk-2")
    page.select_option("[name=to]", label="Wuxi")
    page.click("form:has([name=to]) button")
    page.locator("select[name=point]").first.select_option(label="Counter")
    someone.look("journey-device")
    page.click("form[action$='/place/check'] button")
    expect(page.locator("ul.will")).to_contain_text("kiosk-2 位于 Wuxi")
    someone.look("journey-move")
    page.click("form.confirm button")
    expect(page.locator("hgroup a")).to_have_text("Wuxi")
    page.goto(f"{server.url}/stores/{store_ids(server.state)['wuxi']}/setup")
    someone.look("journey-setup")
    assert someone.complaints == []
