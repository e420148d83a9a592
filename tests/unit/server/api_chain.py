"""Two organisations with figures, amendments, accounts and evidence, for tests of the API."""

import atexit
import shutil
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI
from sqlalchemy import Engine, select

from firmware_cfg.codec import encode
from firmware_cfg.messages import PointKind
from server.access import tokens
from server.access.gate import Gate
from server.access.reach import Reach
from server.access.roles import Role
from server.access.tokens import Wanted
from server.amending import Kind
from server.amending.making import Wish, amend
from server.audit_reports import hand_in
from server.database import open_database, sqlite_url, writer
from server.health import health_of
from server.identity import Change, confirm
from server.ingest.committing import commit
from server.ingest.link import LinkState, LinkStatus
from server.ingest.reading import read
from server.ingest.worker import IngestState
from server.periods import Period
from server.rollups.job import roll_up
from server.schema.access import account
from server.schema.cells import amendment
from server.schema.fleet import audit_report
from server.schema.identity import organisation, point, region, store
from server.signing import open_key
from server.testing import MONDAY, FakeClock, MessageFactory, a_head
from server.web.app import make_app
from server.web.parts import Parts
from tests.access import a_caller, an_account
from tests.unit.server.asgi import Client
from tests.unit.server.chain_identity import apply_chain, ids_of

API = "/api/v1"
PERIOD = {"from": "2026-11-16T00:00:00Z", "to": "2026-12-07T00:00:00Z"}
WEEKS = {"first_week": "2026-11-16", "last_week": "2026-12-07"}
NOW = MONDAY + timedelta(days=21, hours=12)
NIGHT = timedelta(days=7)
REPORT = (
    b'{"report_version": 1, "at": "2026-11-20T10:00:00+00:00", "counts": {"holds": 40, '
    b'"fails": 0}, "audited": {"version": "0.1.0"}, "findings": []}'
)


@dataclass
class Chain:
    """The filled database, and an application over it."""

    engine: Engine
    clock: FakeClock
    app: FastAPI
    ids: dict[str, UUID] = field(default_factory=dict)

    def client(self, role: Role | None, *reaches: Reach, name: str = "ada") -> Client:
        return Client(self.app, role, list(reaches) or [Reach()], name)

    def reach(self, name: str) -> Reach:
        acme = self.ids["acme"]
        return {
            "everything": Reach(),
            "acme": Reach(acme),
            "china": Reach(acme, region_id=self.ids["china"]),
            "east": Reach(acme, region_id=self.ids["east"]),
            "pudong": Reach(acme, store_id=self.ids["pudong-1"]),
            "other": Reach(self.ids["other"]),
        }[name]

    def token(self, role: Role, reach: Reach, name: str = "grace") -> str:
        """A token of an account with the same role and reach."""
        account_id = an_account(self.engine, self.clock(), role, [reach], name)
        caller = a_caller(self.engine, account_id)
        wanted = Wanted("test", role, reach, self.clock() + timedelta(days=300))
        with writer(self.engine).begin() as connection:
            return tokens.make(connection, caller, wanted, self.clock())[1]

    def roll_up(self) -> None:
        while roll_up(self.engine, NOW):
            pass

    def flush(self) -> None:
        gate: Gate = self.app.state.gate
        gate.recorder.flush()


def open_chain(folder: Path) -> Chain:
    """A chain in a database of its own."""
    path = folder / "chain.db"
    shutil.copy(_template(), path)
    return _chain(open_database(sqlite_url(path)), folder)


