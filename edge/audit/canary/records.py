"""The canary's visitors as records, as the camera process would write them: without pictures.

For runs of edge alone, which need no detector; the boxes are where the film draws bodies.
"""

from __future__ import annotations

import numpy as np

from edge.audit.canary.film import SOLE_PX, Plan, visitors
from edge.audit.canary.markers import HEIGHT_PX, WIDTH_PX
from firmware_cfg.record import FrameRecord, pack

_SCORE = 0.7
_HALF_BODY_PX = 19.0


def records_of(plan: Plan) -> bytes:
    """The records of a plan, one after another."""
    everyone, packed = visitors(plan), bytearray()
    for number in range(plan.frames):
        t_s, boxes = float(number / plan.rate_hz), []
        for one in everyone:
            place_px = one.place_px(t_s)
            if place_px is not None:
                top_px = SOLE_PX - one.figures[0].mask.shape[0]
                left_px, right_px = place_px - _HALF_BODY_PX, place_px + _HALF_BODY_PX
                boxes.append((left_px, top_px, right_px, SOLE_PX))
        packed += pack(
            FrameRecord(
                number + 1,
                round(t_s * 1e6),
                (WIDTH_PX, HEIGHT_PX),
                np.array(boxes, float).reshape(-1, 4),
                np.full(len(boxes), _SCORE),
            )
        )
    return bytes(packed)
