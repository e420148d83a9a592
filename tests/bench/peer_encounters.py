"""What a user would build today to time encounters, on top of `peer_tracking`.

Runs in an environment of its own (deploy/locks/bench.txt). Reads jobs as JSON lines from
standard input, `{"det": …, "times": …, "site": …, "fps": …, "out": …}` and, if wanted,
`"settings": {…}` (names of `Settings`); writes `visits.jsonl` rows to `out`, and tells each
file on standard output as a JSON line. With `--sweep` each job is run with a grid of
settings, each into a file of its own beside `out`, so that the best can be taken:
`star` varies one setting at a time, `full` all of them.

Identity is the tracker's id. All else follows the definitions as far as zones and timers
carry: stretches with short gaps bridged, the shortest stay, engagement and service, the
longest absence. Who was ever on a staff side for long enough is staff; that is known with
hindsight over the whole record. Nobody is in a party.

usage: python tests/bench/peer_encounters.py [--lost-s 10] … [--sweep star] < jobs.jsonl
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import supervision as sv
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.bench.peer_tracking import (
    FLICKER_S,
    Settings,
    Span,
    Stretches,
    Timers,
    count_frame,
    zones_of,
)

BORDER_S = 2.0  # who is there this soon after the start was there already; the end likewise
TERMS = {
    "min_stay_s": 5.0,
    "abandon_after_s": 15.0,
    "merge_s": 30.0,
    "engagement_gap_s": 3.0,
    "min_engagement_s": 2.0,
    "min_service_s": 5.0,
}
TURNS: dict[str, tuple[Any, ...]] = {
    "lost_s": (1.0, 3.0, 10.0, 30.0),
    "activation": (0.25, 0.4, 0.5, 0.6, 0.7, 0.8),
    "consecutive": (1, 2, 3, 5),
    "iou": (0.05, 0.1, 0.2, 0.3),
    "timed": (True, False),
    "centred": (True, False),
    "staff_s": (2.0, 5.0, 10.0),
}


@dataclass(frozen=True, eq=False)
class Record:
    """A job's input: times in seconds, and each frame's boxes (n, 5) with their scores, px."""

    site: Mapping[str, Any]
    fps: float
    times_s: Sequence[float]
    boxes: Sequence[NDArray[np.float64]]

    @property
    def terms(self) -> dict[str, float]:
        """The definitions' terms, as the site has them."""
        return TERMS | {k: v for k, v in self.site.get("encounter", {}).items() if k in TERMS}

    def runs(self) -> Iterator[range]:
        """Frames of each time of seeing: a long blindness begins a new one."""
        first = 0
        for index in range(1, len(self.times_s) + 1):
            last = index == len(self.times_s)
            if last or self.times_s[index] - self.times_s[index - 1] > self.terms["merge_s"]:
                yield range(first, index)
                first = index


def read_record(job: Mapping[str, Any]) -> Record:
    """The files of a job."""
    text = Path(job["site"]).read_text("utf-8")
    site = json.loads(text) if str(job["site"]).endswith(".json") else tomllib.loads(text)
    lines = Path(job["times"]).read_text("utf-8").split()[1:]
    frames = [int(line.split(",")[0]) for line in lines]
    times_s = [float(line.split(",")[1]) for line in lines]
    rows = [line.split(",")[:7] for line in Path(job["det"]).read_text("utf-8").split()]
    table = np.array(rows, float).reshape(-1, 7)
    table = table[np.argsort(table[:, 0], kind="stable")]
    table[:, 4:6] += table[:, 2:4]
    ends = np.searchsorted(table[:, 0], frames, "right")
    starts = np.searchsorted(table[:, 0], frames, "left")
    boxes = [table[a:b, 2:7] for a, b in zip(starts.tolist(), ends.tolist(), strict=True)]
    return Record(site, float(job["fps"]), times_s, boxes)


