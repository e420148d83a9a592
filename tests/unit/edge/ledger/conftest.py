"""A small ledger with one of everything, written by the product's own code."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edge.ledger.changes import Changes
from edge.ledger.entry import EntryKind
from edge.ledger.head import Head
from edge.ledger.in_force import in_force
from edge.ledger.pruning import oldest_stamp
from edge.outbox import Outbox
from edge.testing import a_site
from firmware_cfg.codec import encode
from firmware_cfg.messages import Coverage, Health, State, Window

DEVICE = "kiosk-7"
NINE = datetime(2027, 3, 1, 9, tzinfo=UTC)
DAY_S = 86_400.0


@dataclass
class Device:
    """An outbox with its ledger, and a clock that is told what time it is."""

    outbox: Outbox
    path: Path
    now: datetime = NINE
    elapsed_s: float = 0.0

    def __post_init__(self) -> None:
        self.outbox.ledger.monotonic_s = lambda: self.elapsed_s

    def restart(self) -> None:
        """Close the outbox and open it again."""
        self.outbox.close()
        self.outbox = Outbox(self.path, 4, DEVICE, None)
        self.outbox.ledger.monotonic_s = lambda: self.elapsed_s

    def run_for(self, days: float, told_days: float | None = None) -> None:
        """The device runs for so long; the wall clock moves by `told_days`, if it is wrong.

        Something is recorded each day, of which only the look at what is old counts here.
        """
        began_s = self.elapsed_s
        self.now += timedelta(days=days if told_days is None else told_days)
        while self.elapsed_s < began_s + days * DAY_S:
            self.elapsed_s = min(self.elapsed_s + DAY_S, began_s + days * DAY_S)
            ledger = self.outbox.ledger
            with ledger._database.transaction() as database:
                oldest = oldest_stamp(database)
            if oldest is not None:
                ledger._ageing.limit(self.now, self.elapsed_s, oldest)

    def head(self) -> Head:
        kept = self.outbox.ledger.head()
        assert kept is not None
        return Head.from_wire(kept)

    def beat(self, minutes: int = 1) -> bytes:
        self.now += timedelta(minutes=minutes)
        payload = encode(
            Health(
                device=DEVICE,
                at=self.now,
                software="0.1.0",
                model="nanodet",
                uptime_s=max(0, int((self.now - NINE).total_seconds())),
                disk_free_mb=9999,
                clock="rtc",
                ledger=self.outbox.ledger.head(),
            )
        )
        self.outbox.ledger.record(self.now, (EntryKind.HEALTH, payload))
        return payload

    def window(self) -> int:
        return self.outbox.append(self._window, b"")

    def start(self) -> None:
        """What a start writes."""
        Changes(self.outbox.ledger, lambda: in_force(a_site(), 10, 1800)).follow(self.now)
        state = [State(device=DEVICE, online=on, epoch=self.outbox.epoch) for on in (False, True)]
        will, birth = (encode(one) for one in state)
        self.outbox.ledger.record(self.now, (EntryKind.WILL, will), (EntryKind.STATE, birth))

    def _window(self, epoch: str, seq: int) -> bytes:
        start = NINE + timedelta(minutes=30 * (seq - 1))
        return encode(
            Window(
                device=DEVICE,
                epoch=epoch,
                sequence=seq,
                start=start,
                end=start + timedelta(minutes=30),
                definition_version=1,
                geometry_hash="0" * 64,
                expectations_hash="0" * 64,
                model="nanodet",
                coverage=Coverage.FULL,
                clock="rtc",
            )
        )


@pytest.fixture
def device(tmp_path: Path) -> Iterator[Device]:
    path = tmp_path / "outbox.sqlite"
    one = Device(Outbox(path, 4, DEVICE, None), path)
    yield one
    one.outbox.close()


@pytest.fixture
def day(device: Device) -> Device:
    """A morning: a start, windows, heartbeats; 5 + 24 entries."""
    device.start()
    for _ in range(4):
        device.window()
        for _ in range(5):
            device.beat(6)
    return device
