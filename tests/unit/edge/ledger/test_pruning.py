"""What is old goes behind a checkpoint; the rest still verifies, and still says what holds."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edge.ledger import checkpoint, pruning
from edge.ledger.ageing import KEPT_FOR, Ageing
from edge.ledger.entry import EntryKind
from edge.ledger.tables import ledger_bytes, rows
from edge.ledger.verification import verify
from firmware_cfg.topics import Kind
from tests.unit.edge.ledger.conftest import DAY_S, NINE, Device


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
    day.run_for(91)
    day.beat()
    kept = kinds(day.path)
    assert list(kept) == [31, 32, 33, 34, 35]
    assert list(kept.values()) == ["checkpoint", "configuration", "model", "privacy", "health"]
    found = verify(day.path, [head], public_key=day.outbox.ledger.public_key)
    assert (found.problems, found.first, found.last) == ((), 31, 35)


def test_nothing_younger_goes_and_no_more_often_than_daily(day: Device) -> None:
    for days in (30, 59):
        day.run_for(days)
        day.beat()
    assert list(kinds(day.path)) == list(range(1, 33))
    day.run_for(2)
    day.beat()
    first = min(kinds(day.path))
    assert first == 31
    day.now += timedelta(minutes=30)
    day.beat()
    assert min(kinds(day.path)) == first
    assert verify(day.path).holds


def test_a_message_that_still_waits_may_still_be_sent(day: Device) -> None:
    payloads = [one.payload for one in day.outbox.pending(9)]
    day.run_for(91)
    day.beat()
    assert list(kinds(day.path).values()).count("window") == 4
    assert all(day.outbox.ledger.demand(Kind.WINDOW, one) > 30 for one in payloads)
    assert verify(day.path).problems == ()


def test_a_clock_that_is_wrong_for_a_commit_drops_nothing(day: Device) -> None:
    day.beat()
    held = len(kinds(day.path))
    day.run_for(1 / 48, told_days=92)
    day.beat()
    assert len(kinds(day.path)) == held + 1
    day.now -= timedelta(days=92)
    day.beat()
    assert len(kinds(day.path)) == held + 2


def test_a_run_that_begins_with_a_wrong_clock_drops_nothing(day: Device) -> None:
    held = len(kinds(day.path))
    day.now += timedelta(days=4000)
    day.beat()
    assert len(kinds(day.path)) == held + 1


def test_a_device_that_was_off_for_months_drops_what_is_old_within_days(day: Device) -> None:
    settle_and_forget(day)
    day.restart()
    day.now += timedelta(days=150)
    day.beat()
    first = min(kinds(day.path))
    days = 0
    while min(kinds(day.path)) == first:
        day.run_for(1)
        day.beat()
        days += 1
    assert days == 1  # all of it is of one morning
    assert verify(day.path).problems == ()


@pytest.mark.parametrize("wrong", [1, 40])
def test_entries_from_a_time_to_come_block_nothing(wrong: int, device: Device) -> None:
    """Under a wrong clock once; what came before and after it goes at its age."""
    for _ in range(20):
        device.run_for(1)
        device.beat()
    device.now += timedelta(days=92)
    for _ in range(wrong):
        device.beat(0)
    device.now -= timedelta(days=92)
    for _ in range(130):
        device.run_for(1)
        device.beat()
    assert oldest(device) >= device.now - timedelta(days=91)
    assert len(kinds(device.path)) < 130  # a beat a day, and a checkpoint for each that went
    assert verify(device.path).problems == ()


def oldest(device: Device) -> datetime:
    database = sqlite3.connect(f"file:{device.path}?mode=ro", uri=True)
    (window,) = database.execute("SELECT min(window) FROM ledger").fetchone()
    database.close()
    return datetime.fromtimestamp(window, UTC)


@pytest.mark.parametrize("days", [0.5, 1.0, 1000.0])
def test_age_follows_the_wall_clock_no_faster_than_ten_days_a_day(days: float) -> None:
    ageing = Ageing()
    old = NINE - KEPT_FOR
    assert ageing.limit(NINE, 0.0, old) == old
    found = ageing.limit(NINE + timedelta(days=4000), days * DAY_S, old)
    assert found == old + timedelta(days=10 * min(days, 1.0))
    assert ageing.limit(NINE, days * DAY_S, old) == old
    assert ageing.limit(NINE + timedelta(days=1), (days + 1) * DAY_S, old) == old + timedelta(1)


def test_what_came_before_a_checkpoint_cannot_be_compared_and_that_is_said(day: Device) -> None:
    early = day.head()
    day.beat()
    settle_and_forget(day)
    day.run_for(91)
    day.beat()
    found = verify(day.path, [early])
    assert found.problems == ()
    assert "cannot be compared" in found.notes[0].en


@pytest.mark.parametrize("gone", [(31,), (32,), (31, 32)])
def test_what_is_deleted_behind_a_checkpoint_is_missed(gone: tuple[int, ...], day: Device) -> None:
    settle_and_forget(day)
    day.run_for(91)
    day.beat()
    day.outbox.close()
    database = sqlite3.connect(day.path)
    database.executemany("DELETE FROM ledger WHERE number = ?", [(one,) for one in gone])
    database.commit()
    database.close()
    found = verify(day.path)
    assert "missing" in {one.kind for one in found.problems}


def test_the_ledger_stays_within_its_room(day: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "ROOM_BYTES", 20_000)
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
        day.run_for(91)
        day.beat()
        day.outbox.ledger.note(day.now, (EntryKind.COMMISSIONING, {"began": True}))
    found = verify(day.path)
    assert found.problems == ()
    assert found.last - found.first < 10
