"""A short video and its site file, so that no test needs a sample."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

SIZE_PX = (384, 216)
SITE = f"""[camera]
size_px = {list(SIZE_PX)}
[[service_point]]
id = "counter-1"
service_zone_px = [[100, 100], [280, 100], [280, 210], [100, 210]]
"""


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty seconds of moving grey at ten frames a second."""
    path = tmp_path_factory.mktemp("video") / "grey.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, SIZE_PX)
    for index in range(200):
        writer.write(np.full((SIZE_PX[1], SIZE_PX[0], 3), 60 + index % 100, np.uint8))
    writer.release()
    return path


@pytest.fixture
def site(tmp_path: Path) -> Path:
    path = tmp_path / "site.toml"
    path.write_text(SITE)
    return path


@pytest.fixture
def as_root() -> None:
    """Other processes' descriptors and mappings can be seen by root alone: they are closed."""
    if os.geteuid() != 0:
        pytest.skip("only root sees inside a process that is closed to its own user")
