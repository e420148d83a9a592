"""Row-level outputs of a replay or a development run: visits, people, tracks, summary.

On a provisioned device these exist in commissioning mode alone, and in memory.
"""

from __future__ import annotations

import json
import math
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from edge.errors import OutputFileError
from edge.visits.values import BlindSpan, Duration, Event, PasserBy, PresenceSpan, Visit

if TYPE_CHECKING:
    from edge.engine import Engine, Joined
    from edge.tracking.track import Observation
    from firmware_cfg.record import FrameRecord

Json = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class RowPaths:
    """Where the rows go; None: not written. `visits` None and nothing else: standard output."""

    visits: Path | None = None
    people: Path | None = None
    summary: Path | None = None
    tracks: Path | None = None
    detections: Path | None = None
    times: Path | None = None


@dataclass(slots=True)
class RowCollector:
    """Collects what an engine says, frame by frame, and writes it at the end.

    A sighting's role is what the evidence says `settle_s` later, without more hindsight.
    """

    settle_s: float
    events: list[Event] = field(default_factory=list)
    sightings: list[tuple[int, Observation]] = field(default_factory=list)
    sighted_as: list[tuple[str, float]] = field(default_factory=list)
    roles: dict[int, tuple[str, float]] = field(default_factory=dict)
    detections: list[str] = field(default_factory=list)
    times_us: list[tuple[int, int]] = field(default_factory=list)
    more: dict[str, object] = field(default_factory=dict)
    same_as: dict[int, int] = field(default_factory=dict)

    def frame(self, record: FrameRecord, engine: Engine, events: Iterable[Event]) -> None:
        """Take in a frame after `engine` has stepped over it."""
        self.events += events
        self.times_us.append((record.frame, record.t_us))
        self.join(engine.joined)
        for sighting in engine.sightings:
            self.sightings += [(sighting.id, seen) for seen in sighting.observations]
            role, confidence = engine.role(sighting.id)
            self.roles[self._person(sighting.id)] = (role.value, confidence)
        self.settle_roles(record.t_s - self.settle_s)

    def finish(self, engine: Engine) -> None:
        """End the record: take in what `engine` makes final."""
        self.events += engine.finish()
        self.join(engine.joined)

    def join(self, joined: Iterable[Joined]) -> None:
        """Take in who is found to be one person."""
        for one in joined:
            self.same_as[one.later] = one.earlier
            self.roles[self._person(one.earlier)] = (one.role.value, one.confidence)

    def _person(self, track_id: int) -> int:
        """The first of the tracks found to be the same person."""
        while track_id in self.same_as:
            track_id = self.same_as[track_id]
        return track_id

    def settle_roles(self, until_s: float) -> None:
        """Fix the roles of sightings up to `until_s` as they are known now."""
        while len(self.sighted_as) < len(self.sightings):
            track_id, seen = self.sightings[len(self.sighted_as)]
            if seen.t_s > until_s:
                break
            self.sighted_as.append(self.roles[self._person(track_id)])

    def keep_detections(self, record: FrameRecord) -> None:
        """Keep the frame's detections for `det.txt`."""
        for box, score in zip(record.boxes_xyxy_px.tolist(), record.scores.tolist(), strict=True):
            left, top, right, bottom = box
            self.detections.append(
                f"{record.frame},-1,{left:g},{top:g},{right - left:g},{bottom - top:g},"
                f"{score:g},-1,-1,-1\n"
            )

    def visits(self) -> list[Visit]:
        """Visits by arrival, then service point."""
        found = [event for event in self.events if isinstance(event, Visit)]
        return sorted(found, key=lambda v: (v.arrived_s, v.service_point or "", v.queue or ""))

    def write(self, paths: RowPaths) -> None:
        """Write every file asked for, whole or not at all.

        Raises:
            OutputFileError: a file cannot be written; nothing of it is left.
        """
        visits = self.visits()
        write_text(paths.visits, "".join(visit_line(visit) for visit in visits))
        if paths.people:
            write_text(paths.people, self._people(visits))
        if paths.summary:
            text = json.dumps(self.summary(), indent=2, ensure_ascii=False)
            write_text(paths.summary, text + "\n")
        if paths.tracks:
            write_text(paths.tracks, self._tracks())
        if paths.detections:
            write_text(paths.detections, "".join(self.detections))
        if paths.times:
            rows = (f"{frame},{t_us / 1e6:.6f}\n" for frame, t_us in self.times_us)
            write_text(paths.times, "frame,t_s\n" + "".join(rows))

    def _people(self, visits: Sequence[Visit]) -> str:
        spans: dict[int, list[tuple[float, float, int]]] = {}
        for number, visit in enumerate(visits, 1):
            for member in visit.members:
                span = (member.arrived_s, member.departed_s, number)
                spans.setdefault(member.track_id, []).append(span)
        lines = ["frame,track_id,role,confidence,visit\n"]
        self.settle_roles(math.inf)
        for index in self._order():
            (one, seen), (role, confidence) = self.sightings[index], self.sighted_as[index]
            track_id = self._person(one)
            during = (n for start, end, n in spans.get(track_id, ()) if start <= seen.t_s <= end)
            lines.append(f"{seen.frame},{track_id},{role},{confidence:.3f},{next(during, '')}\n")
        return "".join(lines)

    def _tracks(self) -> str:
        lines = []
        for one, seen in (self.sightings[index] for index in self._order()):
            track_id = self._person(one)
            left, top, right, bottom = seen.box_xyxy_px
            lines.append(
                f"{seen.frame},{track_id},{left:.2f},{top:.2f},{right - left:.2f},"
                f"{bottom - top:.2f},{seen.score:.3f},-1,-1,-1\n"
            )
        return "".join(lines)

    def _order(self) -> list[int]:
        """Indices of the sightings by frame, then track."""
        rows = self.sightings
        return sorted(range(len(rows)), key=lambda i: (rows[i][1].frame, self._person(rows[i][0])))

    def summary(self) -> Json:
        """Counts of the whole record, attended share per service point, coverage."""
        visits = self.visits()
        present: dict[str, float] = {}
        attended: dict[str, float] = {}
        blind_s = 0.0
        for event in self.events:
            if isinstance(event, PresenceSpan):
                length_s = event.end_s - event.start_s
                present[event.point] = present.get(event.point, 0.0) + length_s
                attended[event.point] = attended.get(event.point, 0.0) + length_s * event.attended
            elif isinstance(event, BlindSpan):
                blind_s += event.end_s - event.start_s
        span_s = (self.times_us[-1][1] - self.times_us[0][1]) / 1e6 if self.times_us else 0.0
        outcomes = [visit.outcome.value for visit in visits]
        return {
            "frames": len(self.times_us),
            "duration_s": round(span_s, 3),
            "coverage": round(1 - blind_s / span_s, 4) if span_s else None,
            "visits": len(visits),
            "outcomes": {outcome: outcomes.count(outcome) for outcome in sorted(set(outcomes))},
            "passers_by": sum(isinstance(event, PasserBy) for event in self.events),
            "present_s": {point: round(value, 3) for point, value in sorted(present.items())},
            "attended_share": {
                point: round(attended[point] / value, 4)
                for point, value in sorted(present.items())
                if value
            },
            **self.more,
        }