def track(record: Record, settings: Settings) -> list[Timers]:
    """Track every frame and run the timers, anew after each blindness."""
    found: list[Timers] = []
    zones = zones_of(record.site)
    for run in record.runs():
        tracker = settings.tracker(record.fps)
        timers = Timers((record.times_s[run[0]], record.times_s[run[-1]]))
        for index in run:
            boxes, t_s = record.boxes[index], record.times_s[index]
            frame = sv.Detections(xyxy=boxes[:, :4], confidence=boxes[:, 4])
            tracked = tracker.update(frame, timestamp=t_s if settings.timed else None)
            count_frame(tracked, zones, timers, t_s)
        found.append(timers)
    return found


def union(parts: Iterable[Span], gap_s: float) -> list[Span]:
    """Sorted stretches; those at most `gap_s` apart become one."""
    found: list[Span] = []
    for start, end in sorted(parts):
        if found and start - found[-1][1] <= gap_s:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def common(first: Iterable[Span], second: Sequence[Span]) -> list[Span]:
    """What two sets of stretches share."""
    pairs = ((max(a, c), min(b, d)) for a, b in first for c, d in second)
    return [(start, end) for start, end in pairs if start < end]


def length_s(parts: Iterable[Span]) -> float:
    """Total length of stretches."""
    return sum(end - start for start, end in parts)


def visits_of(timers: Timers, record: Record, staff_s: float) -> tuple[list[dict[str, Any]], int]:
    """Rows of `visits.jsonl`, and how many passers-by, of one time of seeing."""
    staff: list[Stretches] = []
    customers: list[Stretches] = []
    for zones in timers.by_id.values():
        behind = sum(length_s(parts) for zone, parts in zones.items() if zone[0] == "staff")
        (staff if behind > staff_s else customers).append(zones)
    attended = {
        point["id"]: union(
            (part for zones in staff for part in zones.get(("staff", point["id"]), ())), FLICKER_S
        )
        for point in record.site["service_point"]
    }
    rows, passers_by = [], 0
    for zones in customers:
        places = {zone: parts for zone, parts in zones.items() if zone[0] != "staff"}
        present = union((part for parts in places.values() for part in parts), FLICKER_S)
        for start, end in union(present, record.terms["merge_s"]):
            here = {zone: common(parts, [(start, end)]) for zone, parts in places.items()}
            if length_s(common(present, [(start, end)])) < record.terms["min_stay_s"]:
                passers_by += 1
            else:
                rows.append(_row((start, end), here, attended, timers.span_s, record))
    return rows, passers_by


def _row(
    stay: Span, here: Stretches, attended: Mapping[str, list[Span]], seeing: Span, record: Record
) -> dict[str, Any]:
    terms, (arrived_s, departed_s) = record.terms, stay
    with_staff = {
        name: common(here.get(("service", name), ()), attended[name]) for name in attended
    }
    engaged = [
        part
        for part in union(
            (part for parts in with_staff.values() for part in parts), terms["engagement_gap_s"]
        )
        if part[1] - part[0] >= terms["min_engagement_s"]
    ]
    service = [part for part in engaged if part[1] - part[0] >= terms["min_service_s"]]
    greeted_s, started_s = (parts[0][0] if parts else None for parts in (engaged, service))
    still, censored = seeing[1] - departed_s <= BORDER_S, arrived_s - seeing[0] <= BORDER_S
    point, queue = _place(here, with_staff if service else {}, record.site)
    row: dict[str, Any] = {
        "service_point": point,
        "queue": queue,
        "party_size": 1,
        "arrived_s": round(arrived_s, 3),
        "greeted_s": _since(greeted_s),
        "service_started_s": _since(started_s),
        "departed_s": None if still else round(departed_s, 3),
        "left_censored": censored,
        "interaction_s": round(length_s(engaged), 3),
        "waiting_s": None if censored else _since(started_s, arrived_s),
        "greeting_s": None if censored else _since(greeted_s, arrived_s),
        "visit_s": None if still else _since(departed_s, arrived_s),
    }
    for name in ("interaction", "waiting", "greeting", "visit"):
        row |= {f"{name}_{part}_s": None for part in ("observed", "bridged", "unknown")}
    left = "abandoned" if departed_s - arrived_s >= terms["abandon_after_s"] else "passed"
    outcome = "served" if service else "greeted_only" if engaged else left
    row |= {"outcome": "still_present" if still else outcome, "pattern": None}
    row |= {"interruptions": None, "flawless": None}
    return row | {"evidence": "place" if engaged else "none"}


