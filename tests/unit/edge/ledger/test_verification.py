"""Whatever is done to the file is named, and what is not wrong is not called so."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.ledger.entries_check import Signatures
from edge.ledger.entry import Entry, EntryKind
from edge.ledger.errors import LedgerInputError
from edge.ledger.problems import ProblemKind
from edge.ledger.tables import Row, rows
from edge.ledger.tcp_info import KernelBytes
from edge.ledger.traffic import Traffic
from edge.ledger.verification import verify
from edge.outbox import Outbox
from tests.unit.edge.ledger.conftest import DEVICE, NINE, Device

Found = list[tuple[str, int]]
SWAP = """
UPDATE ledger SET number = -1 WHERE number = {a};
UPDATE ledger SET number = {a} WHERE number = {b};
UPDATE ledger SET number = {b} WHERE number = -1;
"""
CLOSE_GAP = """
DELETE FROM ledger WHERE number = 9;
UPDATE ledger SET number = -number WHERE number > 9;
UPDATE ledger SET number = -number - 1 WHERE number < 0;
"""
STRAY = """
INSERT INTO ledger SELECT 31, kind, window, sha256, size, sequence, signature, text
FROM ledger WHERE number = 30;
"""
SMALLER_HEAD = """
UPDATE meta SET value = CAST(replace(value, ':30,', ':29,') AS BLOB) WHERE key = 'ledger_head';
"""
ALTERATIONS: dict[str, tuple[str, Found]] = {
    "nothing": ("", []),
    "an entry is deleted": ("DELETE FROM ledger WHERE number = 12", [("missing", 12)]),
    "entries are deleted": (
        "DELETE FROM ledger WHERE number IN (12, 13, 20)",
        [("missing", 12), ("missing", 20), ("unledgered", 0)],  # 13 was of a window message
    ),
    "the first is deleted": ("DELETE FROM ledger WHERE number = 1", [("missing", 1)]),
    "the last is deleted": ("DELETE FROM ledger WHERE number = 30", [("missing", 30)]),
    "one is deleted and the gap closed": (CLOSE_GAP, [("missing", 9), ("reordered", 9)]),
    "two neighbours are swapped": (
        SWAP.format(a=8, b=9),
        [("reordered", 8), ("reordered", 9)],
    ),
    "two far apart are swapped": (
        SWAP.format(a=3, b=29),
        [("reordered", 3), ("reordered", 29)],
    ),
    "a kind is altered": ("UPDATE ledger SET kind='state' WHERE number = 8", [("altered", 8)]),
    "a window is altered": ("UPDATE ledger SET window=0 WHERE number = 8", [("altered", 8)]),
    "a size is altered": ("UPDATE ledger SET size=size+1 WHERE number=8", [("altered", 8)]),
    "a hash is altered": (
        "UPDATE ledger SET sha256=zeroblob(32) WHERE number = 8",
        [("altered", 8)],
    ),
    "a sequence is altered": ("UPDATE ledger SET sequence=3 WHERE number=8", [("altered", 8)]),
    "a signature is altered": (
        "UPDATE ledger SET signature=zeroblob(64) WHERE number = 8",
        [("altered", 8)],
    ),
    "a field is of another type": (
        "UPDATE ledger SET sha256='text' WHERE number = 8",
        [("altered", 8)],
    ),
    "a text is altered": (
        "UPDATE ledger SET text=(SELECT text FROM ledger WHERE number=8) WHERE number = 9",
        [("altered", 9)],
    ),
    "a text is taken away": ("UPDATE ledger SET text=NULL WHERE number = 9", [("altered", 9)]),
    "a text is no text": ("UPDATE ledger SET text=x'ff' WHERE number = 9", [("altered", 9)]),
    "a message is altered": (
        "UPDATE message SET payload=CAST(payload || 'x' AS BLOB) WHERE seq = 2",
        [("altered", 13)],
    ),
    "a message is added": (
        "INSERT INTO message (payload, sha256, status) VALUES ('x', 'y', 'pending')",
        [("unledgered", 0)],
    ),
    "an entry is added": (STRAY, [("unsigned", 31)]),
    "the head is taken away": (
        "DELETE FROM meta WHERE key = 'ledger_head'",
        [("unsigned", 30)],
    ),
    "the head is another": (
        SMALLER_HEAD,
        [("unsigned", 30)],
    ),
    "what goes on is another tree": (
        "UPDATE meta SET value = zeroblob(8) WHERE key = 'ledger_frontier'",
        [("altered", 30)],
    ),
    "the key is another": (
        "UPDATE meta SET value = zeroblob(32) WHERE key = 'ledger_public_key'",
        [("unsigned", 1)],
    ),
    "the key is none": (
        "DELETE FROM meta WHERE key = 'ledger_public_key'",
        [("altered", 1), ("unledgered", 0)],
    ),
    "the ledger's id is another": (
        "UPDATE meta SET value = 'fedcba9876543210' WHERE key = 'epoch'",
        [("unsigned", 1)],
    ),
}


def problems(path: Path, **more: object) -> Found:
    return [(one.kind, one.entry) for one in verify(path, **more).problems]  # type: ignore[arg-type] # as named


@pytest.mark.parametrize("name", ALTERATIONS)
def test_every_alteration_is_named_with_its_entry(name: str, day: Device) -> None:
    script, expected = ALTERATIONS[name]
    assert verify(day.path).last == 30
    day.outbox.close()
    database = sqlite3.connect(day.path)
    database.executescript(script)
    database.close()
    assert sorted(problems(day.path)) == sorted(expected)


def test_damaged_bytes_are_named_or_change_nothing(day: Device, tmp_path: Path) -> None:
    day.outbox.close()
    content = day.path.read_bytes()
    chance = random.Random(7)  # noqa: S311 -- places to damage
    damaged = tmp_path / "damaged.sqlite"
    named = 0
    for _ in range(100):
        place = chance.randrange(100, len(content))
        altered = bytearray(content)
        altered[place] ^= chance.randrange(1, 256)
        damaged.write_bytes(altered)
        try:
            same = said(damaged) == said(day.path)
        except sqlite3.DatabaseError:
            same = False
        holds = holds_or_is_no_database(damaged)
        named += not holds
        assert same or not holds, place
    assert named > 60


def holds_or_is_no_database(path: Path) -> bool:
    try:
        return verify(path).holds
    except LedgerInputError:
        return False


def said(path: Path) -> list[object]:
    """All that a ledger's database says."""
    database = sqlite3.connect(f"file:{path}?immutable=1", uri=True)
    try:
        kept = "SELECT key, value FROM meta WHERE key LIKE 'ledger_%' AND key != 'ledger_bytes'"
        messages = "SELECT seq, payload, sha256 FROM message ORDER BY seq"
        return [
            *rows(database),
            *database.execute(kept).fetchall(),
            *database.execute(messages).fetchall(),
        ]
    finally:
        database.close()


