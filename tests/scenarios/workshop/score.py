"""How near found visits come to the true ones: matched one to one by their overlap in time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Protocol

import numpy as np

from edge.tracking.assignment import assign
from edge.visits.values import Visit
from tests.scenarios.camera import Box
from tests.scenarios.workshop.day import Day
from tests.scenarios.workshop.film import Film
from tests.scenarios.workshop.oracle import filmed_boxes
from tests.scenarios.workshop.truth import stands_in

LEAST_IOU = 0.5
OTHER_POINT_COST = 0.02
NEVER = 9.0
KNOWN_AFTER_S = 10.0
DURATIONS = ("waiting", "greeting", "interaction")


class Found(Protocol):
    """A visit to be compared; true visits fit as well."""

    @property
    def service_point(self) -> str | None: ...
    @property
    def party_size(self) -> int: ...
    @property
    def arrived_s(self) -> float: ...
    @property
    def greeted_s(self) -> float | None: ...
    @property
    def service_started_s(self) -> float | None: ...
    @property
    def departed_s(self) -> float | None: ...
    @property
    def waiting_s(self) -> float | None: ...
    @property
    def greeting_s(self) -> float | None: ...
    @property
    def interaction_s(self) -> float: ...
    @property
    def outcome(self) -> str: ...


@dataclass(frozen=True, slots=True)
class FoundVisit:
    """A visit as the product reported it."""

    service_point: str | None
    party_size: int
    arrived_s: float
    greeted_s: float | None
    service_started_s: float | None
    departed_s: float | None
    waiting_s: float | None
    greeting_s: float | None
    interaction_s: float
    outcome: str


def of_visit(visit: Visit) -> FoundVisit:
    """The engine's visit."""
    return FoundVisit(
        visit.service_point,
        visit.party_size,
        visit.arrived_s,
        visit.greeted_s,
        visit.service_started_s,
        visit.departed_s,
        None if visit.waiting is None else visit.waiting.total_s,
        None if visit.greeting is None else visit.greeting.total_s,
        visit.interaction.total_s,
        visit.outcome.value,
    )


def of_row(row: Mapping[str, object]) -> FoundVisit:
    """A row of visits.jsonl."""
    point = row["service_point"]
    return FoundVisit(
        None if point is None else str(point),
        int(_number(row, "party_size")),
        _number(row, "arrived_s"),
        _known(row, "greeted_s"),
        _known(row, "service_started_s"),
        _known(row, "departed_s"),
        _known(row, "waiting_s"),
        _known(row, "greeting_s"),
        _number(row, "interaction_s"),
        str(row["outcome"]),
    )


def _known(row: Mapping[str, object], key: str) -> float | None:
    return None if row[key] is None else _number(row, key)


def _number(row: Mapping[str, object], key: str) -> float:
    value = row[key]
    if not isinstance(value, int | float):
        raise TypeError(f"{key}: expected a number, found {value!r}")
    return float(value)


