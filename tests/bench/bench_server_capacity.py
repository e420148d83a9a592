"""What the server needs: bytes on disk by what is kept, memory, descriptors.

    python -m tests.bench.bench_server_capacity --devices 20 --days 14

A chain of devices with a counter each sends windows of half an hour, day and night; of each day
so many hold a cell. They go through ingest itself, then the roll-ups are made. The tables' sizes,
divided by what they hold and multiplied by how long it is kept, give the disk of a full server.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from sqlalchemy import Connection, Engine, func, select, text

from firmware_cfg.codec import encode
from firmware_cfg.topics import Kind, topic
from server.at_once import insert_all
from server.database import open_database, sqlite_url
from server.ingest.committing import commit
from server.ingest.reading import read
from server.parts_of_time import KEPT, KEPT_OTHERWISE
from server.retention import KEYS, YEARS
from server.rollups.calendar import Grain
from server.rollups.job import roll_up
from server.schema.access import access_log
from server.schema.rollups import rollup
from server.schema.whole import metadata
from server.testing import MessageFactory
from tests.bench.capacity_processes import show_broker, show_processes
from tests.bench.ingest_load import Payloads, name_of
from tests.bench.ingest_stand import fill_identity, load_average
from tests.postgres import MIGRATED, running

BATCH = 256
WINDOWS_A_DAY = 48
ANSWERS = 20_000
SIZES = (100, 500, 2_000)
KEPT_FOR = {
    "message": KEYS,
    "raw_message": KEPT_OTHERWISE["raw_message"],
    "window": KEPT,
    "cell": KEPT,
    "rollup hour": KEPT,
    "rollup day": YEARS,
    "rollup week": YEARS,
    "rollup span": YEARS,
    "standing": YEARS,
}
"""Tables that grow with time, and how long a row stays."""


@dataclass(frozen=True, slots=True)
class Chain:
    """How much is sent: devices, days, and windows of each day that hold a cell."""

    devices: int
    days: int
    busy: int

    @property
    def device_days(self) -> int:
        """Devices times days."""
        return self.devices * self.days

    @property
    def first(self) -> datetime:
        """The Monday on which it begins, so that all of it was lately."""
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        monday = today - timedelta(days=today.weekday())
        return monday - timedelta(weeks=-(-self.days // 7))


def sent(chain: Chain) -> Iterator[tuple[str, bytes]]:
    """Windows by device, in order of time: the middle of each day holds cells."""
    full = Payloads(chain.first)
    quiet = [MessageFactory(name_of(number), "00000000000000b1") for number in range(chain.devices)]
    begins = (WINDOWS_A_DAY - chain.busy) // 2
    for step in range(chain.days * WINDOWS_A_DAY):
        busy = begins <= step % WINDOWS_A_DAY < begins + chain.busy
        start = chain.first + timedelta(minutes=30) * step
        for number, factory in enumerate(quiet):
            name = name_of(number)
            if busy:
                factory.sequence += 1
                yield name, full.of(name, step + 1)
            else:
                yield name, encode(factory.window(start=start))


def fill(engine: Engine, chain: Chain) -> tuple[int, float]:
    """Send all of it, and make the roll-ups; windows stored, and seconds."""
    now, batch, stored = datetime.now(UTC), [], 0
    began_s = time.monotonic()
    for name, payload in sent(chain):
        batch.append(read(topic(name, Kind.WINDOW), payload))
        if len(batch) == BATCH:
            stored += commit(engine, batch, now).tally.stored
            batch = []
    stored += commit(engine, batch, now).tally.stored
    while roll_up(engine, now):
        pass
    return stored, time.monotonic() - began_s


def empty_sizes(engine: Engine) -> dict[str, int]:
    """Bytes of each table that grows before anything is in it: parts and indexes take room."""
    with engine.connect() as connection:
        return {name: _bytes_of(connection, name) for name in _grown()}


def sizes(engine: Engine, before: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """Rows, and bytes with indexes, of each table that grows; roll-ups by their grain."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("VACUUM ANALYZE"))
        else:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        found = {}
        for name in _grown():
            counted = select(func.count()).select_from(metadata.tables[name])
            size = _bytes_of(connection, name) - before[name]
            found[name] = (connection.execute(counted).scalar_one(), size)
        whole = found.pop("rollup")[1]
        return found | _grains(connection, whole)


def _grown() -> list[str]:
    return sorted({name.split()[0] for name in KEPT_FOR})


def _bytes_of(connection: Connection, name: str) -> int:
    """A table with its parts and indexes."""
    if connection.dialect.name == "postgresql":
        query = (
            "SELECT pg_total_relation_size(CAST(:name AS regclass)) + coalesce((SELECT "
            "sum(pg_total_relation_size(relid)) FROM pg_partition_tree(:name) WHERE level > 0), 0)"
        )
    else:
        query = (
            "SELECT sum(pgsize) FROM dbstat WHERE name IN "
            "(SELECT name FROM sqlite_master WHERE tbl_name = :name)"
        )
    return int(connection.execute(text(query), {"name": name}).scalar() or 0)


