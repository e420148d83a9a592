"""How many windows a second the server takes, stores and acknowledges, on one machine.

    python tests/bench/bench_server_ingest.py --devices 2000 --windows 20 --workers 1 2

Load, broker (mosquitto), workers and database (PostgreSQL, every commit synced) share the
machine. Counted is what the load has a signed acknowledgement of; the clock runs from the first
message to the last acknowledgement. Each row begins with a new database.
"""

import argparse
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from server.clock import now_utc
from server.ingest.access import AccessOptions
from server.ingest.link import LinkState
from server.ingest.pool import IngestPool
from server.ingest.station import IngestPlan
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
    load: str


def main() -> None:
    """Measure, and print the table."""
    options = _options()
    print(
        "| workers | windows | s | acknowledged windows/s | windows an ack | load before; after |"
    )
    print("|---|---|---|---|---|---|")
    for workers in options.workers:
        with standing(options.devices, sqlite=options.sqlite) as stand:
            found = measure(stand, workers, options.devices, options.windows, options.limit)
        rate, each = found.windows / found.took_s, found.windows / max(1, found.acks)
        print(
            f"| {workers} | {found.windows:,} | {found.took_s:.1f} | {rate:,.0f} | {each:.1f} "
            f"| {found.load} |",
            flush=True,
        )


def measure(stand: Stand, workers: int, devices: int, windows: int, limit_s: float) -> Result:
    """Send `windows` windows of each device, and wait for the last acknowledgement.

    Raises:
        RuntimeError: not everything was acknowledged in time, or stored once.
    """
    first = first_of(windows)
    payloads = Payloads(first)
    names = [name_of(number) for number in range(devices)]
    made = [[payloads.of(name, n) for n in range(1, windows + 1)] for name in names]
    senders = [Sender(n, windows, payloads, m) for n, m in zip(names, made, strict=True)]
    pool = IngestPool(plan_of(stand), workers, now_utc)
    pool.start()
    wait_connected(pool)
    load = Load(stand.broker.port, senders)
    before = load_average()
    began_s = time.monotonic()
    try:
        load.connect_all()
        whole = load.run(began_s + limit_s)
        took_s = time.monotonic() - began_s
    finally:
        load.close()
        pool.stop()
    settled, counts = load.settled, stand.counts()
    acks = check_signatures(senders, stand.key.public_hex)
    if not whole:
        print(f"not all was acknowledged: {settled:,} of {devices * windows:,}")
    elif counts != all_once(devices * windows):
        raise RuntimeError(f"expected each window once, found {counts}")
    return Result(workers, settled, took_s, acks, f"{before}; {load_average()}")


def all_once(windows: int) -> dict[str, int]:
    """The rows of so many windows with a cell each."""
    return {"message": windows, "window": windows, "cell": windows, "aside": 0}


def plan_of(stand: Stand) -> IngestPlan:
    """Ingest on a stand."""
    access = AccessOptions("127.0.0.1", stand.broker.port)
    return IngestPlan(stand.url, stand.folder, access, Sharing.SHARED, "encounter-bench")


def wait_connected(pool: IngestPool, within_s: float = 60.0) -> None:
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
    one.add_argument("--sqlite", action="store_true", help="SQLite in PostgreSQL's place")
    return one.parse_args()


if __name__ == "__main__":
    main()
