"""Recorded before it is sent, in one commit with what it is about, and never by halves."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edge.errors import OutboxFullError
from edge.ledger.device_key import KEY_FILE
from edge.ledger.entry import EntryKind, deflate, inflate
from edge.ledger.errors import LedgerError, UnledgeredError
from edge.ledger.tables import rows
from edge.ledger.verification import verify
from edge.outbox import Outbox
from firmware_cfg.topics import Kind
from tests.unit.edge.ledger.conftest import DEVICE, NINE, Device

if TYPE_CHECKING:
    from edge.ledger.tables import Row


def entries(path: Path) -> list[Row]:
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    found = [row for _, row in rows(database) if row is not None]
    database.close()
    return found


def kinds(path: Path) -> list[str]:
    return [row.entry.kind for row in entries(path)]


def test_what_has_no_entry_may_not_be_sent(device: Device) -> None:
    ledger = device.outbox.ledger
    with pytest.raises(UnledgeredError, match="not sent"):
        ledger.demand(Kind.STATE, b"never recorded")
    (number,) = ledger.record(NINE, (EntryKind.STATE, b"recorded"))
    assert ledger.demand(Kind.STATE, b"recorded") == number
    for kind, payload in ((Kind.HEALTH, b"recorded"), (Kind.STATE, b"recorded ")):
        with pytest.raises(UnledgeredError):
            ledger.demand(kind, payload)


def test_a_window_message_may_be_sent_again_after_a_restart(day: Device) -> None:
    payloads = [one.payload for one in day.outbox.pending(9)]
    numbers = [day.outbox.ledger.demand(Kind.WINDOW, one) for one in payloads]
    day.outbox.close()
    again = Outbox(day.path, 4, DEVICE, None)
    assert [again.ledger.demand(Kind.WINDOW, one) for one in payloads] == numbers
    again.close()


def test_the_same_words_again_in_the_same_window_have_their_entry(device: Device) -> None:
    ledger = device.outbox.ledger
    first = ledger.record(NINE, (EntryKind.STATE, b"on"))
    assert ledger.record(NINE + timedelta(minutes=29), (EntryKind.STATE, b"on")) == first
    later = ledger.record(NINE + timedelta(minutes=30), (EntryKind.STATE, b"on"))
    assert later == [first[0] + 1]


def test_no_stamp_is_finer_than_a_window(day: Device) -> None:
    assert {row.entry.window % 1800 for row in entries(day.path)} == {0}


def test_a_change_is_noted_once(day: Device) -> None:
    before = kinds(day.path)
    assert day.outbox.ledger.note(NINE, (EntryKind.PRIVACY, {"k": 10})) == 1
    assert day.outbox.ledger.note(NINE, (EntryKind.PRIVACY, {"k": 10})) == 0
    assert day.outbox.ledger.note(NINE, (EntryKind.COMMISSIONING, {"began": True})) == 1
    assert day.outbox.ledger.note(NINE, (EntryKind.COMMISSIONING, {"began": True})) == 1
    assert kinds(day.path)[len(before) :] == ["privacy", "commissioning", "commissioning"]


def test_nothing_is_sent_where_it_cannot_be_recorded(device: Device) -> None:
    device.beat()
    held = len(entries(device.path))
    (pages,) = device.outbox._database._database.execute("PRAGMA page_count").fetchone()
    device.outbox._database._database.execute(f"PRAGMA max_page_count = {pages}")
    ledger = device.outbox.ledger
    with pytest.raises(OutboxFullError):
        ledger.record(NINE, (EntryKind.REPORTED, os.urandom(90_000)))
    with pytest.raises(UnledgeredError):
        ledger.demand(Kind.REPORTED, b"anything")
    assert len(entries(device.path)) == held
    assert verify(device.path).holds


def test_a_message_and_its_entry_stand_or_fall_together(device: Device) -> None:
    def dies(_epoch: str, _seq: int) -> bytes:
        raise RuntimeError("before it is stored")

    device.window()
    with pytest.raises(RuntimeError):
        device.outbox.append(dies, b"")
    assert kinds(device.path) == ["begun", "window"]
    assert device.outbox.counts().pending == 1
    assert verify(device.path).holds


def test_messages_from_before_the_ledger_are_entered_when_it_begins(device: Device) -> None:
    database = device.outbox._database._database
    add = "INSERT INTO message (payload, sha256, status) VALUES (?, ?, 'pending')"
    digest = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    database.execute(add, (b"x", digest))
    device.beat()
    assert kinds(device.path) == ["begun", "window", "health"]
    assert device.outbox.ledger.demand(Kind.WINDOW, b"x") == 2
    assert verify(device.path).holds


def test_the_key_is_made_once_for_its_owner_alone(device: Device) -> None:
    key = device.path.with_name(KEY_FILE)
    assert key.stat().st_mode & 0o777 == 0o600
    device.beat()
    device.outbox.close()
    again = Outbox(device.path, 4, DEVICE, None)
    assert again.ledger.public_key == device.outbox.ledger.public_key
    again.close()
    key.chmod(0o644)
    with pytest.raises(LedgerError, match="expected mode 0600"):
        Outbox(device.path, 4, DEVICE, None)
    key.write_text("no key")
    key.chmod(0o600)
    with pytest.raises(LedgerError, match="expected an Ed25519 key"):
        Outbox(device.path, 4, DEVICE, None)
    key.unlink()
    with pytest.raises(LedgerError, match="bring that key back"):
        Outbox(device.path, 4, DEVICE, None)


def test_a_corrupt_database_begins_a_ledger_that_says_so(device: Device) -> None:
    device.beat()
    device.outbox.close()
    device.path.write_bytes(b"\x5a" * 8192)
    again = Outbox(device.path, 4, DEVICE, None)
    again.ledger.record(NINE, (EntryKind.STATE, b"x"))
    text = entries(device.path)[0].text()
    assert text is not None
    assert b"database_corrupt" in text
    again.close()


def test_a_corrupt_database_is_kept_for_90_days(device: Device) -> None:
    device.beat()
    device.outbox.close()
    device.path.write_bytes(b"\x5a" * 8192)
    device.restart()
    aside = device.path.with_name("outbox.sqlite.corrupt")
    os.utime(aside, (NINE.timestamp(), NINE.timestamp()))
    for days, kept in ((0, True), (89, True), (2, False)):
        device.run_for(days)
        device.beat()
        assert aside.exists() == kept


def test_what_is_deleted_is_overwritten(device: Device) -> None:
    device.outbox.save_state(b"SECRET-CELL" * 2000)
    device.outbox.save_state(b"")
    device.beat()
    device.outbox._database._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"SECRET-CELL" not in device.path.read_bytes()


KILLED = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from edge.ledger.entry import EntryKind
from edge.outbox import Outbox
outbox = Outbox(Path(sys.argv[1]), 16, "kiosk-7", None)
while True:
    seq = outbox.append(lambda e, s: f"{e} {s}".encode(), b"")
    note = (EntryKind.HEALTH, f'{{"beat": {seq}}}'.encode())
    print(*outbox.ledger.record(datetime.now(UTC), note), flush=True)
"""


