"""Metrics: as Prometheus' conventions have them, few, of this machine, and blind to presence."""

import asyncio
import http.client
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Engine, insert, select, update
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from firmware_cfg.messages import PointKind
from firmware_cfg.topics import Kind, topic
from server.backup import Place
from server.database import open_database, sqlite_url, writer
from server.errors import ListenError
from server.identity import apply_identity
from server.identity_file import load_identity
from server.ingest.link import LinkState, LinkStatus
from server.ingest.station import Standing
from server.ingest.worker import Delivery, IngestState, IngestWorker
from server.logs import request_id
from server.metrics import collector as collecting
from server.metrics.buckets import Buckets
from server.metrics.collector import Broker, Sources, registry_of
from server.metrics.facts import OF_CELLS, OF_MESSAGES, OVERDUE_STEP, SIZE_STEP_BYTES
from server.metrics.requests import RequestTimes, Timed
from server.metrics.serving import MetricsServer
from server.metrics.work import Work
from server.rollups.job import roll_up
from server.schema.fleet import device_status
from server.schema.identity import device
from server.schema.messages import AsideReason
from server.schema.rollups import rollup_due
from server.signing import open_key
from server.testing import MONDAY, FakeClock, FakePublisher, MessageFactory
from tests.unit.server.conftest import IDENTITY

PAGE = Path(__file__).parents[3] / "docs" / "operations" / "metrics.md"
UNITS = ("_seconds", "_bytes", "_total", "_info", "_timestamp_seconds")
COUNTS = {
    "encounter_ingest_batch_messages",
    "encounter_quarantine_messages",
    "encounter_quarantine_devices",
    "encounter_devices",
    "encounter_devices_late",
    "encounter_devices_faulty",
    "encounter_devices_certificate_expiring",
    "encounter_rollups_overdue",
}
YES_OR_NO = {
    "encounter_broker_connected",
    "encounter_ingest_failing",
    "encounter_database_up",
}
LABELS = {"fate", "reason", "state", "of", "operation", "status", "le", "version"}


class Server:
    """A server without network: what it is told, and what it says of itself."""

    def __init__(self, folder: Path, engine: Engine) -> None:
        (folder / "identity.toml").write_text(IDENTITY, "utf-8")
        with writer(engine).begin() as connection:
            apply_identity(connection, load_identity(folder / "identity.toml"), MONDAY)
        self.engine = engine
        self.clock = FakeClock(MONDAY + timedelta(hours=13))
        key = open_key(folder)
        self.worker = IngestWorker(engine, key, FakePublisher(), self.clock)
        self.link = LinkStatus(LinkState.CONNECTED, MONDAY)
        self.requests = RequestTimes()
        self.rolled_up_at = MONDAY
        self.registry = registry_of(
            Sources(
                version="0.1.0",
                engine=engine,
                place=Place(folder, engine.url.render_as_string(hide_password=False)),
                rolled_up_at=lambda: self.rolled_up_at,
                standing=lambda: Standing(self.link, self.worker.state),
                requests=self.requests,
                broker=Broker("127.0.0.1", 1883),
                clock=self.clock,
            )
        )

    def take(self, *payloads: bytes, kind: Kind = Kind.WINDOW, name: str = "kiosk-1") -> None:
        """Each in a batch of its own, as it comes."""
        for one in payloads:
            self.worker._handle([Delivery(topic(name, kind), one, lambda: None)])

    def families(self) -> dict[str, Metric]:
        text = generate_latest(self.registry).decode()
        return {one.name: one for one in text_string_to_metric_families(text)}

    def values(self) -> dict[tuple[str, str], float]:
        """Of this server, without those of the process and the disk."""
        return {
            (one.name, str(sorted(one.labels.items()))): one.value
            for family in self.families().values()
            for one in family.samples
            if family.name.startswith("encounter_") and "_disk_" not in family.name
        }


