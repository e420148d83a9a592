"""What comes out of the pipe survives `det.txt`: `run` and `replay` see the same boxes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge.detections_file import read_detections, records, times_at
from edge.rows import RowCollector
from firmware_cfg.record import FrameRecord, pack, unpack

FRAMES, FPS = 40, 30.0


@pytest.mark.parametrize(
    "size_px", [(1280, 720), (768, 432), (640, 480), (1944, 2592), (3840, 2160), (333, 77)]
)
def test_a_table_of_the_records_gives_the_same_records(
    size_px: tuple[int, int], tmp_path: Path
) -> None:
    chance = np.random.default_rng(5)
    rows, delivered = RowCollector(0.0), []
    for frame in range(1, FRAMES + 1):
        corners = np.sort(chance.random((20, 2, 2)), axis=1) * size_px
        told = FrameRecord(
            frame,
            round((frame - 1) / FPS * 1e6),
            size_px,
            corners.reshape(20, 4),
            chance.random(20),
        )
        delivered.append(unpack(pack(told)))
        rows.keep_detections(delivered[-1])
    path = tmp_path / "det.txt"
    path.write_text("".join(rows.detections))
    again = list(records(read_detections(path), times_at(FPS, FRAMES), size_px))
    assert sum(len(one.scores) for one in again) > 15 * FRAMES
    for one, other in zip(delivered, again, strict=True):
        assert (one.frame, one.t_us) == (other.frame, other.t_us)
        assert np.array_equal(one.boxes_xyxy_px, other.boxes_xyxy_px)
        assert np.array_equal(one.scores, other.scores)
