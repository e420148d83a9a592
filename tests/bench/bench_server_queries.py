"""How long the questions behind the pages take over a chain's history, on both engines.

    python tests/bench/bench_server_queries.py --stores 60 --days 396 --asks 40

A question is everything that a page or an answer of the API reads and computes, without the
template. The first answer of each is not counted; beside the time that answers took stands what
this process computed of it, which other work on the machine does not lengthen. With
`--against N`, a few stores with N times the history answer the same questions: what is asked
does not grow, so neither should its cost.
"""

import argparse
import contextlib
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy import Engine

from server import queries
from server.answers import answer
from server.database import open_database, sqlite_url, writer
from server.health import Health
from server.periods import Period
from server.queries import Terms
from server.rollups.job import roll_up
from server.rollups_due import mark_days
from server.scope import Scope
from server.signing import open_key
from server.totals import read_total
from server.web.choices import Choice
from server.web.contents import store_page
from server.web.overview import overview_page
from server.web.parts import Parts
from tests.bench.query_history import History, Sizes, fill_history
from tests.postgres import MIGRATED, running

LAST = date(2026, 11, 15)
NOW = datetime(2026, 11, 15, 19, tzinfo=UTC)
SYNCED = {"shared_buffers": "256MB", "max_wal_size": "4GB"}
COMPARED_DAYS = 40
ALL = Scope.everything()
MONTHS = Period(NOW - timedelta(days=395, hours=7), NOW - timedelta(hours=9))
"""Thirteen months with ragged ends."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A filled database, and whom to ask about."""

    parts: Parts
    history: History
    rng: random.Random

    @property
    def engine(self) -> Engine:
        """The database."""
        return self.parts.engine

    def store(self) -> UUID:
        """Any store."""
        return self.rng.choice(self.history.stores)

    def point(self) -> UUID:
        """Any point."""
        return self.rng.choice(self.history.points)


def main() -> None:
    """Fill, ask, print."""
    options = _options()
    print(f"load average before: {os.getloadavg()[0]:.1f}")
    for name in options.engines:
        sizes = Sizes(options.stores, options.days)
        with _engine(name) as engine:
            found = _filled(engine, sizes)
            _say_filled(name, sizes, found)
            _table(name, {"": found}, QUESTIONS, options.asks)
            _job(found)
    if options.against > 1:
        for name in options.engines:
            _compare(name, Sizes(4, COMPARED_DAYS), options.against, options.asks)
    print(f"load average after: {os.getloadavg()[0]:.1f}")


def _compare(name: str, sizes: Sizes, times: int, asks: int) -> None:
    large = Sizes(sizes.stores, sizes.days * times)
    with _engine(name) as one, _engine(name) as other:
        found = {"": _filled(one, sizes), f"history x {times}": _filled(other, large)}
        label = f"{name}, {sizes.stores} stores, {sizes.days} days"
        _table(label, found, COMPARED, asks)


def _filled(engine: Engine, sizes: Sizes) -> Asked:
    history = fill_history(engine, sizes, LAST)
    key = open_key(Path(tempfile.mkdtemp()))
    parts = Parts(engine, key, lambda: NOW, _no_health)
    return Asked(parts, history, random.Random(2))  # noqa: S311 any store, not secret


def _no_health() -> Health:
    raise NotImplementedError("no page asks for it")


def _say_filled(name: str, sizes: Sizes, found: Asked) -> None:
    history = found.history
    print(
        f"\n{name}: {sizes.stores} stores x {sizes.days} days, {sizes.points} points a store, "
        f"{sizes.cells_a_day} cells a point and day; the job made {history.marks} marks at "
        f"{history.marks / history.rolled_s:.0f} a second; copies took {history.copied_s:.0f} s"
    )


