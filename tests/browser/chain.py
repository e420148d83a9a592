"""A small chain for the browser: a store that got slower, a steady one, one on trial, another's."""

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from playwright.sync_api import Page
from sqlalchemy import Engine, select, update

from firmware_cfg.codec import encode
from firmware_cfg.messages import Window
from server.access import accounts, links
from server.access.reach import Reach
from server.access.roles import Role
from server.database import open_database, sqlite_url, writer
from server.identity import apply_identity
from server.identity_file import load_identity
from server.ingest.committing import commit
from server.ingest.reading import read
from server.periods import StoreTime
from server.rollups.job import roll_up
from server.schema.identity import organisation, region, store
from server.testing import Load, MessageFactory, a_head
from server.web.overview import shown_week

SHANGHAI = ZoneInfo("Asia/Shanghai")
CLOCK = StoreTime(SHANGHAI, time(4), {}, frozenset())
PASSWORD = "three warm words"  # noqa: S105 a test's
LOOKS = os.environ.get("LOOKS")
STORES = {
    "pudong": ("china", "kiosk-1"),
    "puxi": ("china", "kiosk-2"),
    "wuxi": ("china", "kiosk-3"),
}
STORE = """
[[store]]
key = "{key}"
organisation = "{org}"
{region}
name = "{name}"
timezone = "Asia/Shanghai"
opening.mon = ["09:00-17:00"]
opening.tue = ["09:00-17:00"]

[[store.point]]
key = "counter"
kind = "service_point"
label = "Counter"

[[device]]
id = "{device}"
organisation = "{org}"
store = "{key}"
assignment = [{{ local = "counter-1", point = "counter" }}]
"""


def identity_text() -> str:
    """The identity file."""
    text = '[[organisation]]\nkey = "acme"\nname = "Acme"\n'
    text += '[[organisation]]\nkey = "other"\nname = "Other"\n'
    text += '[[region]]\nkey = "china"\norganisation = "acme"\nname = "China"\n'
    for key, (area, device) in STORES.items():
        where = f'region = "{area}"'
        text += STORE.format(key=key, org="acme", region=where, name=key.title(), device=device)
    return text + STORE.format(key="oslo", org="other", region="", name="Oslo", device="kiosk-9")


def fill(state: Path, identity: Path, now: datetime) -> None:
    """Four weeks up to the one that the first page shows; Pudong is slow in the last one."""
    identity.write_text(identity_text(), "utf-8")
    state.mkdir()
    engine = open_database(sqlite_url(state / "encounter.db"))
    with writer(engine).begin() as connection:
        apply_identity(connection, load_identity(identity))
        early = now - timedelta(days=300)
        confirmed = store.c.slug.in_(["pudong", "puxi", "oslo"])
        connection.execute(update(store).where(confirmed).values(confirmed_at=early))
    readings = []
    for _, device in STORES.values():
        factory = MessageFactory(device=device)
        base = f"encounter/v1/{device}/up/"
        windows = [one for back in (3, 2, 1, 0) for one in _week(factory, now, back)]
        readings += [read(base + "window", encode(one)) for one in windows]
        readings.append(read(base + "reported", encode(factory.reported())))
        heartbeat = factory.health(now, a_head(309, window=windows[-1].start))
        readings.append(read(base + "health", encode(heartbeat)))
    commit(engine, readings, now)
    roll_up(engine, now, limit=100_000)
    engine.dispose()


def _week(factory: MessageFactory, now: datetime, back: int) -> list[Window]:
    """Monday and Tuesday, nine to five."""
    monday = shown_week(now, [CLOCK]) - timedelta(weeks=back)
    slow = factory.device == "kiosk-1" and back == 0
    load = Load(serve_s=400.0, greet_s=90.0) if slow else Load(serve_s=60.0, greet_s=12.0)
    found = []
    for day in (0, 1):
        opens = datetime.combine(monday + timedelta(days=day), time(9), SHANGHAI).astimezone(UTC)
        for index in range(16):
            start = opens + timedelta(minutes=30 * index)
            found.append(factory.window(factory.cell(start, visits=60, load=load), start=start))
    return found


def reach_of(engine: Engine, key: str) -> Reach:
    """An organisation, a region or a store by its key."""
    with engine.connect() as connection:
        for table, name in ((organisation, ""), (region, "region_id"), (store, "store_id")):
            row = connection.execute(select(table).where(table.c.slug == key)).first()
            if row is not None:
                values = {name: getattr(row, name)} if name else {}
                return Reach(row.org_id, **values)
    raise AssertionError(key)


def invitation(state: Path, url: str, name: str, role: Role, key: str) -> str:
    """A new account, and the link by which somebody chooses its password."""
    engine = open_database(sqlite_url(state / "encounter.db"))
    now = datetime.now(UTC)
    with writer(engine).begin() as connection:
        account_id = accounts.make(connection, name, role, [reach_of(engine, key)], now)
        secret = links.make(connection, account_id, now)
    engine.dispose()
    return links.address(url, secret)


def store_ids(state: Path) -> dict[str, str]:
    """Ids of the stores by their keys."""
    engine = open_database(sqlite_url(state / "encounter.db"))
    with engine.connect() as connection:
        found = {row.slug: str(row.store_id) for row in connection.execute(select(store))}
    engine.dispose()
    return found


@dataclass
class Visitor:
    """A page, and whatever the browser complained of."""

    page: Page
    width: int = 1280
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def come_in(self, link: str) -> None:
        """Choose a password, sign out, and in again with it."""
        self.page.goto(link)
        self.page.fill("[name=password]", PASSWORD)
        self.page.fill("[name=again]", PASSWORD)
        self.page.click("main form button")
        name = self.page.locator(".who a").inner_text()
        self.page.click(".who button")
        self.page.fill("[name=name]", name)
        self.page.fill("[name=password]", PASSWORD)
        self.page.click("main form button")

    def look(self, name: str) -> None:
        """The page fits its width; a picture of it, where somebody wants to look."""
        assert self.page.evaluate("document.documentElement.scrollWidth") <= self.width
        if LOOKS:
            self.page.screenshot(path=Path(LOOKS) / f"{name}.png", full_page=True)
