"""The package's own graph, walked node by node in numpy, with nothing folded and nothing skipped.

Slow and plain on purpose: it shares no code with the conversion, so that an agreement of the
two says something.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    Tensor = NDArray[Any]

MEAN_BGR = (103.53, 116.28, 123.675)
STD_BGR = (57.375, 57.12, 58.395)
TARGET_STRIDES = {"Cast_1": 16, "Cast_3": 8, "Cast_5": 16, "Cast_7": 32}
HEADS = {8: "transpose_99", 16: "transpose_105", 32: "transpose_111"}


def weights(folder: Path, manifest: list[dict[str, Any]]) -> dict[str, Tensor]:
    """Every constant of the package, floats as float32."""
    data = (folder / "nanodet.bin").read_bytes()
    found: dict[str, Tensor] = {}
    at = 0
    for entry in manifest[0]["weights"]:
        half = entry.get("quantization", {}).get("dtype") == "float16"
        dtype = np.dtype("<f2" if half else {"int32": "<i4", "float32": "<f4"}[entry["dtype"]])
        count = int(np.prod(entry["shape"]))
        values = np.frombuffer(data, dtype, count, at).reshape(entry["shape"])
        found[entry["name"]] = values.astype(np.float32) if half else values
        at += count * dtype.itemsize
    return found


def convolve(values: Tensor, kernel: Tensor, stride: int) -> Tensor:
    """NHWC with HWIO, no padding."""
    rows, columns = kernel.shape[:2]
    windows = np.lib.stride_tricks.sliding_window_view(values, (rows, columns), axis=(1, 2))
    return np.tensordot(windows[:, ::stride, ::stride], kernel, axes=([4, 5, 3], [0, 1, 2]))


def pool(values: Tensor) -> Tensor:
    """The greatest of 3 x 3, NHWC, stride 2, no padding."""
    windows = np.lib.stride_tricks.sliding_window_view(values, (3, 3), axis=(1, 2))
    return np.asarray(windows[:, ::2, ::2].max(axis=(-2, -1)))


def resize(values: Tensor, target: tuple[int, int]) -> Tensor:
    """Bilinear at half pixels, NHWC."""
    for axis, length in zip((1, 2), target, strict=True):
        have = values.shape[axis]
        place = np.clip((np.arange(length) + 0.5) * have / length - 0.5, 0, have - 1)
        low = np.floor(place).astype(int)
        share = (place - low).astype(np.float32).reshape([-1 if i == axis else 1 for i in range(4)])
        high = np.minimum(low + 1, have - 1)
        values = values.take(low, axis) * (1 - share) + values.take(high, axis) * share
    return values


class Walker:
    """Computes any node of the graph for one picture, uint8 [1, H, W, 3] BGR."""

    def __init__(self, folder: Path, picture: NDArray[np.uint8]) -> None:
        document = json.loads((folder / "nanodet.json").read_text(encoding="utf-8"))
        self._nodes = {node["name"]: node for node in document["modelTopology"]["node"]}
        self._known = weights(folder, document["weightsManifest"])
        scaled = (picture - np.array(MEAN_BGR)) / np.array(STD_BGR)
        self._known["input_1"] = scaled.transpose(0, 3, 1, 2).astype(np.float32)
        for name, stride in TARGET_STRIDES.items():
            sides = np.array(picture.shape[1:3]) // stride
            self._known[f"PartitionedCall/{name}"] = sides

    def value(self, name: str) -> Tensor:
        """The value of the node of this name."""
        if name not in self._known:
            node = self._nodes[name]
            given = [self.value(source) for source in node["input"]]
            self._known[name] = self._operators()[node["op"]](given, node["attr"])
        return self._known[name]

    @staticmethod
    def _operators() -> dict[str, Callable[[list[Tensor], dict[str, Any]], Tensor]]:
        return {
            "Transpose": lambda given, _: given[0].transpose(given[1]),
            "Pad": lambda given, _: np.pad(given[0], given[1]),
            "PadV2": lambda given, _: np.pad(given[0], given[1], constant_values=given[2]),
            "Conv2D": lambda given, attr: convolve(
                given[0], given[1], int(attr["strides"]["list"]["i"][1])
            ),
            "Add": lambda given, _: given[0] + given[1],
            "LeakyRelu": lambda given, attr: np.where(
                given[0] > 0, given[0], given[0] * np.float32(attr["alpha"]["f"])
            ),
            "MaxPool": lambda given, _: pool(given[0]),
            "ConcatV2": lambda given, _: np.concatenate(given[:-1], axis=int(given[-1])),
            "ResizeBilinear": lambda given, _: resize(
                given[0], (int(given[1][0]), int(given[1][1]))
            ),
        }


def detect(folder: Path, picture: NDArray[np.uint8]) -> tuple[Tensor, Tensor]:
    """Boxes [128, 4] xyxy in pixels and scores [128], best first, decoded cell by cell."""
    walker = Walker(folder, picture)
    found = []
    for stride, name in HEADS.items():
        head = walker.value(f"PartitionedCall/{name}")[0]
        for row, column in np.ndindex(head.shape[1:]):
            logits = head[80:, row, column].reshape(4, 11)
            shares = np.exp(logits - logits.max(axis=1, keepdims=True))
            reach = (shares / shares.sum(axis=1, keepdims=True)) @ np.arange(11) * stride
            x, y = (column + 0.5) * stride, (row + 0.5) * stride
            score = 1 / (1 + np.exp(-float(head[0, row, column])))
            found.append((score, x - reach[0], y - reach[1], x + reach[2], y + reach[3]))
    best = np.array(sorted(found, reverse=True)[:128])
    height_px, width_px = picture.shape[1:3]
    return np.clip(best[:, 1:], 0, [width_px, height_px] * 2), best[:, 0]