def _table(
    name: str, found: dict[str, Asked], questions: dict[str, Callable[[Asked], object]], asks: int
) -> None:
    labels = [f"{label or 'history'}: median, p95 ms (median of CPU here)" for label in found]
    print(f"\n| {name}: question | {' | '.join(labels)} |")
    print("|---" * (len(labels) + 1) + "|")
    for question, ask in questions.items():
        cells = []
        for asked in found.values():
            times = [_timed(ask, asked) for _ in range(asks + 1)][1:]
            wall_ms, cpu_ms = (sorted(one) for one in zip(*times, strict=True))
            p95_ms = wall_ms[min(asks - 1, int(asks * 0.95))]
            cells.append(f"{wall_ms[asks // 2]:.0f}, {p95_ms:.0f} ({cpu_ms[asks // 2]:.0f})")
        print(f"| {question} | {' | '.join(cells)} |", flush=True)


def _timed(ask: Callable[[Asked], object], asked: Asked) -> tuple[float, float]:
    """Milliseconds that an answer took, and of them those that this process computed."""
    began, began_cpu = time.perf_counter(), time.process_time()
    ask(asked)
    cpu_ms = (time.process_time() - began_cpu) * 1000
    return (time.perf_counter() - began) * 1000, cpu_ms


def _overview(asked: Asked) -> object:
    return overview_page(asked.parts, ALL)


def _store(choice: Choice | None, days: int | None = None) -> Callable[[Asked], object]:
    first = None if days is None else LAST - timedelta(days=days - 1)
    last = None if days is None else LAST

    def ask(asked: Asked) -> object:
        return store_page(asked.parts, ALL, asked.store(), choice, first=first, last=last)

    return ask


def _point_figures(asked: Asked) -> object:
    with asked.engine.connect() as connection:
        one = queries.point_by_id(connection, ALL, asked.point())
        store = queries.store_by_id(connection, ALL, one.store_id)
        return answer(connection, store, one, MONTHS, NOW, with_course=False)


def _store_figures(asked: Asked) -> object:
    with asked.engine.connect() as connection:
        store = queries.store_by_id(connection, ALL, asked.store())
        return read_total(connection, store, MONTHS, Terms())


def _figures_of_month(asked: Asked) -> object:
    month = Period(MONTHS.end - timedelta(days=30), MONTHS.end)
    with asked.engine.connect() as connection:
        store = queries.store_by_id(connection, ALL, asked.store())
        return read_total(connection, store, month, Terms())


QUESTIONS: dict[str, Callable[[Asked], object]] = {
    "overview, of all stores": _overview,
    "store page, today": _store(Choice.TODAY),
    "store page, seven days with their course": _store(Choice.LAST_7_DAYS),
    "store page, 35 days with their course": _store(Choice.RANGE, 35),
    "store page, 13 months": _store(Choice.RANGE, 395),
    "API: a point's figures of 13 months, ragged ends": _point_figures,
    "API: a store's figures of 13 months, ragged ends": _store_figures,
}

COMPARED = {name: QUESTIONS[name] for name in list(QUESTIONS)[:4]}
COMPARED["API: a store's figures of 30 days, ragged ends"] = _figures_of_month
"""Questions about time that the shorter history holds too."""


def _job(asked: Asked) -> None:
    """How fast the job makes today's roll-ups of many stores."""
    marks = [(one, LAST) for one in asked.history.points[:300]]
    with writer(asked.engine).begin() as connection:
        mark_days(connection, asked.history.org_id, marks, NOW)
    began, began_cpu = time.perf_counter(), time.process_time()
    done = roll_up(asked.engine, NOW)
    took_s, cpu_s = time.perf_counter() - began, time.process_time() - began_cpu
    print(
        f"\nthe job: today's roll-ups of {done} points in {took_s:.1f} s ({cpu_s:.1f} s of CPU "
        f"here), {done / took_s:.0f} a second"
    )


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
    parser.add_argument("--against", type=int, default=1, help="also N times the history")
    parser.add_argument(
        "--engines", nargs="+", choices=("sqlite", "postgresql"), default=["sqlite", "postgresql"]
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