def test_kill_9_leaves_a_ledger_that_holds(device: Device) -> None:
    last = 0
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(device.path)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        )
        assert process.stdout is not None
        for _ in range(20):
            last = int(process.stdout.readline())
        process.kill()
        process.wait()
        process.stdout.close()
        found = verify(device.path)
        assert found.problems == ()
        assert found.last >= last


@pytest.mark.parametrize("seed", range(4))
def test_whatever_happens_in_whatever_order_it_holds(seed: int, device: Device) -> None:
    chance = random.Random(seed)  # noqa: S311 -- an order of events
    heads = []

    def restart() -> None:
        device.outbox.close()
        device.outbox = Outbox(device.path, 4, DEVICE, None)

    events: list[Callable[[], object]] = [
        device.beat,
        device.beat,
        lambda: device.beat(chance.randrange(60 * 24 * 40)),
        device.window,
        device.start,
        restart,
        lambda: device.outbox.ledger.note(device.now, (EntryKind.PRIVACY, {"k": chance.random()})),
        lambda: device.outbox._database._database.execute("DELETE FROM message WHERE seq % 3 = 0"),
    ]
    for _ in range(60):
        chance.choice(events)()
        if device.outbox.ledger.head() is not None:
            heads.append(device.head())
    found = verify(device.path, heads, public_key=device.outbox.ledger.public_key)
    assert found.problems == ()
    assert found.last > 40


def test_texts_are_kept_small_and_whole(day: Device) -> None:
    beat = day.beat()
    assert len(deflate(beat)) < 300
    assert inflate(deflate(beat), len(beat)) == beat
    for wrong in (len(beat) - 1, len(beat) + 1):
        if wrong < len(beat):
            with pytest.raises(ValueError, match="states"):
                inflate(deflate(beat), wrong)
    with pytest.raises(ValueError, match="cannot be read"):
        inflate(b"\xff\xff\xff", 100)
