"""Site files, and real videos where there are any."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.integration.vision.process import ROOT, SiteFile

ZONE = "[[340, 290], [560, 290], [560, 428], [340, 428]]"


@pytest.fixture
def site_file(tmp_path: Path) -> SiteFile:
    """Writes a site file for a picture size, with further lines."""

    def write(size_px: tuple[int, int] = (768, 432), more: str = "") -> Path:
        path = tmp_path / "site.toml"
        path.write_text(
            f"[camera]\nsize_px = {list(size_px)}\n[[service_point]]\nid = 'counter-1'\n"
            f"service_zone_px = {ZONE}\n{more}\n"
        )
        return path

    return write


@pytest.fixture(scope="session")
def one_by_one() -> Path:
    """Six people, one after another, at a table: 768 × 432, 10 frames a second."""
    folder = os.environ.get("ENCOUNTER_SAMPLES")
    if folder is None:
        pytest.skip("ENCOUNTER_SAMPLES is not set: no folder with one-by-one.mp4")
    path = Path(folder) / "one-by-one.mp4"
    if not path.is_file():
        pytest.skip(f"{path}: not there")
    return path.resolve()


@pytest.fixture(scope="session")
def square() -> Path:
    """Pedestrians on a square: 768 × 576, 795 frames, 10 a second."""
    path = ROOT / ".cache" / "vtest.avi"
    if not path.is_file():
        pytest.skip("vtest.avi of Debian's opencv-doc is not in .cache")
    return path
