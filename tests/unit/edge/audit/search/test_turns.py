"""What says which frame it was is found; what only depends on the scene is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge.audit.canary.emitted import Record
from edge.audit.canary.markers import turns
from edge.audit.instruments.network import Packet
from edge.audit.search.turns import Told, told
from firmware_cfg.record import FrameRecord, pack
from firmware_cfg.record_layout import LAYOUT

SEED = "33" * 16
FRAMES = 160


def records(*, low_bit: int | None = None, late: int = 0, gap_s: float = 0.0) -> list[Record]:
    """Records of a wandering person; with `low_bit`, a cell's turn in the score's last bit."""
    rng, coins, at_s = np.random.default_rng(5), turns(SEED, FRAMES), 1000.0
    found = []
    for number in range(1, FRAMES + 1):
        turn = bool(coins[max(0, number - 1 - late), low_bit or 0])
        left = 100 + 40 * np.sin(number / 9) + rng.normal()
        score = int(rng.integers(10, 14)) // 2 * 2 + (turn if low_bit is not None else 0)
        box, scores = np.array([[left, 50, left + 40, 150]]), np.array([score / LAYOUT.score_steps])
        record = FrameRecord(number, number * 1_000_000, (416, 240), box, scores)
        at_s += 0.03 + rng.uniform(0, 0.004) + gap_s * turn
        found.append(Record(at_s, pack(record)))
    return found


def packets(of: list[Record], *, by_turn: bool) -> list[Packet]:
    coins = turns(SEED, FRAMES)
    rng = np.random.default_rng(6)
    said = coins[:, 3] if by_turn else rng.integers(0, 2, FRAMES).astype(bool)
    return [
        Packet(one.at_s + 0.001, bytes(60 + 8 * bit)) for one, bit in zip(of, said, strict=True)
    ]


def test_a_scene_says_nothing_of_the_turn() -> None:
    plain = records()
    found = told(SEED, plain, packets(plain, by_turn=False))
    assert found.telling == ()
    assert max(one.z for one in found.strongest) > 1.0  # it did look


LEAKS: dict[str, tuple[list[Record], bool, str]] = {
    "low bit": (records(low_bit=4), False, "a bit of the records"),
    "low bit, two frames late": (records(low_bit=4, late=2), False, "2 frames late"),
    "time between records": (records(gap_s=0.01), False, "time between records"),
    "bytes on the wire": (records(), True, "wire"),
}


@pytest.mark.parametrize("name", LEAKS)
def test_what_tells_the_turn_is_found(name: str) -> None:
    given, on_wire, series = LEAKS[name]
    found: Told = told(SEED, given, packets(given, by_turn=on_wire))
    assert [series in one.series for one in found.telling] == [True]


def test_the_seed_of_another_film_finds_nothing() -> None:
    assert told("44" * 16, records(low_bit=4), ()).telling == ()


def test_a_record_that_cannot_be_read_counts_by_its_place() -> None:
    given = [replace(one, data=b"\0" * len(one.data)) for one in records()]
    assert told(SEED, given, ()).telling == ()
