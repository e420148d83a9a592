"""A film as a camera would give it: surfaces, edges, texture, movement and noise."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def natural_film(path: Path, size_px: tuple[int, int], frames: int, *, mono: bool = False) -> None:
    """Write it, 4:2:0 or grey, five frames a second; the same every time."""
    random = np.random.default_rng(20_261_123)
    width, height = size_px
    wide = (height, width + 2 * frames)
    scene = np.full(wide, 110.0)
    for blur in (1, 3, 9, 25):
        scene += cv2.GaussianBlur(random.normal(0, 9 * blur, wide), (0, 0), blur)
    for _ in range(12):
        x, y = (int(random.integers(0, side)) for side in wide[::-1])
        grey = float(random.integers(30, 220))
        cv2.rectangle(scene, (x, y), (x + width // 8, y + height // 6), grey, -1)
    hue = [cv2.GaussianBlur(random.normal(0, 300, wide), (0, 0), 12) for _ in range(2)]
    with path.open("wb") as file:
        colours = "mono" if mono else "420jpeg"
        file.write(f"YUV4MPEG2 W{width} H{height} F5:1 Ip A1:1 C{colours}\n".encode())
        for number in range(frames):
            shown = scene[:, 2 * number : 2 * number + width]
            planes: list[Floats] = [shown + random.normal(0, 1.5, shown.shape)]
            if not mono:
                part = slice(2 * number, 2 * number + width, 2)
                planes += [128.0 + np.asarray(one[::2, part], float) for one in hue]
            file.write(b"FRAME\n")
            for one in planes:
                file.write(np.clip(np.rint(one), 16, 235).astype(np.uint8).tobytes())
