"""A simulated day that comes by MQTT is the same as the one that was loaded in bulk."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, select

from firmware_cfg.codec import encode
from firmware_cfg.messages import State, Window
from firmware_cfg.topics import Kind
from server.clock import now_utc
from server.database import open_database, sqlite_url, writer
from server.identity import apply_identity
from server.schema.cells import cell, store_week, window
from server.schema.identity import point, store
from server.schema.messages import aside
from server.simulating.chain import Chain, planned_chain
from server.simulating.identity import identity_of
from server.simulating.loading import Target, load_chain
from server.simulating.stream import Drawn, messages
from tests.brokers import BrokerProcess, free_port
from tests.integration.server.processes import Device, ServerProcess, eventually

pytestmark = [pytest.mark.broker, pytest.mark.slow]
DAYS, LAST = 16, 2
OWN = {"cell_id", "week_id", "org_id"}
TABLES = (cell, window, store_week)
Sent = dict[str, list[Window]]


@pytest.fixture
def chain() -> Chain:
    """Three stores: one counter, two counters, a queue; they closed yesterday."""
    start = now_utc().date() - timedelta(days=DAYS)
    whole = planned_chain(12, DAYS, 3, start)
    return replace(whole, stores=tuple(whole.stores[number] for number in (0, 10, 2)))


def day_of(chain: Chain) -> Sent:
    """By device, what is sent of one trading day."""
    sent: Sent = {}
    for one in chain.stores:
        day = chain.end - timedelta(days=LAST)
        begins, ends = one.day_begins(day), one.day_begins(day + timedelta(days=1))
        of_day = [m for m in messages(chain.seed, one, Drawn()) if begins <= m.start < ends]
        sent[one.devices[0].name] = of_day
    return sent


def kept(engine: Engine, sent: Sent) -> dict[str, list[str]]:
    """What the tables hold of these messages, in words that do not depend on UUIDs."""
    keys = {(m.device, m.epoch, m.sequence) for found in sent.values() for m in found}
    with engine.connect() as connection:
        stores = {row.store_id: row.slug for row in connection.execute(select(store))}
        points = connection.execute(select(point)).all()
        names = stores | {row.point_id: f"{stores[row.store_id]}/{row.slug}" for row in points}
        rows = {table.name: connection.execute(select(table)).all() for table in TABLES}
    return {
        name: sorted(
            told(row._mapping, names)
            for row in found
            if (row.device, row.epoch, row.sequence) in keys
        )
        for name, found in rows.items()
    }


def told(row: Any, names: dict[UUID, str]) -> str:
    plain = {
        key: names[value] if isinstance(value, UUID) else value
        for key, value in row.items()
        if key not in OWN
    }
    return json.dumps(plain, sort_keys=True, default=str)


def send(server: ServerProcess, sent: Sent) -> list[Device]:
    """Connect the devices; each sends its day in disorder, until it is settled."""
    devices = []
    for name, found in sent.items():
        payloads = [encode(one) for one in found]
        Random(name).shuffle(payloads)  # noqa: S311 an order, not a secret
        device = Device(name, server.broker_port, server, payloads)
        first = min(one.sequence for one in found)
        born = State(device=name, online=True, software="0.1.0", epoch=found[0].epoch, first=first)
        device.say(Kind.STATE, encode(born))
        devices.append(device)
    return devices


def test_a_day_by_mqtt_is_the_day_that_was_loaded(
    chain: Chain, broker: BrokerProcess, tmp_path: Path
) -> None:
    loaded = open_database(sqlite_url(tmp_path / "loaded.db"))
    load_chain(chain, Target(loaded, 1, now_utc()), lambda _: None)
    nobody = tmp_path / "empty.toml"
    nobody.write_text("", "utf-8")
    server = ServerProcess(tmp_path, broker.port, free_port(), nobody)
    server.state.mkdir(0o700)
    ingested = open_database(sqlite_url(server.state / "encounter.db"))
    with writer(ingested).begin() as connection:
        apply_identity(connection, identity_of(chain), now_utc())
    server.start()
    try:
        assert server.connected()
        sent = day_of(chain)
        devices = send(server, sent)
        assert eventually(lambda: all(one.unsettled == 0 for one in devices)), server.log[-3000:]
        for one in devices:
            one.stop()
    finally:
        server.kill()
    expected = kept(loaded, sent)
    assert len(expected["window"]) == sum(map(len, sent.values())) > 30
    assert len(expected["cell"]) > 10
    assert kept(ingested, sent) == expected
    with ingested.connect() as connection:
        assert connection.execute(select(aside)).first() is None
    for engine in (loaded, ingested):
        engine.dispose()
