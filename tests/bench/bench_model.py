"""Times each committed model on one thread and compares int8 with float32 on real frames.

    taskset -c 1 python -m tests.bench.bench_model

The float32 model of the same size is the peer of each int8 model, in the same run.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.unit.models.detect import MODELS, VIDEO, frames, letterbox, match, people, session

SIZES = ((288, 512), (256, 416))
FRAMES = tuple(range(7, 795, 26))  # none of them was used to calibrate
RUNS = 100
SHARED = 0.7


class Timing(NamedTuple):
    """Milliseconds a picture: least and median, and to load the model."""

    least_ms: float
    median_ms: float
    load_ms: float


def pictures(height_px: int, width_px: int) -> list[np.ndarray]:
    """Each frame whole, and its middle, in which people stand nearer."""
    found = []
    for frame in frames(FRAMES):
        found.append(letterbox(frame, height_px, width_px))
        found.append(letterbox(frame[100:316, 200:584], height_px, width_px))
    return found


def timing(path: Path, picture: np.ndarray) -> Timing:
    """Time the model on one picture again and again, after ten runs to warm up."""
    started_s = time.perf_counter()
    model = session(path)
    load_ms = (time.perf_counter() - started_s) * 1e3
    took_ms = []
    for _ in range(RUNS + 10):
        started_s = time.perf_counter()
        model.run(None, {"picture": picture})
        took_ms.append((time.perf_counter() - started_s) * 1e3)
    return Timing(min(took_ms[10:]), float(np.median(took_ms[10:])), load_ms)


def agreement(name: str, shown: list[np.ndarray]) -> str:
    """How far the int8 model finds what the float32 model finds, at a score of 0.35."""
    exact, rounded = session(MODELS / f"{name}.onnx"), session(MODELS / f"{name}-int8.onnx")
    pairs, first, second = [], 0, 0
    for picture in shown:
        one, other = people(exact, picture), people(rounded, picture)
        first, second = first + len(one.boxes), second + len(other.boxes)
        pairs += match(one, other, SHARED)
    overlap = np.mean([pair.iou for pair in pairs])
    gap = np.mean([abs(pair.first - pair.second) for pair in pairs])
    return (
        f"{name}: float32 {first} people, int8 {second}, {len(pairs)} the same (IoU >= {SHARED}), "
        f"F1 {2 * len(pairs) / (first + second):.3f}, mean IoU {overlap:.3f}, "
        f"mean score difference {gap:.3f}"
    )


def main() -> None:
    """Print both tables."""
    if not VIDEO.exists():
        sys.exit(f"{VIDEO} is missing: it is doc/examples/data/vtest.avi of Debian's opencv-doc")
    print(f"{'model':24} {'MB':>5} {'load ms':>8} {'least ms':>9} {'median ms':>10}")
    for height_px, width_px in SIZES:
        shown = pictures(height_px, width_px)
        name = f"nanodet-{height_px}x{width_px}"
        for path in (MODELS / f"{name}.onnx", MODELS / f"{name}-int8.onnx"):
            took = timing(path, shown[0])
            size = path.stat().st_size / 1e6
            print(
                f"{path.stem:24} {size:5.1f} {took.load_ms:8.0f} "
                f"{took.least_ms:9.2f} {took.median_ms:10.2f}"
            )
        print(agreement(name, shown))


if __name__ == "__main__":
    main()
