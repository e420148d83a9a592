"""Hostile messages at the server: each is read, kept aside or refused, and none stops the next."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import Engine, func, select

from firmware_cfg.codec import encode
from firmware_cfg.messages import Window
from firmware_cfg.sealing import sealed
from server.ingest.committing import commit
from server.ingest.reading import Refusal, WindowReading, read
from server.ingest.requeue import requeue
from server.schema.cells import cell
from server.schema.messages import AsideReason
from server.testing import EPOCH, MONDAY, MessageFactory
from tests.bench.fuzz_messages import fuzz, readers
from tests.bench.fuzz_messages_making import Maker

UP = "encounter/v1/kiosk-1/up/window"


def text_of(factory: MessageFactory, **fields: object) -> bytes:
    whole = json.loads(factory.window(factory.cell()).model_dump_json())
    return json.dumps(whole | fields).encode()


def test_hostile_messages_are_read_as_what_they_are(tmp_path: Path) -> None:
    tally = fuzz(readers(tmp_path, seed=12)["ingest"](), 1500)
    assert tally.complaints == []
    assert min(tally.accepted.total(), tally.refused.total()) > 50


def test_hostile_windows_leave_a_sound_database(engine: Engine) -> None:
    true = tuple(text_of(MessageFactory(sequence=number)) for number in range(9))
    maker = Maker("window", Random(3), true)  # noqa: S311 - repeatable
    for _ in range(12):
        commit(engine, [read(UP, maker.make()[1]) for _ in range(16)], MONDAY)
    requeue(engine, MONDAY)
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(cell)).scalar()
        assert not connection.execute(select(cell).where(cell.c.visits < cell.c.k)).all()
    done = commit(engine, [read(UP, encode(_later()))], MONDAY)
    assert done.tally.stored == 1


@pytest.mark.parametrize("kind", ["health", "state", "reported"])
def test_hostile_signs_of_life_leave_a_sound_database(engine: Engine, kind: str) -> None:
    maker = Maker(kind, Random(4))  # noqa: S311 - repeatable
    topic = f"encounter/v1/kiosk-7/up/{kind}"
    for _ in range(12):
        commit(engine, [read(topic, maker.make()[1]) for _ in range(16)], MONDAY)
    done = commit(engine, [read(UP, encode(_later()))], MONDAY)
    assert done.tally.stored == 1


def _later() -> Window:
    factory = MessageFactory(epoch="00000000000000ff")
    return factory.window()


@pytest.mark.parametrize("seal", [bytes, zlib.compress, lambda text: sealed(text, 8192, "test")])
@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"coverage": "all"}, AsideReason.MALFORMED),
        ({"schema_version": 9}, AsideReason.NEWER_VERSION),
        ({"a\0\nb": 1}, AsideReason.MALFORMED),
    ],
)
def test_a_refused_window_is_told_to_its_device_whether_sealed_or_not(
    seal: object, fields: dict[str, object], reason: AsideReason
) -> None:
    assert callable(seal)
    found = read(UP, seal(text_of(MessageFactory(), **fields)))
    assert isinstance(found, Refusal)
    assert found.key is not None
    assert (found.key.epoch, found.key.sequence, found.reason) == (EPOCH, 1, reason)
    assert found.detail.isprintable()


@pytest.mark.parametrize("sequence", ["1", 1.0, True, 0, 2**63, None])
def test_a_refused_window_has_no_key_but_its_own(sequence: object) -> None:
    found = read(UP, text_of(MessageFactory(), sequence=sequence, coverage="all"))
    assert isinstance(found, Refusal)
    assert found.key is None


@pytest.mark.parametrize(
    ("begins", "key", "sequence"),
    [
        ('"coverage": "full", ', "coverage", 1),
        ('"sequence": 5, ', "sequence", None),
        ('"epoch": "00000000000000ff", ', "epoch", None),
        ('"device": "kiosk-2", ', "device", None),
    ],
)
def test_a_doubled_key_is_told_to_its_device_unless_it_is_part_of_the_name(
    begins: str, key: str, sequence: int | None
) -> None:
    text = text_of(MessageFactory()).replace(b"{", b"{" + begins.encode(), 1)
    found = read(UP, text)
    assert isinstance(found, Refusal)
    assert found.reason is AsideReason.MALFORMED
    assert found.detail.startswith(f"window: key '{key}' is given twice")
    assert (found.key and found.key.sequence) == sequence


@pytest.mark.parametrize("kind", ["health", "state", "reported"])
def test_a_doubled_key_in_a_sign_of_life_is_refused(kind: str) -> None:
    text = Maker(kind, Random(1)).true().replace(b"{", b'{"kind":"' + kind.encode() + b'",', 1)  # noqa: S311
    found = read(f"encounter/v1/kiosk-7/up/{kind}", text)
    assert isinstance(found, Refusal)
    assert f"{kind}: key 'kind' is given twice" in found.detail


def test_spans_before_the_calendar_stop_nobody(engine: Engine) -> None:
    early = {"start": "0001-01-01T00:00:00+23:00", "end": "0001-01-01T00:00:00+23:00"}
    factory = MessageFactory()
    found = read(UP, text_of(factory, **early))
    assert isinstance(found, Refusal)
    good = read(UP, encode(factory.window(factory.cell())))
    assert isinstance(good, WindowReading)
    tally = commit(engine, [found, good], MONDAY).tally
    assert (tally.rejected, tally.stored) == (1, 1)
