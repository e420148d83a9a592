"""deploy/server/mosquitto with the real mosquitto: a device is who its certificate says."""

import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from firmware_cfg.codec import encode
from firmware_cfg.topics import SHARED_UPLINK_FILTER, Kind, topic
from server.checking import Verdict
from server.checking.place import check_certificates
from server.clock import now_utc
from server.metrics.certificates import end_at_broker, end_of_file
from server.metrics.collector import Broker
from server.testing import MONDAY, MessageFactory
from tests.brokers import MOSQUITTO, BrokerProcess, free_port
from tests.integration.server.certificates import Authority, Pair
from tests.integration.server.processes import ServerProcess, eventually
from tests.unit.server.conftest import IDENTITY

DEPLOY = Path(__file__).parents[3] / "deploy" / "server" / "mosquitto"
SERVER = "encounter-server"
QUIET_S = 1.0
LONG = timedelta(days=20)
"""The certificates of these tests are good for a day."""
pytestmark = [
    pytest.mark.broker,
    pytest.mark.slow,
    pytest.mark.skipif(not MOSQUITTO.exists(), reason=f"no mosquitto at {MOSQUITTO}"),
]


@dataclass
class Rights:
    """Mosquitto as it is deployed, but for paths and ports."""

    folder: Path
    authority: Authority
    devices: int
    workers: int
    pairs: dict[str, Pair] = field(default_factory=dict)

    def pair(self, name: str) -> Pair:
        if name not in self.pairs:
            self.pairs[name] = self.authority.issue(name)
        return self.pairs[name]


@pytest.fixture
def rights(tmp_path: Path) -> Iterator[Rights]:
    authority = Authority(tmp_path)
    broker = authority.issue("broker", "127.0.0.1")
    one = Rights(tmp_path, authority, free_port(), free_port())
    config = (DEPLOY / "mosquitto.conf").read_text("utf-8")
    for place, here in (
        ("/etc/mosquitto/encounter/ca.pem", authority.file),
        ("/etc/mosquitto/encounter/broker.pem", broker.cert),
        ("/etc/mosquitto/encounter/broker.key", broker.key),
        ("/etc/mosquitto/encounter/acl", DEPLOY / "acl"),
        ("/var/lib/mosquitto/", f"{tmp_path}/"),
        ("\nlistener 8883\n", f"\nlistener {one.devices} 127.0.0.1\n"),
        ("\nlistener 8884 ", f"\nlistener {one.workers} "),
    ):
        assert place in config
        config = config.replace(place, str(here))
    (tmp_path / "mosquitto.conf").write_text(f"user root\n{config}", "utf-8")
    process = BrokerProcess([str(MOSQUITTO), "-c", str(tmp_path / "mosquitto.conf")], one.devices)
    yield one
    process.kill()


class Client:
    """Somebody with a certificate, who may call himself anything."""

    def __init__(self, port: int, authority: Authority, pair: Pair | None, client_id: str) -> None:
        self.refused: list[int] = []
        self.came: list[tuple[str, bytes]] = []
        self._answered = threading.Event()
        self.connected = threading.Event()
        self.gone = threading.Event()
        one = self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
        )
        files = (None, None) if pair is None else (str(pair.cert), str(pair.key))
        one.tls_set(str(authority.file), *files)
        one.on_connect = lambda *_: self.connected.set()
        one.on_disconnect = lambda *_: self.gone.set()
        one.on_message = lambda _c, _u, m: self.came.append((m.topic, bytes(m.payload)))
        one.on_publish = self._on_publish
        one.on_subscribe = lambda *_: self._answered.set()
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = 60
        one.connect("127.0.0.1", port, properties=properties)
        one.loop_start()

    def _on_publish(self, _c: object, _u: object, _mid: int, code: object, _p: object) -> None:
        self.refused += [code.value] if getattr(code, "is_failure", False) else []  # type: ignore[attr-defined]
        self._answered.set()

    def publish(self, name: str, payload: bytes = b"x", *, retain: bool = False) -> bool:
        """Whether the broker takes it."""
        self._answered.clear()
        before = len(self.refused)
        self._client.publish(name, payload, 1, retain)
        assert self._answered.wait(5)
        return len(self.refused) == before

    def subscribe(self, name: str) -> None:
        self._answered.clear()
        self._client.subscribe(name, 1)
        assert self._answered.wait(5)

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def clients() -> Iterator[list[Client]]:
    started: list[Client] = []
    yield started
    for one in started:
        one.stop()


