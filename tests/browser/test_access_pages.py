"""From the first start's link to a signed-in administrator, an invited manager, a token."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.brokers import free_port
from tests.browser.test_store_page import CHROMIUM, FLAGS, VENDOR
from tests.integration.server.processes import ServerProcess
from tests.unit.server.conftest import IDENTITY

PASSWORD = "three warm words"  # noqa: S105 a test's
LOOKS = os.environ.get("LOOKS")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}"),
    pytest.mark.skipif(not VENDOR.exists(), reason="no assets; npm ci, then npm run assets"),
]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    identity = tmp_path / "identity.toml"
    identity.write_text(IDENTITY, "utf-8")
    server = ServerProcess(tmp_path, free_port(), free_port(), identity)
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS.split())
        yield found
        found.close()


def first_link(server: ServerProcess) -> str:
    found = re.search(r"http://\S+/link/\S+", server.log)
    assert found is not None, server.log
    return found[0]


def choose_password(page: Page, name: str | None = None) -> None:
    if name is not None:
        page.fill("[name=name]", name)
    page.fill("[name=password]", PASSWORD)
    page.fill("[name=again]", PASSWORD)
    page.click("main form button")


def look(page: Page, name: str, width: int = 1280) -> None:
    """The page fits its width; a picture of it, where somebody wants to look."""
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if LOOKS:
        page.screenshot(path=Path(LOOKS) / f"{name}.png", full_page=True)


def test_a_newcomer_becomes_the_administrator_and_invites_a_manager(
    browser: Browser, server: ServerProcess
) -> None:
    complaints: list[str] = []
    page = browser.new_context(locale="en-GB").new_page()
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(server.url)
    assert "/sign-in" in page.url
    link = first_link(server)
    page.goto(link)
    look(page, "link")
    choose_password(page, "Ada Lovelace")
    expect(page.locator("h1")).to_have_text("Overview")
    expect(page.locator(".who a")).to_have_text("ada lovelace")
    page.click("a[href='/accounts']")
    page.fill("section.entry [name=name]", "Grace")
    page.select_option("section.entry [name=reach]", label="store Pudong")
    page.click("section.entry button")
    invitation = page.locator(".shown-once code").inner_text()
    expect(page.locator("ul.accounts > li")).to_have_count(2)
    look(page, "accounts")
    guest = browser.new_context(locale="zh-CN").new_page()
    guest.goto(invitation)
    expect(guest.locator("h1")).to_have_text("grace，欢迎")
    choose_password(guest)
    expect(guest.locator("table.stores tbody th")).to_contain_text("Pudong")
    expect(guest.locator("a[href='/accounts']")).to_have_count(0)
    guest.goto(invitation)
    expect(guest.locator("h1")).to_have_text("此链接无效")
    assert [one for one in complaints if "401" not in one] == []


def test_signing_out_and_in_again(browser: Browser, server: ServerProcess) -> None:
    page = browser.new_context(locale="en-GB").new_page()
    page.goto(first_link(server))
    choose_password(page, "ada")
    page.click(".who button")
    expect(page.locator("h1")).to_have_text("Sign in")
    page.goto(f"{server.url}/tokens?x=1")
    page.fill("[name=name]", "ADA")
    page.fill("[name=password]", "something else")
    page.click("main form button")
    expect(page.locator(".notice")).to_have_text("Name or password is not right.")
    look(page, "sign-in")
    page.fill("[name=password]", PASSWORD)
    page.click("main form button")
    expect(page).to_have_url(f"{server.url}/tokens?x=1")
    page.fill("[name=label]", "report")
    page.click("section.entry button")
    expect(page.locator(".shown-once code")).to_have_text(re.compile(r"^enc_[0-9A-Za-z]{49}$"))
    look(page, "tokens")
    page.click("button:has-text('Revoke')")
    expect(page.locator("tbody td").last).to_have_text("revoked")


@pytest.mark.parametrize(
    ("width", "scheme", "locale"),
    [(1280, "dark", "en-GB"), (390, "light", "en-GB"), (390, "dark", "zh-CN")],
)
def test_pages_of_access_fit_and_complain_of_nothing(
    browser: Browser, server: ServerProcess, *, width: int, scheme: str, locale: str
) -> None:
    complaints: list[str] = []
    page = browser.new_context(
        viewport={"width": width, "height": 900},
        locale=locale,
        color_scheme="dark" if scheme == "dark" else "light",
    ).new_page()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{server.url}/sign-in")
    look(page, f"sign-in-{width}-{scheme}", width)
    page.goto(first_link(server))
    look(page, f"link-{width}-{scheme}", width)
    choose_password(page, "ada")
    for path in ("account", "tokens", "accounts"):
        page.goto(f"{server.url}/{path}")
        expect(page.locator("main h1")).to_be_visible()
        look(page, f"{path}-{width}-{scheme}", width)
    assert complaints == []


def test_the_keyboard_signs_in_without_scripts(browser: Browser, server: ServerProcess) -> None:
    page = browser.new_context(java_script_enabled=False, locale="en-GB").new_page()
    page.goto(first_link(server))
    expect(page.locator("[name=name]")).to_be_focused()
    page.keyboard.type("ada")
    for _ in range(2):
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator(".who a")).to_have_text("ada")
