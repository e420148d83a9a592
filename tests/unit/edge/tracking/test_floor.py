"""Geometry: lens against OpenCV, floor and heads against an exact camera."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from edge.tracking.floor import CalibratedFloor, EstimatedFloor, floor_of
from edge.tracking.lens import undistort
from firmware_cfg.plane import homography
from firmware_cfg.site import Lens, Site
from tests.scenarios.camera import Camera
from tests.scenarios.layouts import COUNTER, TWO, UNCALIBRATED, WIDE, Layout

MATRIX = ((900.0, 0.0, 640.0), (0.0, 880.0, 350.0), (0.0, 0.0, 1.0))
GRID = np.array([[x, y] for x in range(40, 1280, 150) for y in range(30, 720, 110)], float)


@pytest.mark.parametrize(
    "k", [(0.0, 0.0, 0.0, 0.0), (-0.3, 0.09, 0.001, -0.002), (0.12, -0.04, 0.0, 0.001)]
)
def test_brown_is_opencv(k: tuple[float, ...]) -> None:
    lens = Lens(model="brown", matrix=MATRIX, k=k)
    matrix = np.array(MATRIX)
    criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 100, 1e-12)
    expected = cv2.undistortPoints(
        GRID.reshape(-1, 1, 2), matrix, np.array(k), P=matrix, criteria=criteria
    )
    assert np.abs(undistort(GRID, lens) - expected.reshape(-1, 2)).max() < 1e-3


@pytest.mark.parametrize("k", [(0.0, 0.0, 0.0, 0.0), (-0.02, 0.004, -0.001, 0.0002)])
def test_fisheye_is_opencv(k: tuple[float, ...]) -> None:
    lens = Lens(model="fisheye", matrix=MATRIX, k=k)
    matrix = np.array(MATRIX)
    expected = cv2.fisheye.undistortPoints(GRID.reshape(-1, 1, 2), matrix, np.array(k), P=matrix)
    assert np.abs(undistort(GRID, lens) - expected.reshape(-1, 2)).max() < 0.05


def test_no_lens_changes_nothing() -> None:
    assert (undistort(GRID, Lens()) == GRID).all()


def test_homography_of_many_points_is_exact() -> None:
    camera = Camera()
    world = np.array([(x, y) for x in (-2, 0, 1.5) for y in (3.5, 5, 7)], float)
    image = np.array([camera.pixel(x, y) for x, y in world])
    lifted = np.column_stack([image, np.ones(len(image))]) @ homography(image, world).T
    assert np.abs(lifted[:, :2] / lifted[:, 2:] - world).max() < 1e-9


@pytest.mark.parametrize("layout", [COUNTER, WIDE, TWO], ids=["plain", "brown", "two"])
@pytest.mark.parametrize("place", [(0.0, 4.0), (1.2, 5.5), (-1.0, 7.0)])
def test_feet_heads_and_heights(layout: Layout, place: tuple[float, float]) -> None:
    floor, camera = floor_of(layout.site()), layout.camera
    foot, head = camera.pixel(*place), camera.pixel(*place, 1.7)
    by_feet = floor.position_m(floor.measure(foot[0], head[1], foot[1], by_head=False))
    by_head = floor.position_m(floor.measure(head[0], head[1], foot[1], by_head=True))
    assert by_feet == pytest.approx(place, abs=0.01)
    assert by_head == pytest.approx(place, abs=0.02)
    assert floor.body_m(foot[0], head[1], foot[1]) == pytest.approx(1.7, abs=0.1)


def mirrored(site: Site) -> Site:
    """The same site with x of the floor turned round."""
    assert site.ground is not None
    world = tuple((-x, y) for x, y in site.ground.world_m)
    ground = site.ground.model_copy(update={"world_m": world})
    return site.model_copy(update={"ground": ground})


def test_either_handedness_tells_the_same_heights() -> None:
    site, camera = COUNTER.site(), COUNTER.camera
    foot, head = camera.pixel(0.5, 5.0), camera.pixel(0.5, 5.0, 1.7)
    tall = [floor_of(one).body_m(foot[0], head[1], foot[1]) for one in (site, mirrored(site))]
    assert tall[0] == pytest.approx(tall[1])
    assert isinstance(floor_of(site), CalibratedFloor)


def test_the_estimated_floor_learns_that_a_child_is_near() -> None:
    floor, camera = floor_of(UNCALIBRATED.site()), UNCALIBRATED.camera
    assert isinstance(floor, EstimatedFloor)
    assert floor.body_m(640, 100, 400) is None
    for y in np.linspace(3.6, 6.0, 60):
        foot, head = camera.pixel(0.0, float(y)), camera.pixel(0.0, float(y), 1.7)
        floor.learn(foot[1], foot[1] - head[1])
    adult, child = camera.body(0.0, 4.5, 1.7), camera.body(0.5, 4.5, 1.2)
    assert adult is not None
    assert child is not None
    places = [
        floor.position_m(floor.measure((a + c) / 2, b, d, by_head=False))
        for a, b, c, d in (adult, child)
    ]
    assert math.dist(*places) == pytest.approx(0.5, abs=0.15)
    assert floor.body_m(640, child[1], child[3]) == pytest.approx(1.2, abs=0.15)


def test_a_camera_at_eye_level_trusts_the_feet() -> None:
    layout = Layout(Camera(1.6, 10.0, 700.0), COUNTER.counters, COUNTER.queues)
    floor, camera = floor_of(layout.site()), layout.camera
    foot, head = camera.pixel(0.3, 5.0), camera.pixel(0.3, 5.0, 1.7)
    place = floor.position_m(floor.measure(foot[0], head[1], foot[1], by_head=True))
    assert place == pytest.approx((0.3, 5.0), abs=0.02)