def device(rights: Rights, clients: list[Client], name: str, calls_itself: str = "") -> Client:
    one = Client(rights.devices, rights.authority, rights.pair(name), calls_itself or name)
    clients.append(one)
    assert one.connected.wait(5)
    return one


def worker(rights: Rights, clients: list[Client]) -> Client:
    one = Client(rights.workers, rights.authority, rights.pair(SERVER), "ingest-1")
    clients.append(one)
    assert one.connected.wait(5)
    return one


def test_what_a_device_may_send_reaches_the_server_and_nothing_else(
    rights: Rights, clients: list[Client]
) -> None:
    server = worker(rights, clients)
    server.subscribe(SHARED_UPLINK_FILTER)
    one = device(rights, clients, "kiosk-1")
    for kind in (Kind.WINDOW, Kind.HEALTH, Kind.STATE, Kind.REPORTED):
        assert one.publish(topic("kiosk-1", kind))
    for other in (
        *(topic("kiosk-2", kind) for kind in Kind),
        topic("kiosk-1", Kind.ACK),
        topic("kiosk-1", Kind.DESIRED),
        "encounter/v1/kiosk-1",
        "encounter/v1/kiosk-1/up2/window",
        "encounter/v2/kiosk-1/up/window",
        "elsewhere",
    ):
        assert not one.publish(other), other
    assert eventually(lambda: len(server.came) == 4, 5)
    assert {name for name, _ in server.came} == {
        topic("kiosk-1", kind) for kind in Kind if kind.value.startswith("up/")
    }


def test_a_device_reads_its_own_downlink_alone(rights: Rights, clients: list[Client]) -> None:
    server, one = worker(rights, clients), device(rights, clients, "kiosk-1")
    assert server.publish(topic("kiosk-2", Kind.DESIRED), b"kept", retain=True)
    filters = ("#", "encounter/v1/+/down/#", topic("kiosk-2", Kind.ACK), SHARED_UPLINK_FILTER)
    for asked in (*filters, "$share/x/encounter/v1/kiosk-2/down/#", topic("kiosk-1", Kind.ACK)):
        one.subscribe(asked)
    other = device(rights, clients, "kiosk-2")
    assert other.publish(topic("kiosk-2", Kind.WINDOW))
    assert server.publish(topic("kiosk-2", Kind.ACK))
    assert server.publish(topic("kiosk-1", Kind.ACK), b"for one")
    assert eventually(lambda: bool(one.came), 5)
    time.sleep(QUIET_S)
    assert set(one.came) == {(topic("kiosk-1", Kind.ACK), b"for one")}


def test_a_device_that_takes_anothers_name_is_still_itself(
    rights: Rights, clients: list[Client]
) -> None:
    other = device(rights, clients, "kiosk-2")
    other.subscribe(topic("kiosk-2", Kind.ACK))
    liar = device(rights, clients, "kiosk-1", calls_itself="kiosk-2")
    assert not liar.publish(topic("kiosk-2", Kind.WINDOW))
    assert liar.publish(topic("kiosk-1", Kind.WINDOW))
    server = worker(rights, clients)
    assert server.publish(topic("kiosk-2", Kind.ACK), b"for two")
    assert eventually(lambda: other.came == [(topic("kiosk-2", Kind.ACK), b"for two")], 5)
    assert not other.gone.is_set()
    assert liar.came == []


