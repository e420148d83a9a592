"""The models find the people of a real street, and all of them find the same ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.unit.models.detect import MODELS, frames, iou, letterbox, match, people, session
from tests.unit.models.reference import detect

if TYPE_CHECKING:
    from pathlib import Path

SIZES = ((288, 512), (256, 416))
WALKERS_PX = (
    (92, 80, 109, 118),
    (121, 79, 133, 111),
    (147, 79, 162, 115),
    (154, 105, 173, 148),
    (291, 79, 306, 117),
    (308, 81, 323, 116),
)
"""The people of frame 300, marked by hand, xyxy in the picture of 288 x 512 (half size)."""


@pytest.mark.parametrize("file", ["nanodet-288x512.onnx", "nanodet-288x512-int8.onnx"])
def test_six_walkers_are_found_where_they_walk(video: Path, file: str) -> None:
    assert video.exists()
    (frame,) = frames([300])
    found = people(session(MODELS / file), letterbox(frame, 288, 512))
    for walker in WALKERS_PX:
        box = np.array(walker, np.float32)
        assert max(iou(box, other) for other in found.boxes) >= 0.6
    assert len(found.boxes) == len(WALKERS_PX)


def test_float_model_equals_the_graph_of_the_package(video: Path, package: Path) -> None:
    assert video.exists()
    for (height_px, width_px), frame in zip(SIZES, frames([300, 600]), strict=True):
        picture = letterbox(frame, height_px, width_px)
        model = session(MODELS / f"nanodet-{height_px}x{width_px}.onnx")
        boxes, scores = model.run(None, {"picture": picture})
        expected_boxes, expected_scores = detect(package / "models", picture)
        np.testing.assert_allclose(scores, expected_scores, atol=1e-4)
        # Neighbours whose scores are all but equal may change places: compare each with its own.
        apart_px = np.abs(boxes[:, None] - expected_boxes[None]).max(axis=2)
        assert apart_px.min(axis=0)[:100].max() < 0.02


@pytest.mark.parametrize(("height_px", "width_px"), SIZES)
def test_int8_finds_what_float_finds(video: Path, height_px: int, width_px: int) -> None:
    assert video.exists()
    name = f"nanodet-{height_px}x{width_px}"
    exact, rounded = session(MODELS / f"{name}.onnx"), session(MODELS / f"{name}-int8.onnx")
    first = second = matched = 0
    for frame in frames(range(20, 790, 90)):
        picture = letterbox(frame, height_px, width_px)
        one, other = people(exact, picture), people(rounded, picture)
        first, second = first + len(one.boxes), second + len(other.boxes)
        matched += len(match(one, other, 0.7))
    assert first >= 30
    assert matched >= 0.9 * first
    assert matched >= 0.9 * second


@pytest.mark.parametrize("precision", ["", "-int8"])
@pytest.mark.parametrize(("height_px", "width_px"), SIZES)
def test_outputs_are_sorted_and_lie_in_the_picture(
    height_px: int, width_px: int, precision: str
) -> None:
    model = session(MODELS / f"nanodet-{height_px}x{width_px}{precision}.onnx")
    noise = np.random.default_rng(1).integers(0, 256, (1, height_px, width_px, 3), np.uint8)
    for picture in (noise, np.zeros_like(noise), np.full_like(noise, 255)):
        boxes, scores = model.run(None, {"picture": picture})
        assert boxes.shape == (128, 4)
        assert scores.shape == (128,)
        assert np.isfinite(boxes).all()
        assert (np.diff(scores) <= 0).all()
        assert ((scores >= 0) & (scores <= 1)).all()
        assert (boxes >= 0).all()
        assert (boxes <= [width_px, height_px, width_px, height_px]).all()
        assert scores[0] < 0.35, "a person was seen in noise or in an empty picture"
