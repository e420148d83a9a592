"""How badly a detection fits a track, and a new track somebody who was lost."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge.tracking.track import Detection, Life, Track

LOW_SCORE = 0.35
LOW_SCORE_COST = 0.15
HIDDEN_COST = 0.3
STALE_COST = 0.2
GATE_H = 0.3
GATE_H_PER_S = 0.55
NEW_GATE_H_PER_S = 1.2
PART_H = 0.12
SAME_SIZE = 0.15
SAME_BODY = 0.1
SIZE_COST = 1.5
WALKING_H_PER_S = 0.25
WALK_MPS = 1.3
STAND_MPS = 0.3
FOUND_BASE_M = 0.8
FOUND_MOST_M = 3.0

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
    part = np.where(nearer < PART_H * height, 0.25, 0.75)  # one end may be hidden, not both
    cost: FloatArray = (dx + nearer + part * farther) / (height * state[:, 4, None])
    larger = sizes - state[:, 6, None]
    unlike = np.maximum(np.abs(larger) - SAME_SIZE, 0.0)
    unlike = np.where(np.isnan(unlike) | (covered & (larger < 0)), 0.0, unlike)
    cost += state[:, 5, None] + SIZE_COST * unlike + np.where(low, LOW_SCORE_COST, 0.0)
    return cost


def _gate(track: Track, t_s: float, stale_s: float) -> tuple[float, float]:
    """Gate in body heights, and an extra cost, of a track's next detection."""
    if track.life is Life.HIDDEN:
        return GATE_H, HIDDEN_COST
    rate_h = GATE_H_PER_S if track.hits > 2 else NEW_GATE_H_PER_S
    unseen_s = t_s - track.seen_s
    return GATE_H + rate_h * min(unseen_s, 1.0), STALE_COST if unseen_s > stale_s else 0.0


def found_cost(lost: Track, track: Track, distance_m: float) -> float:
    """How badly a new track fits a person lost earlier; 1.0 is the gate.

    Distance on the floor from where the person was last seen, over how far one may have
    gone since, and the difference of the bodies, as far as both are seen whole.
    """
    gap_s = track.born_s - lost.seen_s
    height = max(lost.height_px, 1.0)
    walking = math.hypot(lost.pace_px_s[0], lost.pace_px_s[2]) > WALKING_H_PER_S * height
    # whoever stood may have begun to walk, and is soon somewhere else or stands again
    way_m = WALK_MPS * gap_s if walking else min(gap_s, 1.0 + STAND_MPS * gap_s)
    reach_m = min(FOUND_BASE_M + way_m, FOUND_MOST_M)
    unlike = 0.0
    if lost.body_m is not None and track.body_m is not None:
        unlike = math.log(track.body_m / lost.body_m)
        # either may have been hidden in part: the found one more often, coming out again
        unlike = max(0.0, abs(unlike) - SAME_BODY) * (0.5 if unlike < 0 else 1.0)
    return distance_m / reach_m + unlike
