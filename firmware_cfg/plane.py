"""Homographies between the picture and the floor."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def homography(image: FloatArray, world: FloatArray) -> FloatArray:
    """(3, 3) homography with world ~ H image, by the direct linear transform.

    Args:
        image: (n, 2) points, n >= 4, not all on a line.
        world: (n, 2) points that they map to; least squares where n > 4.

    Source: Hartley and Zisserman, Multiple View Geometry, algorithm 4.2 (normalised).

    >>> square = np.array([[0, 0], [2, 0], [2, 2], [0, 2]], float)
    >>> h = homography(square, square * 3 + 1)
    >>> [round(float(v), 6) for v in (h @ [1, 1, 1])[:2] / (h @ [1, 1, 1])[2]]
    [4.0, 4.0]
    """
    from_image, from_world = _normaliser(image), _normaliser(world)
    points = _apply(from_image, image)
    targets = _apply(from_world, world)
    rows = []
    for (x, y), (u, v) in zip(points, targets, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y, -u])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y, -v])
    null = np.linalg.svd(np.array(rows))[2][-1].reshape(3, 3)
    result = np.linalg.inv(from_world) @ null @ from_image
    scaled: FloatArray = result / np.linalg.norm(result)
    return scaled


def _normaliser(points: FloatArray) -> FloatArray:
    """(3, 3) similarity that centres `points` and scales their mean radius to sqrt(2)."""
    centre = points.mean(axis=0)
    radius = float(np.linalg.norm(points - centre, axis=1).mean())
    scale = math.sqrt(2) / radius if radius else 1.0
    return np.array(
        [[scale, 0, -scale * centre[0]], [0, scale, -scale * centre[1]], [0, 0, 1]], float
    )


def _apply(transform: FloatArray, points: FloatArray) -> FloatArray:
    lifted = np.column_stack([points, np.ones(len(points))]) @ transform.T
    flat: FloatArray = lifted[:, :2] / lifted[:, 2:]
    return flat
