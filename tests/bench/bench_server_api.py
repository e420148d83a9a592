"""How long answers of the API take over a chain's history, on both engines.

    python tests/bench/bench_server_api.py --stores 60 --days 396 --asks 40

Each request passes everything but the network: token, rate limit, rights, database, shapes, JSON,
compression. The first answer of each operation is not counted. Sizes are of the answers as they
would travel, compressed.
"""

import argparse
import asyncio
import contextlib
import os
import random
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx
from sqlalchemy import Engine, select

from server.access import tokens
from server.access.reach import Reach
from server.access.roles import Role
from server.access.tokens import Wanted
from server.database import open_database, sqlite_url, writer
from server.health import Health
from server.schema.identity import region
from server.signing import open_key
from server.web.app import make_app
from server.web.parts import Parts
from tests.access import a_caller, an_account
from tests.bench.query_history import History, Sizes, fill_history
from tests.postgres import MIGRATED, running

LAST = date(2026, 11, 15)
NOW = datetime(2026, 11, 15, 19, tzinfo=UTC)
SYNCED = {"shared_buffers": "256MB", "max_wal_size": "4GB"}
BASE = "http://127.0.0.1"
YEAR = {
    "from": (NOW - timedelta(days=395, hours=7)).isoformat(),
    "to": (NOW - timedelta(hours=9)).isoformat(),
}
WEEK = {"from": (NOW - timedelta(days=7)).isoformat(), "to": NOW.isoformat()}
MONTH = {"from": (NOW - timedelta(days=35)).isoformat(), "to": NOW.isoformat()}
EIGHT = {"first_week": "2026-09-21", "last_week": "2026-11-15"}
ALL_WEEKS = {"first_week": "2025-10-20", "last_week": "2026-11-15"}
QUESTIONS = {
    "list 100 stores": ("/stores", {}),
    "list 100 devices": ("/devices", {}),
    "a point's figures, 13 months": ("/points/{point}/figures", YEAR),
    "a store's figures, 7 days": ("/stores/{store}/figures", WEEK),
    "a store's figures, 13 months": ("/stores/{store}/figures", YEAR),
    "a point's course, 7 days": ("/points/{point}/course", WEEK),
    "a point's gaps, 35 days": ("/points/{point}/gaps", MONTH),
    "standings of 100 stores, 8 weeks": ("/standings", EIGHT | {"kind": "store"}),
    "a region's figures, 56 weeks": ("/regions/{region}/figures", ALL_WEEKS),
    "export a store's cells, 35 days": ("/stores/{store}/cells.csv", MONTH),
    "export all standings, 8 weeks": ("/exports/standings.csv", EIGHT),
    "the access log": ("/access-log", {}),
}


@dataclass
class SteppingClock:
    """A clock that goes on by a second a request, so that no rate is limited."""

    at: datetime = NOW

    def __call__(self) -> datetime:
        """The present."""
        return self.at


@dataclass
class Asked:
    """A filled database, an application over it, and whom to ask about."""

    engine: Engine
    history: History
    clock: SteppingClock = field(default_factory=SteppingClock)
    rng: random.Random = field(default_factory=lambda: random.Random(2))  # noqa: S311 any store

    def address(self, template: str) -> str:
        """A path about anything there is."""
        with self.engine.connect() as connection:
            org_id = self.history.org_id
            mine = select(region.c.region_id).where(region.c.org_id == org_id)
            region_id: UUID = connection.execute(mine).scalars().one()
        return template.format(
            store=self.rng.choice(self.history.stores),
            point=self.rng.choice(self.history.points),
            region=region_id,
        )


def main() -> None:
    """Fill, ask, print."""
    options = _options()
    print(f"load average before: {os.getloadavg()[0]:.1f}")
    for name in options.engines:
        with _engine(name) as engine:
            sizes = Sizes(options.stores, options.days)
            found = Asked(engine, fill_history(engine, sizes, LAST))
            title = f"{name}, {options.stores} stores x {options.days} days"
            asyncio.run(_table(title, found, options.asks))
    print(f"load average after: {os.getloadavg()[0]:.1f}")


async def _table(title: str, found: Asked, asks: int) -> None:
    print(f"\n| {title} | median ms | p95 ms | kB |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        parts = Parts(found.engine, open_key(Path(folder)), found.clock, _no_health)
        transport = httpx.ASGITransport(make_app(parts))
        headers = {"Authorization": f"Bearer {_token(found.engine)}", "Accept-Encoding": "gzip"}
        async with httpx.AsyncClient(
            transport=transport, base_url=f"{BASE}/api/v1", headers=headers
        ) as client:
            for name, (path, query) in QUESTIONS.items():
                times_ms, size = [], 0
                for _ in range(asks + 1):
                    took_ms, size = await _timed(client, found, path, query)
                    times_ms.append(took_ms)
                of = sorted(times_ms[1:])
                p95_ms = of[min(asks - 1, int(asks * 0.95))]
                print(f"| {name} | {of[asks // 2]:.0f} | {p95_ms:.0f} | {size / 1000:.1f} |")


async def _timed(
    client: httpx.AsyncClient, found: Asked, path: str, query: dict[str, str]
) -> tuple[float, int]:
    """Milliseconds to the answer, and its bytes on the line."""
    found.clock.at += timedelta(seconds=1)
    address = found.address(path)
    began = time.perf_counter()
    async with client.stream("GET", address, params=query) as response:
        raw = [chunk async for chunk in response.aiter_raw()]
    took_ms = (time.perf_counter() - began) * 1000
    if response.status_code != 200:
        raise SystemExit(f"{address}: {response.status_code}")
    return took_ms, sum(map(len, raw))


def _token(engine: Engine) -> str:
    caller = a_caller(engine, an_account(engine, NOW))
    wanted = Wanted("bench", Role.ADMIN, Reach(), NOW + timedelta(days=30))
    with writer(engine).begin() as connection:
        return tokens.make(connection, caller, wanted, NOW)[1]


def _no_health() -> Health:
    raise NotImplementedError("no answer asks for it")


@contextlib.contextmanager
def _engine(name: str) -> Iterator[Engine]:
    with contextlib.ExitStack() as stack:
        if name == "sqlite":
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            url = sqlite_url(folder / "encounter.db")
        else:
            server = stack.enter_context(running(SYNCED))
            server.make_template()
            url = server.new_database(MIGRATED)
        engine = open_database(url)
        stack.callback(engine.dispose)
        yield engine


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--stores", type=int, default=10)
    parser.add_argument("--days", type=int, default=396)
    parser.add_argument("--asks", type=int, default=20)
    parser.add_argument(
        "--engines", nargs="+", choices=("sqlite", "postgresql"), default=["sqlite", "postgresql"]
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