@cache
def _template() -> Path:
    """A filled database, made once and copied for each test."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder)
    path = folder / "template.db"
    engine = open_database(sqlite_url(path))
    fill_chain(engine, folder)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path


def fill_chain(engine: Engine, folder: Path) -> Chain:
    """A chain in an empty database."""
    apply_chain(engine, folder)
    chain = _chain(engine, folder)
    _receive(engine)
    _decide(chain)
    chain.roll_up()
    return chain


def _chain(engine: Engine, folder: Path) -> Chain:
    clock = FakeClock(NOW)
    link = LinkStatus(LinkState.CONNECTED, NOW)
    health = health_of(engine, lambda: link, IngestState)
    app = make_app(Parts(engine, open_key(folder), clock, lambda: health))
    return Chain(engine, clock, app, ids_of(engine))


def _receive(engine: Engine) -> None:
    """Three weeks of a few cells a day of each device, with signs of life and heads."""
    for name in ("kiosk-1", "kiosk-2", "kiosk-9"):
        factory = MessageFactory(name)
        base = f"encounter/v1/{name}/up/"
        readings = []
        for day in range(0, 20, 2):
            for hour in (2, 4):
                start = MONDAY + timedelta(days=day, hours=hour)
                cells = [factory.cell(start, visits=30 + day)]
                if name == "kiosk-1":
                    cells.append(factory.cell(start, visits=14, point="line", kind=PointKind.QUEUE))
                window = encode(factory.window(*cells, start=start))
                readings.append(read(base + "window", window))
        readings += [
            read(base + "state", encode(factory.state())),
            read(base + "reported", encode(factory.reported())),
            read(base + "health", encode(factory.health(NOW, a_head(7)))),
        ]
        commit(engine, readings, NOW - timedelta(minutes=5))


def _decide(chain: Chain) -> None:
    """Stores are confirmed, something is noted and voided, a report is handed in."""
    first = datetime(2026, 11, 1, tzinfo=UTC)
    for key, device in (("pudong-1", "kiosk-1"), ("puxi-1", "kiosk-2"), ("oslo-1", "kiosk-9")):
        org_id = chain.ids["other" if key == "oslo-1" else "acme"]
        store_id = chain.ids[key]
        with writer(chain.engine).begin() as connection:
            change = Change(connection, org_id, "grace", NOW)
            confirm(change, store_id, first)
            day = Period(MONDAY + timedelta(days=4), MONDAY + timedelta(days=5))
            for kind in (Kind.VOID, Kind.NOTE):
                amend(change, Wish(kind, store_id, None, day, "the camera was covered"))
            hand_in(connection, org_id, device, REPORT, by="grace", now=NOW)


def things_of(chain: Chain) -> dict[str, set[str]]:
    """What may not be told to whom it does not concern, by the store or organisation it is of."""
    found: dict[str, set[str]] = {}
    with chain.engine.connect() as connection:
        orgs = {row.org_id: row.slug for row in connection.execute(select(organisation))}
        stores = {row.store_id: row.slug for row in connection.execute(select(store))}
        for org_id, key in orgs.items():
            found[key] = {str(org_id)}
        for store_id, key in stores.items():
            found[key] = {str(store_id)}
        for row in connection.execute(select(region)):
            found[row.slug] = {str(row.region_id)}
        for row in connection.execute(select(point)):
            found[stores[row.store_id]].add(str(row.point_id))
        for row in connection.execute(select(amendment)):
            found[stores[row.store_id]].add(str(row.amendment_id))
        watched = {"kiosk-1": "pudong-1", "kiosk-2": "puxi-1", "kiosk-9": "oslo-1"}
        for row in connection.execute(select(audit_report)):
            found[watched[row.device]].add(str(row.report_id))
        for name, key in watched.items():
            found[key].add(name)
        found["accounts"] = {
            str(one) for one in connection.execute(select(account.c.account_id)).scalars()
        }
    return found


class Asker:
    """Asks with a token."""

    def __init__(self, client: Client, token: str) -> None:
        self._client = client
        self.headers = {"Authorization": f"Bearer {token}"}

    def __call__(self, method: str, path: str, body: object = None, **query: str) -> httpx.Response:
        return self._client.send(method, API + path, json=body, params=query, headers=self.headers)

    def get(self, path: str, **query: str) -> Any:
        response = self("GET", path, **query)
        assert response.status_code == 200, response.text
        return response.json()


def every(ask: Asker, path: str, **query: str) -> list[Any]:
    """A whole list, two things a page."""
    found, cursor = [], None
    while True:
        more: dict[str, str] = {} if cursor is None else {"cursor": cursor}
        page = ask.get(path, limit="2", **query, **more)
        assert len(page["items"]) <= 2
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return found
