"""Where a region of the picture lands in the model's input, and boxes on the way back."""

from __future__ import annotations

import numpy as np
import pytest

from firmware_cfg.region import Region
from vision.letterbox import Letterbox
from vision.scaling import Scaler

Size = tuple[int, int]
Box = tuple[float, float, float, float]
Row = tuple[Region, Size, Size, Size, Box, Box]

TABLE: list[Row] = [
    # region, picture, input → scaled, input box → picture box
    (
        Region(0, 0, 768, 432),
        (768, 432),
        (512, 288),
        (512, 288),
        (64, 72, 128, 144),
        (96, 108, 192, 216),
    ),
    (
        Region(0, 0, 768, 576),
        (768, 576),
        (512, 288),
        (384, 288),
        (192, 144, 384, 288),
        (384, 288, 768, 576),
    ),
    (
        Region(100, 50, 612, 338),
        (768, 432),
        (512, 288),
        (512, 288),
        (0, 0, 10, 20),
        (100, 50, 110, 70),
    ),
    (
        Region(0, 0, 1080, 1920),
        (1080, 1920),
        (512, 288),
        (162, 288),
        (81, 0, 162, 288),
        (540, 0, 1080, 1920),
    ),
    (
        Region(0, 0, 256, 144),
        (256, 144),
        (512, 288),
        (512, 288),
        (-4, -4, 600, 300),
        (0, 0, 256, 144),
    ),
]


@pytest.mark.parametrize("row", TABLE)
def test_boxes_come_back_to_the_delivered_picture(row: Row) -> None:
    region, picture, model, scaled, box, expected = row
    letterbox = Letterbox.fit(region, picture, model)
    assert letterbox.scaled_px == scaled
    mapped = letterbox.to_picture(np.array([box], np.float32))
    np.testing.assert_allclose(mapped, [expected], atol=1e-4)


@pytest.mark.parametrize(
    "size_px", [(320, 180), (768, 432), (768, 576), (1920, 1080), (1081, 1921)]
)
def test_a_mark_in_the_picture_is_found_where_the_letterbox_says(size_px: tuple[int, int]) -> None:
    width, height = size_px
    box = np.array([width * 0.25, height * 0.5, width * 0.5, height * 0.75])
    picture = np.zeros((height, width, 3), np.uint8)
    x1, y1, x2, y2 = box.round().astype(int)
    picture[y1:y2, x1:x2] = 255
    target = np.zeros((288, 512, 3), np.uint8)
    letterbox = Letterbox.fit(Region(0, 0, width, height), size_px, (512, 288))
    Scaler(letterbox).scale(picture, target)
    rows, columns = np.nonzero(target[:, :, 0] > 127)
    seen = np.array([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]], np.float64)
    found = letterbox.to_picture(seen)
    np.testing.assert_allclose(found[0], box, atol=1.01 * max(1.0, height / 288))


def test_nothing_is_written_beyond_the_scaled_region() -> None:
    letterbox = Letterbox.fit(Region(0, 0, 768, 576), (768, 576), (512, 288))
    target = np.zeros((288, 512, 3), np.uint8)
    Scaler(letterbox).scale(np.full((576, 768, 3), 200, np.uint8), target)
    assert (target[:, :384] == 200).all()
    assert not target[:, 384:].any()


def test_a_crop_sees_its_region_alone() -> None:
    picture = np.zeros((432, 768, 3), np.uint8)
    picture[100:244, 200:456] = (1, 2, 3)
    letterbox = Letterbox.fit(Region(200, 100, 456, 244), (768, 432), (512, 288))
    target = np.zeros((288, 512, 3), np.uint8)
    Scaler(letterbox).scale(picture, target)
    assert (target == (1, 2, 3)).all()
