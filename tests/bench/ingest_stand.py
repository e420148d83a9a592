"""What the benchmarks of ingest stand on: PostgreSQL that syncs, mosquitto, a chain of devices."""

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

from sqlalchemy import Engine, func, select

from server.at_once import insert_all
from server.database import open_database, sqlite_url, writer
from server.schema.cells import cell, window
from server.schema.identity import (
    assignment,
    device,
    device_owner,
    organisation,
    point,
    store,
)
from server.schema.messages import aside, message
from server.signing import SigningKey, open_key
from tests.bench.ingest_load import name_of
from tests.brokers import MOSQUITTO, BrokerProcess, free_port
from tests.postgres import MIGRATED, Postgres, running

DEVICES_A_STORE = 10
DURABLE: Mapping[str, str] = {"shared_buffers": "256MB", "max_wal_size": "4GB"}
"""Every commit waits for the disk, as in operation."""
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Stand:
    """A database, a broker and a folder for the signing key."""

    folder: Path
    url: str
    engine: Engine
    broker: BrokerProcess
    key: SigningKey
    postgres: Postgres | None

    def counts(self) -> dict[str, int]:
        """How many rows there are."""
        with self.engine.connect() as connection:
            return {
                table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in (message, window, cell, aside)
            }


@contextlib.contextmanager
def standing(devices: int, *, sqlite: bool = False) -> Iterator[Stand]:
    """A stand on which so many devices are known."""
    with (
        tempfile.TemporaryDirectory(prefix="encounter-bench-") as name,
        contextlib.ExitStack() as s,
    ):
        folder = Path(name)
        postgres = None if sqlite else s.enter_context(running(DURABLE))
        if postgres is None:
            url = sqlite_url(folder / "encounter.db")
        else:
            postgres.make_template()
            url = postgres.new_database(MIGRATED)
        engine = open_database(url)
        fill_identity(engine, devices)
        broker = mosquitto(folder)
        s.callback(broker.kill)
        s.callback(engine.dispose)
        yield Stand(folder, url, engine, broker, open_key(folder), postgres)


def mosquitto(folder: Path) -> BrokerProcess:
    """Mosquitto with queues that are not cut, and persistence on each change."""
    port = free_port()
    config = folder / "mosquitto.conf"
    config.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n"
        f"max_inflight_messages 4096\nset_tcp_nodelay true\nuser root\n",
        encoding="utf-8",
    )
    return BrokerProcess([str(MOSQUITTO), "-c", str(config)], port)


def fill_identity(engine: Engine, devices: int) -> None:
    """An organisation with so many devices, ten in a store, each at a counter of its own."""
    org_id = uuid4()
    stores = [uuid4() for _ in range(-(-devices // DEVICES_A_STORE))]
    points = [uuid4() for _ in range(devices)]
    names = [name_of(number) for number in range(devices)]
    with writer(engine).begin() as connection:
        whole = {"org_id": org_id, "slug": "bench", "name": "Bench"}
        insert_all(connection, organisation, [whole])
        insert_all(connection, store, [_store(org_id, one, n) for n, one in enumerate(stores)])
        insert_all(
            connection,
            point,
            [
                {
                    "org_id": org_id,
                    "point_id": one,
                    "store_id": stores[number // DEVICES_A_STORE],
                    "slug": f"counter-{number}",
                    "label": f"Counter {number}",
                    "kind": "service_point",
                    "position": number % DEVICES_A_STORE,
                }
                for number, one in enumerate(points)
            ],
        )
        insert_all(connection, device_owner, [{"device": n, "org_id": org_id} for n in names])
        insert_all(
            connection,
            device,
            [
                {
                    "org_id": org_id,
                    "device": name,
                    "label": name,
                    "store_id": stores[number // DEVICES_A_STORE],
                }
                for number, name in enumerate(names)
            ],
        )
        insert_all(
            connection,
            assignment,
            [
                {
                    "org_id": org_id,
                    "assignment_id": uuid4(),
                    "device": name,
                    "local_id": "counter-1",
                    "point_id": points[number],
                    "valid_from": LONG_AGO,
                }
                for number, name in enumerate(names)
            ],
        )


def _store(org_id: UUID, store_id: UUID, number: int) -> dict[str, object]:
    return {
        "org_id": org_id,
        "store_id": store_id,
        "slug": f"store-{number}",
        "name": f"Store {number}",
        "timezone": "Asia/Shanghai",
        "day_starts": "00:00",
        "opening": {},
        "closed": [],
        "special": {},
        "confirmed_at": LONG_AGO,
    }


def load_average() -> str:
    """The machine's load, of the last minute and the last five."""
    return "{:.1f}, {:.1f}".format(*os.getloadavg()[:2])
