"""The worker's promise: commit, then acknowledge, then settle; and it never gives up."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import OperationalError

from firmware_cfg.codec import decode
from firmware_cfg.messages import Ack
from server.ingest import committing, keeping, reading, rows, worker
from server.ingest.requeue import requeue
from server.ingest.worker import Delivery, IngestWorker
from server.schema.cells import cell
from server.schema.messages import aside, message
from server.signing import open_key
from server.testing import FakeClock, MessageFactory
from tests.integration.server.processes import eventually

UP = "encounter/v1/kiosk-1/up/window"


@dataclass
class Diary:
    """Writes down, at each publication and settlement, how many messages were committed."""

    engine: Engine
    entries: list[tuple[str, int]] = field(default_factory=list)
    acks: list[Ack] = field(default_factory=list)

    def publish(self, _topic: str, payload: bytes) -> None:
        self.acks.append(decode(Ack, payload))
        self._write("published")

    def settle(self) -> None:
        self._write("settled")

    def _write(self, what: str) -> None:
        with self.engine.connect() as connection:
            count = connection.execute(select(func.count()).select_from(message)).scalar()
        self.entries.append((what, count or 0))


@pytest.fixture
def diary(engine: Engine) -> Diary:
    return Diary(engine)


@pytest.fixture
def running(engine: Engine, diary: Diary, tmp_path: Path) -> Iterator[IngestWorker]:
    one = IngestWorker(engine, open_key(tmp_path), diary, FakeClock())
    one.start()
    yield one
    one.stop()


def test_commit_then_acknowledge_then_settle(running: IngestWorker, diary: Diary) -> None:
    factory = MessageFactory()
    running.deliver(Delivery(UP, factory.encoded(factory.cell()), diary.settle))
    assert eventually(lambda: len(diary.entries) == 2)
    assert diary.entries == [("published", 1), ("settled", 1)]


def test_a_database_that_refuses_is_asked_again(
    running: IngestWorker, diary: Diary, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, refusals = committing.commit, iter(range(2))

    def sometimes(*given: Any) -> Any:
        if next(refusals, None) is not None:
            raise OperationalError("INSERT", {}, Exception("disk is full"))
        return real(*given)

    monkeypatch.setattr(worker, "commit", sometimes)
    running.deliver(Delivery(UP, MessageFactory().encoded(), diary.settle))
    assert eventually(lambda: diary.entries == [("published", 1), ("settled", 1)])
    assert not running.state.failing


def test_one_message_that_breaks_us_does_not_stop_the_others(
    running: IngestWorker, diary: Diary, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = rows.window_row

    def broken(org_id: Any, reading: Any) -> Any:
        if reading.key.sequence == 1:
            raise RuntimeError("a mistake of ours")
        return real(org_id, reading)

    monkeypatch.setattr(keeping, "window_row", broken)
    factory = MessageFactory()
    for _ in range(3):
        running.deliver(Delivery(UP, factory.encoded(), diary.settle))
    assert eventually(lambda: [what for what, _ in diary.entries].count("settled") == 3)
    with diary.engine.connect() as connection:
        assert list(connection.execute(select(aside.c.reason)).scalars()) == ["unexpected_error"]
    assert eventually(lambda: max(ack.up_to for ack in diary.acks) == 3)


@pytest.mark.parametrize("keyless", [False, True])
def test_a_message_that_breaks_a_reader_is_kept_raw_and_the_others_go_on(
    running: IngestWorker,
    diary: Diary,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    *,
    keyless: bool,
) -> None:
    def broken(model: Any, payload: bytes) -> Any:
        if payload == poison:
            raise RuntimeError("a mistake of ours")
        return decode(model, payload)

    def no_key(*_: object) -> Any:
        raise RuntimeError("another mistake of ours")

    factory = MessageFactory()
    poison, *others = (factory.encoded(*cells) for cells in ([factory.cell()], [], []))
    monkeypatch.setattr(reading, "decode", broken)
    if keyless:
        monkeypatch.setattr(worker, "key_of", no_key)
    for payload in (poison, *others):
        running.deliver(Delivery(UP, payload, diary.settle))
    assert eventually(lambda: [what for what, _ in diary.entries].count("settled") == 3)
    with diary.engine.connect() as connection:
        (kept,) = connection.execute(select(aside)).all()
    assert (kept.reason, kept.device) == ("unexpected_error", "kiosk-1")
    assert zlib.decompress(kept.payload) == poison
    assert kept.sequence == (None if keyless else 1)
    assert running.state.tally.stored == 2
    assert "a mistake of ours" in caplog.text
    assert "Traceback" in caplog.text
    told = {one.seq for ack in diary.acks for one in ack.rejected}
    assert told == (set() if keyless else {1})
    monkeypatch.undo()
    assert requeue(diary.engine, FakeClock()()) == (0 if keyless else 1)
    with diary.engine.connect() as connection:
        cells = connection.execute(select(func.count()).select_from(cell)).scalar()
    assert cells == (0 if keyless else 1)


def test_a_new_connection_repeats_the_acknowledgements(running: IngestWorker, diary: Diary) -> None:
    running.deliver(Delivery(UP, MessageFactory().encoded(), diary.settle))
    assert eventually(lambda: len(diary.acks) == 1)
    running.connected()
    assert eventually(lambda: len(diary.acks) == 2)
    assert diary.acks[0] == diary.acks[1]


@pytest.mark.parametrize("ends", [False, True])
def test_acknowledgements_that_are_held_go_out_when_nothing_comes_and_before_the_end(
    running: IngestWorker, diary: Diary, *, ends: bool
) -> None:
    factory = MessageFactory()
    for settled in (1, 2):
        running.deliver(Delivery(UP, factory.encoded(), diary.settle))
        assert eventually(lambda: [what for what, _ in diary.entries].count("settled") == settled)  # noqa: B023
    if ends:
        running.stop()
        assert [ack.up_to for ack in diary.acks] == [1, 2]
    assert eventually(lambda: [ack.up_to for ack in diary.acks] == [1, 2])
