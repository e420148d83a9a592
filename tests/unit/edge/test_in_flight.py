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
        make(one)
    yield one
    one.close()


def make(outbox: Outbox) -> None:
    """One more message: its sequence."""
    outbox.append(lambda _epoch, seq: str(seq).encode(), b"")


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


def test_what_is_made_during_a_connection_leaves_before_what_waited_for_it(outbox: Outbox) -> None:
    flight, wire = InFlight(outbox, SLOTS, TIMING), Wire()
    flight.begin(0.0)
    flight.send(wire, 0.0)
    assert wire.took() == [1, 2, 3]
    make(outbox)
    flight.send(wire, 1.0)
    assert wire.took() == [21, 4, 5]
    make(outbox)
    make(outbox)
    flight.send(wire, 2.0)
    assert wire.took() == [23, 6, 7]


def test_a_new_message_waits_for_a_slot_at_the_broker_and_for_nothing_else(outbox: Outbox) -> None:
    flight, wire = InFlight(outbox, SLOTS, TIMING), Wire()
    flight.begin(0.0)
    for at_s in range(4):
        flight.send(wire, float(at_s))
        wire.unacknowledged.clear()
    assert wire.took() == list(range(1, 13))  # as many as may be out
    wire.unacknowledged.update(range(SLOTS))
    make(outbox)
    flight.send(wire, 5.0)
    assert wire.took() == []
    flight.send(wire, 6.0)
    assert wire.took() == [21]


def test_each_message_leaves_once_whatever_order_they_are_made_in(
    outbox: Outbox, signer: AckSigner
) -> None:
    flight, wire, now = InFlight(outbox, SLOTS, TIMING), Wire(), ManualClock().utc_now()
    flight.begin(0.0)
    sent: list[int] = []
    for turn in range(60):
        if turn % 4 == 0 and turn < 24:
            make(outbox)
        flight.send(wire, float(turn))
        sent += wire.took()
        settled = next(n for n in range(1, 99) if n not in sent) - 1
        if (
            settled
            and outbox.settle(signer.ack(outbox.epoch, settled, str(settled).encode()), now).newly
        ):
            flight.settled(settled, float(turn))
    assert sorted(sent) == list(range(1, 27))
    assert sent != sorted(sent)


def test_after_silence_what_is_new_leaves_first_again(outbox: Outbox) -> None:
    flight, wire = InFlight(outbox, 1, TIMING), Wire(limit=9)
    flight.begin(0.0)
    make(outbox)
    flight.send(wire, 0.0)
    assert wire.took() == [21, 1, 2, 3]
    flight.send(wire, 10.0)
    assert wire.took() == [21, 1, 2, 3]
    flight.begin(11.0)  # a new connection: by now it has waited too
    flight.send(wire, 11.0)
    assert wire.took() == [1, 2, 3, 4]