def _grains(connection: Connection, whole: int) -> dict[str, tuple[int, int]]:
    """Roll-ups by grain: the table's bytes, shared out by the length of rows."""
    beside = 200
    length = func.sum(func.length(rollup.c.body) + beside)
    query = select(rollup.c.grain, func.count(), length).group_by(rollup.c.grain)
    rows = {grain: (count, total) for grain, count, total in connection.execute(query)}
    total = sum(one for _, one in rows.values())
    return {
        f"rollup {grain.value}": (rows[grain][0], int(whole * rows[grain][1] / total))
        for grain in Grain
        if grain in rows
    }


def show_access_log(engine: Engine) -> None:
    """Bytes of an answer in the log of who saw what."""
    org_id, account_id, now = uuid4(), uuid4(), datetime.now(UTC)
    with engine.begin() as connection:
        before = _bytes_of(connection, "access_log")
        rows = [
            {
                "org_id": org_id,
                "at": now + timedelta(milliseconds=number),
                "entry_id": uuid4(),
                "store_id": uuid4(),
                "account_id": account_id,
                "account": "ada.lovelace",
                "way": "page",
                "operation": "getStoreFigures",
                "subject": f"store {uuid4()}",
                "status": 200,
            }
            for number in range(ANSWERS)
        ]
        insert_all(connection, access_log, rows)
        each = (_bytes_of(connection, "access_log") - before) / ANSWERS
    print(f"an answer in the log of who saw what: {each:,.0f} bytes for 12 months")


def show_disk(engine_name: str, found: Mapping[str, tuple[int, int]], chain: Chain) -> None:
    """Bytes of each kind of row, and the disk of a server that has run for long."""
    print(f"\n{engine_name}")
    print("| table | rows | bytes a row, with indexes | a device and day | kept | a device |")
    print("|---|---|---|---|---|---|")
    whole = {}
    for name, (rows, size) in found.items():
        if not rows:
            continue
        day = size / chain.device_days
        whole[name] = day * KEPT_FOR[name].days
        told = f"{size / rows:,.0f} | {day:,.0f} | {KEPT_FOR[name].days} days"
        print(f"| {name} | {rows:,} | {told} | {whole[name] / 1e6:.1f} MB |")
    windows, window_bytes = found["window"]
    cells, cell_bytes = found["cell"]
    of_message = found["message"][1] / windows
    raw = found["raw_message"][1] / windows
    print(
        f"a window without a cell: {window_bytes / windows + of_message:,.0f} bytes for 40 days, "
        f"{window_bytes / windows:,.0f} for 13 months; raw {raw:,.0f} for 7 days; "
        f"its cell {cell_bytes / cells:,.0f} for 13 months"
    )
    each = sum(whole.values())
    year = sum(found[name][1] / chain.device_days * min(365, KEPT_FOR[name].days) for name in whole)
    print("| devices | after a year | after five years |")
    print("|---|---|---|")
    for devices in SIZES:
        print(f"| {devices:,} | {devices * year / 1e9:,.1f} GB | {devices * each / 1e9:,.1f} GB |")


def options() -> argparse.Namespace:
    """The command line."""
    one = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    one.add_argument("--devices", type=int, default=10)
    one.add_argument("--days", type=int, default=7)
    one.add_argument("--busy", type=int, default=20, help="windows a day that hold a cell [20]")
    one.add_argument("--no-processes", action="store_true")
    return one.parse_args()


def main() -> None:
    """Measure, and print."""
    chosen = options()
    chain = Chain(chosen.devices, chosen.days, chosen.busy)
    print(
        f"{chain.devices} devices, {chain.days} days from {date.isoformat(chain.first.date())}, "
        f"{WINDOWS_A_DAY} windows a day, {chain.busy} of them with a cell; load {load_average()}"
    )
    with tempfile.TemporaryDirectory(prefix="encounter-bench-") as name, running() as pg:
        pg.make_template()
        urls = {"SQLite": sqlite_url(Path(name) / "encounter.db")}
        urls["PostgreSQL"] = pg.new_database(MIGRATED)
        for kind, url in urls.items():
            engine = open_database(url)
            fill_identity(engine, chain.devices)
            before = empty_sizes(engine)
            stored, took_s = fill(engine, chain)
            found = sizes(engine, before)
            show_disk(f"{kind}: {stored:,} windows in {took_s:.0f} s", found, chain)
            show_access_log(engine)
            engine.dispose()
    if not chosen.no_processes:
        show_processes()
        show_broker()


if __name__ == "__main__":
    main()
