"""How well visits are found and timed: the project, an oracle and a peer on simulated days.

Every scene of `tests/scenarios/workshop/scenes.py` is simulated, several days each, with its
exact truth; filmed with a detector's faults; and timed by

* the project: `edge.engine.Engine`, from the detections alone;
* the oracle: the definitions on noisy boxes, with identity, role and party given (the floor);
* the peer: ByteTrack, polygon zones and a timer for each tracker id, in `.venv-bench`.

usage: python -m tests.bench.bench_encounters [--scenes NAME,…] [--seeds 101-105] [--misses]
                                              [--no-peer] [--errors FILE]

Seeds from 101 on are for reporting; while the code is worked on, others are looked at.
`--errors` writes the signed errors that `error_model.py` fits.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from firmware_cfg import DEFINITION_VERSION
from tests.bench.error_rows import error_row
from tests.scenarios.workshop.film import Film, film
from tests.scenarios.workshop.found import Found, FoundVisit, of_row
from tests.scenarios.workshop.oracle import oracle_visits
from tests.scenarios.workshop.role_score import role_counts
from tests.scenarios.workshop.scenes import SCENES, Scene, day
from tests.scenarios.workshop.score import Score, record_ends, score
from tests.scenarios.workshop.timing import timed
from tests.scenarios.workshop.told import misses, table
from tests.scenarios.workshop.truth import truth_of
from tests.scenarios.workshop.visit import Truth

ROOT = Path(__file__).resolve().parents[2]
PEER_PYTHON = ROOT / ".venv-bench" / "bin" / "python"
PEER = ROOT / "tests" / "bench" / "peer_encounters.py"
REPORTED = "101-105"


@dataclass(frozen=True)
class Result:
    """One day: how each did, and what went wrong, in words."""

    scene: str
    seed: int
    scores: dict[str, Score]
    wrong: list[str]
    errors: dict[str, object]


def run(job: tuple[str, int], peer: bool) -> Result:
    """Simulate, film and time one day."""
    name, seed = job
    scene = next(one for one in SCENES if one.name == name)
    shown = day(scene, seed)
    truth, recorded = truth_of(shown), film(shown, scene.conditions, seed)
    ends_s = record_ends(shown)
    ours = timed(scene, recorded)
    found, passers = ours.visits, (truth.passers_by, ours.passers_by)
    roles = role_counts(shown, recorded, ours.people)
    judge = partial(_judged, truth, ends_s)
    scores = {
        "project": score(truth.visits, found, ends_s, passers, roles),
        "oracle": judge(oracle_visits(shown, recorded)),
    }
    if peer:
        scores["peer"] = judge(peer_visits(scene, recorded))
    return Result(
        name,
        seed,
        scores,
        misses(truth.visits, found, ends_s),
        error_row(truth.visits, found, ends_s, scene.shop.layout.site().encounter),
    )


def _judged(truth: Truth, ends_s: Sequence[float], found: Sequence[Found]) -> Score:
    return score(truth.visits, found, ends_s)


def peer_visits(scene: Scene, recorded: Film) -> list[FoundVisit]:
    """What the peer makes of the same detections."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        det, times, site, out = (
            folder / one for one in ("det.txt", "times.csv", "site.json", "visits.jsonl")
        )
        det.write_text("".join(_rows(recorded)))
        moments = (f"{record.frame},{record.t_s:.6f}\n" for record in recorded.records)
        times.write_text("frame,t_s\n" + "".join(moments))
        site.write_text(scene.shop.layout.site().model_dump_json(exclude_none=True))
        job = {
            "det": str(det),
            "times": str(times),
            "site": str(site),
            "fps": scene.conditions.fps,
            "out": str(out),
        }
        command = [str(PEER_PYTHON), str(PEER)]
        subprocess.run(command, input=json.dumps(job), text=True, check=True, capture_output=True)
        return [of_row(json.loads(line)) for line in out.read_text().splitlines()]


def _rows(recorded: Film) -> Iterable[str]:
    for record in recorded.records:
        for box, sure in zip(record.boxes_xyxy_px.tolist(), record.scores.tolist(), strict=True):
            x1, y1, x2, y2 = box
            yield (
                f"{record.frame},-1,{x1:.2f},{y1:.2f},{x2 - x1:.2f},{y2 - y1:.2f},"
                f"{sure:.3f},-1,-1,-1\n"
            )


def main() -> None:
    """Run the jobs on every core and print a table for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenes", help="names, with commas between; all without it")
    parser.add_argument("--seeds", default=REPORTED, help="first-last")
    parser.add_argument("--misses", action="store_true", help="say what was missed, day by day")
    parser.add_argument("--no-peer", action="store_true")
    parser.add_argument("--errors", type=Path, help="write the errors for error_model.py")
    parser.add_argument(
        "--model", default="nanodet-288x512-int8", help="whose faults the films have"
    )
    options = parser.parse_args()
    first, _, last = options.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)
    names = options.scenes.split(",") if options.scenes else [one.name for one in SCENES]
    jobs = [(name, seed) for name in names for seed in seeds]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(partial(run, peer=not options.no_peer), jobs))
    for who in results[0].scores:
        rows: dict[str, Score] = {}
        for one in results:
            rows[one.scene] = rows.get(one.scene, Score()) + one.scores[who]
        print(f"\n{who}\n{table(rows)}")
    if options.misses:
        for one in results:
            print(f"\n{one.scene} {one.seed}", *one.wrong, sep="\n  ")
    if options.errors:
        report = {
            "definition_version": DEFINITION_VERSION,
            "model": options.model,
            "source": f"tests/bench/bench_encounters.py --seeds {options.seeds}",
            "scenes": [one.errors for one in results],
        }
        options.errors.write_text(json.dumps(report))


if __name__ == "__main__":
    main()
