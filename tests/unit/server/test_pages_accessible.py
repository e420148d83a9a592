"""Every page, for every role, in both languages: what a screen reader can follow; colours."""

from datetime import timedelta

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, select

from firmware_cfg.codec import encode
from firmware_cfg.messages import PointKind
from server.access.roles import Role
from server.database import open_database, sqlite_url, writer
from server.health import health_of
from server.identity import apply_identity
from server.identity_file import load_identity
from server.ingest.committing import commit
from server.ingest.link import LinkState, LinkStatus
from server.ingest.reading import read
from server.ingest.worker import IngestState
from server.rollups.job import roll_up
from server.schema.identity import store
from server.signing import open_key
from server.testing import MONDAY, FakeClock, MessageFactory, a_head
from server.web.app import make_app
from server.web.parts import Parts
from tests.unit.server.asgi import Client
from tests.unit.server.chain_identity import CHAIN
from tests.unit.server.page_checks import STYLES, contrast, faults, palettes

UP = "encounter/v1/kiosk-1/up/"
THURSDAY = MONDAY + timedelta(days=3, hours=4)
GROUNDS = ("ground", "card")
PAIRS = [
    *((ink, ground, 4.5) for ink in ("ink", "soft", "accent", "bad") for ground in GROUNDS),
    *(("ink", f"heat-{number}", 4.5) for number in range(1, 6)),
    ("ink", "hint", 4.5),
    ("ink", "accent-soft", 4.5),
    ("card", "accent", 4.5),
    ("hint-line", "card", 2.0),
]
"""A colour, what it stands on, and the least contrast; `hint-line` only frames what words say."""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Every page of a store with everything on it, by role, language and path."""
    folder = tmp_path_factory.mktemp("pages")
    identity = folder / "identity.toml"
    identity.write_text(CHAIN, "utf-8")
    engine = open_database(sqlite_url(folder / "encounter.db"))
    with writer(engine).begin() as connection:
        apply_identity(connection, load_identity(identity))
    fill(engine)
    link = LinkStatus(LinkState.CONNECTED, THURSDAY)
    health = health_of(engine, lambda: link, IngestState)
    app = make_app(Parts(engine, open_key(folder), FakeClock(THURSDAY), lambda: health))
    found = seen(app, engine)
    engine.dispose()
    return found


def fill(engine: Engine) -> None:
    factory = MessageFactory()
    readings = [read(UP + "reported", encode(factory.reported()))]
    for number in range(8):
        start = MONDAY + timedelta(minutes=30 * number)
        cells = [factory.cell(start, visits=60)] if number != 3 else []
        if number == 5:
            cells.append(
                factory.cell(start, visits=30, point="line", kind=PointKind.QUEUE, staff=False)
            )
        readings.append(read(UP + "window", encode(factory.window(*cells, start=start))))
    week = factory.week()
    end = week.end - timedelta(minutes=30)
    readings.append(read(UP + "window", encode(factory.window(week, start=end))))
    readings.append(read(UP + "health", encode(factory.health(MONDAY, a_head(309)))))
    commit(engine, readings, THURSDAY)
    roll_up(engine, THURSDAY)


def seen(app: FastAPI, engine: Engine) -> dict[str, str]:
    with engine.connect() as connection:
        found = connection.execute(select(store.c.store_id).where(store.c.slug == "pudong-1"))
        at = f"/stores/{found.scalar_one()}"
    paths = ["/", "/changes", "/fleet", at, f"{at}?period=week", f"{at}?period=today"]
    paths += ["/nothing-here"]
    paths += ["/account", "/tokens", "/accounts", "/privacy", f"{at}/privacy", "/access-log"]
    html = {}
    for role in (Role.ADMIN, Role.STORE_MANAGER, Role.AUDITOR):
        client = Client(app, role, name=role)
        if role is Role.ADMIN:
            form = {"start": "2026-11-16T08:00", "end": "2026-11-16T08:30", "reason": "a trial"}
            assert client.post(f"{at}/voids", form, form=at).status_code == 303
            assert client.post(f"{at}/notes", form, form=at).status_code == 303
        for language in ("en", "zh"):
            for path in paths:
                answer = client.get(path, headers={"Accept-Language": language})
                if answer.headers["content-type"].startswith("text/html"):
                    html[f"{role} {language} {path}"] = answer.text
    return html


def test_no_page_lacks_anything(pages: dict[str, str]) -> None:
    assert len(pages) > 60
    found = {name: lacks for name, html in pages.items() if (lacks := faults(html))}
    assert found == {}


def test_a_page_says_everything_that_it_draws(pages: dict[str, str]) -> None:
    """Colour and hatching are never alone: the same stands in words."""
    (name,) = [one for one in pages if one.startswith("admin en") and one.endswith("=week")]
    html = pages[name]
    assert 'class="heat-' in html
    assert "nothing released, though open" in html
    assert "95 % confidence interval" in html


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        ("<input name='x'>", "no label"),
        ("<label><input name='x'></label>", "no label"),
        ("<table><tr><th>x</th></tr></table>", "no scope"),
        ("<table><tr><td>x</td></tr></table>", "no heads"),
        ("<a href='/x'></a>", "says nothing"),
        ("<button><span aria-hidden='true'>x</span></button>", "says nothing"),
        ("<h3>x</h3>", "h3 comes after h1"),
        ("<h1>x</h1>", "expected one h1"),
        ("<p id='main'>x</p>", "occurs 2 times"),
        ("<svg viewBox='0 0 1 1'></svg>", "neither named nor hidden"),
        ("<div role='img'></div>", "no name"),
        ("<nav></nav>", "no name"),
        ("<p aria-labelledby='nobody'></p>", "names nothing"),
        ("<div class='scroll'></div>", "cannot scroll"),
        ("<p style='color: red'>x</p>", "do not stand in pages"),
    ],
)
def test_the_checks_find_what_is_planted(broken: str, fault: str) -> None:
    page = (
        "<html lang='en'><body><a href='#main'>Skip</a>"
        "<main id='main'><h1>x</h1>{}</main></body></html>"
    )
    assert faults(page.format("")) == []
    assert any(fault in one for one in faults(page.format(broken)))


@pytest.mark.parametrize("name", ["light", "dark of the machine", "dark by hand", "print"])
def test_colours_can_be_told_apart(name: str) -> None:
    light = palettes(STYLES.read_text("utf-8"))["light"]
    colours = light | palettes(STYLES.read_text("utf-8"))[name]
    weak = {
        (one, other): round(contrast(colours[one], colours[other]), 2)
        for one, other, least in PAIRS
        if contrast(colours[one], colours[other]) < least
    }
    assert weak == {}


def test_both_dark_palettes_are_one() -> None:
    found = palettes(STYLES.read_text("utf-8"))
    assert found["dark of the machine"] == found["dark by hand"]
    assert set(found["light"]) == set(found["dark by hand"])


def test_the_focus_is_seen() -> None:
    css = STYLES.read_text("utf-8")
    for one in ("a", "button", "summary", "input", "[tabindex]"):
        assert f"{one}:focus-visible" in css
    assert "outline: 3px solid var(--accent)" in css
    assert "outline: none" not in css
