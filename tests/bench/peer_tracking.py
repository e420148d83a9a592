"""What a user would build today to see who is where: ByteTrack, polygon zones, timers per id.

Imported by `peer_encounters`. As a program it is the peer of `bench_tracking`: it keeps the
frames of a crowd (`tests/bench/crowd.py`) in memory, and for each line on standard input
tracks them all anew and prints the microseconds that each frame took, as a JSON list.
Runs in an environment of its own (deploy/locks/bench.txt).

usage: python tests/bench/peer_tracking.py CROWD.npz
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import supervision as sv
from trackers import ByteTrackTracker
from trackers.utils.state_representations import XCYCSRStateEstimator, XYXYStateEstimator

FLICKER_S = 1.0  # a timer goes on over missing detections of this length
BUFFER_HZ = 30.0  # the tracker counts its buffer in frames of a 30 Hz video, whatever the rate
HIGH_SCORE = 0.6  # below it the tracker begins nothing, so a lower activation moves it along
ANCHORS = {
    "foot": sv.Position.BOTTOM_CENTER,
    "centre": sv.Position.CENTER,
    "head": sv.Position.TOP_CENTER,
}

Span = tuple[float, float]
Zone = tuple[str, str]  # (queue, service or staff; the id of its queue or service point)
Stretches = dict[Zone, list[Span]]


@dataclass(frozen=True, slots=True)
class Settings:
    """What a user can turn.

    Attributes:
        lost_s: how long a lost track can be found again.
        activation: least score that begins a track; a high score is one of at least this, or
            of `HIGH_SCORE`, the tracker's own default, where this is above it.
        consecutive: frames in a row before a track has an id.
        iou: least overlap of a detection with a track.
        timed: tell the tracker the capture times; else it takes the frames as even.
        centred: foresee a box by its centre and shape; else by its corners.
        staff_s: who was longer than this in a staff zone is staff.
    """

    lost_s: float = 10.0
    activation: float = 0.7
    consecutive: int = 3
    iou: float = 0.1
    timed: bool = True
    centred: bool = True
    staff_s: float = 5.0

    def label(self) -> str:
        """For a file's name."""
        return (
            f"lost{self.lost_s:g}-score{self.activation:g}-run{self.consecutive}"
            f"-iou{self.iou:g}-{'timed' if self.timed else 'even'}"
            f"-{'centre' if self.centred else 'corners'}-staff{self.staff_s:g}"
        )

    def tracker(self, fps: float) -> ByteTrackTracker:
        """A new tracker of these settings."""
        return ByteTrackTracker(
            lost_track_buffer=round(self.lost_s * BUFFER_HZ),
            frame_rate=fps,
            track_activation_threshold=self.activation,
            high_conf_det_threshold=min(self.activation, HIGH_SCORE),
            minimum_consecutive_frames=self.consecutive,
            minimum_iou_threshold=self.iou,
            state_estimator_class=XCYCSRStateEstimator if self.centred else XYXYStateEstimator,
        )


@dataclass(slots=True)
class Timers:
    """When each tracker id was in which zone, over one time of seeing, `span_s`."""

    span_s: Span
    by_id: dict[int, Stretches] = field(default_factory=dict)

    def tick(self, track_id: int, zone: Zone, t_s: float) -> None:
        """In the zone at `t_s`."""
        parts = self.by_id.setdefault(track_id, {}).setdefault(zone, [])
        if parts and t_s - parts[-1][1] <= FLICKER_S:
            parts[-1] = (parts[-1][0], t_s)
        else:
            parts.append((t_s, t_s))


def zones_of(site: Mapping[str, Any]) -> dict[Zone, sv.PolygonZone]:
    """Every zone of a site."""
    found: dict[Zone, sv.PolygonZone] = {}
    for queue in site.get("queue") or ():
        found["queue", queue["id"]] = _polygon(queue["zone_px"], queue.get("anchor"))
    for point in site["service_point"]:
        for kind in ("service", "staff"):
            if point.get(f"{kind}_zone_px"):
                anchor = point.get(f"{kind}_anchor")
                found[kind, point["id"]] = _polygon(point[f"{kind}_zone_px"], anchor)
    return found


def _polygon(corners_px: Sequence[Sequence[float]], anchor: str | None) -> sv.PolygonZone:
    return sv.PolygonZone(np.rint(corners_px).astype(int), [ANCHORS[anchor or "foot"]])


def count_frame(
    tracked: sv.Detections, zones: Mapping[Zone, sv.PolygonZone], timers: Timers, t_s: float
) -> None:
    """Run the timers of whoever is in a zone in this frame."""
    for name, zone in zones.items():
        for track_id in tracked.tracker_id[zone.trigger(tracked)].tolist():
            if track_id >= 0:
                timers.tick(track_id, name, t_s)


def time_frames(crowd: Mapping[str, Any], settings: Settings) -> list[float]:
    """Microseconds of each frame: tracking, every zone, every timer.

    What wraps a frame's boxes for the tracker is made beforehand and not timed.
    """
    starts, times_s = crowd["starts"].tolist(), crowd["times_s"].tolist()
    frames = [
        sv.Detections(xyxy=crowd["boxes"][a:b].copy(), confidence=crowd["scores"][a:b].copy())
        for a, b in pairwise(starts)
    ]
    zones = zones_of(json.loads(str(crowd["site"])))
    tracker = settings.tracker(float(crowd["fps"]))
    timers = Timers((times_s[0], times_s[-1]))
    took_us = []
    for t_s, frame in zip(times_s, frames, strict=True):
        began_ns = time.perf_counter_ns()
        count_frame(tracker.update(frame, timestamp=t_s), zones, timers, t_s)
        took_us.append((time.perf_counter_ns() - began_ns) / 1e3)
    return took_us


def main() -> None:
    """Serve rounds."""
    with np.load(sys.argv[1]) as file:
        crowd = dict(file)
    for _ in sys.stdin:
        print(json.dumps(time_frames(crowd, Settings())), flush=True)


if __name__ == "__main__":
    main()
