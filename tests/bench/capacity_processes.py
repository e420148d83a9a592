"""Memory and descriptors of the server's processes and of the broker, for the capacity bench."""

import socket
import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import psutil

from firmware_cfg.codec import encode
from server.testing import MessageFactory
from tests.bench.ingest_load import name_of
from tests.brokers import MOSQUITTO, BrokerProcess, free_port, start_mosquitto
from tests.integration.server.certificates import Authority
from tests.integration.server.processes import Device, ServerProcess, eventually
from tests.postgres import MIGRATED, running
from tests.unit.server.conftest import IDENTITY

BUSY_WINDOWS = 500
CONNECTIONS = 300


def show_processes() -> None:
    """Memory and descriptors of the server's processes and of the broker."""
    print("\n| | memory, MB (RSS, at most) | descriptors |")
    print("|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="encounter-bench-") as name, running() as pg:
        pg.make_template()
        folder = Path(name)
        (folder / "identity.toml").write_text(IDENTITY, "utf-8")
        broker = start_mosquitto(free_port(), folder)
        for kind, options in (
            ("SQLite", ()),
            ("PostgreSQL, one worker", ("--database", pg.new_database(MIGRATED))),
            (
                "PostgreSQL, --workers 2",
                ("--database", pg.new_database(MIGRATED), "--workers", "2"),
            ),
        ):
            place = folder / str(len(options))
            place.mkdir()
            server = ServerProcess(
                place, broker.port, free_port(), folder / "identity.toml", options
            )
            server.start()
            server.connected()
            _keep_busy(server, broker.port)
            assert server.process is not None
            root = psutil.Process(server.process.pid)
            for number, one in enumerate([root, *root.children(recursive=True)]):
                told = "server" if number == 0 else " ".join(one.cmdline())[-40:]
                print(f"| {kind}: {told} | {_peak_mb(one):.0f} | {one.num_fds()} |")
            server.stop()
        broker.kill()


def show_broker() -> None:
    """Memory and descriptors of mosquitto for each device that is connected by TLS."""
    with tempfile.TemporaryDirectory(prefix="encounter-bench-") as name:
        folder = Path(name)
        authority = Authority(folder)
        own, one = authority.issue("broker", "127.0.0.1"), authority.issue("device")
        port = free_port()
        config = folder / "mosquitto.conf"
        config.write_text(
            f"user root\nlistener {port} 127.0.0.1\ncafile {authority.file}\ncertfile {own.cert}\n"
            f"keyfile {own.key}\nrequire_certificate true\nallow_anonymous true\n"
        )
        broker = BrokerProcess([str(MOSQUITTO), "-c", str(config)], port)
        process = psutil.Process(broker.process.pid)
        before_mb, before = process.memory_info().rss / 1e6, process.num_fds()
        context = ssl.create_default_context(cafile=authority.file)
        context.load_cert_chain(one.cert, one.key)
        clients = [_connected(context, port, number) for number in range(CONNECTIONS)]
        more_kb = (process.memory_info().rss / 1e6 - before_mb) * 1000 / CONNECTIONS
        print(
            f"\nmosquitto: {before_mb:.0f} MB, and {more_kb:.0f} kB and "
            f"{(process.num_fds() - before) / CONNECTIONS:.0f} descriptor for each of "
            f"{CONNECTIONS} devices connected by TLS"
        )
        for client in clients:
            client.close()
        broker.kill()


def _connected(context: ssl.SSLContext, port: int, number: int) -> ssl.SSLSocket:
    """A device that is connected, MQTT 5, and waits for acknowledgements."""
    stream = context.wrap_socket(
        socket.create_connection(("127.0.0.1", port)), server_hostname="127.0.0.1"
    )
    name = name_of(number).encode()
    body = b"\x00\x04MQTT\x05\x02\x0e\x10\x00" + len(name).to_bytes(2, "big") + name
    stream.sendall(bytes([0x10, len(body)]) + body)
    if stream.recv(64)[:1] != b"\x20":
        raise RuntimeError("no CONNACK")
    filter_ = b"encounter/v1/" + name + b"/down/#"
    body = b"\x00\x01\x00" + len(filter_).to_bytes(2, "big") + filter_ + b"\x01"
    stream.sendall(bytes([0x82, len(body)]) + body)
    stream.recv(64)
    return stream


def _keep_busy(server: ServerProcess, broker_port: int) -> None:
    """Let it take some hundred windows, and answer about them."""
    factory = MessageFactory()
    first = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=20)
    starts = [first + timedelta(minutes=30) * step for step in range(BUSY_WINDOWS)]
    payloads = [encode(factory.window(factory.cell(at), start=at)) for at in starts]
    device = Device("kiosk-1", broker_port, server, payloads)
    eventually(lambda: device.unsettled == 0, 60.0)
    device.stop()
    for path in ("/api/v1/stores", "/api/v1/devices", "/api/v1/openapi.json"):
        httpx.get(server.url + path, headers=server.bearer)


def _peak_mb(process: psutil.Process) -> float:
    status = Path(f"/proc/{process.pid}/status").read_text("utf-8")
    (line,) = [one for one in status.splitlines() if one.startswith("VmHWM")]
    return int(line.split()[1]) / 1024
