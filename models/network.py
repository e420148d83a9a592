"""NanoDet-g for persons alone, in float32: from the layers of the package to an ONNX model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from decode import BINS, CANDIDATES, SIDES, append_decode
from onnx import TensorProto
from onnx_graph import Graph, value_info

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from onnx import ModelProto
    from tfjs import Layer

SIZES = ((288, 512), (256, 416))
"""Height and width, in pixels, of the pictures that models are made for; multiples of 32."""
CLASSES = 80
PYRAMID_CHANNELS = 128
SLOPE = 0.1  # of the leaky rectifiers
BGR_MEAN = np.array([103.53, 116.28, 123.675])
BGR_STD = np.array([57.375, 57.12, 58.395])


def persons_only(layers: Sequence[Layer], heads: Mapping[int, str]) -> list[Layer]:
    """Slice the heads: of 80 class scores keep class 0, person; keep the 44 distance bins."""
    kept = np.r_[0, CLASSES : CLASSES + SIDES * BINS]
    return [
        replace(layer, weights=layer.weights[kept], bias=layer.bias[kept])
        if layer.name in heads.values() and layer.weights is not None and layer.bias is not None
        else layer
        for layer in layers
    ]


def first_weights(weights: NDArray[np.float16]) -> NDArray[np.float32]:
    """The first convolution's weights, OIHW, divided by the colours' standard deviations."""
    scaled = weights.astype(np.float64) / BGR_STD.reshape(1, 3, 1, 1)
    return np.asarray(scaled, np.float32)


def geometry(layer: Layer) -> dict[str, list[int]]:
    """The ONNX attributes of a Conv or MaxPool layer."""
    kernel = [3, 3] if layer.weights is None else list(layer.weights.shape[2:])
    strides = [layer.stride, layer.stride]
    return {"kernel_shape": kernel, "strides": strides, "pads": [layer.pad] * 4}


def append_plain(graph: Graph, layer: Layer, inputs: Sequence[str], output: str) -> str:
    """Append any layer but a convolution, reading ``inputs`` and writing ``output``."""
    if layer.op == "LeakyRelu":
        return graph.node("LeakyRelu", inputs, output, alpha=SLOPE)
    if layer.op == "MaxPool":
        return graph.node("MaxPool", inputs, output, **geometry(layer))
    if layer.op == "Concat":
        return graph.node("Concat", inputs, output, axis=1)
    if layer.op == "Add":
        return graph.node("Add", inputs, output)
    if layer.op == "Resize" and layer.scale < 1:
        # Halving by bilinear interpolation at half pixels is the mean of 2 x 2 cells.
        return graph.node("AveragePool", inputs, output, kernel_shape=[2, 2], strides=[2, 2])
    if layer.op == "Resize":
        scales = graph.constant("doubled", np.array([1, 1, 2, 2], "<f4"))
        mode = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
        return graph.node("Resize", [*inputs, "", scales], output, **mode)
    raise ValueError(f"{layer.name}: no rule for operator {layer.op}")


def finish(graph: Graph, heads: Mapping[int, str], size_px: tuple[int, int]) -> ModelProto:
    """Append the decode and close the model; ``heads`` names each stride's rows [h * w, 45]."""
    height_px, width_px = size_px
    append_decode(graph, heads, height_px, width_px)
    return graph.model(
        f"nanodet-{height_px}x{width_px}",
        [value_info("picture", "uint8", [1, height_px, width_px, 3])],
        [
            value_info("boxes", "float32", [CANDIDATES, 4]),
            value_info("scores", "float32", [CANDIDATES]),
        ],
    )


def append_float_layers(graph: Graph, layers: Sequence[Layer]) -> None:
    """Append all layers in float32; each output bears its layer's name."""
    planes = graph.node("Transpose", ["picture"], "planes", perm=[0, 3, 1, 2])
    values = graph.node("Cast", [planes], "values", to=TensorProto.FLOAT)
    mean = graph.constant("mean_bgr", BGR_MEAN.astype("<f4").reshape(1, 3, 1, 1))
    # The mean is taken off before the convolution, not folded into its bias: the padding is
    # zero after normalising, and a folded mean would change the first row and column.
    graph.node("Sub", [values, mean], "centred")
    for layer in layers:
        inputs = ["centred" if name == "picture" else name for name in layer.inputs]
        if layer.weights is None or layer.bias is None:
            append_plain(graph, layer, inputs, layer.name)
            continue
        if layer.inputs == ("picture",):
            weights = graph.constant(f"{layer.name}_weights", first_weights(layer.weights))
        else:
            weights = graph.half(f"{layer.name}_weights", layer.weights)
        bias = graph.half(f"{layer.name}_bias", layer.bias)
        graph.node("Conv", [*inputs, weights, bias], layer.name, **geometry(layer))


def float_model(
    layers: Sequence[Layer], heads: Mapping[int, str], size_px: tuple[int, int]
) -> ModelProto:
    """The float32 model for pictures of (height, width) pixels.

    Its weights are stored as the float16 they came in.
    """
    graph = Graph()
    append_float_layers(graph, layers)
    rows = {stride: append_rows(graph, name) for stride, name in heads.items()}
    return finish(graph, rows, size_px)


def append_rows(graph: Graph, head: str) -> str:
    """Append the change of a head's map [1, 45, h, w] to rows [h * w, 45]."""
    last = graph.node("Transpose", [head], f"{head}_last", perm=[0, 2, 3, 1])
    shape = graph.constant("shape_rows", np.array([-1, 1 + SIDES * BINS], np.int64))
    return graph.node("Reshape", [last, shape], f"{head}_rows")