def test_heads_kept_elsewhere_are_of_a_beginning(device: Device) -> None:
    device.start()
    heads = [device.head()]
    for _ in range(20):
        device.beat()
        heads.append(device.head())
    found = verify(device.path, heads, public_key=device.outbox.ledger.public_key)
    assert (found.problems, found.last) == ((), 26)


def copied(device: Device, to: Path) -> Path:
    """A backup of the whole card, made while nothing is written."""
    device.outbox.close()
    for one in device.path.parent.iterdir():
        if one.is_file():
            shutil.copy(one, to / one.name)
    return to / device.path.name


def test_a_card_set_back_is_a_fork_by_heads_kept_elsewhere(day: Device, tmp_path: Path) -> None:
    (tmp_path / "card").mkdir()
    backup = copied(day, tmp_path / "card")
    day.outbox = Outbox(day.path, 4, DEVICE, None)
    before = day.head()
    for _ in range(5):
        day.beat()
    kept = day.head()
    assert problems(backup, heads=[before, kept]) == [("forked", 31)]
    restored = Device(Outbox(backup, 4, DEVICE, None), backup, day.now)
    for _ in range(9):
        restored.beat(7)
    assert problems(backup) == []  # by itself it is of one piece
    assert problems(backup, heads=[before]) == []
    assert problems(backup, heads=[before, kept]) == [("forked", 31)]
    restored.outbox.close()


def test_a_history_rewritten_with_the_device_s_key_is_a_fork(day: Device, tmp_path: Path) -> None:
    kept = day.head()
    (tmp_path / "other").mkdir()
    key = day.path.with_name("ledger-key.pem")
    shutil.copy(key, tmp_path / "other" / key.name)
    other = Device(Outbox(tmp_path / "other" / "outbox.sqlite", 4, DEVICE, None), tmp_path)
    path = tmp_path / "other" / "outbox.sqlite"
    for _ in range(40):
        other.beat()
    assert problems(path) == []
    assert problems(path, heads=[kept]) == [("forked", 1)]
    assert problems(path, heads=[replace(kept, ledger=other.outbox.epoch)]) == [("unsigned", 30)]
    forged = replace(kept, ledger=other.outbox.epoch, signature=None)
    assert problems(path, heads=[forged]) == [("forked", 1)]
    other.outbox.close()


def test_a_heartbeat_that_carries_another_head_is_a_fork(day: Device) -> None:
    ledger = day.outbox.ledger
    other = replace(day.head(), root=bytes(32)).signed(ledger._key)
    ledger.head = other.on_the_wire  # type: ignore[method-assign] # the device lies once
    day.beat()
    assert problems(day.path) == [("forked", 31)]


def test_a_public_key_that_is_not_the_device_s_is_told_at_once(day: Device) -> None:
    stranger = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    assert problems(day.path, public_key=stranger) == [("unsigned", 1)]
    assert problems(day.path, public_key=day.outbox.ledger.public_key) == []


