"""The view's edge is where people leave and come, also inside the picture."""

from __future__ import annotations

import numpy as np

from edge.engine import Engine
from edge.tracking.floor import EstimatedFloor
from edge.tracking.track import Track, TrackId
from edge.tracking.tracker import Tracker
from firmware_cfg.record import FrameRecord
from firmware_cfg.region import Region, region_of
from firmware_cfg.site import Site

PICTURE_PX = (1920, 1080)
VIEW = Region(600, 200, 1300, 900)
WALK_PX_S = 120.0
STEP_S = 0.1


def walk(tracker: Tracker, start_s: float, from_x: float, to_x: float) -> set[int]:
    """Someone 200 px tall walks along; only boxes inside the view are delivered."""
    ids: set[int] = set()
    steps = round(abs(to_x - from_x) / (WALK_PX_S * STEP_S))
    for step in range(steps + 1):
        x = from_x + (to_x - from_x) * step / steps
        box = np.array([[x - 35, 500.0, x + 35, 700.0]])
        inside = box[0, 0] > VIEW.left and box[0, 2] < VIEW.right
        boxes = box if inside else np.zeros((0, 4))
        seen = tracker.update(start_s + step * STEP_S, step + 1, boxes, np.full(len(boxes), 0.8))
        ids |= {int(sighting.id) for sighting in seen.seen}
    return ids


def test_one_who_walks_out_of_a_cropped_view_and_one_who_walks_in_are_two() -> None:
    tracker = Tracker(PICTURE_PX, VIEW, EstimatedFloor(PICTURE_PX))
    first = walk(tracker, 0.0, 900, 1400)
    second = walk(tracker, 10.0, 1400, 900)
    assert len(first) == len(second) == 1
    assert first != second


def test_who_crosses_the_view_s_edge_has_come_in_or_walked_out() -> None:
    tracker = Tracker(PICTURE_PX, VIEW, EstimatedFloor(PICTURE_PX))
    tracks: dict[TrackId, Track] = {}
    for step in range(120):
        x = 1400 - 8 * step if step < 60 else 920 + 8 * (step - 60)
        box = np.array([[x - 35, 500.0, x + 35, 700.0]])
        inside = box[0, 0] > VIEW.left and box[0, 2] < VIEW.right
        boxes = box if inside else np.zeros((0, 4))
        seen = tracker.update(step * STEP_S, step + 1, boxes, np.full(len(boxes), 0.8))
        tracks |= {track.id: track for track in (*seen.started, *seen.ended)}
    assert [(track.from_edge, track.walked_out) for track in tracks.values()] == [(True, True)]


def test_a_box_beyond_the_view_proves_that_the_whole_picture_is_looked_at() -> None:
    corners = [[900, 500], [1020, 500], [1020, 540], [900, 540]]
    floor = [[0, 0], [400, 0], [400, 200], [0, 200]]
    site = Site.model_validate(
        {
            "camera": {"size_px": PICTURE_PX},
            "ground": {"image_px": floor, "world_m": [[0, 0], [10, 0], [10, 10], [0, 10]]},
            "service_point": [{"id": "far", "service_zone_px": corners}],
        }
    )
    view = region_of(site)
    assert view.size_px != PICTURE_PX
    beyond = np.array([[view.right + 20.0, 400.0, view.right + 60.0, 480.0]])
    assert not view.holds(beyond)
    engine = Engine(site)
    engine.step(FrameRecord(1, 0, PICTURE_PX, beyond, np.array([0.9])))
    assert engine.view == Region(0, 0, *PICTURE_PX)
