"""Hostile messages into every reader of the wire contract: no crash, nothing forbidden passes.

How they are made: `fuzz_messages_making`; who reads them: `fuzz_messages_readers`; what may be
accepted: `fuzz_messages_oracle`, by the published schemas and the stated invariants, and not by
the readers' own code. A second table shows how the slowest forms grow with their size.

usage: python tests/bench/fuzz_messages.py [--count 100000] [--seed 1] [--reader decode.window …]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import traceback
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parents[2]))

from firmware_cfg.codec import decode
from firmware_cfg.errors import MessageError
from firmware_cfg.messages import Reported, Window
from tests.bench.fuzz_messages_ends import DeviceReader, IngestReader
from tests.bench.fuzz_messages_grammar import KINDS
from tests.bench.fuzz_messages_making import BOMB, GOLDEN
from tests.bench.fuzz_messages_oracle import Judge
from tests.bench.fuzz_messages_readers import (
    DecodeReader,
    OpenedReader,
    PeekReader,
    Reader,
    TopicReader,
)

SIZES_KB = (40, 80, 160)
KEPT = 20


@dataclass(slots=True)
class Tally:
    """What became of one reader's messages.

    Attributes:
        accepted, refused: by the way they were made.
        slowest_s: most processor time in the reader, and the size of that message in bytes.
        complaints: the first of what the reader did wrong.
        wrong: how often it did.
    """

    accepted: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    slowest_s: tuple[float, int] = (0.0, 0)
    complaints: list[str] = field(default_factory=list)
    wrong: int = 0


def fuzz(reader: Reader, count: int) -> Tally:
    """Give `count` hostile messages to a reader."""
    tally = Tally()
    for _ in range(count):
        try:
            verdict = reader.give()
        except Exception:  # noqa: BLE001 - whatever comes out of a reader is its mistake
            tally.wrong += 1
            tally.complaints += [traceback.format_exc()[-1500:]] * (tally.wrong <= KEPT)
            continue
        (tally.accepted if verdict.accepted else tally.refused)[verdict.kind] += 1
        tally.slowest_s = max(tally.slowest_s, (verdict.took_s, verdict.size_bytes))
        if verdict.complaint:
            tally.wrong += 1
            tally.complaints += [f"{verdict.kind}: {verdict.complaint}"] * (tally.wrong <= KEPT)
    return tally


def readers(folder: Path, seed: int) -> dict[str, Callable[[], Reader]]:
    """Every reader by name, each with chances of its own."""
    judge = Judge()

    def chance() -> Random:
        return Random(seed)  # noqa: S311 - repeatable

    made: dict[str, Callable[[], Reader]] = {
        f"decode.{kind}": lambda kind=kind: DecodeReader(kind, chance(), judge)  # type: ignore[misc]
        for kind in KINDS
    }
    return made | {
        "peek": lambda: PeekReader(chance()),
        "opened": lambda: OpenedReader(chance()),
        "topic": lambda: TopicReader(chance()),
        "ingest": lambda: IngestReader(chance(), judge),
        "device": lambda: DeviceReader(folder, chance(), judge),
    }


def shapes() -> Iterator[tuple[str, type[Window | Reported], Callable[[int], bytes]]]:
    """Forms that cost a reader most, as functions of their size in bytes."""
    window = json.loads((GOLDEN / "window.json").read_bytes())
    reported = json.loads((GOLDEN / "reported.json").read_bytes())
    cell = window["cells"][0]

    def keys(size: int) -> bytes:
        return json.dumps(window | {f"k{at}": 1 for at in range(size // 11)}).encode()

    def buckets(size: int) -> bytes:
        wide = cell | {"waiting": {"scale": 1, "event": {f"a{at}": 1 for at in range(size // 11)}}}
        return json.dumps(window | {"cells": [wide]}).encode()

    def queues(size: int) -> bytes:
        return json.dumps(reported | {"queues": [{}] * (size // 4)}).encode()

    def digits(size: int) -> bytes:
        return json.dumps(window).replace('"sequence": 42', f'"sequence": {"9" * size}').encode()

    yield "unknown keys", Window, keys
    yield "unknown buckets", Window, buckets
    yield "empty queues", Reported, queues
    yield "a long number", Window, digits
    yield "a long text", Window, lambda size: json.dumps(window | {"model": "m" * size}).encode()
    yield "open brackets", Window, lambda size: b"[" * size
    yield "one key, repeated", Window, lambda size: b"{" + b'"kind":1,' * (size // 9) + b'"k":1}'
    yield "escapes", Window, lambda size: b'{"kind":"' + b"\\u0041" * (size // 6) + b'"}'


def cost(model: type[Window | Reported], payload: bytes) -> tuple[float, float]:
    """Milliseconds of processor time, the least of three, and MB at most that a refusal takes."""
    took_s = []
    for _ in range(3):
        began_s = time.thread_time()
        _refused(model, payload)
        took_s.append(time.thread_time() - began_s)
    tracemalloc.start()
    _refused(model, payload)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return 1e3 * min(took_s), peak_bytes / 1e6


def _refused(model: type[Window | Reported], payload: bytes) -> None:
    try:
        decode(model, payload)
    except MessageError:
        return
    raise AssertionError(f"accepted: {payload[:80]!r}")


def _growth() -> None:
    print(f"\n{'hostile form':20s}" + "".join(f"{size:>8d} KB" for size in SIZES_KB) + "   peak")
    for name, model, make in shapes():
        costs = [cost(model, make(size * 1024)) for size in SIZES_KB]
        row = "".join(f"{ms:8.1f} ms" for ms, _ in costs)
        print(f"{name:20s}{row}{costs[-1][1]:6.1f} MB")
    ms, peak_mb = cost(Window, BOMB)
    print(f"{f'bomb, {len(BOMB)} bytes for 16 MB':42s}{ms:8.1f} ms{peak_mb:6.1f} MB")


def main() -> int:
    """Run and print what became of the messages; 1 if any reader did anything wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--reader", action="append")
    options = parser.parse_args()
    wrong = 0
    print(f"{'reader':18s}{'messages':>9s}{'accepted':>9s}{'refused':>9s}{'wrong':>7s}  slowest")
    with tempfile.TemporaryDirectory() as folder:
        made = readers(Path(folder), options.seed)
        for name in options.reader or made:
            tally = fuzz(made[name](), options.count)
            accepted, refused = tally.accepted.total(), tally.refused.total()
            took_s, size_bytes = tally.slowest_s
            print(
                f"{name:18s}{options.count:9d}{accepted:9d}{refused:9d}{tally.wrong:7d}"
                f"{1e3 * took_s:8.1f} ms, {size_bytes} bytes",
                *tally.complaints,
                sep="\n  ",
                flush=True,
            )
            wrong += tally.wrong
    _growth()
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
