"""Hostile records against the reader: what it accepts, `pack` must have been able to write.

| kind | what |
|---|---|
| random | bytes at random |
| flipped | a true record with one to four bits flipped |
| spliced | the beginning of one true record and the end of another |
| extreme | fields at and beyond their limits, people in and out of order |
| stream | true records cut, doubled, mixed up, too fast … through a real pipe and `RecordsPipe` |

A record that is accepted is packed again and must give the same bytes; of a stream, the
records that come out must be its beginning, byte for byte, and a broken one must end in an
error.

usage: python tests/bench/fuzz_records.py [--count 1000000] [--seed 1]
"""

from __future__ import annotations

import argparse
import os
import struct
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from edge.errors import StreamError
from edge.records_pipe import FEW, RecordsPipe
from firmware_cfg.errors import RecordError
from firmware_cfg.record import (
    MAX_PEOPLE,
    RECORD_BYTES,
    VERSION,
    CameraHealth,
    FrameRecord,
    Jail,
    Words,
    pack,
    unpack,
)
from firmware_cfg.record_layout import HEADER_BYTES, LAYOUT, grid
from firmware_cfg.record_stream import BURST

Chance = np.random.Generator
SIZES_PX = ((1280, 720), (768, 432), (640, 640), (64, 64), (16000, 9000), (300, 1))
POOL = 500
STREAM_SHARE = 0.1
LENGTHS = (60, 64 + FEW, 128)  # records of a stream; all of them fit into a pipe
STEP_US = 33_334


@dataclass(slots=True)
class Tally:
    """What became of the records.

    Attributes:
        accepted, refused: by kind; a stream counts all of its records.
        not_exact: accepted ones that `pack` would not have written.
    """

    accepted: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    not_exact: int = 0

    @property
    def tried(self) -> int:
        """How many records there were."""
        return self.accepted.total() + self.refused.total()


def a_record(chance: Chance, number: int, size_px: tuple[int, int] | None = None) -> FrameRecord:
    """A record as the camera process could send it, `STEP_US` after the one before."""
    size = size_px or SIZES_PX[int(chance.integers(len(SIZES_PX)))]
    people = int(chance.choice([0, 1, 2, 5, 20, MAX_PEOPLE - 1, MAX_PEOPLE, MAX_PEOPLE + 9]))
    corners = chance.random((people, 2, 2)) * size
    return FrameRecord(
        number,
        (number - 1) * STEP_US,
        size,
        np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1),
        chance.random(people),
        CameraHealth(int(chance.integers(4)) * 2),
    )


def _random(chance: Chance, pool: list[bytes]) -> bytes:  # noqa: ARG001 - as the others
    return chance.bytes(RECORD_BYTES)


