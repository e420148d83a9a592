"""What is on its way: slots are filled, silence means again, and a settled message is not out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edge.in_flight import InFlight
from edge.outbox import Outbox
from edge.testing import AckSigner, ManualClock
from edge.timing import Timing
from firmware_cfg.topics import Kind

DEVICE = "kiosk-7"
TIMING = Timing(resend_s=10.0, resend_most_s=30.0)
SLOTS = 3


@dataclass
class Wire:
    """A link that remembers what was sent."""

    limit: int = SLOTS
    unacknowledged: set[int] = field(default_factory=set)
    sent: list[int] = field(default_factory=list)

    def publish(self, kind: Kind, payload: bytes) -> None:
        assert kind is Kind.WINDOW
        self.sent.append(int(payload))
        self.unacknowledged.add(len(self.sent))

    def took(self) -> list[int]:
        """What was sent since it was asked last; the broker has acknowledged it."""
        sent, self.sent = self.sent, []
        self.unacknowledged.clear()
        return sent


@pytest.fixture
def signer() -> AckSigner:
    return AckSigner(DEVICE)


@pytest.fixture
def outbox(tmp_path: Path, signer: AckSigner) -> Iterator[Outbox]:
    one = Outbox(tmp_path / "outbox.sqlite", 4, DEVICE, signer.public_hex)
    for _ in range(20):
        one.append(lambda _epoch, seq: str(seq).encode(), b"")
    yield one
    one.close()


def test_no_more_leaves_than_there_are_slots_at_the_broker(outbox: Outbox) -> None:
    flight, wire = InFlight(outbox, SLOTS, TIMING), Wire()
    flight.begin(0.0)
    flight.send(wire, 0.0)
    flight.send(wire, 1.0)
    assert wire.took() == [1, 2, 3]
    flight.send(wire, 2.0)
    assert wire.took() == [4, 5, 6]


def test_no_more_is_out_than_four_times_the_slots(outbox: Outbox) -> None:
    flight, wire = InFlight(outbox, SLOTS, TIMING), Wire()
    flight.begin(0.0)
    taken = []
    for at_s in range(9):
        flight.send(wire, float(at_s))
        taken += wire.took()
    assert taken == list(range(1, 13))


def test_silence_sends_all_again_after_pauses_that_double(outbox: Outbox) -> None:
    flight, wire = InFlight(outbox, 1, TIMING), Wire(limit=9)
    flight.begin(0.0)
    times = []
    for at_s in range(120):
        flight.send(wire, float(at_s))
        times += [at_s] if 1 in wire.took() else []
    assert times == [0, 10, 30, 60, 90]


def test_what_is_settled_makes_room_and_ends_the_silence(outbox: Outbox, signer: AckSigner) -> None:
    flight, wire = InFlight(outbox, 1, TIMING), Wire(limit=9)
    flight.begin(0.0)
    flight.send(wire, 0.0)
    flight.send(wire, 10.0)
    assert wire.took() == [1, 2, 3, 4] * 2
    outbox.settle(signer.ack(outbox.epoch, 3, b"3"), ManualClock().utc_now())
    flight.settled(3, 19.0)
    flight.send(wire, 19.0)
    assert wire.took() == [5, 6, 7]
    flight.send(wire, 28.9)
    assert wire.took() == []
    flight.send(wire, 29.0)
    assert wire.took() == [4, 5, 6, 7]