@pytest.mark.parametrize("name", ["+", "#", "kiosk-1/up/window", "+/up"])
def test_a_certificate_with_a_wildcard_for_a_name_opens_nothing(
    rights: Rights, clients: list[Client], name: str
) -> None:
    rights.pairs[name] = rights.authority.issue(name) if "/" not in name else _slashed(rights, name)
    one = Client(rights.devices, rights.authority, rights.pairs[name], "any")
    clients.append(one)
    if not one.connected.wait(2):
        return  # not even let in
    server = worker(rights, clients)
    one.subscribe("encounter/v1/+/down/#")
    assert not one.publish(topic("kiosk-1", Kind.WINDOW))
    assert server.publish(topic("kiosk-1", Kind.ACK))
    time.sleep(QUIET_S)
    assert one.came == []


def _slashed(rights: Rights, name: str) -> Pair:
    """A certificate whose name is no file's name."""
    folder = rights.folder / "slashed" / Path(name).parent
    folder.mkdir(parents=True, exist_ok=True)
    rights.authority._folder = rights.folder / "slashed"
    return rights.authority.issue(name)


@pytest.mark.parametrize("which", ["devices", "workers"])
def test_nobody_comes_in_without_a_certificate_of_this_authority(
    rights: Rights, which: str, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    stranger = Authority(tmp_path / "other", "stranger").issue("kiosk-1")
    for pair in (None, stranger):
        try:
            one = Client(getattr(rights, which), rights.authority, pair, "kiosk-1")
        except OSError:
            continue
        assert not one.connected.wait(2)
        one.stop()


def test_when_certificates_end_is_read_off_the_broker_and_the_file(
    rights: Rights, tmp_path: Path
) -> None:
    own = rights.pair(SERVER)
    tls = ssl.create_default_context(cafile=rights.authority.file)
    tls.load_cert_chain(own.cert, own.key)
    for port in (rights.devices, rights.workers):
        broker = Broker("127.0.0.1", port, tls, own.cert)
        for when, verdict in ((now_utc(), Verdict.FAILS), (now_utc() - LONG, Verdict.HOLDS)):
            assert [one.verdict for one in check_certificates(broker, when)] == [verdict] * 2
    (tmp_path / "other").mkdir()
    stranger = Authority(tmp_path / "other", "stranger")
    ends = end_at_broker(
        "127.0.0.1", rights.devices, ssl.create_default_context(cafile=stranger.file)
    )
    assert ends.at is None
    assert "certificate not accepted" in ends.why_not
    assert end_at_broker("127.0.0.1", free_port(), tls).at is None
    assert "not a certificate" in end_of_file(own.key).why_not


def test_the_server_itself_works_with_these_rights(rights: Rights, clients: list[Client]) -> None:
    (rights.folder / "identity.toml").write_text(IDENTITY, "utf-8")
    pair = rights.pair(SERVER)
    options = (
        *("--broker-tls", "--broker-ca", str(rights.authority.file)),
        *("--broker-cert", str(pair.cert), "--broker-key", str(pair.key)),
    )
    where = rights.folder / "identity.toml"
    server = ServerProcess(rights.folder, rights.workers, free_port(), where, options)
    server.start()
    try:
        assert server.connected(), server.log
        assert server.health()["broker"]["subscription"] == "shared"
        one = device(rights, clients, "kiosk-1")
        one.subscribe(topic("kiosk-1", Kind.ACK))
        factory = MessageFactory()
        at = MONDAY + timedelta(hours=9)
        window = encode(factory.window(factory.cell(at), start=at))
        assert one.publish(topic("kiosk-1", Kind.WINDOW), window)
        assert eventually(lambda: bool(one.came), 10), server.log
        assert one.came[-1][0] == topic("kiosk-1", Kind.ACK)
    finally:
        server.kill()
