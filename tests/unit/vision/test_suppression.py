"""One box a person."""

from __future__ import annotations

import numpy as np
import pytest

from vision.suppression import surviving

ADULT = (100, 100, 160, 280)
TABLE = {
    "nobody": ([], []),
    "one": ([ADULT], [0]),
    "the same person twice": ([ADULT, (104, 102, 162, 284)], [0]),
    "two people apart": ([ADULT, (300, 100, 360, 280)], [0, 1]),
    "shoulder to shoulder, overlapping a third": ([ADULT, (140, 100, 200, 280)], [0, 1]),
    "head and shoulders again": ([ADULT, (105, 103, 155, 170)], [0]),
    "child before parent": ([ADULT, (110, 190, 150, 282)], [0, 1]),
    "whole person less sure than the torso": ([(105, 103, 155, 170), ADULT], [0, 1]),
    "a doubled box does not remove a third": (
        [ADULT, (130, 100, 190, 280), (155, 100, 215, 280)],
        [0, 1, 2],
    ),
    "a removed box removes nobody": (
        [(0, 0, 100, 100), (30, 0, 130, 100), (60, 0, 160, 100)],
        [0, 2],
    ),
    "without area": ([(5, 5, 5, 5), (5, 5, 5, 5)], [0, 1]),
}


@pytest.mark.parametrize(("boxes", "expected"), TABLE.values(), ids=TABLE.keys())
def test_table(boxes: list[tuple[float, ...]], expected: list[int]) -> None:
    assert surviving(np.array(boxes, np.float32).reshape(-1, 4)) == expected
