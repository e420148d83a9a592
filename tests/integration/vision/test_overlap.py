"""The jailed process on one core and on two: the same records, byte for byte."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from firmware_cfg.record import pack
from tests.integration.vision.process import SiteFile, see

if TYPE_CHECKING:
    from pathlib import Path

CORES = [str(core) for core in sorted(os.sched_getaffinity(0))[:2]]
two_cores = pytest.mark.skipif(len(CORES) < 2, reason="one core: nothing can overlap")


def make_video(path: Path, frames: int) -> Path:
    """A body-like shape that walks to the right over a textured floor."""
    floor = np.random.default_rng(1).integers(90, 130, (432, 768, 3), np.uint8)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (768, 432))
    for index in range(frames):
        picture, x = floor.copy(), 200 + 6 * index
        cv2.ellipse(picture, (x, 250), (34, 90), 0, 0, 360, (40, 30, 120), -1)
        cv2.circle(picture, (x, 140), 22, (150, 170, 210), -1)
        writer.write(picture)
    writer.release()
    return path


@two_cores
def test_overlapped_it_writes_what_it_writes_by_turns(tmp_path: Path, site_file: SiteFile) -> None:
    video = make_video(tmp_path / "v.avi", 61)
    site = site_file(more="[device]\nscore_floor = 0.05")
    one = see(video, site, prefix=("taskset", "-c", CORES[0]))
    two = see(video, site, prefix=("taskset", "-c", ",".join(CORES)))
    own = see(video, site, "--inference-cores", CORES[1])
    assert [one.status, two.status, own.status] == [0, 0, 0]
    by_turns = [pack(record) for record in one.records]
    assert len(by_turns) == 61
    assert sum(len(record.scores) for record in one.records) > 0
    assert [pack(record) for record in two.records] == by_turns
    assert [pack(record) for record in own.records] == by_turns
    assert "threads=1 " in one.jail
    assert "threads=2 " in two.jail
    assert "threads=2 " in own.jail


def test_cores_that_it_may_not_use_end_it(tmp_path: Path, site_file: SiteFile) -> None:
    video = make_video(tmp_path / "v.avi", 3)
    ended = see(video, site_file(), "--inference-cores", "4096")
    assert ended.status == 2
    assert "--inference-cores 4096: expected some of" in ended.stderr
