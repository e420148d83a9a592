"""A real server process told to stop: in order at the first signal, at once at the second."""

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import func, select, text

from firmware_cfg.codec import encode
from server.database import open_engine, sqlite_url, writer
from server.schema.cells import window
from server.testing import MONDAY, MessageFactory
from tests.brokers import MOSQUITTO, BrokerProcess, free_port, start_mosquitto
from tests.integration.server.processes import Device, ServerProcess, eventually
from tests.unit.server.conftest import IDENTITY

pytestmark = [
    pytest.mark.broker,
    pytest.mark.slow,
    pytest.mark.skipif(not MOSQUITTO.exists(), reason=f"no mosquitto at {MOSQUITTO}"),
]
IN_ORDER_S, AT_ONCE_S = 25.0, 3.0


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[BrokerProcess]:
    process = start_mosquitto(free_port(), tmp_path)
    yield process
    process.kill()


@pytest.fixture
def server(tmp_path: Path, broker: BrokerProcess) -> Iterator[ServerProcess]:
    (tmp_path / "identity.toml").write_text(IDENTITY, "utf-8")
    metrics = ("--metrics", f"127.0.0.1:{free_port()}")
    one = ServerProcess(tmp_path, broker.port, free_port(), tmp_path / "identity.toml", metrics)
    one.start()
    assert one.connected()
    yield one
    one.kill()


def stopped(server: ServerProcess, within_s: float) -> int:
    assert server.process is not None
    return server.process.wait(within_s)


def tell(server: ServerProcess, number: signal.Signals = signal.SIGTERM) -> None:
    assert server.process is not None
    server.process.send_signal(number)


def events(server: ServerProcess) -> list[str]:
    lines = [line for line in server.log.splitlines() if line.startswith("{")]
    return [json.loads(line)["event"] for line in lines]


def held(server: ServerProcess, port: int) -> tuple[Device, int]:
    """A device whose windows are being committed, and wait for a lock that a test holds."""
    factory = MessageFactory()
    starts = [MONDAY + timedelta(minutes=30 * step) for step in range(8)]
    sent = [encode(factory.window(factory.cell(at), start=at)) for at in starts]
    return Device("kiosk-1", port, server, sent), len(sent)


def busy(server: ServerProcess) -> bool:
    port = server.options[1]
    page = httpx.get(f"http://{port}/metrics").text
    (line,) = [one for one in page.splitlines() if one.startswith("encounter_ingest_busy_seconds")]
    return float(line.split()[1]) > 0.2


def test_the_batch_at_hand_is_finished_and_acknowledged(
    server: ServerProcess, broker: BrokerProcess
) -> None:
    engine = open_engine(sqlite_url(server.state / "encounter.db"))
    with writer(engine).begin() as connection:
        connection.execute(text("SELECT 1"))  # has the right to write, and keeps it
        device, count = held(server, broker.port)
        assert eventually(lambda: busy(server))
        tell(server)
        time.sleep(1.0)
        assert server.process is not None
        assert server.process.poll() is None
    assert stopped(server, IN_ORDER_S) == 0
    assert events(server)[-1] == "server.stopped"
    with engine.connect() as connection:
        stored = connection.execute(select(func.count()).select_from(window)).scalar_one()
    engine.dispose()
    assert 1 <= stored <= count
    assert eventually(lambda: bool(device.acks), 5.0)
    assert device.acks[-1].up_to == stored
    device.stop()


def test_an_open_connection_does_not_hold_it_up(server: ServerProcess) -> None:
    with socket.create_connection(("127.0.0.1", server.http_port)) as idle:
        idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n")  # and never goes on
        began_s = time.monotonic()
        tell(server, signal.SIGINT)
        assert stopped(server, IN_ORDER_S) == 0
        assert time.monotonic() - began_s < 15


def test_a_second_signal_ends_it_at_once(server: ServerProcess, broker: BrokerProcess) -> None:
    engine = open_engine(sqlite_url(server.state / "encounter.db"))
    with writer(engine).begin() as connection:
        connection.execute(text("SELECT 1"))
        device, _ = held(server, broker.port)
        assert eventually(lambda: busy(server))
        tell(server)
        time.sleep(1.0)
        tell(server)
        assert stopped(server, AT_ONCE_S) == 1
    engine.dispose()
    server.start()
    assert eventually(lambda: device.unsettled == 0)
    device.stop()


def test_metrics_are_refused_to_other_machines(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "server", "run", "--state", str(tmp_path / "state")),
            *("--broker", "127.0.0.1:1883", "--metrics", "0.0.0.0:9464"),
        ],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "to this machine alone" in done.stderr
    assert not (tmp_path / "state").exists()


def test_a_second_server_on_the_same_database_does_not_start(
    server: ServerProcess, tmp_path: Path
) -> None:
    url = sqlite_url(server.state / "encounter.db")
    order = [sys.executable, "-m", "server", "run", "--state", str(tmp_path / "other")]
    order += ["--database", url, "--broker", f"127.0.0.1:{server.broker_port}"]
    order += ["--http", f"127.0.0.1:{free_port()}"]
    done = subprocess.run(order, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 2
    assert "another server runs here" in done.stderr
    assert done.stdout == ""
    assert server.health()["status"] == "ok"