def _since(t_s: float | None, start_s: float = 0.0) -> float | None:
    return None if t_s is None else round(t_s - start_s, 3)


def _place(
    here: Stretches, served: Mapping[str, list[Span]], site: Mapping[str, Any]
) -> tuple[str | None, str | None]:
    """(service point, queue): where it was served, else stood longest, else is fed from there."""
    stood = {zone: length_s(parts) for zone, parts in here.items() if parts}
    queue = max((z for z in stood if z[0] == "queue"), key=lambda z: stood[z], default=None)
    point = max(served, key=lambda name: length_s(served[name]), default=None)
    if point is None:
        counters = [name for kind, name in stood if kind == "service"]
        point = max(counters, key=lambda name: stood["service", name], default=None)
    if point is None and queue is not None:
        every = [one["id"] for one in site["service_point"]]
        fed = next(q.get("feeds") or every for q in site["queue"] if q["id"] == queue[1])
        point = fed[0] if len(fed) == 1 else None
    return point, queue[1] if queue else None


def grid(kind: str | None, base: Settings) -> list[Settings]:
    """The settings to run: `base` alone, one turned at a time, or all of them."""
    if kind is None:
        return [base]
    if kind == "full":
        every = product(*TURNS.values())
        return [Settings(**dict(zip(TURNS, values, strict=True))) for values in every]
    found = [base]
    found += [replace(base, **{name: one}) for name, values in TURNS.items() for one in values]
    return list(dict.fromkeys(found))


def run_job(job: Mapping[str, Any], kind: str | None, base: Settings) -> None:
    """Run a job with each of its settings, and tell what was written."""
    record, out = read_record(job), Path(job["out"])
    tracked: dict[Settings, list[Timers]] = {}  # who is staff is judged after the tracking
    for one in grid(kind, replace(base, **job.get("settings", {}))):
        began_s = time.perf_counter()
        key = replace(one, staff_s=0.0)
        if key not in tracked:
            tracked[key] = track(record, one)
        parts = [visits_of(timers, record, one.staff_s) for timers in tracked[key]]
        rows = [row for visits, _ in parts for row in visits]
        rows.sort(key=lambda r: (r["arrived_s"], r["service_point"] or "", r["queue"] or ""))
        path = out.with_name(f"{out.stem}.{one.label()}{out.suffix}") if kind else out
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
        told = {"job": str(out), "out": str(path), "settings": asdict(one), "visits": len(rows)}
        told |= {"passers_by": sum(passers for _, passers in parts), "frames": len(record.boxes)}
        print(json.dumps(told | {"took_s": round(time.perf_counter() - began_s, 3)}), flush=True)


def main() -> None:
    """Run every job."""
    command = argparse.ArgumentParser(description=__doc__)
    defaults = Settings()
    command.add_argument("--lost-s", type=float, default=defaults.lost_s)
    command.add_argument("--activation", type=float, default=defaults.activation)
    command.add_argument("--consecutive", type=int, default=defaults.consecutive)
    command.add_argument("--iou", type=float, default=defaults.iou)
    command.add_argument("--even", dest="timed", action="store_false", help="no capture times")
    command.add_argument("--corners", dest="centred", action="store_false", help="foresee corners")
    command.add_argument("--staff-s", type=float, default=defaults.staff_s)
    command.add_argument("--sweep", choices=("star", "full"))
    options = vars(command.parse_args())
    kind = options.pop("sweep")
    for line in sys.stdin:
        if line.strip():
            run_job(json.loads(line), kind, Settings(**options))


if __name__ == "__main__":
    main()
