"""How badly a detection fits a track."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge.tracking.track import Detection, Track

LOW_SCORE = 0.35
LOW_SCORE_COST = 1.5
STALE_COST = 2.0
GATE = 6.0
SPREAD_MOST = 4.0
NOISE_H = 0.03
CUT_COST = 2.0
SHOWN_COST = 3.0
JUMP_COST = 6.0
SIDE_COST = 1.5
NARROW = 0.85
SAME_SIZE = 0.15
SIZE_COST = 20.0
BEYOND = 2.0
REACH_H = 0.2
REACH_H_PER_S = 0.55
NEW_REACH_H_PER_S = 1.2

FloatArray = NDArray[np.float64]


def association_cost(
    tracks: Sequence[Track], t_s: float, stale_s: float, found: Sequence[Detection]
) -> FloatArray:
    """(tracks, detections) cost; 1.0 is the gate.

    Negative logarithm of the normal likelihood of a box's middle, top and bottom where the
    track is foreseen, and of how little is known of it beside what is known of the others.
    One end may jump: something hides it, or does no more. A box narrower than the person
    may show either side. A body of another size costs extra, unless a nearer one covers a
    part of it, and so does a track that was not seen for `stale_s`. Nobody is found farther
    away than anybody walks.
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
                track.x.p00,
                track.top.p00,
                track.bottom.p00,
                track.width_px,
                STALE_COST if t_s - track.seen_s > stale_s else 0.0,
                math.log(track.body_m) if track.body_m else math.nan,
                float(track.last is not None and track.last.feet_hidden),
                _reach_h(track, t_s),
            )
            for track in tracks
        ]
    ).T[:, :, None]
    x, top, bottom, height, vx, vt, vb, width, stale, size, hidden, reach = state
    noise = (NOISE_H * height) ** 2
    dx = x - (boxes[:, 0] + boxes[:, 2]) / 2
    n_mid = 0.5 * dx**2 / (vx + noise)
    d_left, d_right = x - width / 2 - boxes[:, 0], x + width / 2 - boxes[:, 2]
    n_side = SIDE_COST + 0.5 * np.minimum(np.abs(d_left), np.abs(d_right)) ** 2 / (vx + noise)
    narrower = boxes[:, 2] - boxes[:, 0] < NARROW * width
    n_x = np.where(narrower, np.minimum(n_mid, n_side), n_mid)
    d_top, d_bottom = top - boxes[:, 1], bottom - boxes[:, 3]
    n_top = 0.5 * d_top**2 / (vt + noise)
    n_bottom = 0.5 * d_bottom**2 / (vb + noise)
    n_bottom = np.where(covered & (d_bottom > 0), np.minimum(n_bottom, CUT_COST), n_bottom)
    n_bottom = np.where((hidden > 0) & ~covered, np.minimum(n_bottom, SHOWN_COST), n_bottom)
    ends = np.minimum(n_top, n_bottom) + np.minimum(np.maximum(n_top, n_bottom), JUMP_COST)
    spread = 0.5 * (np.log(1 + vx / noise) + np.log(1 + vt / noise) + np.log(1 + vb / noise))
    larger = sizes - size
    unlike = np.maximum(np.abs(larger) - SAME_SIZE, 0.0)
    unlike = np.where(np.isnan(unlike) | (covered & (larger < 0)), 0.0, unlike)
    ends = ends + np.minimum(spread - spread.min(), SPREAD_MOST)
    cost = n_x + ends + stale + SIZE_COST * unlike + np.where(low, LOW_SCORE_COST, 0.0)
    moved = np.abs(dx) + np.minimum(np.abs(d_top), np.abs(d_bottom))
    return np.where(moved <= reach * height, cost / GATE, BEYOND)


def _reach_h(track: Track, t_s: float) -> float:
    """How far, in body heights, anybody moves until `t_s`."""
    rate_h = REACH_H_PER_S if track.hits > 2 else NEW_REACH_H_PER_S
    return REACH_H + rate_h * min(t_s - track.seen_s, 1.0)
