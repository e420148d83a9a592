"""Several workers: they end with their server, however it ends, and tell what they held."""

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from firmware_cfg.codec import encode
from server.testing import MONDAY, MessageFactory
from tests.brokers import MOSQUITTO, BrokerProcess, free_port, start_mosquitto
from tests.integration.server.processes import Device, ServerProcess, eventually

pytestmark = [
    pytest.mark.broker,
    pytest.mark.slow,
    pytest.mark.skipif(not MOSQUITTO.exists(), reason="mosquitto is not installed"),
]


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[BrokerProcess]:
    process = start_mosquitto(free_port(), tmp_path)
    yield process
    process.kill()


@pytest.fixture
def pooled(
    tmp_path: Path, mosquitto: BrokerProcess, identity_path: Path
) -> Iterator[ServerProcess]:
    options = ("--workers", "2")
    one = ServerProcess(tmp_path, mosquitto.port, free_port(), identity_path, options)
    one.start()
    yield one
    one.kill()


def workers(server: ServerProcess) -> list[psutil.Process]:
    assert server.process is not None
    return [one for one in psutil.Process(server.process.pid).children() if is_worker(one)]


def is_worker(process: psutil.Process) -> bool:
    """Whether it runs, and is no process that only watches others."""
    try:
        return "spawn_main" in " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return False


def ended(process: psutil.Process) -> bool:
    """Gone, or only not fetched by whoever inherited it."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_workers_at_work_end_at_once_when_their_server_is_killed(pooled: ServerProcess) -> None:
    assert pooled.connected()
    theirs = workers(pooled)
    assert len(theirs) == 2
    pooled.kill()
    assert eventually(lambda: all(map(ended, theirs)), 2)


def test_workers_that_begin_never_reach_the_broker_of_a_killed_server(
    pooled: ServerProcess,
) -> None:
    assert eventually(lambda: len(workers(pooled)) == 2)
    for one in workers(pooled):
        one.kill()
    assert eventually(lambda: sum(not ended(one) for one in workers(pooled)) == 2)
    begun = [one for one in workers(pooled) if not ended(one)]
    started = pooled.log.count("worker.started")
    pooled.kill()
    assert eventually(lambda: all(map(ended, begun)), 40)
    assert pooled.log.count("worker.started") == started


def test_a_stop_tells_what_was_held(pooled: ServerProcess) -> None:
    """The second of two windows close together is held for seconds, but for a stop."""
    assert pooled.connected()
    factory = MessageFactory()
    payloads = [encode(factory.window(factory.cell(MONDAY), start=MONDAY)), factory.encoded()]
    device = Device("kiosk-1", pooled.broker_port, pooled, payloads)
    assert eventually(lambda: pooled.log.count('"ingest.committed"') >= 1)
    assert pooled.stop() == 0
    assert eventually(lambda: device.unsettled == 0, 10)
    device.stop()
    assert pooled.log.count('"worker.stopped"') == 2
