"""Writes a scripted shop's past week, then its present, as detection records.

The past goes out as fast as the reader takes it; from now on frames come at their time. The
records are what a camera process would write: boxes with noise, misses, occlusion.

usage: python deploy/demo/shop_week.py --records-fd N --starts-at 2026-11-16T00:00:00+08:00
"""

from __future__ import annotations

import argparse
import math
import os
import random
import sys
import time
from datetime import UTC, datetime, timedelta

import numpy as np
from shop import CLOSES_H, Person, Shop, opening_frames

from firmware_cfg.record import FrameRecord, pack

SIZE_PX = (1280, 720)
FOCAL_PX = 900.0
CAMERA_HEIGHT_M = 3.0
CAMERA_Y_M = -1.5
TILT_RAD = math.radians(24)
STEP_S = 0.5
MISS_SHARE = 0.03
NOW = "its past is told; from now on it goes with the clock"


def project(x_m: float, y_m: float, z_m: float) -> tuple[float, float]:
    """Pixel of a point `z_m` above the floor, for the demo's camera.

    The camera stands `CAMERA_HEIGHT_M` above (0, `CAMERA_Y_M`), looks along +y, tilted down.
    """
    forward, up = y_m - CAMERA_Y_M, z_m - CAMERA_HEIGHT_M
    depth = forward * math.cos(TILT_RAD) - up * math.sin(TILT_RAD)
    below = -forward * math.sin(TILT_RAD) - up * math.cos(TILT_RAD)
    depth = max(depth, 0.1)
    return SIZE_PX[0] / 2 + FOCAL_PX * x_m / depth, SIZE_PX[1] / 2 + FOCAL_PX * below / depth


def box_of(person: Person, noise: random.Random) -> tuple[float, float, float, float] | None:
    """The person's box, clipped to the picture; None out of view."""
    x_m, y_m = person.at
    foot_x, foot_y = project(x_m, y_m, 0.0)
    _, head_y = project(x_m, y_m, person.height_m)
    half = 0.14 * (foot_y - head_y)
    wobble = 0.006 * (foot_y - head_y)
    left, top, right, bottom = (
        edge + noise.gauss(0, wobble) for edge in (foot_x - half, head_y, foot_x + half, foot_y)
    )
    left, right = max(left, 0.0), min(right, float(SIZE_PX[0]))
    top, bottom = max(top, 0.0), min(bottom, float(SIZE_PX[1]))
    if right - left < 0.6 * half or bottom - top < 20:
        return None
    return left, top, right, bottom


def frame(shop: Shop, number: int, t_s: float, noise: random.Random) -> FrameRecord:
    """What a camera process would say of the shop now."""
    boxes = [
        box
        for person in shop.people()
        if noise.random() > MISS_SHARE and (box := box_of(person, noise)) is not None
    ]
    return FrameRecord(
        number,
        round(t_s * 1e6),
        SIZE_PX,
        np.array(boxes, float).reshape(-1, 4),
        np.array([noise.uniform(0.55, 0.9) for _ in boxes]),
    )


def run(records_fd: int, starts_at: datetime, seed: int, days: int | None) -> None:
    """Write records until the reader goes away, or for `days` days."""
    chance = random.Random(seed)  # noqa: S311 - a script, not a secret
    shop, day, told = Shop(chance), None, ""
    for number, at in enumerate(opening_frames(starts_at, STEP_S), 1):
        if days is not None and at - starts_at >= timedelta(days=days):
            return
        if at.date() != day:
            day = at.date()
            shop.open()
        ahead_s = (at - datetime.now(UTC)).total_seconds()
        if ahead_s > 0:
            if told != NOW:
                told = NOW
                sys.stderr.write(f"shop week: {NOW}\n")
            time.sleep(min(ahead_s, STEP_S) if ahead_s < 60 else ahead_s)
        elif told not in (NOW, f"{at:%a}"):
            told = f"{at:%a}"
            sys.stderr.write(f"shop week: {at:%A %d %B}\n")
        shop.step(at, STEP_S)
        if at.hour >= CLOSES_H:
            shop.parties.clear()
        os.write(records_fd, pack(frame(shop, number, (at - starts_at).total_seconds(), chance)))


def main() -> int:
    """Run the script."""
    command = argparse.ArgumentParser(description=__doc__)
    command.add_argument("--records-fd", type=int, default=1)
    command.add_argument("--starts-at", type=datetime.fromisoformat, required=True)
    command.add_argument("--days", type=int, help="end after so many days; default: go on")
    command.add_argument("--seed", type=int, default=7)
    options = command.parse_args()
    try:
        run(options.records_fd, options.starts_at, options.seed, options.days)
    except (BrokenPipeError, KeyboardInterrupt):
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