@pytest.fixture
def server(tmp_path: Path, empty: Engine, monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.setattr(collecting, "DATABASE_EACH_S", 0.0)
    return Server(tmp_path, empty)


def value(server: Server, name: str, **labels: str) -> float:
    return server.values()[name, str(sorted(labels.items()))]


def test_names_and_types_follow_the_conventions(server: Server) -> None:
    server.requests.observe("getHealth", 200, 0.02)
    families = server.families()
    ours = {name: one for name, one in families.items() if name.startswith("encounter_")}
    assert len(ours) >= 20
    for name, one in ours.items():
        assert re.fullmatch(r"[a-z]+(_[a-z]+)+", name), name
        assert one.documentation.endswith("."), name
        samples = {sample.name for sample in one.samples}
        suffixed = name.endswith(UNITS) or any(sample.endswith(UNITS) for sample in samples)
        assert suffixed or name in COUNTS | YES_OR_NO, name
        assert (one.type == "counter") == any(sample.endswith("_total") for sample in samples)
        assert {label for sample in one.samples for label in sample.labels} <= LABELS, name
    assert {"process_resident_memory_bytes", "process_open_fds"} <= set(families)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="no promtool")
def test_promtool_finds_nothing_to_complain_of(server: Server) -> None:
    server.requests.observe("getHealth", 200, 0.02)
    done = subprocess.run(
        ["promtool", "check", "metrics"],
        input=generate_latest(server.registry),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_the_page_lists_each_of_them_and_no_other(server: Server) -> None:
    server.requests.observe("getHealth", 200, 0.02)
    named = set(re.findall(r"^\| `(encounter_\w+)", PAGE.read_text("utf-8"), re.MULTILINE))
    there = {
        f"{name}_total" if one.type == "counter" else name
        for name, one in server.families().items()
        if name.startswith("encounter_")
    }
    assert named == {f"{n}_info" if n == "encounter_build" else n for n in there}


def _windows(*, busy: bool) -> Sequence[bytes]:
    """Two windows; those of a busy shop hold cells of a counter and of a queue."""
    factory = MessageFactory()
    sent = []
    for step in range(2):
        at = MONDAY + timedelta(hours=9, minutes=30 * step)
        cells = [
            factory.cell(at, visits=90),
            factory.cell(at, visits=40, point="line", kind=PointKind.QUEUE, staff=False),
        ]
        sent.append(factory.encoded(*(cells if busy else []), start=at))
    return sent


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Server, Server]]:
    """Two servers alike."""
    monkeypatch.setattr(collecting, "DATABASE_EACH_S", 0.0)
    servers = []
    for name in ("empty", "full"):
        folder = tmp_path / name
        folder.mkdir(mode=0o700)
        servers.append(Server(folder, open_database(sqlite_url(folder / "encounter.db"))))
    yield servers[0], servers[1]
    for one in servers:
        one.engine.dispose()


def test_no_metric_follows_presence(two: tuple[Server, Server]) -> None:
    """After each window a server of an empty shop and one of a full shop say the same.

    What is left out is time: how long a commit took, in buckets from 10 ms on.
    """
    pairs = zip(_windows(busy=False), _windows(busy=True), strict=True)
    for empty, full in pairs:
        two[0].take(empty)
        two[1].take(full)
        for one in two:
            one.clock.at += timedelta(minutes=30)
        said = [
            {key: value for key, value in one.values().items() if "_commit_seconds" not in key[0]}
            for one in two
        ]
        assert said[0] == said[1]
        for one in two:  # the roll-up job does the rest, and tells nothing either
            roll_up(one.engine, one.clock())
        assert two[0].values().keys() == two[1].values().keys()
    assert value(two[1], "encounter_ingest_messages_total", fate="stored") == 2
    assert value(two[1], "encounter_rollups_overdue") == 0