@dataclass(frozen=True, slots=True)
class Score:
    """Counts and errors, which add up over days and scenes.

    Attributes:
        tp: matched visits; fp: found ones alone; fn: true ones alone.
        waiting, greeting, interaction: signed errors in seconds, found less true.
        nulls: of matched visits' waiting and greeting, how many are known where the truth is
            and null where it is; of 2 × `tp`.
        outcomes, sizes, points: matched visits with the true one.
        roles: sightings with the true role, of `sightings`.
        passers_true, passers_found: presences too short for a visit.
    """

    tp: int = 0
    fp: int = 0
    fn: int = 0
    waiting: tuple[float, ...] = ()
    greeting: tuple[float, ...] = ()
    interaction: tuple[float, ...] = ()
    nulls: int = 0
    outcomes: int = 0
    sizes: int = 0
    points: int = 0
    roles: int = 0
    sightings: int = 0
    passers_true: int = 0
    passers_found: int = 0

    def __add__(self, other: Score) -> Score:
        return Score(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    @property
    def f1(self) -> float:
        """F1 of the visits; 1 where there are none and none was found."""
        return share(2 * self.tp, 2 * self.tp + self.fp + self.fn)


@dataclass(frozen=True, slots=True)
class Spread:
    """Errors in a nutshell, seconds; NaN without any."""

    mean_abs_s: float
    median_abs_s: float
    p90_abs_s: float
    bias_s: float


def spread(errors: Sequence[float]) -> Spread:
    """Mean, median and 90th percentile of the absolute errors, and the mean error."""
    if not errors:
        return Spread(np.nan, np.nan, np.nan, np.nan)
    size = np.abs(errors)
    return Spread(
        float(size.mean()),
        float(np.median(size)),
        float(np.percentile(size, 90)),
        float(np.mean(errors)),
    )


def share(right: int, total: int) -> float:
    """`right` of `total`; 1 of nothing."""
    return right / total if total else 1.0


def record_ends(day: Day) -> tuple[float, ...]:
    """When the day's records end: at long blindness, and at its end."""
    merge_s = day.shop.site().encounter.merge_s
    return (*(a for a, b in sorted(day.blind) if b - a > merge_s), day.end_s)


def matches(
    truth: Sequence[Found], found: Sequence[Found], ends_s: Sequence[float]
) -> list[tuple[int, int]]:
    """Pairs (true, found) of greatest total overlap, each an IoU of at least `LEAST_IOU`."""
    cost = np.full((len(truth), len(found)), NEVER)
    for row, true in enumerate(truth):
        for column, other in enumerate(found):
            iou = overlap(true, other, ends_s)
            if iou >= LEAST_IOU:
                elsewhere = true.service_point != other.service_point
                cost[row, column] = 1 - iou + (OTHER_POINT_COST if elsewhere else 0.0)
    return assign(cost, 1.0)


def overlap(one: Found, other: Found, ends_s: Sequence[float]) -> float:
    """Intersection over union of two stays."""
    (a, b), (c, d) = (_stay(visit, ends_s) for visit in (one, other))
    union = max(b, d) - min(a, c)
    return max(0.0, min(b, d) - max(a, c)) / union if union > 0 else 1.0


def _stay(visit: Found, ends_s: Sequence[float]) -> tuple[float, float]:
    """From arrival to departure, or to the end of the record of who stayed."""
    if visit.departed_s is not None:
        return visit.arrived_s, visit.departed_s
    return visit.arrived_s, min(
        (end for end in ends_s if end > visit.arrived_s), default=ends_s[-1]
    )


def score(
    truth: Sequence[Found],
    found: Sequence[Found],
    ends_s: Sequence[float],
    passers: tuple[int, int] = (0, 0),
    roles: tuple[int, int] = (0, 0),
) -> Score:
    """Compare; `passers` are (true, found), `roles` what `role_counts` gives."""
    pairs = [(truth[t], found[f]) for t, f in matches(truth, found, ends_s)]
    return Score(
        len(pairs),
        len(found) - len(pairs),
        len(truth) - len(pairs),
        tuple(_errors("waiting", pairs)),
        tuple(_errors("greeting", pairs)),
        tuple(_errors("interaction", pairs)),
        nulls=sum((t.waiting_s is None) == (f.waiting_s is None) for t, f in pairs)
        + sum((t.greeting_s is None) == (f.greeting_s is None) for t, f in pairs),
        outcomes=sum(t.outcome == f.outcome for t, f in pairs),
        sizes=sum(t.party_size == f.party_size for t, f in pairs),
        points=sum(t.service_point == f.service_point for t, f in pairs),
        roles=roles[0],
        sightings=roles[1],
        passers_true=passers[0],
        passers_found=passers[1],
    )


def _duration_s(visit: Found, name: str) -> float | None:
    return {
        "waiting": visit.waiting_s,
        "greeting": visit.greeting_s,
        "interaction": visit.interaction_s,
    }[name]


def _errors(name: str, pairs: Iterable[tuple[Found, Found]]) -> list[float]:
    """Found less true, where both are known."""
    both = ((_duration_s(true, name), _duration_s(other, name)) for true, other in pairs)
    return [other - true for true, other in both if true is not None and other is not None]


def role_counts(
    day: Day, film: Film, people: Sequence[Sequence[tuple[Box, str]]]
) -> tuple[int, int]:
    """(right, total) roles of sightings.

    Args:
        day: who is what.
        film: where everybody is in each frame.
        people: for each frame, the (box, role) that were confirmed. Each belongs to the walker
            whose box it overlaps most, by an IoU of at least `LEAST_IOU`; others do not count.
            Nor does `unknown`, until the walker was in zones for `KNOWN_AFTER_S`.
    """
    since_s = {walker.number: _known_from_s(day, film, walker.number) for walker in day.walkers}
    role_of = {walker.number: walker.role.value for walker in day.walkers}
    right = total = 0
    for record, walkers, seen in zip(film.records, film.boxes, people, strict=True):
        numbers = list(walkers)
        cost = np.array([[1 - _iou(box, walkers[n]) for n in numbers] for box, _ in seen], float)
        for row, column in assign(cost.reshape(len(seen), len(numbers)), 1 - LEAST_IOU):
            role, number = seen[row][1], numbers[column]
            if role != "unknown" or record.t_s >= since_s[number]:
                right += role == role_of[number]
                total += 1
    return right, total


def _known_from_s(day: Day, film: Film, number: int) -> float:
    """When the walker has been in zones for `KNOWN_AFTER_S`; inf: never."""
    boxes, seen = filmed_boxes(film, number)
    inside = np.any(np.concatenate(stands_in(day.shop.site(), boxes, seen), axis=1), axis=1)
    times_s = [record.t_s for record in film.records]
    spent_s = 0.0
    for index, (before, now) in enumerate(pairwise(times_s)):
        spent_s += (now - before) if inside[index] else 0.0
        if spent_s >= KNOWN_AFTER_S:
            return now
    return float("inf")


def _iou(one: Box, other: Box) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = sum((b[2] - b[0]) * (b[3] - b[1]) for b in (one, other))
    return width * height / (areas - width * height)


def table(rows: Mapping[str, Score]) -> str:
    """One line a scenario, and one for all; durations: mean / 90th percentile of errors, bias."""
    head = (
        f"{'scenario':24}{'true':>5}{'F1':>7}  {'waiting s':>18}  {'greeting s':>18}"
        f"  {'interaction s':>18}{'null':>7}{'outcome':>8}{'size':>7}{'point':>7}{'role':>7}"
        f"{'passers':>9}"
    )
    everything = sum(rows.values(), Score())
    lines = [_line(name, one) for name, one in rows.items()]
    return "\n".join([head, *lines, "-" * len(head), _line("all", everything)])


def _line(name: str, one: Score) -> str:
    durations = (spread(errors) for errors in (one.waiting, one.greeting, one.interaction))
    shown = "".join(
        f"  {f'{d.mean_abs_s:.2f} / {d.p90_abs_s:.2f} {d.bias_s:+.2f}':>18}" for d in durations
    )
    passers = f"{one.passers_found}/{one.passers_true}"
    return (
        f"{name:24}{one.tp + one.fn:5}{one.f1:7.3f}{shown}{share(one.nulls, 2 * one.tp):7.3f}"
        f"{share(one.outcomes, one.tp):8.3f}{share(one.sizes, one.tp):7.3f}"
        f"{share(one.points, one.tp):7.3f}{share(one.roles, one.sightings):7.3f}{passers:>9}"
    )


def misses(
    truth: Sequence[Found],
    found: Sequence[Found],
    ends_s: Sequence[float],
    largest: int = 5,
    at_least_s: float = 1.0,
) -> list[str]:
    """In words: visits without a counterpart, what differs, and the largest errors."""
    pairs = matches(truth, found, ends_s)
    true_ones, found_ones = {t for t, _ in pairs}, {f for _, f in pairs}
    lines = [f"missed  {_told(v)}" for i, v in enumerate(truth) if i not in true_ones]
    lines += [f"made up {_told(v)}" for i, v in enumerate(found) if i not in found_ones]
    matched = [(truth[t], found[f]) for t, f in pairs]
    lines += [f"differs {text}" for one, other in matched for text in _different(one, other)]
    for name in DURATIONS:
        errors = [(error, pair) for pair in matched for error in _errors(name, [pair])]
        errors.sort(key=lambda row: -abs(row[0]))
        lines += [
            f"{name} {error:+.1f} s: true {_told(one)} | found {_told(other)}"
            for error, (one, other) in errors[:largest]
            if abs(error) >= at_least_s
        ]
    return lines


def _different(one: Found, other: Found) -> list[str]:
    """What of a matched pair is not the same, durations aside."""
    columns = (
        ("outcome", one.outcome, other.outcome),
        ("size", one.party_size, other.party_size),
        ("point", one.service_point, other.service_point),
        ("waiting known", one.waiting_s is not None, other.waiting_s is not None),
        ("greeting known", one.greeting_s is not None, other.greeting_s is not None),
    )
    return [
        f"{name}: true {true}, found {seen} ({_told(one)})"
        for name, true, seen in columns
        if true != seen
    ]


def _told(visit: Found) -> str:
    moments = (visit.arrived_s, visit.greeted_s, visit.service_started_s, visit.departed_s)
    shown = " ".join("-" if m is None else f"{m:.1f}" for m in moments)
    return (
        f"[{shown}] {visit.outcome}, {visit.party_size} at {visit.service_point}, "
        f"{visit.interaction_s:.1f} s"
    )
