"""Part A of a running device that publishes to a real broker: its one connection, its ledger."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from edge.audit.finding import Finding, Status
from edge.audit.running.inspection import Watching, inspect
from edge.upload import OUTBOX_FILE
from firmware_cfg.load import load_site
from tests.audit.inspection.conftest import SITE, by_name, hidden_here, look
from tests.audit.inspection.test_running_device import NOT_BY_HAND
from tests.brokers import free_port, start_iotcore
from tests.integration.processes.running import Run, running

pytestmark = pytest.mark.broker
WITH_BROKER = """
[device]
id = "kiosk"
state_dir = {state}
[broker]
host = "127.0.0.1"
port = {port}
tls = false
server_key = "{key}"
"""
NO_KEY = "00" * 32  # nobody signs acknowledgements here


@dataclass(frozen=True, slots=True)
class Connected:
    """A device that publishes.

    Attributes:
        run: its launcher.
        site: its site file.
        port: of its broker.
        findings: of Part A, by the check's name.
    """

    run: Run
    site: Path
    port: int
    findings: dict[str, Finding]


def write_site(path: Path, state: Path, port: int) -> Path:
    more = WITH_BROKER.format(state=json.dumps(str(state)), port=port, key=NO_KEY)
    path.write_text(SITE + more)
    return path


def sent(outbox: Path) -> bool:
    """Whether the ledger has an entry of a message."""
    if not outbox.exists():
        return False
    database = sqlite3.connect(f"file:{outbox}?mode=ro", uri=True)
    try:
        rows = database.execute("SELECT count(*) FROM ledger WHERE kind = 'health'")
        return bool(rows.fetchone()[0])
    except sqlite3.OperationalError:  # its tables are still being made
        return False
    finally:
        database.close()


@pytest.fixture(scope="module")
def connected(video: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connected]:
    folder = tmp_path_factory.mktemp("connected")
    port = free_port()
    broker = start_iotcore(port, folder)
    site = write_site(folder / "site.toml", folder / "state", port)
    try:
        with running(video, site, folder / "run") as run:
            run.wait_until_counting()
            run.wait_for(lambda: sent(folder / "state" / OUTBOX_FILE))
            findings = by_name(inspect(site, load_site(site), Watching(0.0)))
            yield Connected(run, site, port, findings)
    finally:
        broker.kill()


def test_nothing_fails_and_the_ledger_holds(connected: Connected) -> None:
    found = connected.findings
    assert [one for one in found.values() if one.status is Status.FAILS] == []
    unseen = {name for name, one in found.items() if one.status is Status.NOT_CHECKED}
    assert unseen <= (NOT_BY_HAND | hidden_here() | {"vision.calls_watched"}) - {
        "configuration.ledger"
    }
    ledger = found["configuration.ledger"]
    assert ledger.status is Status.HOLDS
    assert any("signed head: size " in line for line in ledger.evidence)


def test_its_one_connection_is_that_to_the_broker(connected: Connected) -> None:
    sockets = connected.findings["edge.sockets"]
    assert sockets.status is Status.HOLDS
    outgoing = {line.partition(": ")[2] for line in sockets.evidence if " to " in line}
    assert len(outgoing) == 1  # it may have two descriptors
    assert outgoing.pop().endswith(f"to 127.0.0.1 port {connected.port}")
    assert connected.findings["vision.sockets"].status is Status.HOLDS
    script = look(*connected.run.children().values())
    assert "FAIL" not in script.stdout
    assert f"{connected.port:04X}" in script.stdout  # in the kernel's hexadecimal, to be judged


def test_a_connection_that_the_site_file_does_not_name_fails(
    connected: Connected, tmp_path: Path
) -> None:
    """The same device held against a site file with another broker, and an altered ledger."""
    state = Path(load_site(connected.site).device.state_dir)
    other = write_site(tmp_path / "site.toml", state, connected.port + 1)
    watching = Watching(0.0)
    found = by_name(inspect(connected.site, load_site(other), watching))
    assert found["edge.sockets"].status is Status.FAILS
    assert f"port {connected.port}: neither the broker" in found["edge.sockets"].evidence[0]
    assert found["configuration.ledger"].status is Status.FAILS
    assert "configuration: expected sha256" in found["configuration.ledger"].evidence[0]


def test_it_goes_on_publishing_unharmed(connected: Connected) -> None:
    assert set(connected.run.children()) == {"vision", "edge"}
    assert "ended with" not in connected.run.said()
