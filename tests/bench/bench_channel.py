"""How coarse the records may be: what each layout costs in timing, and what it lets through.

The same films of the workshop (`tests/scenarios/workshop`) go to the engine as they are, and
through `pack` and `unpack` with one layout after another. For each layout, over the visits
that are matched both ways: by how much the absolute error of waiting and greeting grows, and
the channel's bounds at 30 records a second of a square picture, the worst there is.

A hair's difference anywhere can let two people be taken for each other, and then a visit's
error jumps by many seconds, to either side. So the growth is told twice: of all visits, with
the 95 % interval of a bootstrap over visits; and of those that did not jump (by more than
`JUMP_S`), with the share of those that did. `shaken` shows what of that is chance: boxes
moved by up to a tenth of a pixel, and not rounded at all.

Where the shop fills a part of the picture alone, a step is as much larger to it: 2047 steps
across the picture are 1023 across its half.

A second table sends a lively hall (`crowd.py`) through fewer fields than it has people.

usage: python -m tests.bench.bench_channel [--scenes NAME,…] [--seeds 101-102] [--layouts NAME,…]
                                           [--save FILE] [--add FILE …] [--no-crowd]
"""

from __future__ import annotations

import argparse
import os
import pickle
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from edge.engine import Engine
from edge.rows import RowCollector
from firmware_cfg.record import FrameRecord, pack, unpack
from firmware_cfg.record_layout import LAYOUT, Layout, bound_bps, face_template_s, raw_bound_bps
from tests.bench.crowd import crowd, hall
from tests.scenarios.workshop.film import Film, film
from tests.scenarios.workshop.found import Found, FoundVisit, of_visit
from tests.scenarios.workshop.scenes import SCENES, day
from tests.scenarios.workshop.score import Score, matches, record_ends, score
from tests.scenarios.workshop.timing import timed
from tests.scenarios.workshop.truth import truth_of

SOME = "plain,five_a_second,tight_line,families,staff_away,uncalibrated"
AS_IT_IS, SHAKEN = "as it is", "shaken"
SHAKEN_PX = 0.1
JUMP_S = 1.0
LAYOUTS: dict[str, Layout] = {
    "4095 steps": replace(LAYOUT, coordinate_steps=4095),
    "2047 steps": replace(LAYOUT, coordinate_steps=2047),
    "1023 steps": replace(LAYOUT, coordinate_steps=1023),
    "511 steps": replace(LAYOUT, coordinate_steps=511),
    "255 steps": replace(LAYOUT, coordinate_steps=255),
    "127 steps": replace(LAYOUT, coordinate_steps=127),
    "scores 1/50": replace(LAYOUT, score_steps=50),
    "scores 1/10": replace(LAYOUT, score_steps=10),
    "scores 1/5": replace(LAYOUT, score_steps=5),
    "time 1 ms": replace(LAYOUT, time_hz=1000),
    "time 20 ms": replace(LAYOUT, time_hz=50),
}
MOST_PEOPLE = (64, 48, 32, 16)
CROWD_PLACES, CROWD_FPS, CROWD_END_S = 64, 10.0, 180.0
DRAWS = 2000

Errors = dict[int, tuple[float | None, float | None]]
Key = tuple[str, int]


@dataclass(frozen=True)
class Result:
    """One day through one layout: the score, and by true visit the errors of two durations."""

    score: Score
    errors: Errors


def through(records: Iterable[FrameRecord], layout: Layout) -> list[FrameRecord]:
    """The records as the reader gets them."""
    return [unpack(pack(record, layout), layout) for record in records]


def shaken(records: Iterable[FrameRecord], seed: int) -> list[FrameRecord]:
    """The records with each edge moved by up to `SHAKEN_PX`."""
    chance = np.random.default_rng(seed)
    return [
        replace(
            one,
            boxes_xyxy_px=one.boxes_xyxy_px
            + chance.uniform(-SHAKEN_PX, SHAKEN_PX, one.boxes_xyxy_px.shape),
        )
        for one in records
    ]


def run(job: Key, names: Sequence[str]) -> dict[str, Result]:
    """Simulate and film one day; time it as it is and through each layout."""
    scene = next(one for one in SCENES if one.name == job[0])
    shown = day(scene, job[1])
    truth, recorded = truth_of(shown).visits, film(shown, scene.conditions, job[1])
    ends_s = record_ends(shown)
    films = {AS_IT_IS: recorded}
    for name in names:
        layout = LAYOUTS.get(name)
        films[name] = Film(
            through(recorded.records, layout) if layout else shaken(recorded.records, job[1]),
            recorded.boxes,
        )
    results = {}
    for name, one in films.items():
        found = timed(scene, one).visits
        errors = {
            t: (
                _less(found[f].waiting_s, truth[t].waiting_s),
                _less(found[f].greeting_s, truth[t].greeting_s),
            )
            for t, f in matches(truth, found, ends_s)
        }
        results[name] = Result(score(truth, found, ends_s), errors)
    return results


def _less(found_s: float | None, true_s: float | None) -> float | None:
    return None if found_s is None or true_s is None else found_s - true_s


