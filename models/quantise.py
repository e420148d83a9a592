"""NanoDet-g in int8: the same layers, with the values between them held in 8 bits.

Written as ONNX's own QuantizeLinear and DequantizeLinear pairs, which the runtime fuses into
integer operators: activations uint8 with one scale a tensor, weights int8 with one scale an
output channel, biases int32. The ranges come from a committed file (`calibrate.py`). From the
picture's bytes to the heads nothing is float; the heads' sums are scaled to float32 without
being rounded to 8 bits, because scores near the threshold need finer steps than that.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from network import (
    BGR_MEAN,
    PYRAMID_CHANNELS,
    append_plain,
    finish,
    first_weights,
    geometry,
)
from onnx import TensorProto
from onnx_graph import Graph
from stem import GEOMETRY, GROUP, RESULTS, group_weights

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from onnx import ModelProto
    from tfjs import Layer

PICTURE_ZERO = 114
"""The pixel value that stands for 0, and so pads the first convolution: near all three means.

The float model pads with the means themselves; the first row and column differ by that much.
"""
WEIGHT_LIMIT = 127


class Scale(NamedTuple):
    """A value v is held as the integer nearest to v / step + zero, from 0 to 255."""

    step: float
    zero: int


class Weights(NamedTuple):
    """Integer weights with their output channels first, and one step for each of those."""

    values: NDArray[np.int8]
    steps: NDArray[np.float32]


def scale_of(low: float, high: float) -> Scale:
    """The scale that spans [low, high], and holds 0 exactly.

    >>> scale_of(-1.0, 1.55).zero
    100
    """
    low, high = min(low, 0.0), max(high, 0.0)
    step = float(np.float32((high - low) / 255))
    return Scale(step=step, zero=round(-low / step))


def quantise_weights(weights: NDArray[np.float64]) -> Weights:
    """Round weights [O, ...] to -127..127, symmetrically, each output channel by itself."""
    greatest = np.abs(weights).reshape(len(weights), -1).max(axis=1)
    steps = (greatest / WEIGHT_LIMIT).astype("<f4")
    columns = steps.astype(np.float64).reshape(-1, *[1] * (weights.ndim - 1))
    values = np.clip(np.rint(weights / columns), -WEIGHT_LIMIT, WEIGHT_LIMIT)
    return Weights(values.astype(np.int8), steps)


def pool_first(layers: Sequence[Layer]) -> list[Layer]:
    """Swap the pool and the rectifier before it: the same values, a quarter of the work.

    A leaky rectifier is monotonic, so it may be taken after the greatest of nine.
    """
    ordered = list(layers)
    at = next(i for i, layer in enumerate(ordered) if layer.op == "MaxPool")
    rectifier, pool = ordered[at - 1], ordered[at]
    ordered[at - 1] = replace(pool, inputs=rectifier.inputs)
    ordered[at] = replace(rectifier, inputs=(pool.name,))
    return [
        replace(layer, inputs=(rectifier.name,))
        if layer.inputs == (pool.name,) and i > at
        else layer
        for i, layer in enumerate(ordered)
    ]


def scales_of(
    layers: Sequence[Layer], ranges: Mapping[str, tuple[float, float]]
) -> dict[str, Scale]:
    """The scale of each layer's output.

    What goes into a concatenation takes its range, so that joining copies bytes; a pool or a
    resize, whose results lie within its input's range, keeps its input's scale.
    """
    joined = {name: layer.name for layer in layers if layer.op == "Concat" for name in layer.inputs}
    scales = {"picture": Scale(1.0, PICTURE_ZERO)}
    for layer in layers:
        if layer.op in {"MaxPool", "Resize"}:
            scales[layer.name] = scales[layer.inputs[0]]
        else:
            scales[layer.name] = scale_of(*ranges[joined.get(layer.name, layer.name)])
    return scales


class Int8Network:
    """Appends the layers to a graph; ``graph`` names each layer's values for their layer."""

    def __init__(self, scales: Mapping[str, Scale]) -> None:
        """Start with an empty graph."""
        self.graph = Graph()
        self._scales = scales

    def append(self, layer: Layer, size_px: tuple[int, int]) -> None:
        """Append any layer but a head."""
        if layer.weights is None or layer.bias is None:
            self._plain(layer)
        elif layer.inputs == ("picture",):
            self._stem(layer, layer.weights, layer.bias, size_px)
        else:
            weights = quantise_weights(layer.weights.astype(np.float64))
            bias = layer.bias.astype(np.float64)
            raw = self._conv(layer, layer.inputs[0], weights, bias, geometry(layer))
            self._pair(raw, layer.name, self._scales[layer.name])

    def head(self, layer: Layer) -> str:
        """Append a head, a 1 x 1 convolution; return its rows, float32 [h * w, 45]."""
        if layer.weights is None or layer.bias is None:
            raise ValueError(f"{layer.name}: expected a convolution as a head")
        graph, name, source = self.graph, layer.name, layer.inputs[0]
        weights = quantise_weights(layer.weights[:, :, 0, 0].astype(np.float64))
        last = graph.node("Transpose", [f"{source}_q"], f"{name}_last", perm=[0, 2, 3, 1])
        depth = graph.constant("shape_depth", np.array([-1, layer.weights.shape[1]], np.int64))
        rows = graph.node("Reshape", [last, depth], f"{name}_in")
        matrix = graph.constant(f"{name}_weights", np.ascontiguousarray(weights.values.T))
        zero = f"{source}_zero"
        sums = graph.node("MatMulInteger", [rows, matrix, zero], f"{name}_sums")
        floats = graph.node("Cast", [sums], f"{name}_floats", to=TensorProto.FLOAT)
        steps = weights.steps * np.float32(self._scales[source].step)
        scaled = graph.node(
            "Mul", [floats, graph.constant(f"{name}_steps", steps)], f"{name}_scaled"
        )
        bias = graph.constant(f"{name}_bias", layer.bias.astype("<f4"))
        return graph.node("Add", [scaled, bias], f"{name}_rows")

    def _plain(self, layer: Layer) -> None:
        if layer.op == "Resize" and layer.scale < 1:
            raw = self._halve(layer)
        else:
            raw = append_plain(self.graph, layer, layer.inputs, f"{layer.name}_raw")
        self._pair(raw, layer.name, self._scales[layer.name])

    def _halve(self, layer: Layer) -> str:
        """The mean of 2 x 2 cells as a convolution of each channel by itself.

        Exact (a weight of 1 at a step of 1/4); the integer AveragePool took ten times as long.
        """
        channels = PYRAMID_CHANNELS
        ones = Weights(np.ones((channels, 1, 2, 2), np.int8), np.full(channels, 0.25, "<f4"))
        shape = {"kernel_shape": [2, 2], "strides": [2, 2], "group": channels}
        return self._conv(layer, layer.inputs[0], ones, np.zeros(channels), shape)

    def _stem(
        self,
        layer: Layer,
        kernel: NDArray[np.float16],
        bias: NDArray[np.float16],
        size_px: tuple[int, int],
    ) -> None:
        """The first convolution straight from the picture's bytes; see `stem`.

        Normalising is (pixel - mean) / deviation: the deviations divide the weights, and what
        the zero of the picture lacks to the means goes into the bias.
        """
        graph, scale = self.graph, self._scales[layer.name]
        height_px, width_px = size_px
        shape = np.array([1, height_px, width_px // GROUP, 3 * GROUP], np.int64)
        cells = graph.node("Reshape", ["picture", graph.constant("shape_cells", shape)], "groups")
        planes = graph.node("Transpose", [cells], "planes", perm=[0, 3, 1, 2])
        pixels = self._parameters("pixels", self._scales["picture"])
        graph.node("DequantizeLinear", [planes, *pixels], "pixels")
        weights = first_weights(kernel).astype(np.float64)
        shift = weights * (PICTURE_ZERO - BGR_MEAN).reshape(1, 3, 1, 1)
        moved = np.tile(bias.astype(np.float64) + shift.sum(axis=(1, 2, 3)), RESULTS)
        grouped = quantise_weights(group_weights(weights))
        both = self._pair(self._conv(layer, "pixels", grouped, moved, GEOMETRY), "results", scale)
        last = graph.node("Transpose", [both], "results_last_raw", perm=[0, 2, 3, 1])
        last = self._pair(last, "results_last", scale)
        shape = np.array([1, height_px // 2, width_px // 2, len(kernel)], np.int64)
        apart = graph.node("Reshape", [last, graph.constant("shape_stem", shape)], "apart_raw")
        apart = self._pair(apart, "apart", scale)
        raw = graph.node("Transpose", [apart], f"{layer.name}_apart", perm=[0, 3, 1, 2])
        self._pair(raw, layer.name, scale)

    def _conv(
        self,
        layer: Layer,
        source: str,
        weights: Weights,
        bias: NDArray[np.float64],
        attributes: Mapping[str, Any],
    ) -> str:
        """Append a convolution with its constants; return its output, not yet rounded."""
        graph, name = self.graph, layer.name
        steps = weights.steps * np.float32(self._scales[layer.inputs[0]].step)
        sums = np.rint(bias / steps.astype(np.float64)).astype("<i4")
        constants = []
        for part, values, step in (
            ("weights", weights.values, weights.steps),
            ("bias", sums, steps),
        ):
            zero = graph.constant(f"{name}_{part}_zero", np.zeros(len(values), values.dtype))
            stored = graph.constant(f"{name}_{part}_q", values)
            scale = graph.constant(f"{name}_{part}_steps", step)
            constants.append(
                graph.node("DequantizeLinear", [stored, scale, zero], f"{name}_{part}", axis=0)
            )
        return graph.node("Conv", [source, *constants], f"{name}_raw", **attributes)

    def _pair(self, raw: str, name: str, scale: Scale) -> str:
        """Append the rounding of ``raw`` to 8 bits (``name_q``) and back (``name``)."""
        parameters = self._parameters(name, scale)
        stored = self.graph.node("QuantizeLinear", [raw, *parameters], f"{name}_q")
        return self.graph.node("DequantizeLinear", [stored, *parameters], name)

    def _parameters(self, name: str, scale: Scale) -> tuple[str, str]:
        step = self.graph.constant(f"{name}_step", np.array(scale.step, "<f4"))
        return step, self.graph.constant(f"{name}_zero", np.array(scale.zero, np.uint8))


def int8_model(
    layers: Sequence[Layer],
    heads: Mapping[int, str],
    size_px: tuple[int, int],
    ranges: Mapping[str, tuple[float, float]],
) -> ModelProto:
    """The int8 model for pictures of (height, width) pixels."""
    ordered = pool_first(layers)
    network = Int8Network(scales_of(ordered, ranges))
    for layer in ordered:
        if layer.name not in heads.values():
            network.append(layer, size_px)
    named = {layer.name: layer for layer in ordered}
    rows = {stride: network.head(named[name]) for stride, name in heads.items()}
    return finish(network.graph, rows, size_px)
