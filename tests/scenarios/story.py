"""Stories: small tables of who walks where and when, with the visits they make."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from edge.engine import Engine
from edge.visits.values import Event, PasserBy, Visit
from firmware_cfg.record import FrameRecord
from tests.scenarios.detector import Faults, Shape, detect, frame_times
from tests.scenarios.layouts import COUNTER, Layout

Span = tuple[float, float]


@dataclass(frozen=True)
class Actor:
    """A person: `path` is `t x y; t x y; …` in seconds and metres, straight in between."""

    path: str
    height_m: float = 1.7
    hidden: tuple[Span, ...] = ()

    @cached_property
    def waypoints(self) -> list[tuple[float, ...]]:
        """(t, x, y) of the path."""
        return [tuple(float(v) for v in part.split()) for part in self.path.split(";")]

    @cached_property
    def times_s(self) -> list[float]:
        """Times of the waypoints."""
        return [point[0] for point in self.waypoints]

    def at(self, t_s: float) -> tuple[float, float] | None:
        """Floor position; None before the first and after the last waypoint."""
        points, times = self.waypoints, self.times_s
        if not times[0] <= t_s <= times[-1]:
            return None
        index = min(bisect_right(times, t_s), len(points) - 1)
        (t1, x1, y1), (t2, x2, y2) = points[index - 1], points[index]
        share = (t_s - t1) / (t2 - t1) if t2 > t1 else 1.0
        return x1 + share * (x2 - x1), y1 + share * (y2 - y1)


@dataclass(frozen=True)
class Want:
    """An expected visit; None: expected to be null."""

    arrived: float
    greeted: float | None
    service: float | None
    departed: float | None
    outcome: str
    interaction: float = 0.0
    size: int = 1
    pattern: str | None = None
    interruptions: int = 0
    censored: bool = False
    point: str = "counter-1"


@dataclass(frozen=True)
class Story:
    """People in a shop, and the visits that the definitions make of them.

    Attributes:
        end_s: length of the record.
        passers_by: presences too short for a visit.
        blind: spans without frames.
        slack_s: added to the tolerance, where noise decides.
    """

    name: str
    end_s: float
    actors: tuple[Actor, ...]
    want: tuple[Want, ...]
    passers_by: int = 0
    layout: Layout = COUNTER
    blind: tuple[Span, ...] = ()
    slack_s: float = 0.0


def seen(actor: Actor, layout: Layout, times_s: list[float]) -> list[Shape | None]:
    """An actor's shape at each time; None: not there, or not before the camera."""
    camera = layout.camera
    shapes: list[Shape | None] = [None] * len(times_s)
    places = {i: place for i, t_s in enumerate(times_s) if (place := actor.at(t_s)) is not None}
    if not places:
        return shapes
    xy_m = np.array(list(places.values()), float)
    heights_m = np.full(len(xy_m), actor.height_m)
    boxes = camera.bodies(xy_m, heights_m, layout.hidden_below_each_m(xy_m[:, 0], xy_m[:, 1]))
    depths_m = camera.depths_m(np.column_stack([xy_m, np.zeros(len(xy_m))]))
    for i, box, depth_m in zip(places, boxes.tolist(), depths_m.tolist(), strict=True):
        if not math.isnan(box[0]):
            hidden = any(start <= times_s[i] <= end for start, end in actor.hidden)
            shapes[i] = Shape((box[0], box[1], box[2], box[3]), depth_m, hidden)
    return shapes


def frames(story: Story, fps: float, faults: Faults, seed: int = 0) -> list[FrameRecord]:
    """The story as a detector saw it."""
    rng = np.random.default_rng(seed)
    size_px = story.layout.camera.size_px
    times_s = frame_times(fps, story.end_s, faults, rng)
    actors = [seen(actor, story.layout, times_s) for actor in story.actors]
    records: list[FrameRecord] = []
    for index, t_s in enumerate(times_s):
        shapes = [shape for one in actors if (shape := one[index]) is not None]
        boxes, scores = detect(shapes, size_px, faults, rng)
        if any(start < t_s < end for start, end in story.blind):
            continue
        table = np.array(boxes, float).reshape(-1, 4)
        records.append(
            FrameRecord(index + 1, round(t_s * 1e6), size_px, table, np.array(scores, float))
        )
    return records


def run(story: Story, records: list[FrameRecord]) -> list[Event]:
    """Every event of the engine over the story."""
    engine = Engine(story.layout.site())
    events: list[Event] = []
    for record in records:
        events += engine.step(record)
    return events + engine.finish()


def visits_of(events: list[Event]) -> list[Visit]:
    """The visits, by arrival."""
    found = [event for event in events if isinstance(event, Visit)]
    return sorted(found, key=lambda visit: (visit.arrived_s, visit.point))


MOMENTS = ("arrived", "greeted", "service", "departed", "interaction")


def moments(visit: Visit) -> tuple[float | None, ...]:
    """The measured figures, in the order of `MOMENTS`."""
    return (
        visit.arrived_s,
        visit.greeted_s,
        visit.service_started_s,
        visit.departed_s,
        visit.interaction.total_s,
    )


def differences(story: Story, events: list[Event], tolerance_s: float) -> list[str]:
    """What is not as the story expects, in words."""
    found = visits_of(events)
    if len(found) != len(story.want):
        return [f"{len(story.want)} visits expected, found {[moments(v) for v in found]}"]
    wrong: list[str] = []
    for number, (want, visit) in enumerate(zip(story.want, found, strict=True), 1):
        expected = (want.arrived, want.greeted, want.service, want.departed, want.interaction)
        for name, one, other in zip(MOMENTS, expected, moments(visit), strict=True):
            slack = (tolerance_s + story.slack_s) * (2 if name == "interaction" else 1)
            off = (one is None) != (other is None)
            if off or (one is not None and other is not None and abs(one - other) > slack):
                wrong.append(f"visit {number} {name}: {one} expected, found {other}")
        for name, sure, seen in (
            ("size", want.size, visit.party_size),
            ("outcome", want.outcome, visit.outcome.value),
            ("interruptions", want.interruptions, visit.interruptions),
            ("censored", want.censored, visit.left_censored),
            ("point", want.point, visit.service_point),
            ("pattern", want.pattern, visit.pattern and visit.pattern.value),
        ):
            if sure != seen:
                wrong.append(f"visit {number} {name}: {sure} expected, found {seen}")
    passers = sum(isinstance(event, PasserBy) for event in events)
    if passers != story.passers_by:
        wrong.append(f"{story.passers_by} passers-by expected, found {passers}")
    return wrong
