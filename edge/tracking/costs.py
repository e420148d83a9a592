"""How badly a detection fits a track."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge.tracking.motion import MEASURE_SD_H
from edge.tracking.track import KNOWN_SIZES, Detection, Track

LOW_SCORE = 0.35
LOW_SCORE_COST = 0.15
STALE_COST = 0.2
GATE_H = 0.3
GATE_SDS = 6.0
GATE_H_PER_S = 0.55
NEW_GATE_H_PER_S = 1.2
PART_H = 0.12
LONGER = 1.08
SAME_SIZE = 0.15
SIZE_COST = 1.5

FloatArray = NDArray[np.float64]


def association_cost(
    tracks: Sequence[Track], t_s: float, stale_s: float, found: Sequence[Detection]
) -> FloatArray:
    """(tracks, detections) cost; 1.0 is the gate.

    Distances of the boxes' middle, top and bottom (one of which may be hidden) in body
    heights, over a gate that widens with the time since the track was seen; a body of
    another size costs extra, unless a nearer one covers a part of it, and so does a track
    that was not seen for `stale_s`: whoever was seen in the last frame comes first.
    """
    boxes = np.array([one.box_xyxy_px for one in found])
    sizes = np.array([math.log(max(one.body_m, 0.1)) if one.body_m else np.nan for one in found])
    covered = np.array([one.covered for one in found])
    low = np.array([one.score < LOW_SCORE for one in found])
    state = np.array(
        [
            (
                track.x.position,
                track.top.position,
                track.bottom.position,
                track.height_px,
                *_gate(track, t_s, stale_s),
                math.log(track.body_m) if track.body_m else math.nan,
            )
            for track in tracks
        ]
    )
    height = state[:, 3, None]
    dx = np.abs(state[:, 0, None] - (boxes[:, 0] + boxes[:, 2]) / 2)
    d_top = np.abs(state[:, 1, None] - boxes[:, 1])
    d_bottom = np.abs(state[:, 2, None] - boxes[:, 3])
    nearer, farther = np.minimum(d_top, d_bottom), np.maximum(d_top, d_bottom)
    # one end may be hidden, not both; and nobody known from head to foot shows more than that
    known = np.array([track.sizes[0] >= KNOWN_SIZES for track in tracks])[:, None]
    longer = boxes[:, 3] - boxes[:, 1] > LONGER * height
    part = np.where((nearer < PART_H * height) & ~(known & longer), 0.25, 0.75)
    cost: FloatArray = (dx + nearer + part * farther) / (height * state[:, 4, None])
    larger = sizes - state[:, 6, None]
    unlike = np.maximum(np.abs(larger) - SAME_SIZE, 0.0)
    unlike = np.where(np.isnan(unlike) | (covered & (larger < 0)), 0.0, unlike)
    cost += state[:, 5, None] + SIZE_COST * unlike + np.where(low, LOW_SCORE_COST, 0.0)
    return cost


def _gate(track: Track, t_s: float, stale_s: float) -> tuple[float, float]:
    """Gate in body heights, and an extra cost, of a track's next detection."""
    rate_h = GATE_H_PER_S if track.hits > 2 else NEW_GATE_H_PER_S
    unseen_s = t_s - track.seen_s
    widest_h = GATE_H + rate_h * min(unseen_s, 1.0)
    foreseen_h = math.sqrt(max(track.x.p00, track.top.p00)) / max(track.height_px, 1.0)
    gate_h = min(widest_h, GATE_SDS * math.hypot(foreseen_h, MEASURE_SD_H))
    return gate_h, STALE_COST if unseen_s > stale_s else 0.0
