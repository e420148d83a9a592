"""With a real broker: nothing is lost, nothing is doubled, whoever is killed."""

import json
import random
import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from firmware_cfg.codec import encode
from firmware_cfg.sealing import opened
from firmware_cfg.topics import Kind
from server.testing import MONDAY, MessageFactory
from tests.brokers import (
    MOSQUITTO,
    BrokerProcess,
    free_port,
    start_iotcore,
    start_mosquitto,
)
from tests.integration.server.processes import Device, ServerProcess, eventually

pytestmark = [pytest.mark.broker, pytest.mark.slow]
HALF_HOUR = timedelta(minutes=30)


def day(windows: int) -> list[bytes]:
    """So many half-hours, the last of them over by now: what lies ahead is kept aside."""
    factory = MessageFactory()
    over = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    starts = [over - HALF_HOUR * (windows - index) for index in range(windows)]
    return [encode(factory.window(factory.cell(at), start=at)) for at in starts]


def counts(server: ServerProcess) -> tuple[int, int, int, int]:
    """Messages, highest sequence, cells, asides."""
    connection = sqlite3.connect(server.state / "encounter.db")
    try:
        query = (
            "SELECT (SELECT count(*) FROM message), (SELECT max(sequence) FROM message), "
            "(SELECT count(*) FROM cell), (SELECT count(*) FROM aside)"
        )
        found: tuple[int, int, int, int] = connection.execute(query).fetchone()
        return found
    finally:
        connection.close()


def alive(server: ServerProcess) -> str:
    (device,) = httpx.get(server.url + "/api/v1/devices", headers=server.bearer).json()["items"]
    return str(device["alive"])


def k_in_force(server: ServerProcess) -> int:
    (store,) = httpx.get(server.url + "/api/v1/stores", headers=server.bearer).json()["items"]
    asked = {"from": MONDAY.isoformat(), "to": (MONDAY + timedelta(hours=1)).isoformat()}
    path = f"{server.url}/api/v1/stores/{store['store_id']}/figures"
    return int(httpx.get(path, params=asked, headers=server.bearer).json()["k"])


def connect(server: ServerProcess, payloads: list[bytes]) -> Device:
    return Device("kiosk-1", server.broker_port, server, payloads)


def test_server_and_broker_are_killed_mid_stream(
    server: ServerProcess, broker: BrokerProcess
) -> None:
    rng = random.Random(3)  # noqa: S311 a schedule, not a secret
    device = connect(server, day(600))
    for turn in range(3):
        time.sleep(rng.uniform(0.5, 1.5))
        server.kill()
        if turn % 3 == 2:
            broker.restart()
        server.start()
    assert eventually(lambda: device.unsettled == 0, 90), (device.unsettled, server.log[-3000:])
    device.stop()
    assert counts(server) == (600, 600, 600, 0)
    assert broker.process.poll() is None


def test_a_device_hears_again_how_far_it_is_settled(server: ServerProcess) -> None:
    device = connect(server, day(5))
    assert eventually(lambda: device.unsettled == 0)
    heard = len(device.acks)
    server.kill()
    server.start()
    assert eventually(lambda: len(device.acks) > heard)
    device.stop()
    assert device.acks[-1].up_to == 5


def test_rejections_reach_the_device_with_their_reason(server: ServerProcess) -> None:
    one, two, three = day(3)
    newer = json.dumps(json.loads(opened(two)) | {"schema_version": 9}).encode()
    device = connect(server, [one, newer, three])
    assert eventually(lambda: device.unsettled == 0)
    device.stop()
    rejected = {r.seq: r.reason for ack in device.acks for r in ack.rejected}
    assert set(rejected) == {2}
    assert "newer" in rejected[2]


def test_what_was_retained_before_the_server_is_taken_and_is_no_sign_of_life(
    server: ServerProcess, broker: BrokerProcess
) -> None:
    factory = MessageFactory()
    server.kill()
    broker.restart()
    device = connect(server, [])
    device.say(Kind.STATE, encode(factory.state()))
    device.say(Kind.REPORTED, encode(factory.reported(k=25)))
    server.start()
    assert eventually(lambda: k_in_force(server) == 25)
    assert alive(server) == "never_seen"
    device.say(Kind.HEALTH, encode(factory.health()))
    assert eventually(lambda: alive(server) == "online")
    device.stop()


def test_the_broker_comes_later_than_the_server(tmp_path: Path, identity_path: Path) -> None:
    port = free_port()
    server = ServerProcess(tmp_path, port, free_port(), identity_path)
    server.start()
    try:
        assert eventually(lambda: server.health()["broker"]["state"] == "unreachable")
        assert server.health()["status"] == "degraded"
        broker = start_iotcore(port, tmp_path)
        assert server.connected()
        assert server.stop() == 0
        assert '"event": "server.stopped"' in server.log
        broker.kill()
    finally:
        server.kill()


def test_a_broker_of_mqtt_3_1_1_is_spoken_to(tmp_path: Path, identity_path: Path) -> None:
    broker = start_iotcore(free_port(), tmp_path, "3.1.1")
    server = ServerProcess(tmp_path, broker.port, free_port(), identity_path)
    server.start()
    try:
        assert server.connected()
        assert server.health()["broker"]["protocol"] == "3.1.1"
        assert server.health()["broker"]["subscription"] == "plain"
    finally:
        server.kill()
        broker.kill()


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[BrokerProcess]:
    if not MOSQUITTO.exists():
        pytest.skip("mosquitto is not installed")
    process = start_mosquitto(free_port(), tmp_path)
    yield process
    process.kill()


def test_workers_share_the_uplink_of_mosquitto(
    tmp_path: Path, mosquitto: BrokerProcess, identity_path: Path
) -> None:
    server = ServerProcess(tmp_path, mosquitto.port, free_port(), identity_path)
    server.start()
    try:
        assert server.connected()
        assert server.health()["broker"]["subscription"] == "shared"
        device = connect(server, day(200))
        time.sleep(1)
        server.kill()
        mosquitto.restart()
        server.start()
        assert eventually(lambda: device.unsettled == 0, 60), server.log[-3000:]
        device.stop()
        assert counts(server) == (200, 200, 200, 0)
    finally:
        server.kill()
