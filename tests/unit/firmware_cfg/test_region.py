"""Which part of the picture is looked at."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from firmware_cfg.plane import homography
from firmware_cfg.region import Region, cut, floor_scale, person_height_px, region_of
from firmware_cfg.site import Ground, Site

ASPECT = 512 / 288
FLOOR = {
    # a camera far away: 1 m is 40 px across and 20 px deep
    "image_px": [[0, 0], [400, 0], [400, 200], [0, 200]],
    "world_m": [[0, 0], [10, 0], [10, 10], [0, 10]],
}


def box_zone(left: float, top: float, right: float, bottom: float) -> list[list[float]]:
    return [[left, top], [right, top], [right, bottom], [left, bottom]]


def site(size_px: tuple[int, int], zone: list[list[float]], **more: Any) -> Site:
    camera = {"size_px": size_px, **more.pop("camera", {})}
    points = [{"id": "counter-1", "service_zone_px": zone, **more.pop("point", {})}]
    return Site.model_validate({"camera": camera, "service_point": points, **more})


WHOLE = {
    "people large enough without a crop": ((768, 576), box_zone(300, 250, 420, 330), {}),
    "a counter that fills the view": ((768, 432), box_zone(340, 290, 560, 428), {}),
    "zones at both ends": ((1920, 1080), box_zone(20, 500, 1900, 1000), {}),
    "a lens that bends, with a floor": (
        (1920, 1080),
        box_zone(900, 500, 950, 550),
        {
            "ground": FLOOR,
            "camera": {
                "lens": {"model": "brown", "matrix": [[900, 0, 960], [0, 900, 540], [0, 0, 1]]}
            },
        },
    ),
}


@pytest.mark.parametrize(("size_px", "zone", "more"), WHOLE.values(), ids=WHOLE.keys())
def test_whole_picture(size_px: tuple[int, int], zone: list[list[float]], more: Any) -> None:
    assert region_of(site(size_px, zone, **more)) == Region(0, 0, *size_px)


def test_a_far_small_zone_is_looked_at_closely() -> None:
    told = site((1920, 1080), box_zone(900, 500, 1020, 540), ground=FLOOR)
    region = region_of(told)
    tall = person_height_px((960, 540), (1920, 1080), told.ground)
    assert tall == pytest.approx(1.9 * 40)
    assert region.left <= 900 - tall
    assert region.right >= 1020 + tall
    assert region.top <= 500 - 1.5 * tall
    assert region.bottom >= 540 + 0.5 * tall
    width, height = region.size_px
    assert width / height == pytest.approx(ASPECT, rel=0.02)
    assert width * height < 0.1 * 1920 * 1080


def test_a_zone_near_the_lower_edge_is_seen_down_to_it() -> None:
    region = region_of(site((1920, 1080), box_zone(900, 800, 1020, 860), ground=FLOOR))
    assert region.bottom == 1080
    assert region.inner((1920, 1080)) == (True, True, True, False)


def test_a_staff_zone_counts() -> None:
    staff = {"point": {"staff_zone_px": box_zone(100, 500, 160, 540)}, "ground": FLOOR}
    region = region_of(site((1920, 1080), box_zone(900, 500, 1020, 540), **staff))
    assert region.left <= 24
    assert region.right >= 1020 + 70


def test_anchors_say_where_the_body_is() -> None:
    zone = box_zone(900, 500, 1020, 540)
    head = {"point": {"service_anchor": "head"}, "ground": FLOOR}
    by_foot = region_of(site((1920, 1080), zone, ground=FLOOR))
    by_head = region_of(site((1920, 1080), zone, **head))
    assert by_head.top > by_foot.top
    assert by_head.bottom > by_foot.bottom


@pytest.mark.parametrize("zone", [box_zone(0, 0, 30, 30), box_zone(1890, 1050, 1920, 1080)])
def test_corners_stay_inside_the_picture(zone: list[list[float]]) -> None:
    region = region_of(site((1920, 1080), zone, ground=FLOOR))
    assert 0 <= region.left < region.right <= 1920
    assert 0 <= region.top < region.bottom <= 1080


def test_floor_scale_of_a_camera_seen_straight_down() -> None:
    ground = Ground.model_validate(FLOOR)
    to_floor = homography(np.array(ground.image_px, float), np.array(ground.world_m, float))
    assert floor_scale(to_floor, (123.0, 45.0)) == pytest.approx(40.0)


def test_boxes_cut_by_an_inner_edge_are_told() -> None:
    region = Region(200, 100, 900, 600)
    boxes = np.array(
        [
            [400, 300, 450, 400],  # inside
            [201, 300, 260, 400],  # cut at the left
            [860, 300, 899, 400],  # cut at the right
            [400, 500, 450, 599],  # cut below
            [400, 100, 450, 300],  # cut above: the feet are seen
        ],
        float,
    )
    assert cut(boxes, region, (1920, 1080)).tolist() == [False, True, True, True, False]
    assert not cut(boxes, Region(0, 0, 1920, 1080), (1920, 1080)).any()
    assert not cut(boxes[3:4], Region(200, 100, 900, 600), (1920, 600)).any()
