"""Every payload that a broker got is in the ledger, and the kernel's counts go with it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge.broker_link import BrokerLink
from edge.errors import OutboxFullError
from edge.ledger.entry import EntryKind
from edge.ledger.errors import UnledgeredError
from edge.ledger.head import Head
from edge.ledger.reconciling import Recorded, shortcomings
from edge.ledger.tables import rows
from edge.ledger.traffic import Meter, Traffic, traffic_of
from edge.ledger.verification import Verification, verify
from firmware_cfg.codec import decode, encode
from firmware_cfg.messages import Desired, Health
from firmware_cfg.topics import Kind, topic
from tests.brokers import BrokerProcess, free_port, start_iotcore
from tests.integration.broker.conftest import DEVICE, Device, FarEnd, eventually

pytestmark = pytest.mark.broker


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[tuple[BrokerProcess, str]]:
    """One broker: what a ledger is about does not depend on which."""
    process = start_iotcore(free_port(), tmp_path)
    yield process, "5"
    process.kill()


def arrived(far_end: FarEnd) -> list[bytes]:
    return [*far_end.windows.values(), *(payload for _, payload, _ in far_end.others)]


def traffic(path: Path) -> list[Traffic]:
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    found = [row for _, row in rows(database) if row is not None]
    database.close()
    texts = [row.text() for row in found if row.entry.kind == EntryKind.TRAFFIC]
    return [traffic_of(text) for text in texts if text is not None]


def check(tmp_path: Path, far_end: FarEnd) -> Verification:
    beats = [decode(Health, one) for kind, one, _ in far_end.others if kind is Kind.HEALTH]
    heads = [Head.from_wire(beat.ledger) for beat in beats if beat.ledger is not None]
    assert len(heads) == len(beats)
    return verify(tmp_path / "outbox.sqlite", heads, payloads=arrived(far_end))


def test_every_payload_that_arrived_has_its_entry_and_every_head_agrees(
    device: Device, far_end: FarEnd, broker: tuple[BrokerProcess, str], tmp_path: Path
) -> None:
    device.fill(30)
    time.sleep(0.2)
    broker[0].restart()
    device.fill(10)
    assert eventually(lambda: device.outbox.counts().settled == 40, 60)
    assert eventually(lambda: sum(kind is Kind.HEALTH for kind, _, _ in far_end.others) >= 4)
    device.publisher.stop()
    found = check(tmp_path, far_end)
    assert found.problems == ()
    assert len(arrived(far_end)) > 45
    counts = traffic(tmp_path / "outbox.sqlite")
    assert sum(one.attempts for one in counts) >= 2
    assert sum(one.kernel.sent_bytes for one in counts if one.kernel) > 40 * 16_384
    for one in counts:  # without TLS the two counts are one
        assert one.kernel is not None
        assert one.kernel.sent_bytes == one.mqtt_bytes


def test_a_server_that_is_silent_gets_repetitions_that_are_all_accounted_for(
    device: Device, far_end: FarEnd, tmp_path: Path
) -> None:
    far_end.silent = True
    device.fill(3)
    assert eventually(lambda: far_end.received >= 9)
    device.publisher.stop()
    assert check(tmp_path, far_end).problems == ()
    counts = traffic(tmp_path / "outbox.sqlite")
    assert sum(times for one in counts for _, times in one.again) >= 6
    assert sum(one.payload_bytes for one in counts) >= 9 * 16_384


def test_while_a_connection_lives_each_window_has_its_count(
    device: Device, far_end: FarEnd, tmp_path: Path
) -> None:
    device.outbox.ledger.window_s = 1
    for _ in range(12):
        device.fill(2)
        time.sleep(0.25)
    assert eventually(lambda: device.outbox.counts().settled == 24)
    assert device.publisher.status().connected
    device.publisher.stop()
    assert check(tmp_path, far_end).problems == ()
    counts = traffic(tmp_path / "outbox.sqlite")
    assert len(counts) >= 3
    assert sum(one.attempts for one in counts) == 1


def test_a_payload_without_an_entry_does_not_leave(device: Device, far_end: FarEnd) -> None:
    assert eventually(lambda: device.publisher.status().connected)
    smuggled = encode(Desired(k=9))
    assert device.site.broker is not None
    link = BrokerLink(device.site.broker, "other", smuggled, device.outbox.ledger, Meter(tls=False))
    with pytest.raises(UnledgeredError):
        link.open()
    with pytest.raises(UnledgeredError):
        link.publish(Kind.STATE, smuggled)
    link.close()
    device.publisher.stop()
    assert smuggled not in arrived(far_end)


def test_one_that_goes_around_the_ledger_is_named_by_what_arrived_and_by_the_kernel(
    device: Device, far_end: FarEnd, tmp_path: Path
) -> None:
    assert eventually(lambda: device.publisher.status().connected)
    ledger, meter = device.outbox.ledger, Meter(tls=False)
    assert device.site.broker is not None
    ledger.record(datetime.now(UTC), (EntryKind.WILL, b"{}"))
    link = BrokerLink(device.site.broker, "other", b"{}", ledger, meter)
    link.open()
    link._client.publish(topic(DEVICE, Kind.HEALTH), b"smuggled" * 128, qos=1)
    assert eventually(lambda: step(link) and b"smuggled" * 128 in arrived(far_end))
    link.close()
    device.publisher.stop()
    counts = meter.counts(time.monotonic())
    assert counts is not None
    recorded = Recorded({2: (EntryKind.WILL, 2)}, 1, "other")
    (said,) = shortcomings(replace(counts, sent=((2, 2),)), recorded)
    assert "bytes of MQTT were written" in said.en
    problems = verify(tmp_path / "outbox.sqlite", payloads=arrived(far_end)).problems
    assert [one.kind for one in problems] == ["unledgered"]


def step(link: BrokerLink) -> bool:
    link.step(0.05)
    return True


def test_without_room_for_an_entry_nothing_new_leaves_and_the_reason_is_said(
    device: Device, far_end: FarEnd, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def no_room(*_: object) -> None:
        raise OutboxFullError("disk full: no room for another entry")

    def beats() -> int:
        return sum(kind is Kind.HEALTH for kind, _, _ in far_end.others)

    assert eventually(lambda: beats() >= 2)
    monkeypatch.setattr("edge.ledger.ledger.insert", no_room)
    assert eventually(lambda: "no room for another entry" in device.publisher.status().detail)
    time.sleep(0.3)
    before = beats()
    time.sleep(1.5)
    assert beats() == before
    monkeypatch.undo()
    assert eventually(lambda: beats() > before)
    device.publisher.stop()
    assert check(tmp_path, far_end).problems == ()
