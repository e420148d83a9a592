"""`encounter-edge replay`: the real engine over a table of detections."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edge.detections_file import read_detections, read_times, records, times_at
from edge.engine import Engine
from edge.errors import InputFileError
from edge.rows import RowCollector, RowPaths
from firmware_cfg.load import load_site

if TYPE_CHECKING:
    from edge.detections_file import Row


def replay(
    detections: Path, times: Path | None, fps: float | None, site_file: Path, paths: RowPaths
) -> RowCollector:
    """Run the engine over `detections` and write what `paths` asks for.

    Args:
        detections: MOTChallenge detections.
        times: capture times; None: frames at a constant `fps`.
        fps: frames a second, where `times` is None.
        site_file: the site.
        paths: outputs.

    Raises:
        SiteFileError: every problem of the site file.
        InputFileError: a line of the tables that is wrong.
        OutputFileError: a result that cannot be written.
    """
    site = load_site(site_file)
    rows = read_detections(detections)
    frames = read_times(times) if times else times_at(fps or 10.0, max(rows, default=0))
    if times:
        _check_frames(detections, rows, frames)
    engine = Engine(site)
    collector = RowCollector(site.encounter.settle_s)
    for record in records(rows, frames, site.camera.size_px):
        collector.frame(record, engine, engine.step(record))
    collector.finish(engine)
    collector.write(paths)
    return collector


def _check_frames(
    path: Path, rows: dict[int, list[Row]], frames: Sequence[tuple[int, int]]
) -> None:
    """Refuse detections of frames that were never delivered."""
    unknown = set(rows) - {frame for frame, _ in frames}
    if not unknown:
        return
    first = min(unknown)
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if line.strip() and int(float(line.split(",")[0])) == first:
            raise InputFileError(
                path, number, f"expected a frame of the times file, found frame {first}"
            )
