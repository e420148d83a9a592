"""What is old goes behind a checkpoint; the rest still verifies, and still says what holds."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from edge.ledger import pruning
from edge.ledger.entry import EntryKind
from edge.ledger.tables import ledger_bytes, rows
from edge.ledger.verification import verify
from firmware_cfg.topics import Kind
from tests.unit.edge.ledger.conftest import Device


def kinds(path: Path) -> dict[int, str]:
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    found = {number: row.entry.kind for number, row in rows(database) if row is not None}
    database.close()
    return found


def settle_and_forget(device: Device) -> None:
    device.outbox._database._database.execute("DELETE FROM message")


def test_after_90_days_a_checkpoint_takes_the_place_of_what_goes(day: Device) -> None:
    head = day.head()
    settle_and_forget(day)
    day.now += timedelta(days=91)
    day.beat()
    kept = kinds(day.path)
    assert list(kept) == [31, 32, 33, 34, 35]
    assert list(kept.values()) == ["checkpoint", "configuration", "model", "privacy", "health"]
    found = verify(day.path, [head], public_key=day.outbox.ledger.public_key)
    assert (found.problems, found.first, found.last) == ((), 31, 35)


def test_nothing_younger_goes_and_no_more_often_than_daily(day: Device) -> None:
    for days in (30, 59):
        day.now += timedelta(days=days)
        day.beat()
    assert list(kinds(day.path)) == list(range(1, 33))
    day.now += timedelta(days=2)
    day.beat()
    first = min(kinds(day.path))
    assert first == 31
    day.now += timedelta(minutes=30)
    day.beat()
    assert min(kinds(day.path)) == first
    assert verify(day.path).holds


def test_a_message_that_still_waits_may_still_be_sent(day: Device) -> None:
    payloads = [one.payload for one in day.outbox.pending(9)]
    day.now += timedelta(days=91)
    day.beat()
    assert list(kinds(day.path).values()).count("window") == 4
    assert all(day.outbox.ledger.demand(Kind.WINDOW, one) > 30 for one in payloads)
    assert verify(day.path).problems == ()


def test_what_came_before_a_checkpoint_cannot_be_compared_and_that_is_said(day: Device) -> None:
    early = day.head()
    day.beat()
    settle_and_forget(day)
    day.now += timedelta(days=91)
    day.beat()
    found = verify(day.path, [early])
    assert found.problems == ()
    assert "cannot be compared" in found.notes[0].en


@pytest.mark.parametrize("gone", [(31,), (32,), (31, 32)])
def test_what_is_deleted_behind_a_checkpoint_is_missed(gone: tuple[int, ...], day: Device) -> None:
    settle_and_forget(day)
    day.now += timedelta(days=91)
    day.beat()
    day.outbox.close()
    database = sqlite3.connect(day.path)
    database.executemany("DELETE FROM ledger WHERE number = ?", [(one,) for one in gone])
    database.commit()
    database.close()
    found = verify(day.path)
    assert "missing" in {one.kind for one in found.problems}


def test_the_ledger_stays_within_its_room(day: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "_ROOM_BYTES", 20_000)
    monkeypatch.setattr(pruning, "_DROPPED_AT_ONCE", 10)
    database = day.outbox._database._database
    for _ in range(150):
        day.beat()
        assert ledger_bytes(database) < 24_000
    held = sum(row.room_bytes for _, row in rows(database) if row is not None)
    assert held == ledger_bytes(database)
    assert verify(day.path).problems == ()


def test_a_pruned_ledger_goes_on_after_a_restart(day: Device) -> None:
    settle_and_forget(day)
    for _ in range(4):
        day.now += timedelta(days=91)
        day.beat()
        day.outbox.ledger.note(day.now, (EntryKind.COMMISSIONING, {"began": True}))
    found = verify(day.path)
    assert found.problems == ()
    assert found.last - found.first < 10