def visit_line(visit: Visit) -> str:
    """A visit as one line of `visits.jsonl`; seconds with three decimals."""
    row: dict[str, object] = {
        "service_point": visit.service_point,
        "queue": visit.queue,
        "party_size": visit.party_size,
        "arrived_s": _seconds(visit.arrived_s),
        "greeted_s": _seconds(visit.greeted_s),
        "service_started_s": _seconds(visit.service_started_s),
        "departed_s": _seconds(visit.departed_s),
        "left_censored": visit.left_censored,
    }
    stay = None if visit.departed_s is None else visit.stay
    for name, duration in (
        ("interaction", visit.interaction),
        ("waiting", visit.waiting),
        ("greeting", visit.greeting),
        ("visit", stay),
    ):
        row |= _duration(name, duration)
    row |= {
        "outcome": visit.outcome.value,
        "pattern": visit.pattern.value if visit.pattern else None,
        "interruptions": visit.interruptions,
        "flawless": visit.flawless,
        "evidence": visit.evidence.value,
    }
    return json.dumps(row, ensure_ascii=False) + "\n"


def _duration(name: str, duration: Duration | None) -> Json:
    parts = ("", "_observed", "_bridged", "_unknown")
    if duration is None:
        return {f"{name}{part}_s": None for part in parts}
    values = (duration.total_s, duration.observed_s, duration.bridged_s, duration.unknown_s)
    return {f"{name}{part}_s": _seconds(value) for part, value in zip(parts, values, strict=True)}


def _seconds(value: float | None) -> float | None:
    return None if value is None else round(value, 3) + 0.0


def write_text(path: Path | None, text: str) -> None:
    """Write a file whole or not at all; None or `-` is standard output.

    Raises:
        OutputFileError: it cannot be written.
    """
    if path is None or str(path) == "-":
        try:
            sys.stdout.write(text)
            sys.stdout.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputFileError(f"standard output: cannot be written: {error.strerror}") from None
        return
    _write_whole(path, lambda file: file.write(text))


def _write_whole(path: Path, fill: Callable[[TextIO], object]) -> None:
    try:
        if path.exists() and not path.is_file():  # a device such as /dev/null
            with path.open("w", encoding="utf-8") as file:
                fill(file)
            return
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            umask = os.umask(0)
            os.umask(umask)
            os.fchmod(descriptor, 0o666 & ~umask)  # by its path the jail would refuse it
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                fill(file)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise OutputFileError(f"{path}: cannot be written: {error.strerror}") from None