def test_a_ledger_of_another_key_is_told_without_a_search(
    day: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks: list[int] = []
    hold = Signatures.hold

    def counted(self: Signatures, row: Row, number: int) -> bool:
        checks.append(number)
        return hold(self, row, number)

    monkeypatch.setattr(Signatures, "hold", counted)
    stranger = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    assert problems(day.path, public_key=stranger) == [("unsigned", 1)]
    assert len(checks) == 30


def test_what_was_sent_and_never_counted_is_noted(day: Device) -> None:
    ledger = day.outbox.ledger

    def sends(payload: bytes, kind: EntryKind = EntryKind.HEALTH) -> None:
        (entry,) = ledger.record(day.now, (kind, payload))
        ledger.note(day.now, (EntryKind.TRAFFIC, asdict(count_of(entry, len(payload)))))

    sends(b'{"a":1}')
    for number in range(50):
        ledger.record(day.now, (EntryKind.HEALTH, b'{"b":%d}' % number))
    sends(b'{"c":1}')
    found = verify(day.path)
    assert found.problems == ()
    (note,) = found.notes
    assert "entries 33 to 82: " in note.en.split("; ")[-1]
    assert "not reconciled" in note.en
    sends(b'{"d":1}')
    day.beat()
    assert [one.en.split(": ", 1)[-1][:8] for one in verify(day.path).notes][-1] == "no count"


@pytest.mark.parametrize(("beside", "more"), [(False, 1024), (True, 1024), (False, 0)])
def test_bytes_that_no_entry_names_are_named_by_their_count(
    beside: bool, more: int, day: Device
) -> None:
    ledger = day.outbox.ledger
    (entry,) = ledger.record(day.now, (EntryKind.HEALTH, b"{}" + b" " * 1022))
    honest = count_of(entry, 1024)
    assert honest.kernel is not None
    kernel = KernelBytes(honest.kernel.sent_bytes + more)
    wrote = honest.mqtt_bytes + (0 if beside else more)
    ledger.note(
        day.now, (EntryKind.TRAFFIC, asdict(replace(honest, kernel=kernel, mqtt_bytes=wrote)))
    )
    found = problems(day.path)
    assert found == ([("unreconciled", entry + 1)] if more else [])


def count_of(entry: int, size: int) -> Traffic:
    wrote = size + 20
    kernel = KernelBytes(wrote, 0, wrote, 0)
    sent = ((entry, entry),)
    return Traffic(False, 0, 0, sent, (), 1, size, size, 0, 0, wrote, 0, 0, kernel)


def test_what_arrived_without_an_entry_is_named(day: Device) -> None:
    beat = day.beat()
    window = day.outbox.pending(1)[0].payload
    assert problems(day.path, payloads=[beat, window]) == []
    assert problems(day.path, payloads=[beat, b"smuggled"]) == [("unledgered", 0)]


def test_a_ledger_is_read_without_a_trace(day: Device) -> None:
    day.outbox.close()
    folder = day.path.parent
    before = {one.name: one.read_bytes() for one in folder.iterdir()}
    assert verify(day.path).holds
    assert {one.name: one.read_bytes() for one in folder.iterdir()} == before


def test_a_journal_without_its_process_is_read_too(day: Device, tmp_path: Path) -> None:
    (tmp_path / "card").mkdir()
    for name in ("outbox.sqlite", "outbox.sqlite-wal"):
        shutil.copy(day.path.with_name(name), tmp_path / "card" / name)
    assert verify(tmp_path / "card" / "outbox.sqlite").last == 30
    assert len(list((tmp_path / "card").iterdir())) == 2


@pytest.mark.parametrize("content", [None, b"", b"no database at all" * 99])
def test_what_is_no_device_s_database_is_told(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(LedgerInputError, match=r"outbox\.sqlite"):
        verify(path)


LOSSES: dict[str, Callable[[sqlite3.Connection], object]] = {
    "rows": lambda database: database.execute("DELETE FROM ledger"),
    "rows and their key": lambda database: database.executescript(
        "DELETE FROM ledger; DELETE FROM meta WHERE key LIKE 'ledger%'"
    ),
}


@pytest.mark.parametrize("name", LOSSES)
def test_a_ledger_that_is_gone_is_missed(name: str, day: Device) -> None:
    head = day.head()
    day.outbox.close()
    database = sqlite3.connect(day.path)
    LOSSES[name](database)
    database.commit()
    database.close()
    kinds = {kind for kind, _ in problems(day.path, heads=[head])}
    assert kinds & {ProblemKind.MISSING, ProblemKind.UNSIGNED}
    assert ProblemKind.UNLEDGERED in kinds or ProblemKind.UNSIGNED in kinds


def test_a_leaf_depends_on_every_field() -> None:
    entry = Entry(3, EntryKind.WINDOW.value, int(NINE.timestamp()), bytes(32), 5, 1)
    leaves = {
        entry.leaf("00"),
        entry.leaf("01"),
        entry.leaf("00", 4),
        replace(entry, kind="health").leaf("00"),
        replace(entry, window=0).leaf("00"),
        replace(entry, sha256=b"\1" * 32).leaf("00"),
        replace(entry, size_bytes=6).leaf("00"),
        replace(entry, sequence=None).leaf("00"),
    }
    assert len(leaves) == 8
