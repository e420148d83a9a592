"""Time a frame of tracking and visits, beside the peer, with 10 and with 50 people in view.

Ours is `Engine.step`: tracks, zones, roles, engagements, parties, visits. The peer is
`trackers` ByteTrack, a `supervision` PolygonZone for each zone, and a timer for each id and
zone, in its own environment (`peer_tracking.py`). Both take the same boxes from memory, on
one thread of the same processor, in turn, `--rounds` times; the first minute, in which the
hall fills and visits open, is not counted. A frame's time is its median over the rounds;
the table shows the median and the 90th percentile of the frames. Another table tells what
asking for the open visits costs, which the live page does twice a second.

usage: python -m tests.bench.bench_tracking [--rounds 3] [--cpu 0]
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from edge.engine import Engine
from edge.visits.values import Visit
from firmware_cfg.record import FrameRecord
from firmware_cfg.site import Site
from tests.bench.crowd import crowd, hall

ROOT = Path(__file__).resolve().parents[2]
PEER_PYTHON = ROOT / ".venv-bench" / "bin" / "python"
PEER = ROOT / "tests" / "bench" / "peer_tracking.py"
FPS = 10.0
WARM_UP_S, END_S = 60.0, 120.0
PLACES = {10: 11, 50: 64}  # people in view: size of the crowd, some of whom others hide
LOOK_FRAMES = 50
PEER_RATIO, CROWD_RATIO = 2.0, 6.0


@dataclass
class Case:
    """A crowd, and what each round measured.

    Attributes:
        ours_us, peer_us: of each round, microseconds of each frame after the warm-up.
        look_ms: milliseconds of each look at the open visits.
        open_visits: how many there were, at each look.
        visits: how many the engine made of the whole record.
    """

    people: int
    records: list[FrameRecord]
    ours_us: list[list[float]] = field(default_factory=list)
    peer_us: list[list[float]] = field(default_factory=list)
    look_ms: list[float] = field(default_factory=list)
    open_visits: list[int] = field(default_factory=list)
    visits: int = 0

    @property
    def first(self) -> int:
        """Index of the first frame that counts."""
        return next(i for i, record in enumerate(self.records) if record.t_s >= WARM_UP_S)

    @property
    def boxes(self) -> float:
        """Boxes in a frame, on average."""
        return statistics.mean(len(record.scores) for record in self.records[self.first :])


def save_crowd(case: Case, site: Site, path: Path) -> None:
    """The same frames and zones for the peer."""
    records = case.records
    np.savez(
        path,
        boxes=np.concatenate([record.boxes_xyxy_px for record in records]),
        scores=np.concatenate([record.scores for record in records]),
        starts=np.cumsum([0, *(len(record.scores) for record in records)]),
        times_s=np.array([record.t_s for record in records]),
        site=np.array(site.model_dump_json(include={"queue", "service_point"})),
        fps=np.array(FPS),
    )


def time_engine(case: Case, site: Site) -> None:
    """A round of ours."""
    engine, took_us = Engine(site), list[float]()
    for record in case.records:
        began_ns = time.perf_counter_ns()
        engine.step(record)
        took_us.append((time.perf_counter_ns() - began_ns) / 1e3)
    case.ours_us.append(took_us[case.first :])


def time_looks(case: Case, site: Site) -> None:
    """A round of its own for what the page asks, so that it does not disturb the steps."""
    engine, events = Engine(site), []
    for index, record in enumerate(case.records):
        events += engine.step(record)
        if index < case.first or index % LOOK_FRAMES:
            continue
        began_ns = time.perf_counter_ns()
        open_visits = engine.open_visits()
        case.look_ms.append((time.perf_counter_ns() - began_ns) / 1e6)
        case.open_visits.append(len(open_visits))
    events += engine.finish()
    case.visits = sum(isinstance(event, Visit) for event in events)


def start_peer(path: Path) -> subprocess.Popen[str] | None:
    """The peer, which waits for its rounds; None where it is not installed."""
    if not PEER_PYTHON.exists():
        return None
    command = [str(PEER_PYTHON), str(PEER), str(path)]
    single = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **single},
    )


def time_peer(case: Case, peer: subprocess.Popen[str]) -> None:
    """A round of the peer."""
    if peer.stdin is None or peer.stdout is None:
        raise SystemExit("the peer has no pipes")
    print("round", file=peer.stdin, flush=True)
    line = peer.stdout.readline()
    if not line:
        raise SystemExit(peer.wait() or 1)
    case.peer_us.append(json.loads(line)[case.first :])


def measure(case: Case, site: Site, rounds: int) -> None:
    """Every round of a crowd, in turn."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "crowd.npz"
        save_crowd(case, site, path)
        peer = start_peer(path)
        for _ in range(rounds):
            gc.collect()
            time_engine(case, site)
            if peer is not None:
                time_peer(case, peer)
        if peer is not None:
            peer.communicate()
    time_looks(case, site)