def test_what_ingest_does_is_counted(server: Server) -> None:
    factory = MessageFactory()
    one = factory.encoded(factory.cell(MONDAY), start=MONDAY)
    server.take(one, one, b"{")
    server.take(factory.encoded(start=MONDAY), name="kiosk-9")  # which is another device's message
    assert value(server, "encounter_ingest_messages_total", fate="stored") == 1
    assert value(server, "encounter_ingest_messages_total", fate="repeated") == 1
    assert value(server, "encounter_ingest_batch_messages_count") == 4
    assert value(server, "encounter_ingest_window_age_seconds_bucket", le="14400.0") == 0
    assert value(server, "encounter_ingest_window_age_seconds_bucket", le="86400.0") == 2
    assert value(server, "encounter_quarantine_messages", reason="malformed") == 1
    assert value(server, "encounter_quarantine_messages", reason="wrong_device") == 1
    assert value(server, "encounter_ingest_last_commit_timestamp_seconds") == (
        server.clock().timestamp()
    )


def test_cells_kept_aside_are_told_by_device_however_many_they_are(server: Server) -> None:
    factory = MessageFactory()
    for step in range(3):
        at = MONDAY + timedelta(hours=step)
        server.take(factory.encoded(factory.cell(at, point="nowhere"), start=at))
    assert value(server, "encounter_quarantine_devices", reason="unassigned_point") == 1
    assert {*OF_CELLS, *OF_MESSAGES} == set(AsideReason)


def test_devices_are_counted_by_whether_they_are_heard_of(server: Server) -> None:
    states = ("online", "offline", "silent", "never_seen")

    def found() -> list[float]:
        return [value(server, "encounter_devices", state=one) for one in states]

    assert found() == [0, 0, 0, 1]
    factory = MessageFactory()
    server.take(factory.encoded(start=server.clock() - timedelta(hours=5)))
    assert found() == [1, 0, 0, 0]
    assert value(server, "encounter_devices_late") == 1
    server.take(factory.encoded(start=server.clock() - timedelta(hours=1)))
    assert value(server, "encounter_devices_late") == 0
    server.clock.at += timedelta(hours=2)
    assert found() == [0, 0, 1, 0]
    with writer(server.engine).begin() as connection:
        connection.execute(update(device_status).values(certificate_days=29))
    assert value(server, "encounter_devices_certificate_expiring") == 1
    with writer(server.engine).begin() as connection:
        connection.execute(update(device).values(retired_at=MONDAY))
    assert found() == [0, 0, 0, 0]
    assert value(server, "encounter_devices_certificate_expiring") == 0


def test_roll_ups_are_told_once_they_are_overdue(server: Server) -> None:
    factory = MessageFactory()
    server.take(factory.encoded(factory.cell(MONDAY), start=MONDAY))
    assert value(server, "encounter_rollups_overdue") == 0
    assert value(server, "encounter_rollups_last_timestamp_seconds") == MONDAY.timestamp()
    with writer(server.engine).begin() as connection:
        (row,) = connection.execute(select(rollup_due)).mappings().all()
        key = {"org_id": row["org_id"], "point_id": row["point_id"], "marked_at": MONDAY}
        days = [row["day"] + timedelta(days=1 + step) for step in range(OVERDUE_STEP - 2)]
        connection.execute(insert(rollup_due), [key | {"day": day} for day in days])
        connection.execute(update(rollup_due).values(marked_at=MONDAY))
    assert value(server, "encounter_rollups_overdue") == 0
    with writer(server.engine).begin() as connection:
        connection.execute(insert(rollup_due).values(key | {"day": days[-1] + timedelta(days=1)}))
    assert value(server, "encounter_rollups_overdue") == OVERDUE_STEP


def test_a_database_that_does_not_answer_is_told_and_nothing_of_it(server: Server) -> None:
    assert value(server, "encounter_database_up") == 1
    assert value(server, "encounter_database_size_bytes") % SIZE_STEP_BYTES == 0
    with writer(server.engine).begin() as connection:
        connection.exec_driver_sql("DROP TABLE rollup_due")
    values = server.values()
    assert values["encounter_database_up", "[]"] == 0
    assert ("encounter_rollups_overdue", "[]") not in values
    assert values["encounter_broker_connected", "[]"] == 1


