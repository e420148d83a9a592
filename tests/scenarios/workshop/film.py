"""A day as a camera and a person detector with realistic faults see it.

The order of things: exact boxes (`film_shots`), what nearer people hide of them
(`film_hiding`), noise and misses, doubles, two people merged into one box, boxes on nothing,
then the detector's own suppression of overlapping boxes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from firmware_cfg.record import FrameRecord
from tests.scenarios.camera import Box
from tests.scenarios.workshop.conditions import Conditions
from tests.scenarios.workshop.day import Day, FloatArray, Span
from tests.scenarios.workshop.film_frames import (
    Found,
    frame_times,
    in_picture,
    joined,
    nothing,
    records,
)
from tests.scenarios.workshop.film_hiding import BoolArray, IntArray, visible
from tests.scenarios.workshop.film_noise import Purpose, bursts, evenly, slow_noise, stream
from tests.scenarios.workshop.film_shots import FIGURES_FROM, Pair, Shot, pairs, shots

SCORE = 0.85
MERGE_IOU = 0.4
SIDEWAYS = 0.6
FIGURE_S = (1.0, 8.0)
LEAST_PX = 2.0


@dataclass(frozen=True, eq=False)
class Film:
    """What the product gets, and what only the workshop knows.

    Attributes:
        records: one a frame, numbered from 1.
        boxes: for each record, the box of everybody in the picture by the walker's number: noisy,
            above desks, as if nobody stood in front and the detector missed nobody.
    """

    records: list[FrameRecord]
    boxes: list[dict[int, Box]]


@dataclass(frozen=True, eq=False)
class _Look:
    """A shot as it was detected, over the rows in which it is in the picture.

    Attributes:
        frames: (n,) indices of the frames.
        full: (n, 4) noisy boxes, nobody in front.
        boxes: (n, 4) what the detector gives.
        detected: (n,); merging takes detections away.
    """

    shot: Shot
    frames: IntArray
    full: FloatArray
    boxes: FloatArray
    scores: FloatArray
    detected: BoolArray


def film(day: Day, conditions: Conditions, seed: int) -> Film:
    """The day as it was seen."""
    times_s = frame_times(day, conditions, seed)
    people = shots(day, times_s)
    overlaps = pairs(people)
    size_px = day.shop.camera.size_px
    looks = {shot.number: _look(shot, day, conditions, seed) for shot in people}
    found = [
        *(_merged(pair, looks, conditions, seed) for pair in overlaps),
        *(_doubles(look, conditions, size_px, seed) for look in looks.values()),
        *(_detections(look) for look in looks.values()),
        _false(day, times_s, conditions, seed),
    ]
    return Film(
        records(times_s, found, size_px, conditions.threshold),
        _known(len(times_s), list(looks.values())),
    )


def _look(shot: Shot, day: Day, conditions: Conditions, seed: int) -> _Look:
    rows, who = shot.seen, shot.number
    times, inside = shot.times_s[rows], shot.inside[rows]
    height = (shot.whole[:, 3] - shot.whole[:, 1])[rows, None]
    share, insets = visible(shot.inside, shot.whole, shot.nearer)
    share, insets = share[rows], insets[rows]
    white = stream(seed, Purpose.WHITE, who)
    noise = height * _edge_noise(shot, times, conditions, seed, white)
    shown = shot.above[rows] + noise
    shown[:, 3] -= height[:, 0] * shot.feet[rows] * _clipped_feet(shot, times, conditions, seed)
    full = in_picture(shown, day.shop.camera.size_px)
    moods = slow_noise(stream(seed, Purpose.SCORES, who), times, shot.span, 2.0, 3)
    # a detector draws what it sees; where little is hidden it may guess the rest
    guess = np.clip(0.5 + 0.5 * conditions.flicker * moods[:, :1], 0, 1) * _rise(share, 0.5, 0.9)
    edges = insets * (1 - guess) * np.array([1.0, 1.0, -1.0, -1.0])
    boxes = full + edges
    luck = 0.7 * moods[:, 1] + 0.7 * white.normal(size=len(rows))
    detected = evenly(conditions.flicker * luck) < _rise(share, 0.15, 0.5)[:, 0]
    detected &= (boxes[:, 2:] - boxes[:, :2] >= LEAST_PX).all(axis=1)
    best, there = _presence(shot, times, day, conditions, seed, white=white)
    scores = best - 0.5 * (1 - share) + conditions.score_sd * moods[:, 2]
    visible_inside = (inside[:, 2:] - inside[:, :2] >= LEAST_PX).all(axis=1)
    return _Look(shot, rows + shot.first, full, boxes, scores, detected & there & visible_inside)


def _presence(
    shot: Shot,
    times_s: FloatArray,
    day: Day,
    conditions: Conditions,
    seed: int,
    *,
    white: np.random.Generator,
) -> tuple[FloatArray, BoolArray]:
    """(n,) score when nothing hides it, and (n,) whether the detector takes it for a person."""
    who, count = shot.number, len(times_s)
    if who >= FIGURES_FROM:
        figure = day.figures[who - FIGURES_FROM]
        rng = stream(seed, Purpose.FIGURES, who)
        seen = bursts(rng, shot.span, figure.seen_share, FIGURE_S)
        return np.full(count, figure.score), ~np.isnan(seen.at(times_s))
    rng, span = stream(seed, Purpose.MISSES, who), shot.span
    missed = bursts(rng, span, conditions.miss_burst, conditions.miss_burst_s, memoryless=True)
    there = np.isnan(missed.at(times_s)) & (white.random(count) >= conditions.miss)
    weak = bursts(stream(seed, Purpose.WEAK, who), span, conditions.weak, conditions.weak_s)
    return SCORE - 0.3 * ~np.isnan(weak.at(times_s)), there


def _edge_noise(
    shot: Shot,
    times_s: FloatArray,
    conditions: Conditions,
    seed: int,
    white: np.random.Generator,
) -> FloatArray:
    """(n, 4) noise of the edges in body heights."""
    rng = stream(seed, Purpose.EDGES, shot.number)
    bias = conditions.bias_sd * rng.normal(size=4)
    slow = slow_noise(rng, times_s, shot.span, conditions.edge_lasts_s, 4)
    both = (slow + white.normal(size=slow.shape)) * np.sqrt(0.5)
    noise: FloatArray = (bias + conditions.edge_sd * both) * np.array(
        [SIDEWAYS, 1.0, SIDEWAYS, 1.0]
    )
    return noise


def _clipped_feet(shot: Shot, times_s: FloatArray, conditions: Conditions, seed: int) -> FloatArray:
    """(n,) how much of the body's height is missing below."""
    rng = stream(seed, Purpose.FEET, shot.number)
    draws = bursts(rng, shot.span, conditions.feet, conditions.feet_s).at(times_s)
    low, high = conditions.feet_share
    return np.where(np.isnan(draws), 0.0, low + (high - low) * draws)


