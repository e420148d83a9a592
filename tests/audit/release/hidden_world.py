"""A small chain in which every cell's size tells which cell it is, asked by several users.

The cells' visits are 16, 32, 64 …: from the visits that an answer names follows which cells are
in it. In some cells only a few parties stand behind the figures about staff: these are what must
stay hidden, and in them two worlds differ.
"""

import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx
from fastapi import FastAPI
from sqlalchemy import Engine, select

from firmware_cfg.codec import encode
from firmware_cfg.histogram import Fate, Histogram
from firmware_cfg.messages import (
    Cell,
    Level,
    Outcomes,
    PointKind,
    StaffFigures,
    WireHistogram,
)
from server.access.reach import Reach
from server.access.roles import Role
from server.amending import Kind
from server.amending.making import Wish, amend, withdraw
from server.database import open_database, sqlite_url, writer
from server.errors import AmendmentError, IdentityError
from server.health import health_of
from server.identity import Change, amend_confirmation, apply_identity, confirm
from server.identity_file import load_identity
from server.ingest.committing import commit
from server.ingest.link import LinkState, LinkStatus
from server.ingest.reading import read
from server.ingest.worker import IngestState
from server.periods import Period
from server.rollups.job import roll_up
from server.schema.identity import organisation, point, region, store
from server.signing import open_key
from server.testing import MONDAY, FakeClock, MessageFactory
from server.web.app import make_app
from server.web.parts import Parts
from tests.unit.server.asgi import Client

K, SMALLEST = 10, 16
SLOT = timedelta(hours=6)
SLOTS = 32
NOW = MONDAY + timedelta(days=20)
CONFIRMED = MONDAY - timedelta(days=1)
POINTS = ("a1", "a2", "b1", "c1")
STORE_OF = {"a1": "a", "a2": "a", "b1": "b", "c1": "c"}
LENGTHS = (timedelta(minutes=30), timedelta(hours=1), timedelta(hours=5))
UUIDS = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SECRETS = re.compile(r'name="form" value="[0-9a-f]+"')
IDENTITY = """
[[organisation]]
key = "acme"
name = "Acme"

[[region]]
key = "east"
organisation = "acme"
name = "East"
""" + "".join(
    f"""
[[store]]
key = "{name}"
organisation = "acme"
region = "east"
name = "Store {name}"
timezone = "Asia/Shanghai"

[[device]]
id = "kiosk-{name}"
organisation = "acme"
store = "{name}"
assignment = [{{ local = "one", point = "{name}1" }}, {{ local = "two", point = "{name}2" }}]
"""
    + "".join(
        f"""
[[store.point]]
key = "{name}{number}"
kind = "service_point"
label = "Point {name}{number}"
"""
        for number in (1, 2)
    )
    for name in "abc"
)


@dataclass(frozen=True)
class Made:
    """A cell: where and when, how many were greeted in sight, and these parties' two worlds."""

    number: int
    point: str
    slot: int
    length: timedelta
    greeted: int | None
    seconds: tuple[float, float]

    @property
    def visits(self) -> int:
        return SMALLEST << self.number

    @property
    def base(self) -> int:
        """Parties behind its figures about staff."""
        return self.visits if self.greeted is None else self.greeted

    @property
    def period(self) -> Period:
        start = MONDAY + self.slot * SLOT
        return Period(start, start + self.length)

    @property
    def bit(self) -> int:
        return 1 << self.number

    def wire(self, world: int) -> Cell:
        hidden = self.base < K
        greeting_s = self.seconds[world] if hidden else self.seconds[0]
        good = self.base // 2 if hidden and world else self.base // 4
        waiting = _histogram(45.0, self.visits)
        greeting = _histogram(greeting_s, self.base)
        return Cell(
            point="one" if self.point.endswith("1") else "two",
            kind=PointKind.SERVICE_POINT,
            level=Level.HOUR,
            start=self.period.start,
            end=self.period.end,
            k=K,
            visits=self.visits,
            left_censored=0,
            passers_by=0,
            outcomes=Outcomes(served=self.visits),
            waiting=waiting,
            stay=waiting,
            staff=StaffFigures(
                greeting=greeting,
                interaction=greeting,
                flawless=good,
                judged=self.base,
                broken=self.base - good,
                recovered=(self.base - good) // 2,
                interrupted=0,
                attended_s=100.0,
                present_s=200.0,
            ),
            observed_s=100.0,
            bridged_s=0.0,
            unknown_s=0.0,
        )


def _histogram(seconds: float, count: int) -> WireHistogram:
    counts = {} if count == 0 else Histogram.of([(seconds, Fate.EVENT)], 1).counts
    many = {fate: dict.fromkeys(found, count) for fate, found in counts.items()}
    return WireHistogram.of(Histogram(1, many))


