"""Requests to the whole application over a chain's history, and the table of what they took.

Each request passes everything but the network: session or token, rate limit, rights, database,
figures, template or shapes, compression. It is asked of another store each time, and the
first answer of each is not counted. Beside the time that passed stands what this process
computed of it, which other work on the machine lengthens less.
"""

import argparse
import asyncio
import contextlib
import os
import random
import tempfile
import time
from collections.abc import AsyncIterator, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx
from sqlalchemy import Engine, event, func, select

from server.access import tokens
from server.access.reach import Reach
from server.access.roles import Role
from server.access.tokens import Wanted
from server.collecting import collect_seldom
from server.column_types import UtcInstant
from server.database import open_database, sqlite_url, writer
from server.health import Health
from server.schema.cells import window
from server.schema.identity import device, point, region, store
from server.signing import open_key
from server.web.app import make_app
from server.web.parts import Parts
from tests.access import a_caller, a_session, an_account
from tests.bench.query_history import Sizes, fill_history
from tests.postgres import MIGRATED, running

BASE = "http://127.0.0.1"
SYNCED = {"shared_buffers": "256MB", "max_wal_size": "4GB"}
LAST = date(2026, 11, 15)
ENGINES = ("sqlite", "postgresql")
COMPARED_SIZES = Sizes(4, 39)


@dataclass(frozen=True, slots=True)
class Question:
    """An address to ask, with `{store}` and the like in it, and its parameters."""

    path: str
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Taken:
    """What an answer took; `size_bytes` is of the body as it travels, compressed."""

    wall_ms: float
    cpu_ms: float
    statements: int
    size_bytes: int


@dataclass
class SteppingClock:
    """A clock that goes on by a second a request, so that no rate is limited."""

    at: datetime

    def __call__(self) -> datetime:
        """The present."""
        return self.at


@dataclass
class Chain:
    """A filled database, and whom to ask about."""

    engine: Engine
    clock: SteppingClock
    places: Mapping[str, list[str]]
    rng: random.Random = field(default_factory=lambda: random.Random(2))  # noqa: S311 any store
    statements: int = 0

    @classmethod
    def of(cls, engine: Engine) -> "Chain":
        """What is in a database, an hour after its latest window."""
        with engine.connect() as connection:
            latest = connection.execute(
                select(func.max(window.c.end_at, type_=UtcInstant()))
            ).scalar_one()
            places = {
                name: [str(one) for one in connection.execute(select(column)).scalars()]
                for name, column in {
                    "store": store.c.store_id,
                    "point": point.c.point_id,
                    "device": device.c.device,
                    "region": region.c.region_id,
                }.items()
            }
        found = cls(engine, SteppingClock(latest + timedelta(hours=1)), places)
        event.listen(engine, "before_cursor_execute", found.note)
        return found

    def note(self, *_: object) -> None:
        """Count a statement."""
        self.statements += 1

    def any_place(self) -> dict[str, str]:
        """One of everything there is."""
        return {name: self.rng.choice(ids) for name, ids in self.places.items() if ids}


def table(
    title: str, chains: Mapping[str, Chain], questions: Mapping[str, Question], asks: int
) -> None:
    """Ask each question of each chain, and print what it took; of two chains the ratio as well."""
    asyncio.run(_table(title, chains, questions, asks))


async def _table(
    title: str, chains: Mapping[str, Chain], questions: Mapping[str, Question], asks: int
) -> None:
    heads = [f"{label} p50, p95 ms | CPU ms | statements | kB" for label in chains]
    ratio = len(chains) == 2
    print(f"\n| {title} | {' | '.join(heads)} |{' CPU, times |' if ratio else ''}")
    print("|---" * (1 + 4 * len(chains) + ratio) + "|")
    async with contextlib.AsyncExitStack() as stack:
        clients = [(one, await stack.enter_async_context(_client(one))) for one in chains.values()]
        for name, question in questions.items():
            taken = [await _asked(client, one, question, asks) for one, client in clients]
            cells = [_row(one) for one in taken]
            if ratio:
                cells.append(f"{_middle(taken[1]) / max(0.1, _middle(taken[0])):.2f}")
            print(f"| {name} | {' | '.join(cells)} |", flush=True)


async def _asked(
    client: httpx.AsyncClient, chain: Chain, question: Question, asks: int
) -> list[Taken]:
    return [await _one(client, chain, question) for _ in range(asks + 1)][1:]


def _row(taken: list[Taken]) -> str:
    wall_ms = sorted(one.wall_ms for one in taken)
    p95_ms = wall_ms[min(len(taken) - 1, int(len(taken) * 0.95))]
    statements = max(one.statements for one in taken)
    size_kb = max(one.size_bytes for one in taken) / 1000
    times = f"{wall_ms[len(taken) // 2]:.0f}, {p95_ms:.0f}"
    return f"{times} | {_middle(taken):.0f} | {statements} | {size_kb:.1f}"