def frames_us(rounds: list[list[float]]) -> tuple[float, float, float]:
    """Median, 90th percentile and mean of the frames, each by its median round."""
    frames = np.median(np.array(rounds), axis=0)
    return float(np.median(frames)), float(np.percentile(frames, 90)), float(frames.mean())


def verdict(ratio: float, most: float) -> str:
    """A ratio beside what it may be."""
    return f"{ratio:.2f} (at most {most:g}: {'met' if ratio <= most else 'NOT met'})"


def print_tables(cases: list[Case], rounds: int) -> None:
    """What was measured."""
    print(f"{FPS:g} frames a second, one thread, one processor, {rounds} rounds in turn\n")
    print("| in view | boxes a frame | what | µs a frame | 90 % below | mean | to the peer |")
    print("|---|---|---|---|---|---|---|")
    for case in cases:
        print(row(case, "tracking and visits", case.ours_us))
        if case.peer_us:
            print(row(case, "ByteTrack, zones, timers", case.peer_us))
        else:
            print("| | | peer not installed: make bench installs it | | | | |")
    print("\n| in view | visits made | open at a look | ms a look |")
    print("|---|---|---|---|")
    for case in cases:
        count, look_ms = statistics.mean(case.open_visits), statistics.median(case.look_ms)
        print(f"| {case.people} | {case.visits} | {count:.1f} | {look_ms:.1f} |")
    few, many = cases
    ours_us = frames_us(few.ours_us)[0]
    print()
    if few.peer_us:
        to_peer = verdict(ours_us / frames_us(few.peer_us)[0], PEER_RATIO)
        print(f"ours to the peer, {few.people} people: {to_peer}")
    growth = verdict(frames_us(many.ours_us)[0] / ours_us, CROWD_RATIO)
    print(f"ours, {many.people} people to {few.people}: {growth}")


def row(case: Case, what: str, rounds_us: list[list[float]]) -> str:
    """One row of the table."""
    median_us, most_us, mean_us = frames_us(rounds_us)
    ratio = f"{median_us / frames_us(case.peer_us)[0]:.2f}" if case.peer_us else ""
    start = f"| {case.people} | {case.boxes:.1f} | {what} |"
    return f"{start} {median_us:.0f} | {most_us:.0f} | {mean_us:.0f} | {ratio} |"


def main() -> None:
    """Measure and print."""
    command = argparse.ArgumentParser(description=__doc__)
    command.add_argument("--rounds", type=int, default=3)
    command.add_argument("--cpu", type=int, default=0)
    options = command.parse_args()
    os.sched_setaffinity(0, {options.cpu})
    site = hall()
    cases = [Case(people, crowd(places, FPS, END_S, 1)) for people, places in PLACES.items()]
    for case in cases:
        measure(case, site, options.rounds)
    print_tables(cases, options.rounds)


if __name__ == "__main__":
    main()
