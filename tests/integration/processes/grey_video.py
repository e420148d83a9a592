"""A short video of plain grey, so that no test of processes needs a sample."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

SIZE_PX = (384, 216)
RATE_HZ, FRAMES = 10.0, 200
SITE = f"""[camera]
size_px = {list(SIZE_PX)}
[[service_point]]
id = "counter-1"
service_zone_px = [[100, 100], [280, 100], [280, 210], [100, 210]]
"""


def write_grey_video(folder: Path) -> Path:
    """Twenty seconds, a little brighter with each frame, in `folder`."""
    path = folder / "grey.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), RATE_HZ, SIZE_PX)
    width_px, height_px = SIZE_PX
    for index in range(FRAMES):
        writer.write(np.full((height_px, width_px, 3), 60 + index % 100, np.uint8))
    writer.release()
    return path