def _merged(pair: Pair, looks: dict[int, _Look], conditions: Conditions, seed: int) -> Found:
    """One box for two people who overlap; their own detections are taken away."""
    near, far = looks[pair.near.number], looks[pair.far.number]
    frames = pair.frames[pair.iou > MERGE_IOU]
    low, high = sorted((pair.near.number, pair.far.number))
    span = _common(pair.near.span, pair.far.span)
    if not len(frames) or conditions.merged <= 0 or high >= FIGURES_FROM:
        return nothing()
    rng = stream(seed, Purpose.MERGES, low, high)
    times = pair.near.times_s[frames - pair.near.first]
    draws = bursts(rng, span, conditions.merged, conditions.merged_s).at(times)
    near_rows = np.searchsorted(near.frames, frames)
    far_rows = np.searchsorted(far.frames, frames)
    on = ~np.isnan(draws) & near.detected[near_rows]
    near_rows, far_rows, draws = near_rows[on], far_rows[on], draws[on]
    one, other = near.full[near_rows], far.full[far_rows]
    around = np.concatenate(
        [np.minimum(one[:, :2], other[:, :2]), np.maximum(one[:, 2:], other[:, 2:])], axis=1
    )
    near.detected[near_rows] = False
    far.detected[far_rows] = False
    boxes = np.where(draws[:, None] < 0.5, around, one)
    return Found(frames[on], boxes, near.scores[near_rows])


