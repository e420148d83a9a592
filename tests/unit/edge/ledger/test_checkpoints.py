"""Was a checkpoint due? What it dropped was old, or in the way; else it is named."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from edge.ledger import checkpoint, pruning
from edge.ledger.ageing import Ageing
from edge.ledger.checkpoint import Checkpoint
from edge.ledger.entry import EntryKind
from edge.ledger.paper import head_code, read_head_code
from edge.ledger.tables import rows
from edge.ledger.tree import Frontier
from edge.ledger.verification import verify
from tests.unit.edge.ledger.conftest import NINE, Device

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from edge.ledger.head import Head
    from edge.ledger.tables import Row

MOST = checkpoint.ROOM_BYTES


def found(path: Path, *heads: Head) -> list[tuple[str, int]]:
    return [(one.kind, one.entry) for one in verify(path, heads).problems]


def drops_early(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """The next commit drops the oldest `count` entries, whatever their age."""

    def early(database: sqlite3.Connection, base: int, _limit: datetime) -> list[Row]:
        return [row for row, _ in pruning._in_order(database, base)][:count]

    monkeypatch.setattr(pruning, "_due", early)
    monkeypatch.setattr(Ageing, "limit", lambda *_: NINE)


def test_entries_of_the_last_hour_that_go_early_are_named(
    day: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    drops_early(monkeypatch, 26)
    day.beat()
    monkeypatch.undo()
    told = verify(day.path)
    assert [(one.kind, one.entry) for one in told.problems] == [("dropped", 31)]
    assert "2027-03-01" in told.problems[0].words.en
    assert "2027-03-01" in told.problems[0].words.zh


@pytest.mark.parametrize(("age_days", "named"), [(100, False), (89, False), (86, True)])
def test_what_counts_is_the_age_of_the_newest(
    age_days: int, named: bool, day: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    day.now = NINE + timedelta(days=age_days)
    drops_early(monkeypatch, 26)
    day.beat()
    monkeypatch.undo()
    assert ("dropped" in {kind for kind, _ in found(day.path)}) == named


def test_a_checkpoint_that_hides_an_early_drop_is_named_by_a_head_kept_elsewhere(
    day: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    early, paper = day.head(), read_head_code(head_code(day.head()))
    drops_early(monkeypatch, 30)
    honest = Checkpoint.of

    def lying(dropped: Frontier, due: list[Row], window: datetime, held_bytes: int) -> Checkpoint:
        old = int((window - timedelta(days=95)).timestamp())
        return replace(honest(dropped, due, window, held_bytes), newest=old, last=old)

    monkeypatch.setattr(Checkpoint, "of", lying)
    day.beat()
    monkeypatch.undo()
    for _ in range(2):
        day.beat()
    assert found(day.path) == []
    assert found(day.path, early) == [("dropped", 30)]
    assert found(day.path, paper) == [("dropped", 30)]


def test_what_goes_at_its_age_is_due_also_by_heads_kept_elsewhere(day: Device) -> None:
    early = day.head()
    day.beat()
    day.run_for(91)
    day.beat()
    told = verify(day.path, [early])
    assert told.problems == ()
    assert "cannot be compared" in told.notes[0].en


def test_what_goes_for_room_is_no_problem_but_told(
    day: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "ROOM_BYTES", 9_000)
    monkeypatch.setattr(pruning, "_DROPPED_AT_ONCE", 10)
    early = day.head()
    for _ in range(20):
        day.beat()
    told = verify(day.path, [early])
    assert told.problems == ()
    assert any("for want of room" in one.en for one in told.notes)
    monkeypatch.undo()  # a ledger has more room than that: it was no reason
    assert {kind for kind, _ in found(day.path)} == {"dropped"}


def test_an_entry_from_a_time_to_come_that_went_is_told(device: Device) -> None:
    for _ in range(3):
        device.run_for(1)
        device.beat()
    device.now += timedelta(days=300)
    device.beat(0)
    device.now -= timedelta(days=300)
    for _ in range(93):
        device.run_for(1)
        device.beat()
    told = verify(device.path)
    assert told.problems == ()
    assert any("a time to come" in one.en for one in told.notes)


def test_young_entries_that_a_clock_set_back_once_takes_along_are_named(day: Device) -> None:
    day.now -= timedelta(days=120)
    day.beat(0)
    day.now += timedelta(days=120)
    for _ in range(12):
        day.run_for(1)
        day.beat()
    kept = {number for number, _ in rows(day.outbox._database._database)}
    assert min(kept) == 32
    assert {kind for kind, _ in found(day.path)} == {"dropped"}


def test_a_small_step_of_the_clock_across_a_windows_bound_is_no_problem(device: Device) -> None:
    device.now = NINE
    device.beat(0)
    device.now -= timedelta(seconds=20)
    device.beat(0)
    for _ in range(92):
        device.run_for(1)
        device.beat()
    assert found(device.path) == []


FRONTIER = Frontier(1, (b"\1" * 32,))
TEXT = json.loads(Checkpoint(FRONTIER, 1000, 900, 2, 5, MOST).text())
BROKEN: dict[str, object] = {
    "nothing": {},
    "no object": [],
    "a key less": {key: value for key, value in TEXT.items() if key != "newest"},
    "a stamp in words": TEXT | {"newest": "yesterday"},
    "a size of another tree": TEXT | {"dropped": 3},
    "a root of another tree": TEXT | {"root": "00" * 32},
    "a flag for a number": TEXT | {"held_bytes": True},
    "a node that is none": TEXT | {"frontier": ["xyz"]},
}


def test_a_checkpoint_reads_back_as_it_was_written() -> None:
    one = Checkpoint(FRONTIER, 1000, 900, 2, 5, MOST)
    assert Checkpoint.of_text(one.text()) == one


@pytest.mark.parametrize("name", BROKEN)
def test_a_checkpoint_that_does_not_say_why_is_named(name: str, day: Device) -> None:
    with pytest.raises(ValueError, match="expected"):
        Checkpoint.of_text(json.dumps(BROKEN[name]).encode())
    day.outbox.ledger.note(day.now, (EntryKind.CHECKPOINT, BROKEN[name]))
    assert ("dropped", 31) in found(day.path)


def test_room_that_so_few_entries_cannot_take_is_no_reason(day: Device) -> None:
    leaves = Frontier().append(b"\1" * 32)
    lying = Checkpoint(leaves, int(NINE.timestamp()), int(NINE.timestamp()), 0, MOST + 1, MOST)
    day.outbox.ledger.note(day.now, (EntryKind.CHECKPOINT, json.loads(lying.text())))
    assert ("dropped", 31) in found(day.path)