def _flipped(chance: Chance, pool: list[bytes]) -> bytes:
    data = bytearray(pool[int(chance.integers(len(pool)))])
    for bit in chance.integers(RECORD_BYTES * 8, size=int(chance.integers(1, 5))).tolist():
        data[bit // 8] ^= 1 << bit % 8
    return bytes(data)


def _spliced(chance: Chance, pool: list[bytes]) -> bytes:
    one, other = chance.integers(len(pool), size=2).tolist()
    at = int(chance.integers(1, RECORD_BYTES))
    spliced: bytes = pool[one][:at] + pool[other][at:]
    return spliced


def _extreme(chance: Chance, pool: list[bytes]) -> bytes:  # noqa: ARG001 - as the others
    """Fields at and beyond their limits; one in thirty or so is a record all the same."""
    size_px = SIZES_PX[int(chance.integers(len(SIZES_PX)))]
    words = _extreme_people(chance, size_px)
    spread = np.unpackbits(words.astype(">u8").view(np.uint8)).reshape(-1, 64)
    body = np.packbits(spread[:, 64 - LAYOUT.person_bits :]).tobytes()
    header = _extreme_header(chance, size_px, len(words))
    data = bytearray((header + body).ljust(RECORD_BYTES, b"\0")[:RECORD_BYTES])
    if chance.random() < 0.1:
        data[int(chance.integers(HEADER_BYTES, RECORD_BYTES))] |= 1
    return bytes(data)


def _extreme_header(chance: Chance, size_px: tuple[int, int], people: int) -> bytes:
    width, height = size_px
    told = int(chance.choice([people] * 5 + [0, people + 1, MAX_PEOPLE + 1, 255]))
    health, jail = chance.choice([0, 0, 0, 0, 1, 2, 3, 4, 8, 255], 2).tolist()
    frame = int(chance.choice([0, 1, 1, 2, 2**31, 2**32 - 1]))
    sides = [(width, height)] * 5 + [(0, height), (width, 0), (0xFFFF, 0xFFFF)]
    sizes = sides[int(chance.integers(len(sides)))]
    flags = VERSION, health, jail, told & 0xFF
    stamp = bytes(5) if chance.random() < 0.5 else chance.bytes(5)
    return struct.pack("<2sBBBBHHI5s", b"EV", *flags, *sizes, frame, stamp)


def _extreme_people(chance: Chance, size_px: tuple[int, int]) -> Words:
    """Fields of people, most often in order."""
    people = int(chance.choice([0, 1, 2, 3, MAX_PEOPLE]))
    x, y = grid(LAYOUT, size_px).most[:2].tolist()
    last, score = (1 << LAYOUT.coordinate_bits) - 1, LAYOUT.score_steps
    beyond = int(chance.random() < 0.2)
    words = np.zeros(people, np.int64)
    for values, bits in (
        ([0, 1, x - 1], LAYOUT.coordinate_bits),
        ([0, 1, y - 1], LAYOUT.coordinate_bits),
        ([x - 1, x, x, min(x + beyond, last)], LAYOUT.coordinate_bits),
        ([y - 1, y, y, min(y + beyond, last)], LAYOUT.coordinate_bits),
        ([0, score, score - 1, score + beyond], LAYOUT.score_bits),
    ):
        words = words << bits | chance.choice(np.maximum(values, 0), people)
    return np.unique(words) if chance.random() < 0.7 else words


KINDS: dict[str, Callable[[Chance, list[bytes]], bytes]] = {
    "random": _random,
    "flipped": _flipped,
    "spliced": _spliced,
    "extreme": _extreme,
}


def fuzz(count: int, seed: int) -> Tally:
    """Give `count` hostile records to the reader, a tenth of them in streams."""
    chance, tally = np.random.default_rng(seed), Tally()
    pool = [pack(a_record(chance, number)) for number in range(1, POOL)]
    makers = list(KINDS.items())
    for number in range(round(count * (1 - STREAM_SHARE))):
        kind, make = makers[number % len(makers)]
        data = make(chance, pool)
        try:
            record = unpack(data)
        except RecordError:
            tally.refused[kind] += 1
            continue
        tally.accepted[kind] += 1
        tally.not_exact += pack(record) != data
    while tally.tried < count:
        length = min(int(chance.choice(LENGTHS)), count - tally.tried)
        _fuzz_stream(chance, length, tally)
    return tally


def _fuzz_stream(chance: Chance, length: int, tally: Tally) -> None:
    size_px = SIZES_PX[int(chance.integers(len(SIZES_PX)))]
    start = int(chance.integers(1, 1000))
    stream = [a_record(chance, start + number, size_px) for number in range(length)]
    data, is_broken = _broken(chance, stream)
    found, failed = read_through_pipe(data)
    again = b"".join(map(pack, found))
    tally.accepted["stream"] += len(found)
    tally.refused["stream"] += length - len(found)
    whole = len(again) == len(data) and not failed
    if not data.startswith(again) or whole == is_broken or failed != is_broken:
        tally.not_exact += 1


def _broken(chance: Chance, stream: list[FrameRecord]) -> tuple[bytes, bool]:
    """The stream's bytes with something wrong in them, one time in ten with nothing.

    A change that one record alone does not show, as another picture, needs a second record.
    """
    at, several = int(chance.integers(len(stream))), len(stream) > 1
    packed = [pack(record) for record in stream]
    byte, is_broken = int(chance.integers(1, RECORD_BYTES)), True
    match int(chance.integers(10)):
        case 0:
            is_broken = False
        case 1:  # ends within a record
            packed[at:] = [packed[at][:byte]]
        case 2:  # some bytes are missing
            packed[at] = packed[at][:byte]
        case 3:  # some are too many
            packed[at] += chance.bytes(byte)
        case 4:  # another magic
            packed[at] = b"\0" + packed[at][1:]
        case 5:  # another picture
            packed[at], is_broken = pack(replace(stream[at], size_px=(1234, 567))), several
        case 6:  # another jail, in the middle of a life
            packed[at], is_broken = pack(replace(stream[at], jail=Jail.REDUCED)), several
        case 7:  # a frame number from nowhere
            packed[at] = pack(replace(stream[at], frame=stream[at].frame + 10**6))
        case 8:  # always the same record
            packed, is_broken = [packed[at]] * len(packed), len(packed) > BURST
        case _:  # twice as many as there may be
            packed = [pack(replace(one, t_us=one.t_us // 2)) for one in stream]
            is_broken = len(packed) > 2 * BURST + 1
    return b"".join(packed), is_broken


def read_through_pipe(data: bytes) -> tuple[list[FrameRecord], bool]:
    """What `RecordsPipe` makes of `data`, which fits into a pipe; whether it refused some."""
    reading, writing = os.pipe()
    found: list[FrameRecord] = []
    try:
        os.write(writing, data)
        os.close(writing)
        for batch in RecordsPipe(reading).batches(1.0):
            found += batch
    except StreamError:
        return found, True
    finally:
        os.close(reading)
    return found, False


def main() -> int:
    """Run and print what became of the records."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began_s = time.perf_counter()
    tally = fuzz(options.count, options.seed)
    print(f"{tally.tried} hostile records in {time.perf_counter() - began_s:.0f} s")
    for kind in [*KINDS, "stream"]:
        print(f"{kind:8s} {tally.refused[kind]:8d} refused {tally.accepted[kind]:7d} accepted")
    print(f"accepted, and not what pack writes: {tally.not_exact}")
    return int(tally.not_exact > 0)


if __name__ == "__main__":
    sys.exit(main())
