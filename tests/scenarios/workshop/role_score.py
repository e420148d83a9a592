"""How often a sighting's role is the true one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from edge.tracking.assignment import assign
from tests.scenarios.camera import Box
from tests.scenarios.workshop.day import Day
from tests.scenarios.workshop.film import Film
from tests.scenarios.workshop.oracle import filmed_boxes
from tests.scenarios.workshop.truth import stands_in

LEAST_IOU = 0.5
KNOWN_AFTER_S = 10.0


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
        cost = np.array([[1 - iou(box, walkers[n]) for n in numbers] for box, _ in seen], float)
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


def iou(one: Box, other: Box) -> float:
    """Intersection over union of two boxes."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = sum((b[2] - b[0]) * (b[3] - b[1]) for b in (one, other))
    return width * height / (areas - width * height)
