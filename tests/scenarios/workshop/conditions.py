"""How bad a camera, its link and a person detector are.

The presets follow what a small detector does to people at a counter: doubled boxes in groups,
half-hidden people missed, feet clipped, a rack or a coat now and then seen as a person.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

Span = tuple[float, float]


@dataclass(frozen=True)
class Conditions:
    """Frames, boxes and scores of a film. Lengths of bursts are seconds, from and to.

    Attributes:
        fps: frames a second, 2 to 30.
        jitter: deviation of a frame's time, in frame intervals.
        drop: share of single frames that never arrive.
        drop_burst: share of the time in which no frame arrives, in bursts.
        drop_burst_s: length of those bursts.
        freezes_per_h: how often the camera stands still, an hour.
        freeze_s: for how long.
        edge_sd: deviation of each edge of a box, in body heights; half of its variance is
            white, half lasts about `edge_lasts_s`. Left and right move 0.6 of it.
        bias_sd: deviation of what stays off on a person's box, in body heights.
        feet: share of the time in which a person's box ends above the feet, in bursts.
        feet_s: length of those bursts.
        feet_share: how far above, in body heights.
        miss: share of detections that are missing at random.
        miss_burst: share of the time in which a person is missed, in bursts.
        miss_burst_s: range of the mean length of those bursts, drawn for each person.
        double: share of the time in which a detected person has a second box, in bursts.
        double_s: length of those bursts.
        merged: share of the time in which two people who overlap get one box, in bursts.
        merged_s: length of those bursts.
        weak: share of the time in which a person's score falls by 0.3, in bursts.
        weak_s: length of those bursts.
        score_sd: deviation of a person's score.
        flicker: 0: a partly hidden person is detected above a fixed visible share; 1: at random,
            with a probability that rises with the visible share.
        false_per_min: boxes on nothing, a minute.
        false_s: for how long they stay.
        threshold: lowest score that is delivered.
    """

    fps: float = 10.0
    jitter: float = 0.0
    drop: float = 0.0
    drop_burst: float = 0.0
    drop_burst_s: Span = (0.3, 1.5)
    freezes_per_h: float = 0.0
    freeze_s: Span = (3.0, 15.0)
    edge_sd: float = 0.0
    edge_lasts_s: float = 0.5
    bias_sd: float = 0.0
    feet: float = 0.0
    feet_s: Span = (0.5, 2.0)
    feet_share: Span = (0.05, 0.15)
    miss: float = 0.0
    miss_burst: float = 0.0
    miss_burst_s: Span = (0.4, 1.5)
    double: float = 0.0
    double_s: Span = (0.2, 1.0)
    merged: float = 0.0
    merged_s: Span = (0.3, 1.5)
    weak: float = 0.0
    weak_s: Span = (0.5, 3.0)
    score_sd: float = 0.0
    flicker: float = 0.0
    false_per_min: float = 0.0
    false_s: Span = (0.2, 1.5)
    threshold: float = 0.3


CLEAN = Conditions()
USUAL = Conditions(
    jitter=0.1,
    drop=0.03,
    drop_burst=0.005,
    freezes_per_h=0.3,
    edge_sd=0.018,
    bias_sd=0.008,
    feet=0.03,
    miss=0.03,
    miss_burst=0.03,
    double=0.02,
    merged=0.15,
    weak=0.05,
    score_sd=0.06,
    flicker=1.0,
    false_per_min=1.0,
)
GOOD = replace(
    USUAL,
    jitter=0.05,
    drop=0.01,
    drop_burst=0.0,
    freezes_per_h=0.1,
    edge_sd=0.01,
    bias_sd=0.004,
    feet=0.01,
    miss=0.01,
    miss_burst=0.01,
    double=0.005,
    merged=0.05,
    weak=0.02,
    score_sd=0.04,
    false_per_min=0.2,
)
ROUGH = replace(
    USUAL,
    jitter=0.2,
    drop=0.06,
    drop_burst=0.015,
    freezes_per_h=1.0,
    edge_sd=0.03,
    bias_sd=0.015,
    feet=0.06,
    miss=0.06,
    miss_burst=0.06,
    double=0.04,
    merged=0.3,
    weak=0.1,
    score_sd=0.09,
    false_per_min=2.0,
)
PI_2FPS = replace(USUAL, fps=2.0)
PI_5FPS = replace(USUAL, fps=5.0)
FAST_25FPS = replace(USUAL, fps=25.0)
