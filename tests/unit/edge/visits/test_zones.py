"""Which zones a box is in: anchors, the picture's lower edge, hidden feet."""

from __future__ import annotations

import numpy as np
import pytest

from edge.tracking.floor import EstimatedFloor
from edge.tracking.track import Observation
from edge.tracking.tracker import Tracker
from edge.visits.zones import ZoneMap
from firmware_cfg.region import Region
from firmware_cfg.site import Site

QUEUE, SERVICE, STAFF = 1, 2, 4
SQUARE = [(100, 100), (300, 100), (300, 300), (100, 300)]


def site(**anchors: str) -> Site:
    return Site.model_validate(
        {
            "camera": {"size_px": (1000, 800)},
            "queue": [
                {
                    "id": "q",
                    "zone_px": [(0, 600), (1000, 600), (1000, 800), (0, 800)],
                    "anchor": anchors.get("queue", "foot"),
                }
            ],
            "service_point": [
                {
                    "id": "c",
                    "service_zone_px": [(400, 400), (600, 400), (600, 600), (400, 600)],
                    "service_anchor": anchors.get("service", "foot"),
                    "staff_zone_px": SQUARE,
                    "staff_anchor": anchors.get("staff", "foot"),
                }
            ],
        }
    )


def seen(
    box: tuple[float, float, float, float], foot_y: float | None = None, *, whole: bool = True
) -> Observation:
    left, top, right, bottom = box
    foot = bottom if foot_y is None else foot_y
    return Observation(
        0.0, 1, box, ((left + right) / 2, foot), whole, foot_y is not None, bottom - top, 0.9
    )


@pytest.mark.parametrize(
    ("anchor", "box", "mask"),
    [
        ("foot", (450, 300, 550, 500), SERVICE),
        ("foot", (450, 300, 550, 390), 0),
        ("centre", (450, 300, 550, 520), SERVICE),
        ("centre", (450, 300, 550, 480), 0),
        ("head", (450, 410, 550, 590), SERVICE),
        ("head", (450, 390, 550, 590), 0),
    ],
)
def test_the_anchor_decides(anchor: str, box: tuple[float, float, float, float], mask: int) -> None:
    assert ZoneMap(site(service=anchor)).mask(seen(box), 0) & SERVICE == mask


def test_a_box_cut_by_the_lower_edge_brings_nobody_in_and_keeps_who_was() -> None:
    zones = ZoneMap(site())
    cut = seen((100, 500, 200, 798), whole=False)
    assert zones.mask(cut, 0) == 0
    assert zones.mask(cut, QUEUE) == QUEUE


def test_a_box_cut_by_the_lower_edge_has_a_centre() -> None:
    assert ZoneMap(site(queue="centre")).mask(seen((100, 500, 200, 798), whole=False), 0) == QUEUE


@pytest.mark.parametrize(("bottom", "whole"), [(795.9, True), (796.1, False), (800, False)])
def test_half_a_percent_of_the_height_is_the_edge(bottom: float, whole: bool) -> None:
    boxes = np.array([[100.0, 500.0, 200.0, bottom]])
    tracker = Tracker((1000, 800), Region(0, 0, 1000, 800), EstimatedFloor((1000, 800)))
    steps = [tracker.update(t_s, 1, boxes, np.array([0.9])) for t_s in (0.0, 0.1, 0.2)]
    (sighting,) = steps[-1].seen
    assert [seen.foot_seen for seen in sighting.observations] == [whole] * 3


def test_staff_stand_where_the_visible_box_ends() -> None:
    zones = ZoneMap(site())
    behind = seen((150, 50, 250, 200), foot_y=350)
    assert zones.mask(behind, 0) == STAFF
    assert zones.behind_counter(behind)


def test_a_customer_hidden_up_to_the_chest_is_no_staff() -> None:
    zones = ZoneMap(
        site().model_copy(
            update={
                "service_point": (
                    site()
                    .service_point[0]
                    .model_copy(
                        update={"service_zone_px": ((100, 320), (300, 320), (300, 420), (100, 420))}
                    ),
                )
            }
        )
    )
    hidden = seen((150, 50, 250, 200), foot_y=360)
    assert zones.mask(hidden, 0) == SERVICE
    assert not zones.behind_counter(hidden)


def test_a_queue_that_names_nobody_feeds_all() -> None:
    assert ZoneMap(site()).counters[0].queue_bits == QUEUE