@dataclass
class World:
    """The chain, in one of two worlds."""

    engine: Engine
    app: FastAPI
    ids: dict[str, UUID]
    number: int
    arrived: list[Made] = field(default_factory=list)
    amendments: list[tuple[UUID, str]] = field(default_factory=list)
    trial: bool = True
    known: dict[str, str] = field(default_factory=dict)
    clients: dict[str, Client] = field(default_factory=dict)
    factories: dict[str, MessageFactory] = field(default_factory=dict)

    @classmethod
    def opened(cls, template: Path, path: Path, number: int) -> "World":
        shutil.copy(template, path)
        engine = open_database(sqlite_url(path))
        link = LinkStatus(LinkState.CONNECTED, NOW)
        health = health_of(engine, lambda: link, IngestState)
        parts = Parts(engine, open_key(path.parent), FakeClock(NOW), lambda: health)
        world = cls(engine, make_app(parts), ids_of(engine), number)
        reaches = {
            "admin": (Role.ADMIN, Reach()),
            "manager of all": (Role.REGIONAL_MANAGER, world.reach(region_id=world.ids["east"])),
            "manager of a": (Role.STORE_MANAGER, world.reach(store_id=world.ids["a"])),
            "manager of c": (Role.STORE_MANAGER, world.reach(store_id=world.ids["c"])),
        }
        for name, (role, reach) in reaches.items():
            world.clients[name] = Client(world.app, role, [reach], name)
        return world

    def close(self) -> None:
        self.engine.dispose()

    def reach(self, **place: UUID) -> Reach:
        return Reach(self.ids["acme"], **place)

    def receive(self, cells: Sequence[Made]) -> None:
        """Let devices send cells, each in a window of its own."""
        for one in cells:
            name = f"kiosk-{STORE_OF[one.point]}"
            factory = self.factories.setdefault(name, MessageFactory(name))
            window = factory.window(one.wire(self.number), start=one.period.start)
            commit(self.engine, [read(f"encounter/v1/{name}/up/window", encode(window))], NOW)
        self.arrived += cells

    def change(self, do: Callable[[Change], object]) -> str:
        """Do something; what is said to it."""
        try:
            with writer(self.engine).begin() as connection:
                return str(do(Change(connection, self.ids["acme"], "ada", NOW)))
        except (AmendmentError, IdentityError) as error:
            return type(error).__name__

    def amend(self, kind: Kind, at: str, period: Period, to: str | None = None) -> str:
        def do(change: Change) -> int:
            where = self.ids[STORE_OF[at]]
            other = None if to is None else self.ids[to]
            made = amend(change, Wish(kind, where, self.ids[at], period, "because", other))
            self.amendments += [(one.amendment_id, STORE_OF[at]) for one in made.amendments]
            return made.cells

        return self.change(do)

    def withdraw(self, number: int) -> str:
        if not self.amendments:
            return "nothing"
        one, where = self.amendments[number % len(self.amendments)]
        return self.change(lambda change: withdraw(change, self.ids[where], [one]).cells)

    def decide(self, *, trial: bool) -> str:
        """Confirm the third store, or take that back; its region follows at once."""
        self.trial = trial
        there = self.ids["c"]
        at = None if trial else CONFIRMED
        said = self.change(lambda change: amend_confirmation(change, there, at, "sure"))
        self.roll_up()
        return said

    def roll_up(self) -> None:
        while roll_up(self.engine, NOW):
            pass

    def get(self, user: str, path: str, **asked: str) -> httpx.Response:
        return self.clients[user].get(path, params=asked)

    def told(self, response: httpx.Response) -> str:
        """An answer as both worlds can be compared: ids by the order in which they came up."""
        text = SECRETS.sub("", response.text)
        return UUIDS.sub(lambda one: self.known.setdefault(one[0], f"id{len(self.known)}"), text)


def ids_of(engine: Engine) -> dict[str, UUID]:
    """Ids of the organisation, the region, stores and points by their keys."""
    found: dict[str, UUID] = {}
    with engine.connect() as connection:
        for table, name in (
            (organisation, "org_id"),
            (region, "region_id"),
            (store, "store_id"),
            (point, "point_id"),
        ):
            found |= {row.slug: getattr(row, name) for row in connection.execute(select(table))}
    return found


def make_template(folder: Path) -> Path:
    """A migrated database with the chain, of which two stores are confirmed."""
    path = folder / "template.db"
    (folder / "chain.toml").write_text(IDENTITY, "utf-8")
    engine = open_database(sqlite_url(path))
    with writer(engine).begin() as connection:
        apply_identity(connection, load_identity(folder / "chain.toml"))
    ids = ids_of(engine)
    for name in "ab":
        with writer(engine).begin() as connection:
            confirm(Change(connection, ids["acme"], "ada", NOW), ids[name], CONFIRMED)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path


def at(slot: int, hours: float = 0.0) -> datetime:
    """An instant of the chain."""
    return MONDAY + slot * SLOT + timedelta(hours=hours)
