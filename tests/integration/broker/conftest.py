"""A real broker, a far end that signs, and a device's publisher between them."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from edge.clock import SystemClock
from edge.health import Vitals, reported
from edge.outbox import Outbox
from edge.publisher import Publisher
from edge.testing import AckSigner, a_site
from edge.timing import Timing
from firmware_cfg.codec import decode, encode
from firmware_cfg.messages import Coverage, Window
from firmware_cfg.site import Site
from firmware_cfg.topics import Kind, parse_topic, topic
from tests.brokers import MOSQUITTO, BrokerProcess, free_port, start_iotcore, start_mosquitto

DEVICE = "kiosk-7"
NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
SOON = Timing(retry_s=0.2, retry_most_s=0.5, resend_s=1.0, resend_most_s=2.0, heartbeat_s=0.5)


def eventually(true: Callable[[], bool], within_s: float = 30.0) -> bool:
    """Whether `true()` becomes true in time."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if true():
            return True
        time.sleep(0.05)
    return False


@dataclass
class FarEnd:
    """A server in small: remembers each window once, and acknowledges without gaps.

    Attributes:
        signs: with the right key; else with one of its own making.
        silent: acknowledges nothing.
    """

    port: int
    v5: bool
    signer: AckSigner
    silent: bool = False
    windows: dict[int, bytes] = field(default_factory=dict)
    received: int = 0
    others: list[tuple[Kind, bytes, bool]] = field(default_factory=list)
    settled: int = 0

    def __post_init__(self) -> None:
        self._stopping = threading.Event()
        self._client: Client | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopping.is_set():
            client = Client(
                CallbackAPIVersion.VERSION2,
                client_id="far-end",
                protocol=MQTTProtocolVersion.MQTTv5 if self.v5 else MQTTProtocolVersion.MQTTv311,
            )
            client.on_connect = lambda c, *_: c.subscribe("encounter/v1/+/up/#", qos=1)
            client.on_message = self._on_message
            self._client = client
            try:
                client.connect("127.0.0.1", self.port, 10)
                while not self._stopping.is_set() and client.loop(0.1) == 0:
                    pass
                client.disconnect()
                client.loop(0)
            except OSError:
                pass
            finally:
                client._reset_sockets()  # else the garbage collector closes them, and warns
            self._stopping.wait(0.1)

    def _on_message(self, client: Client, _data: Any, message: MQTTMessage) -> None:
        _, kind = parse_topic(message.topic)
        if kind is not Kind.WINDOW:
            self.others.append((kind, bytes(message.payload), message.retain))
            return
        window = decode(Window, bytes(message.payload))
        self.received += 1
        self.windows.setdefault(window.sequence, bytes(message.payload))
        if not self.silent:
            self.acknowledge(client, window.epoch)

    def acknowledge(self, client: Client, epoch: str) -> None:
        while self.settled + 1 in self.windows:
            self.settled += 1
        if self.settled:
            ack = self.signer.ack(epoch, self.settled, self.windows[self.settled])
            client.publish(topic(DEVICE, Kind.ACK), encode(ack), qos=1)

    def say(self, kind: Kind, payload: bytes) -> None:
        assert self._client is not None
        self._client.publish(topic(DEVICE, kind), payload, qos=1, retain=kind is Kind.DESIRED)

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(10)


@dataclass
class Device:
    """A device's outbox and publisher."""

    site: Site
    outbox: Outbox
    publisher: Publisher

    def fill(self, count: int) -> None:
        for _ in range(count):
            self.outbox.append(self._window, b"")

    def _window(self, epoch: str, seq: int) -> bytes:
        return encode(
            Window(
                device=DEVICE,
                epoch=epoch,
                sequence=seq,
                start=NOW,
                end=NOW.replace(minute=30),
                definition_version=1,
                geometry_hash="0" * 64,
                expectations_hash="0" * 64,
                model="nanodet",
                coverage=Coverage.FULL,
                clock="rtc",
            )
        )


@pytest.fixture(params=["iotcore-5", "iotcore-3.1.1", "mosquitto-5"])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[BrokerProcess, str]]:
    name, _, protocol = str(request.param).partition("-")
    if name == "mosquitto" and not MOSQUITTO.exists():
        pytest.skip("mosquitto is not installed")
    port = free_port()
    process = (
        start_iotcore(port, tmp_path, "5" if protocol == "5" else "3.1.1")
        if name == "iotcore"
        else start_mosquitto(port, tmp_path)
    )
    yield process, protocol
    process.kill()


@pytest.fixture
def signer() -> AckSigner:
    return AckSigner(DEVICE)


@pytest.fixture
def far_end(broker: tuple[BrokerProcess, str], signer: AckSigner) -> Iterator[FarEnd]:
    end = FarEnd(broker[0].port, broker[1] == "5", signer)
    yield end
    end.stop()


@pytest.fixture
def make_device(tmp_path: Path, signer: AckSigner) -> Iterator[Callable[[int, str], Device]]:
    made: list[Device] = []

    def make(port: int, protocol: str) -> Device:
        site = a_site(
            device={"id": DEVICE, "state_dir": str(tmp_path)},
            broker={
                "host": "127.0.0.1",
                "port": port,
                "tls": False,
                "protocol": protocol,
                "server_key": signer.public_hex,
            },
        )
        assert site.broker is not None
        clock = SystemClock()
        outbox = Outbox(tmp_path / "outbox.sqlite", 64, DEVICE, site.broker.server_key)
        vitals = Vitals(site, "nanodet", clock, clock.monotonic_s())
        publisher = Publisher(
            DEVICE,
            site.broker,
            outbox,
            clock,
            heartbeat=vitals.heartbeat,
            reported=lambda: reported(site, 10, 1800, ("0" * 64, "1" * 64)),
            timing=SOON,
        )
        device = Device(site, outbox, publisher)
        made.append(device)
        publisher.start()
        return device

    yield make
    for device in made:
        device.publisher.stop()
        device.outbox.close()


@pytest.fixture
def device(broker: tuple[BrokerProcess, str], make_device: Callable[[int, str], Device]) -> Device:
    return make_device(broker[0].port, broker[1])
