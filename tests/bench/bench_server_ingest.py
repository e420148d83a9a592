"""How many windows a second the server takes, stores and acknowledges, on one machine.

    python -m tests.bench.bench_server_ingest --devices 2000 --windows 20 --workers 1 2

Load, broker (mosquitto), workers and database (PostgreSQL, every commit synced) share the
machine. Counted is what the load has a signed acknowledgement of; the clock runs from the first
message to the last acknowledgement. Each row begins with a new database. What a window costs in
processor time, by process, depends less on what else the machine does than how long it takes.

`--profile` runs one worker in this process and prints where the time of its two threads goes,
slower than it is without.
"""

import argparse
import cProfile
import pstats
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psutil

from server.clock import now_utc
from server.ingest.access import AccessOptions
from server.ingest.link import LinkState
from server.ingest.pool import IngestPool
from server.ingest.station import IngestPlan, Standing, Station
from server.ingest.subscription import Sharing
from tests.bench.ingest_load import WINDOW, Load, Payloads, Sender, check_signatures, name_of
from tests.bench.ingest_stand import Stand, load_average, standing


@dataclass(frozen=True, slots=True)
class Result:
    """A row of the table."""

    workers: int
    windows: int
    took_s: float
    acks: int
    cpu_ms: tuple[float, ...]
    load: str


def main() -> None:
    """Measure, and print the table."""
    options = _options()
    print(
        "| workers | windows | s | acknowledged windows/s | windows an ack "
        "| CPU ms a window: workers, database, broker, load | load before; after |"
    )
    print("|---|---|---|---|---|---|---|")
    for workers in options.workers:
        with standing(options.devices, sqlite=options.sqlite) as stand:
            found = measure(stand, workers, options)
        rate, each = found.windows / found.took_s, found.windows / max(1, found.acks)
        cpu = ", ".join(f"{one:.2f}" for one in found.cpu_ms)
        print(
            f"| {workers} | {found.windows:,} | {found.took_s:.1f} | {rate:,.0f} | {each:.1f} "
            f"| {cpu} | {found.load} |",
            flush=True,
        )


def measure(stand: Stand, workers: int, options: argparse.Namespace) -> Result:
    """Send `windows` windows of each device, and wait for the last acknowledgement.

    Raises:
        RuntimeError: not everything was acknowledged in time, or stored once.
    """
    devices, windows, limit_s = options.devices, options.windows, options.limit
    first = first_of(windows)
    payloads = Payloads(first)
    names = [name_of(number) for number in range(devices)]
    made = [[payloads.packed(name, n) for n in range(1, windows + 1)] for name in names]
    senders = [Sender(n, windows, payloads, m) for n, m in zip(names, made, strict=True)]
    pool = Profiled(stand) if options.profile else IngestPool(plan_of(stand), workers, now_utc)
    pool.start()
    wait_connected(pool)
    load = Load(stand.broker.port, senders)
    before, spent = load_average(), _spent_s(stand, pool)
    began_s = time.monotonic()
    try:
        load.connect_all()
        whole = load.run(began_s + limit_s)
        took_s = time.monotonic() - began_s
        spent = [after - was for after, was in zip(_spent_s(stand, pool), spent, strict=True)]
        spent.append(load.spent_s)
    finally:
        load.close()
        pool.stop()
    settled, counts = load.settled, stand.counts()
    acks = check_signatures(senders, stand.key.public_hex)
    if not whole:
        print(f"not all was acknowledged: {settled:,} of {devices * windows:,}")
    elif counts != all_once(devices * windows):
        raise RuntimeError(f"expected each window once, found {counts}")
    each = tuple(1e3 * one / max(1, settled) for one in spent)
    return Result(
        workers,
        settled,
        took_s,
        acks,
        each,
        f"{before}; {load_average()}",
    )


def _spent_s(stand: Stand, pool: "IngestPool | Profiled") -> list[float]:
    """Processor time so far, s: of the workers, the database, the broker."""
    database: list[int] = []
    if stand.postgres is not None:
        database = [int((stand.postgres.folder / "data" / "postmaster.pid").read_text().split()[0])]
    return [_cpu_s(pool.pids()), _cpu_s(database), _cpu_s([stand.broker.process.pid])]


def _cpu_s(pids: list[int]) -> float:
    """Of processes and their children, user and system."""
    total_s = 0.0
    for pid in pids:
        top = psutil.Process(pid)
        for one in (top, *top.children(recursive=True)):
            times = one.cpu_times()
            total_s += times.user + times.system
    return total_s


class Profiled:
    """One worker in this process, with a profile of each of its threads."""

    def __init__(self, stand: Stand) -> None:
        self._station = Station(stand.engine, stand.key, plan_of(stand))
        self._profiles: dict[str, cProfile.Profile] = {}

    def start(self) -> None:
        """Begin, with every thread that starts meanwhile under a profile."""
        with self._wrapped():
            self._station.start()
            wait_connected(self)

    def stop(self) -> None:
        """End, and print the profiles."""
        self._station.stop()
        for name, profile in sorted(self._profiles.items()):
            print(f"\n{name}")
            pstats.Stats(profile).sort_stats("tottime").print_stats(32)

    def standing(self) -> Standing:
        """As a pool's."""
        return self._station.standing()

    def pids(self) -> list[int]:
        """None of its own."""
        return []

    @contextmanager
    def _wrapped(self) -> Iterator[None]:
        run = threading.Thread.run

        def profiled(thread: threading.Thread) -> None:
            profile = cProfile.Profile(time.thread_time)
            self._profiles[thread.name] = profile
            profile.runcall(run, thread)

        threading.Thread.run = profiled  # type: ignore[method-assign,assignment]
        try:
            yield
        finally:
            threading.Thread.run = run  # type: ignore[method-assign]


def all_once(windows: int) -> dict[str, int]:
    """The rows of so many windows with a cell each."""
    return {"message": windows, "window": windows, "cell": windows, "aside": 0}


def plan_of(stand: Stand) -> IngestPlan:
    """Ingest on a stand."""
    access = AccessOptions("127.0.0.1", stand.broker.port)
    return IngestPlan(stand.url, stand.folder, access, Sharing.SHARED, "encounter-bench")


def wait_connected(pool: IngestPool | Profiled, within_s: float = 60.0) -> None:
    """Wait until every worker is connected.

    Raises:
        RuntimeError: not in time.
    """
    until_s = time.monotonic() + within_s
    while pool.standing().link.state is not LinkState.CONNECTED:
        if time.monotonic() > until_s:
            raise RuntimeError(f"not connected: {pool.standing().link}")
        time.sleep(0.1)


def first_of(windows: int) -> datetime:
    """The start of the first window, so that the last one is over now."""
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    return now - windows * WINDOW - timedelta(hours=1)


def _options() -> argparse.Namespace:
    one = argparse.ArgumentParser(description=__doc__)
    one.add_argument("--devices", type=int, default=2000)
    one.add_argument("--windows", type=int, default=20, help="of each device")
    one.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    one.add_argument("--limit", type=float, default=120.0, help="seconds for a row")
    one.add_argument("--profile", action="store_true", help="where the time goes, by function")
    one.add_argument("--sqlite", action="store_true", help="SQLite in PostgreSQL's place")
    return one.parse_args()


if __name__ == "__main__":
    main()