def _middle(taken: list[Taken]) -> float:
    return sorted(one.cpu_ms for one in taken)[len(taken) // 2]


async def _one(client: httpx.AsyncClient, chain: Chain, question: Question) -> Taken:
    chain.clock.at += timedelta(seconds=1)
    place = chain.any_place()
    address = question.path.format(**place)
    parameters = {
        name: _date(value, chain.clock.at).format(**place)
        for name, value in question.parameters.items()
    }
    before = chain.statements
    began, began_cpu = time.perf_counter(), time.process_time()
    async with client.stream("GET", address, params=parameters) as response:
        raw = [chunk async for chunk in response.aiter_raw()]
    cpu_ms = (time.process_time() - began_cpu) * 1000
    wall_ms = (time.perf_counter() - began) * 1000
    if response.status_code != 200:
        raise SystemExit(f"{address}: {response.status_code}")
    return Taken(wall_ms, cpu_ms, chain.statements - before, sum(map(len, raw)))


def _date(value: str, now: datetime) -> str:
    """A parameter; `-35d` is the date 35 days ago, `-35` that instant, `-8w` its week's Monday."""
    if not value.startswith("-"):
        return value
    if value.endswith("d"):
        return (now - timedelta(days=int(value[1:-1]))).date().isoformat()
    if value.endswith("w"):
        monday = now.date() - timedelta(days=now.weekday())
        return (monday - timedelta(weeks=int(value[1:-1]))).isoformat()
    return (now - timedelta(days=float(value[1:]))).isoformat()


@contextlib.asynccontextmanager
async def _client(chain: Chain) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that is signed in, and has a token for the API."""
    account_id = an_account(chain.engine, chain.clock.at)
    session = a_session(chain.engine, account_id, chain.clock.at)
    with tempfile.TemporaryDirectory() as folder:
        parts = Parts(chain.engine, open_key(Path(folder)), chain.clock, _no_health)
        app = make_app(parts)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url=BASE,
            headers={"Accept-Encoding": "gzip"},
            cookies={app.state.cookies.session_name: session},
            auth=_ApiToken(_token(chain, account_id)),
        ) as client:
            yield client


class _ApiToken(httpx.Auth):
    """A token, sent to the API alone: pages have the session."""

    def __init__(self, token: str) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """The request, with the token if it is one to the API."""
        if request.url.path.startswith("/api/"):
            request.headers["Authorization"] = f"Bearer {self._token}"
        yield request


def _token(chain: Chain, account_id: UUID) -> str:
    now = chain.clock.at
    wanted = Wanted(f"bench {now.isoformat()}", Role.ADMIN, Reach(), now + timedelta(days=30))
    with writer(chain.engine).begin() as connection:
        return tokens.make(connection, a_caller(chain.engine, account_id), wanted, now)[1]


def _no_health() -> Health:
    raise NotImplementedError("no answer asks for it")


def ask_all(
    options: argparse.Namespace, questions: Mapping[str, Question], compared: Mapping[str, Question]
) -> None:
    """Ask `questions` of each chain that the options name, and `compared` of two histories."""
    collect_seldom()  # as the server does
    print(f"load average before: {os.getloadavg()[0]:.1f}")
    for url in options.database:
        engine = open_database(url)
        chain = Chain.of(engine)
        title = f"{engine.dialect.name}, {len(chain.places['store'])} stores"
        table(title, {"": chain}, questions, options.asks)
        engine.dispose()
    for name in () if options.database else options.engines:
        with new_database(name) as engine:
            fill_history(engine, Sizes(options.stores, options.days), LAST)
            title = f"{name}, {options.stores} stores x {options.days} days"
            table(title, {"": Chain.of(engine)}, questions, options.asks)
    for name in options.engines if options.against > 1 else ():
        with new_database(name) as one, new_database(name) as other:
            stores, days = COMPARED_SIZES.stores, COMPARED_SIZES.days
            fill_history(one, Sizes(stores, days), LAST)
            fill_history(other, Sizes(stores, days * options.against), LAST)
            times = f"x {options.against}"
            chains = {"history": Chain.of(one), f"history {times}": Chain.of(other)}
            title = f"{name}, {stores} stores, {days} days, {times}"
            table(title, chains, compared, options.asks)
    print(f"load average after: {os.getloadavg()[0]:.1f}")


@contextlib.contextmanager
def new_database(name: str) -> Iterator[Engine]:
    """An empty database of ours on one of the engines."""
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


def options_of(description: str) -> argparse.Namespace:
    """The options of a benchmark that asks."""
    parser = argparse.ArgumentParser(description=description.partition("\n")[0])
    parser.add_argument(
        "--database",
        nargs="+",
        default=[],
        help="ask chains that are there, such as simulated ones",
    )
    parser.add_argument("--stores", type=int, default=10, help="else how many stores are made")
    parser.add_argument("--days", type=int, default=396)
    parser.add_argument("--asks", type=int, default=20, help="how often each question is asked")
    parser.add_argument("--against", type=int, default=1, help="also N times the history")
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=list(ENGINES))
    return parser.parse_args()