def growth(
    results: dict[Key, dict[str, Result]], name: str, which: int
) -> tuple[float, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """Mean absolute error through a layout, and by visit how much larger than as it is, s."""
    errors, grown = [], []
    for one in results.values():
        before, after = one[AS_IT_IS].errors, one[name].errors
        for visit in before.keys() & after.keys():
            a, b = before[visit][which], after[visit][which]
            if a is not None and b is not None:
                errors.append(abs(b))
                grown.append(abs(b) - abs(a))
    return float(np.mean(errors)), np.array(grown)


def row(results: dict[Key, dict[str, Result]], name: str) -> str:
    """A line of the table."""
    total = sum((one[name].score for one in results.values()), Score())
    cells = [f"{name:11s}", f"{total.f1:.4f}"]
    for which in (0, 1):
        mean_s, grown = growth(results, name, which)
        if name == AS_IT_IS:
            cells.append(f"{mean_s:5.2f} {'':36s}")
            continue
        draws = np.random.default_rng(1).choice(grown, (DRAWS, len(grown))).mean(axis=1)
        low, high = np.percentile(draws, [2.5, 97.5])
        jumped = abs(grown) > JUMP_S
        cells.append(
            f"{mean_s:5.2f} {grown.mean():+.3f} [{low:+.2f} {high:+.2f}] "
            f"{jumped.mean():5.1%} {grown[~jumped].mean():+.4f}"
        )
    if name in LAYOUTS:
        layout = LAYOUTS[name]
        bps = bound_bps(layout)
        cells.append(
            f"{layout.record_bytes * 8:5d} {raw_bound_bps(layout) / 1e3:6.1f} {bps / 1e3:6.1f} "
            f"{face_template_s(bps):.3f}"
        )
    return "  ".join(cells)


def show(results: dict[Key, dict[str, Result]]) -> None:
    """Print the first table."""
    visits = sum(one[AS_IT_IS].score.tp + one[AS_IT_IS].score.fn for one in results.values())
    print(f"{len(results)} days of {len({name for name, _ in results})} scenes, {visits} visits")
    columns = "error growth [95 %]      jumped  others"
    print(f"{'':11s}  {'':6s}  {'waiting, s':42s}  {'greeting, s':42s}  a record  raw  bound  face")
    print(f"{'layout':11s}  {'F1':6s}  {columns:42s}  {columns:42s}  bits  kbit/s  kbit/s     s")
    for name in (AS_IT_IS, SHAKEN, *LAYOUTS):
        if all(name in one for one in results.values()):
            print(row(results, name))


def show_crowd() -> None:
    """Print the second table."""
    records = crowd(CROWD_PLACES, CROWD_FPS, CROWD_END_S, 1)
    counts = [len(record.scores) for record in records]
    print(f"\na hall: {np.mean(counts):.1f} boxes a frame on average, {max(counts)} at most")
    print("people  boxes lost  full frames  visits  same  waiting differs, s  bound, kbit/s")
    whole: list[FoundVisit] = []
    for most in MOST_PEOPLE:
        layout = replace(LAYOUT, most_people=most)
        sent = through(records, layout)
        found, lost = _visits(sent), 1 - sum(len(one.scores) for one in sent) / sum(counts)
        whole = whole or found
        pairs: list[tuple[Found, Found]] = [
            (whole[a], found[b]) for a, b in matches(whole, found, (CROWD_END_S,))
        ]
        differs = [abs(d) for a, b in pairs if (d := _less(b.waiting_s, a.waiting_s)) is not None]
        full = sum(count > most for count in counts) / len(counts)
        print(
            f"{most:6d}  {lost:10.1%}  {full:11.1%}  {len(found):6d}  {len(pairs):4d}  "
            f"{np.mean(differs):19.2f}  {bound_bps(layout) / 1e3:13.1f}"
        )


def _visits(records: list[FrameRecord]) -> list[FoundVisit]:
    site = hall()
    engine, rows = Engine(site), RowCollector(site.encounter.settle_s)
    for record in records:
        rows.frame(record, engine, engine.step(record))
    rows.finish(engine)
    return [of_visit(visit) for visit in rows.visits()]


def main() -> None:
    """Run the days on every core and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenes", default=SOME, help="names, with commas between")
    parser.add_argument("--seeds", default="101-102", help="first-last")
    parser.add_argument(
        "--layouts", default=",".join((SHAKEN, *LAYOUTS)), help="names, with commas between"
    )
    parser.add_argument("--save", type=Path, help="keep the results")
    parser.add_argument(
        "--add", type=Path, nargs="*", default=[], help="kept results of other days"
    )
    parser.add_argument("--no-crowd", action="store_true")
    options = parser.parse_args()
    first, _, last = options.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)
    names = [name for name in options.layouts.split(",") if name]
    jobs = [(scene, seed) for scene in options.scenes.split(",") if scene for seed in seeds]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        days = pool.map(partial(run, names=names), jobs)
        results = dict(zip(jobs, days, strict=True))
    if options.save:
        options.save.write_bytes(pickle.dumps(results))
    for path in options.add:
        results |= pickle.loads(path.read_bytes())  # noqa: S301 - what --save wrote
    if results:
        show(results)
    if not options.no_crowd:
        show_crowd()


if __name__ == "__main__":
    main()
