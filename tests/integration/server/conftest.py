"""A broker and a server for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.brokers import BrokerProcess, free_port, start_iotcore
from tests.integration.server.processes import ServerProcess
from tests.unit.server.conftest import IDENTITY


@pytest.fixture
def identity_path(tmp_path: Path) -> Path:
    path = tmp_path / "identity.toml"
    path.write_text(IDENTITY, "utf-8")
    return path


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[BrokerProcess]:
    process = start_iotcore(free_port(), tmp_path)
    yield process
    process.kill()


@pytest.fixture
def server(tmp_path: Path, broker: BrokerProcess, identity_path: Path) -> Iterator[ServerProcess]:
    process = ServerProcess(tmp_path, broker.port, free_port(), identity_path)
    process.start()
    yield process
    process.kill()
