"""The last part of the graph: from the head's maps to person boxes.

Each cell holds a score and, for each of the four sides, 11 logits over distances of 0 to 10
strides: the distance is their softmax's mean (upstream NanoDet, "generalised focal loss").
The best `CANDIDATES` cells are picked by score first, so that few softmaxes are computed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from onnx_graph import Graph

CANDIDATES = 128
BINS = 11
SIDES = 4


def cell_centres(height_px: int, width_px: int, strides: tuple[int, ...]) -> NDArray[np.float32]:
    """Float32 [N, 3]: x and y of each cell's centre, and its stride, all in pixels.

    >>> cell_centres(32, 64, (32,)).tolist()
    [[16.0, 16.0, 32.0], [48.0, 16.0, 32.0]]
    """
    columns = []
    for stride in strides:
        y, x = np.mgrid[0 : height_px // stride, 0 : width_px // stride]
        scale = np.full(x.size, stride)
        columns.append(np.stack([(x.ravel() + 0.5) * stride, (y.ravel() + 0.5) * stride, scale]))
    return np.concatenate(columns, axis=1).T.astype("<f4")


def append_decode(graph: Graph, heads: Mapping[int, str], height_px: int, width_px: int) -> None:
    """Append the decode; ``heads`` maps stride (pixels) to rows float32 [H/s * W/s, 45].

    Outputs ``boxes`` float32 [128, 4], xyxy in pixels of the picture, clipped to it, and
    ``scores`` float32 [128] in [0, 1], descending.
    """
    cells = graph.node("Concat", list(heads.values()), "cells", axis=0)
    sizes = graph.constant("split_cells", np.array([1, SIDES * BINS], np.int64))
    column, bins = graph.node_of("Split", [cells, sizes], ("column", "bins"), axis=1)
    flat = graph.constant("shape_flat", np.array([-1], np.int64))
    logits = graph.node("Reshape", [column, flat], "logits")
    count = graph.constant("candidates", np.array([CANDIDATES], np.int64))
    best, index = graph.node_of("TopK", [logits, count], ("best", "index"), axis=0)
    graph.node("Sigmoid", [best], "scores")
    distances = _distances(graph, graph.node("Gather", [bins, index], "best_bins", axis=0))
    centres = graph.constant("centres", cell_centres(height_px, width_px, tuple(heads)))
    places = graph.node("Gather", [centres, index], "places", axis=0)
    _boxes(graph, places, distances, height_px, width_px)


def _distances(graph: Graph, bins: str) -> str:
    """Distances in strides, [128, 4], from logits [128, 44]."""
    shape = graph.constant("shape_bins", np.array([CANDIDATES, SIDES, BINS], np.int64))
    sides = graph.node("Reshape", [bins, shape], "sides")
    shares = graph.node("Softmax", [sides], "shares", axis=2)
    steps = graph.constant("steps", np.arange(BINS, dtype="<f4"))
    weighted = graph.node("Mul", [shares, steps], "weighted")
    axis = graph.constant("axis_bins", np.array([2], np.int64))
    return graph.node("ReduceSum", [weighted, axis], "distances", keepdims=0)


def _boxes(graph: Graph, places: str, distances: str, height_px: int, width_px: int) -> None:
    """Append ``boxes``: centre -/+ distance x stride, each corner clipped to the picture."""
    pairs = graph.constant("split_places", np.array([2, 1], np.int64))
    centre, stride = graph.node_of("Split", [places, pairs], ("centre", "stride"), axis=1)
    reach = graph.node("Mul", [distances, stride], "reach_px")
    halves = graph.constant("split_sides", np.array([2, 2], np.int64))
    before, after = graph.node_of("Split", [reach, halves], ("before", "after"), axis=1)
    top_left = graph.node("Sub", [centre, before], "top_left")
    bottom_right = graph.node("Add", [centre, after], "bottom_right")
    corners = graph.node("Concat", [top_left, bottom_right], "corners", axis=1)
    inside = graph.node("Max", [corners, graph.constant("zero", np.zeros((), "<f4"))], "inside")
    limit = np.array([width_px, height_px, width_px, height_px], "<f4")
    graph.node("Min", [inside, graph.constant("size_px", limit)], "boxes")
