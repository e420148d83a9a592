"""A server that lost something, or was away, hears it: a real device's outbox, a real broker."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from edge.clock import SystemClock
from edge.health import Vitals, reported
from edge.outbox import Outbox
from edge.publisher import Publisher
from edge.testing import a_site
from edge.timing import Timing
from firmware_cfg.codec import encode
from server.database import open_database, sqlite_url, writer
from server.identity import apply_identity
from server.identity_file import load_identity
from server.ingest import pacing
from server.ingest.access import AccessOptions
from server.ingest.station import IngestPlan, Station
from server.ingest.subscription import Sharing
from server.schema.cells import cell, window
from server.schema.messages import progress
from server.signing import open_key
from server.testing import MessageFactory
from tests.brokers import MOSQUITTO, BrokerProcess, free_port, start_iotcore, start_mosquitto
from tests.integration.server.processes import eventually

pytestmark = pytest.mark.broker
DEVICE = "kiosk-1"
HALF_HOUR = timedelta(minutes=30)
SOON = Timing(retry_s=0.2, retry_most_s=0.5, resend_s=1.0, resend_most_s=2.0, restore_s=1.0)


@dataclass
class Place:
    """A server's state, and how to run it there."""

    folder: Path
    port: int
    station: Station | None = None
    engine: Engine | None = None

    @property
    def database(self) -> Path:
        return self.folder / "encounter.db"

    def start(self) -> None:
        self.engine = open_database(sqlite_url(self.database))
        with writer(self.engine).begin() as connection:
            apply_identity(connection, load_identity(self.folder / "identity.toml"))
        access = AccessOptions("127.0.0.1", self.port)
        plan = IngestPlan("", self.folder, access, Sharing.AUTO, "encounter-ingest-test")
        self.station = Station(self.engine, open_key(self.folder), plan)
        self.station.start()

    def stop(self) -> None:
        if self.station is not None and self.engine is not None:
            self.station.stop()
            self.engine.dispose()
        self.station = None

    def counts(self) -> tuple[int, int, int]:
        """Windows, cells, and how far the stream is settled."""
        assert self.engine is not None
        with self.engine.connect() as connection:
            windows, cells = (
                connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in (window, cell)
            )
            up_to = connection.execute(select(func.max(progress.c.up_to))).scalar()
            return windows, cells, up_to or 0

    def has(self, sequence: int) -> bool:
        """Whether the window of a sequence is stored."""
        assert self.engine is not None
        with self.engine.connect() as connection:
            here = select(window.c.sequence).where(window.c.sequence == sequence)
            return connection.execute(here).first() is not None


@dataclass
class Device:
    """A real outbox with a real publisher."""

    outbox: Outbox
    publisher: Publisher
    factory: MessageFactory
    began: datetime

    def fill(self, count: int) -> None:
        for _ in range(count):
            self.outbox.append(self._window, b"")

    def _window(self, epoch: str, seq: int) -> bytes:
        start = self.began + seq * HALF_HOUR
        self.factory.epoch, self.factory.sequence = epoch, seq - 1
        return encode(self.factory.window(self.factory.cell(start), start=start), 2816)

    def forget(self, up_to: int) -> None:
        """As if the oldest were settled more than 35 days ago."""
        with self.outbox._database.transaction() as database:
            database.execute("DELETE FROM message WHERE seq <= ?", (up_to,))


@pytest.fixture(params=["mosquitto", "iotcore"])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BrokerProcess]:
    if request.param == "mosquitto" and not MOSQUITTO.exists():
        pytest.skip("mosquitto is not installed")
    start: Callable[[int, Path], BrokerProcess] = (
        start_mosquitto if request.param == "mosquitto" else start_iotcore
    )
    process = start(free_port(), tmp_path)
    yield process
    process.kill()


@pytest.fixture
def place(broker: BrokerProcess, identity_path: Path) -> Iterator[Place]:
    one = Place(identity_path.parent, broker.port)
    one.start()
    yield one
    one.stop()


@pytest.fixture
def device(place: Place, tmp_path: Path) -> Iterator[Device]:
    site = a_site(
        device={"id": DEVICE, "state_dir": str(tmp_path)},
        broker={
            "host": "127.0.0.1",
            "port": place.port,
            "tls": False,
            "server_key": open_key(place.folder).public_hex,
        },
    )
    assert site.broker is not None
    (tmp_path / "device").mkdir()
    path = tmp_path / "device" / "outbox.sqlite"
    outbox = Outbox(path, 4, DEVICE, site.broker.server_key)
    clock = SystemClock()
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
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    one = Device(outbox, publisher, MessageFactory(DEVICE), now - timedelta(days=6))
    publisher.start()
    yield one
    publisher.stop()
    outbox.close()


def test_every_window_returns_after_the_restore_of_a_backup(place: Place, device: Device) -> None:
    device.fill(10)
    assert eventually(lambda: device.outbox.counts().settled == 10)
    place.stop()
    shutil.copy(place.database, place.folder / "backup.db")
    place.start()
    device.fill(48)
    assert eventually(lambda: device.outbox.counts().settled == 58)
    place.stop()
    shutil.copy(place.folder / "backup.db", place.database)
    place.start()
    assert place.counts()[0] == 10
    assert eventually(lambda: place.counts() == (58, 58, 58)), place.counts()
    assert eventually(lambda: device.outbox.counts().settled == 58)


def test_a_server_that_lost_everything_hears_all_that_is_left(place: Place, device: Device) -> None:
    device.fill(30)
    assert eventually(lambda: device.outbox.counts().settled == 30)
    device.forget(12)
    place.stop()
    for old in place.folder.glob("encounter.db*"):
        old.unlink()
    place.start()
    device.fill(1)  # rumqttd sends a worker that comes again nothing retained: this tells of a gap
    assert eventually(lambda: place.counts() == (19, 19, 31)), place.counts()
    assert eventually(lambda: device.outbox.counts().settled == 19)
    device.fill(3)
    assert eventually(lambda: place.counts() == (22, 22, 34)), place.counts()


def test_a_new_window_is_stored_before_a_backlog_is(
    place: Place, device: Device, broker: BrokerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Acknowledgements go on from the oldest; the store's present does not wait for them."""
    monkeypatch.setattr(pacing, "EACH_S", 1.0)
    place.stop()
    device.fill(250)
    broker.restart()  # from here on, those have waited for a connection
    assert eventually(lambda: device.publisher.status().connected)
    place.start()
    assert eventually(lambda: place.counts()[2] > 0)
    device.fill(1)
    assert eventually(lambda: place.has(251), 10)
    assert place.counts()[2] < 250
    assert eventually(lambda: place.counts() == (251, 251, 251)), place.counts()
    assert eventually(lambda: device.outbox.counts().settled == 251)
