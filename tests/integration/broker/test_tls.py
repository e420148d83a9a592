"""Certificates between device and broker: mutual, and never taken on trust."""

import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from edge.broker_link import BrokerLink
from edge.errors import LinkError
from edge.ledger.entry import EntryKind
from edge.ledger.reconciling import Recorded, shortcomings
from edge.ledger.traffic import Meter
from edge.outbox import Outbox
from firmware_cfg.codec import encode
from firmware_cfg.messages import State
from firmware_cfg.site import Broker
from firmware_cfg.topics import Kind, topic
from tests.brokers import MOSQUITTO, BrokerProcess, free_port

pytestmark = [
    pytest.mark.broker,
    pytest.mark.skipif(not MOSQUITTO.exists(), reason="mosquitto is not installed"),
]
DEVICE = "kiosk-7"
WILL = encode(State(device=DEVICE, online=False, epoch="00000000000000aa"))
SENT = Recorded({2: (EntryKind.WILL, len(WILL))}, 1, DEVICE)
OPENED: list[Outbox] = []
Issuer = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]


def issue(folder: Path, name: str, by: Issuer | None = None) -> Issuer:
    """Write `name`.pem and `name`.key, signed by `by`, or by itself as an authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if by is None else by[0].subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
    )
    certificate = builder.sign(key if by is None else by[1], hashes.SHA256())
    (folder / f"{name}.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / f"{name}.key").write_bytes(private)
    return certificate, key


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    authority = issue(tmp_path, "authority")
    issue(tmp_path, "broker", authority)
    issue(tmp_path, DEVICE, authority)
    issue(tmp_path, "stranger")
    tmp_path.chmod(0o755)
    for one in tmp_path.iterdir():
        one.chmod(0o644)
    return tmp_path


@pytest.fixture
def port(folder: Path) -> Iterator[int]:
    number = free_port()
    config = folder / "mosquitto.conf"
    config.write_text(
        f"user root\nlistener {number} 127.0.0.1\ncafile {folder}/authority.pem\n"
        f"certfile {folder}/broker.pem\nkeyfile {folder}/broker.key\n"
        "require_certificate true\nuse_identity_as_username true\n",
        encoding="utf-8",
    )
    process = BrokerProcess([str(MOSQUITTO), "-c", str(config)], number)
    yield number
    process.kill()
    while OPENED:
        OPENED.pop().close()


def link(
    folder: Path, port: int, authority: str, device: str | None, meter: Meter | None = None
) -> BrokerLink:
    own = {} if device is None else {"cert_file": f"{folder}/{device}.pem"}
    if device is not None:
        own["key_file"] = f"{folder}/{device}.key"
    broker = Broker.model_validate(
        {
            "host": "127.0.0.1",
            "port": port,
            "ca_file": f"{folder}/{authority}.pem",
            "server_key": "0" * 64,
            **own,
        }
    )
    OPENED.append(Outbox(folder / "outbox.sqlite", 64, DEVICE, None))
    ledger = OPENED[-1].ledger
    ledger.record(datetime.now(UTC), (EntryKind.WILL, WILL))
    return BrokerLink(broker, DEVICE, WILL, ledger, meter or Meter(tls=True))


def test_a_device_and_a_broker_of_one_authority_trust_each_other(folder: Path, port: int) -> None:
    trusted = link(folder, port, "authority", DEVICE)
    trusted.open()
    trusted.publish(Kind.STATE, WILL)
    while trusted.unacknowledged:
        trusted.step(0.1)
    trusted.close()


def test_under_tls_the_kernel_counts_no_more_than_is_accounted_for(folder: Path, port: int) -> None:
    meter = Meter(tls=True)
    trusted = link(folder, port, "authority", DEVICE, meter)
    trusted.open()
    for _ in range(40):
        trusted.publish(Kind.STATE, WILL)
        while trusted.unacknowledged:
            trusted.step(0.1)
    trusted.close()
    counts = meter.counts(time.monotonic())
    assert counts is not None
    assert counts.kernel is not None
    assert counts.messages == 41
    assert counts.acknowledged_bytes == counts.payload_bytes == 41 * len(WILL)
    assert counts.payload_bytes < counts.mqtt_bytes < counts.kernel.sent_bytes
    assert shortcomings(counts, SENT) == []
    records = 41 + 3  # CONNECT, 40 PUBLISH, two SUBSCRIBE, DISCONNECT
    assert counts.record_bytes in (29 + 22 * (records - 1), 29 * records)  # of TLS 1.3, 1.2


@pytest.mark.parametrize("beside", [False, True])
def test_under_tls_1_024_bytes_that_no_entry_names_are_found(
    beside: bool, folder: Path, port: int
) -> None:
    """By the client of MQTT, or beside it on the same socket."""
    meter = Meter(tls=True)
    leaking = link(folder, port, "authority", DEVICE, meter)
    leaking.open()
    leaking.publish(Kind.STATE, WILL)
    if beside:
        connection = leaking._client.socket()
        assert connection is not None
        connection.send(b"\x32\x80\x08" + b"\0\x01z\0\x09" + b"s" * 1019)
    else:
        leaking._client.publish(topic(DEVICE, Kind.HEALTH), b"s" * 1024, qos=1)
    for _ in range(5):
        with suppress(LinkError):
            leaking.step(0.05)
    leaking.close()
    counts = meter.counts(time.monotonic())
    assert counts is not None
    expected = "the kernel sent" if beside else "bytes of MQTT"
    assert any(expected in one.en for one in shortcomings(counts, SENT))


def test_a_handshake_that_fails_is_accounted_for(folder: Path, port: int) -> None:
    meter = Meter(tls=True)
    for authority in ("stranger", "authority"):
        nameless = link(folder, port, authority, None, meter)
        with pytest.raises(LinkError):
            nameless.open()
        nameless.close()
    counts = meter.counts(time.monotonic())
    assert counts is not None
    assert (counts.attempts, counts.connections) == (2, 0)
    assert 0 < counts.handshake_bytes < 4_000
    wills = dict.fromkeys((2, 3), (EntryKind.WILL, len(WILL)))  # that of each link
    assert shortcomings(counts, Recorded(wills, 1, DEVICE)) == []


def test_a_broker_of_another_authority_is_refused(folder: Path, port: int) -> None:
    deceived = link(folder, port, "stranger", DEVICE)
    with pytest.raises(LinkError, match="certificate not accepted"):
        deceived.open()
    deceived.close()


def test_a_device_without_a_certificate_gets_nowhere(folder: Path, port: int) -> None:
    nameless = link(folder, port, "authority", None)
    with pytest.raises(LinkError):
        nameless.open()
    nameless.close()


def test_a_missing_authority_file_is_named(folder: Path, port: int) -> None:
    lost = link(folder, port, "nowhere", DEVICE)
    with pytest.raises(LinkError, match="certificate file not found"):
        lost.open()
    lost.close()