def _doubles(look: _Look, conditions: Conditions, size_px: tuple[int, int], seed: int) -> Found:
    """Second boxes on detected people: the upper body, or far too large."""
    if conditions.double <= 0 or look.shot.number >= FIGURES_FROM:
        return nothing()
    rng = stream(seed, Purpose.DOUBLES, look.shot.number)
    times = look.shot.times_s[look.frames - look.shot.first]
    draws = bursts(rng, look.shot.span, conditions.double, conditions.double_s).at(times)
    on = ~np.isnan(draws) & look.detected
    draws, boxes = draws[on, None], look.boxes[on]
    sides = boxes[:, 2:] - boxes[:, :2]
    upper = boxes.copy()
    upper[:, 3] = boxes[:, 1] + (0.36 + 0.2 * draws[:, 0]) * sides[:, 1]
    grown = (0.25 + 0.3 * (draws - 0.5)) * sides
    large = in_picture(np.concatenate([boxes[:, :2] - grown, boxes[:, 2:] + grown], 1), size_px)
    scores = look.scores[on] - 0.1 - 0.2 * draws[:, 0]
    return Found(look.frames[on], np.where(draws < 0.5, upper, large), scores)


def _detections(look: _Look) -> Found:
    on = look.detected
    return Found(look.frames[on], look.boxes[on], look.scores[on])


def _false(day: Day, times_s: FloatArray, conditions: Conditions, seed: int) -> Found:
    """Boxes on nothing, each for a short while."""
    rng = stream(seed, Purpose.FALSE)
    width, height = day.shop.camera.size_px
    found = []
    for _ in range(int(rng.poisson(conditions.false_per_min * day.end_s / 60))):
        start, lasts = rng.uniform(0, day.end_s), rng.uniform(*conditions.false_s)
        tall, slim = height * rng.uniform(0.1, 0.5), rng.uniform(0.3, 0.6)
        left, top = rng.uniform(0, width - tall * slim), rng.uniform(0, height - tall)
        score, (shake,) = rng.uniform(0.35, 0.55), rng.spawn(1)
        first, last = np.searchsorted(times_s, [start, start + lasts])
        box = np.array([left, top, left + tall * slim, top + tall])
        boxes = box + 0.02 * tall * shake.normal(size=(last - first, 4))
        scores = score + 0.03 * shake.normal(size=last - first)
        found.append(Found(np.arange(first, last), in_picture(boxes, (width, height)), scores))
    return joined(found)


def _known(count: int, looks: list[_Look]) -> list[dict[int, Box]]:
    known: list[dict[int, Box]] = [{} for _ in range(count)]
    for look in looks:
        number = look.shot.number
        if number >= FIGURES_FROM:
            continue
        for frame, (x1, y1, x2, y2) in zip(look.frames.tolist(), look.full.tolist(), strict=True):
            known[frame][number] = (x1, y1, x2, y2)
    return known


def _rise(share: FloatArray, low: float, high: float) -> FloatArray:
    """(n,) → (n, 1): 0 up to `low`, 1 from `high`, smooth in between."""
    part = np.clip((share - low) / (high - low), 0.0, 1.0)[:, None]
    smooth: FloatArray = part * part * (3 - 2 * part)
    return smooth


def _common(one: Span, other: Span) -> Span:
    return max(one[0], other[0]), min(one[1], other[1])