def test_a_batch_at_hand_shows_how_long_it_waits(server: Server) -> None:
    assert value(server, "encounter_ingest_busy_seconds") == 0
    server.worker.state.busy_since = server.clock() - timedelta(seconds=90)
    assert value(server, "encounter_ingest_busy_seconds") == 90
    server.link = LinkStatus(LinkState.REFUSED, MONDAY)
    assert value(server, "encounter_broker_connected") == 0


def test_workers_work_adds_up() -> None:
    one, two = Work(), Work()
    one.committed(3, 0.2, [100.0, 4000.0])
    two.committed(300, 99.0, [1e9])
    both = one + two
    assert both.batch.cumulative()[-1] == ("+Inf", 2)
    assert both.age_s.counts[-1] == 1
    assert both.commit_s.sum == 0.25 + both.commit_s.bounds[-1]
    assert one.batch.counts != both.batch.counts


def test_a_value_on_a_bound_is_at_most_that() -> None:
    seen = Buckets((1.0, 2.0))
    for each in (1.0, 1.5, 2.0, 2.1):
        seen.observe(each)
    assert seen.cumulative() == [("1.0", 1), ("2.0", 3), ("+Inf", 4)]


async def _answer(scope: Scope, receive: Receive, send: Send) -> None:
    scope["route"] = type("Route", (), {"operation_id": "getThing", "name": "thing"})()
    asked = request_id.get()
    await PlainTextResponse(str(asked))(scope, receive, send)
    await Request(scope, receive).body()


async def _fail(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise RuntimeError


@pytest.mark.parametrize(("app", "key"), [(_answer, ("getThing", "2xx")), (_fail, ("none", "5xx"))])
def test_answers_are_timed_by_operation_and_have_an_id(app: object, key: tuple[str, str]) -> None:
    times = RequestTimes()
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def ask() -> None:
        scope = {"type": "http", "method": "GET", "path": "/secret", "headers": []}
        await Timed(app, times)(scope, receive, send)  # type: ignore[arg-type]

    if key[1] == "5xx":
        with pytest.raises(RuntimeError):
            asyncio.run(ask())
    else:
        asyncio.run(ask())
        ids = [value for name, value in sent[0]["headers"] if name == b"x-request-id"]
        assert ids == [sent[1]["body"]]
        assert len(ids[0]) == 16
    assert {one: sum(counts.counts) for one, counts in times.now().items()} == {key: 1}
    assert request_id.get() is None


def _ask(port: int, path: str, host: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.putrequest("GET", path, skip_host=True)
    connection.putheader("Host", host)
    connection.endheaders()
    status = connection.getresponse().status
    connection.close()
    return status


def test_they_are_served_to_this_machine_alone(server: Server) -> None:
    for address in ("0.0.0.0", "192.0.2.1", "metrics.example"):  # noqa: S104 refused
        with pytest.raises(ListenError, match="to this machine alone"):
            MetricsServer(server.registry, address, 9464)
    serving = MetricsServer(server.registry, "127.0.0.1", 0)
    serving.start()
    try:
        with pytest.raises(ListenError, match="in use"):
            MetricsServer(server.registry, "127.0.0.1", serving.port)
        assert _ask(serving.port, "/metrics", f"127.0.0.1:{serving.port}") == 200
        assert _ask(serving.port, "/metrics", "localhost") == 200
        assert _ask(serving.port, "/", "localhost") == 404
        assert _ask(serving.port, "/metrics", "rebound.example") == 404
    finally:
        serving.stop()


def test_an_idle_worker_has_nothing_at_hand() -> None:
    assert (IngestState().busy_since, IngestState().work.batch.sum) == (None, 0.0)
