"""Packets that are too large, at a real broker: dropped at both ends, and nothing else is lost.

mosquitto keeps from an MQTT 5 client what is larger than it said; under 3.1.1, and at rumqttd, it
arrives, and the sieve of `firmware_cfg.packets` drops it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge.broker_client import MOST_PACKET_BYTES as DEVICE_MOST_BYTES
from firmware_cfg.codec import encode
from firmware_cfg.messages import Desired
from firmware_cfg.packets import MOST_DOWN_BYTES, MOST_UP_BYTES
from firmware_cfg.topics import Kind, topic
from server.ingest.access import AccessOptions, open_access
from server.ingest.link import BrokerLink, LinkState
from server.ingest.subscription import Sharing
from server.ingest.worker import Delivery, IngestWorker
from server.testing import FakeClock
from tests.brokers import MOSQUITTO, BrokerProcess, free_port, start_iotcore, start_mosquitto
from tests.integration.broker.conftest import DEVICE, Device, FarEnd, eventually

pytestmark = pytest.mark.broker
ROOM_BYTES = 1_000_000
BEYOND_BYTES = 1_000


@pytest.fixture(params=["iotcore-5", "iotcore-3.1.1", "mosquitto-5", "mosquitto-3.1.1"])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[BrokerProcess, str]]:
    """A broker that takes much larger packets than the contract has."""
    name, _, protocol = str(request.param).partition("-")
    if name == "mosquitto" and not MOSQUITTO.exists():
        pytest.skip("mosquitto is not installed")
    process = (
        start_iotcore(free_port(), tmp_path, "5" if protocol == "5" else "3.1.1", ROOM_BYTES)
        if name == "iotcore"
        else start_mosquitto(free_port(), tmp_path)
    )
    yield process, protocol
    process.kill()


@pytest.fixture
def withheld(request: pytest.FixtureRequest) -> bool:
    """Whether the broker itself keeps large packets back."""
    return "mosquitto-5" in request.node.name


def padded(wish: Desired, size_bytes: int) -> bytes:
    return encode(wish).ljust(size_bytes)


def test_a_device_takes_the_largest_message_and_outlives_a_larger_one(
    broker: tuple[BrokerProcess, str],
    far_end: FarEnd,
    make_device: Callable[[int, str], Device],
    caplog: pytest.LogCaptureFixture,
    *,
    withheld: bool,
) -> None:
    assert eventually(lambda: far_end._client is not None and far_end._client.is_connected())
    far_end.say(Kind.DESIRED, padded(Desired(k=30), DEVICE_MOST_BYTES + BEYOND_BYTES))
    device = make_device(broker[0].port, broker[1])
    assert eventually(lambda: device.publisher.status().connected)
    if not withheld:
        assert eventually(lambda: "packet_too_large" in caplog.text)
    far_end.say(Kind.ACK, b"x" * DEVICE_MOST_BYTES)
    far_end.say(Kind.DESIRED, padded(Desired(k=20), MOST_DOWN_BYTES))
    wishes: list[Desired] = []

    def came() -> bool:
        wish = device.publisher.take_desired()
        wishes.extend([wish] if wish else [])
        return bool(wishes)

    assert eventually(came)
    assert wishes == [Desired(k=20)]
    device.fill(5)
    assert eventually(lambda: device.outbox.counts().settled == 5)
    assert ("packet_too_large" in caplog.text) is not withheld
    assert "broker_lost" not in caplog.text


class Taker(IngestWorker):
    """Takes deliveries, and settles each at once."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, bytes]] = []
        self.connections = 0

    def deliver(self, delivery: Delivery) -> None:
        self.taken.append((delivery.topic, delivery.payload))
        delivery.settle()

    def connected(self) -> None:
        self.connections += 1


def ingest(port: int, protocol: str) -> tuple[BrokerLink, Taker]:
    access = open_access(AccessOptions(host="127.0.0.1", port=port))
    link, taker = BrokerLink(access, "ingest-sizes", FakeClock(), Sharing.PLAIN), Taker()
    link._v5 = protocol == "5"
    link.start(taker)
    assert eventually(lambda: link.status.state is LinkState.CONNECTED)
    return link, taker


def test_the_server_drops_a_larger_message_for_good_and_takes_the_next(
    broker: tuple[BrokerProcess, str],
    far_end: FarEnd,
    caplog: pytest.LogCaptureFixture,
    *,
    withheld: bool,
) -> None:
    caplog.set_level(logging.INFO)
    far_end.silent = True
    link, taker = ingest(broker[0].port, broker[1])
    assert eventually(lambda: far_end._client is not None and far_end._client.is_connected())
    health = topic(DEVICE, Kind.HEALTH)
    sent = [b"h" * MOST_UP_BYTES, b"x" * (MOST_UP_BYTES + 1_000), b"last"]
    for payload in sent:
        far_end.say(Kind.HEALTH, payload)
    assert eventually(lambda: bool(taker.taken) and taker.taken[-1] == (health, b"last"))
    passed = [payload for _, payload in taker.taken]
    assert passed == [sent[0], *([] if withheld else [b""]), b"last"]
    assert ("broker.packet_too_large" in caplog.text) is not withheld
    assert taker.connections == 1
    link.stop()
    again, later = ingest(broker[0].port, broker[1])
    far_end.say(Kind.HEALTH, b"after")
    assert eventually(lambda: (health, b"after") in later.taken)
    assert later.taken == [(health, b"after")]
    again.stop()
