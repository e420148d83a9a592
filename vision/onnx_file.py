"""What an ONNX file says of itself, read from its protobuf bytes before any library opens it.

Only the fields that a refusal rests on are followed; field numbers are those of `onnx.proto`
(ONNX IR version 3 and later). A device does not install the `onnx` package.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vision.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_DEPTH = 16  # graphs inside attributes of nodes inside graphs

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MODEL_OPSETS, _MODEL_GRAPH, _MODEL_TRAINING, _MODEL_FUNCTIONS = 8, 7, 20, 25
_OPSET_DOMAIN = 1
_GRAPH_NODE, _GRAPH_INITIALIZER, _GRAPH_INPUT, _GRAPH_OUTPUT, _GRAPH_SPARSE = 1, 5, 11, 12, 15
_NODE_ATTRIBUTE, _NODE_DOMAIN = 5, 7
_ATTRIBUTE_TENSORS, _ATTRIBUTE_GRAPHS, _ATTRIBUTE_SPARSE = (5, 10), (6, 11), (22, 23)
_TENSOR_EXTERNAL, _TENSOR_LOCATION = 13, 14
_SPARSE_TENSORS = (1, 2)
_ELEMENT_TYPES = {1: "float32", 2: "uint8", 3: "int8", 6: "int32", 7: "int64", 10: "float16"}

Field = tuple[int, int | memoryview]


@dataclass(frozen=True, slots=True)
class Tensor:
    """A graph's input or output: its name, element type, and shape (0: not fixed)."""

    name: str
    dtype: str
    shape: tuple[int, ...]


@dataclass(slots=True)
class OnnxFacts:
    """What was found in a file.

    Attributes:
        inputs, outputs: of the main graph.
        domains: operator domains that nodes or the file name, the standard one left out.
        external: whether any tensor's data lie in another file.
        functions: whether the file defines operators of its own, or a training graph.
    """

    inputs: list[Tensor] = field(default_factory=list)
    outputs: list[Tensor] = field(default_factory=list)
    domains: set[str] = field(default_factory=set)
    external: bool = False
    functions: bool = False


def read_onnx(data: bytes) -> OnnxFacts:
    """Read the facts of a model file.

    Raises:
        ModelError: the bytes are not a protobuf message with a graph.
    """
    facts, graphs = OnnxFacts(), 0
    for number, value in _fields(memoryview(data)):
        if number == _MODEL_GRAPH:
            graphs += 1
            graph = _message(value)
            _walk_graph(graph, facts, 0)
            facts.inputs += [_tensor_of(v) for n, v in _fields(graph) if n == _GRAPH_INPUT]
            facts.outputs += [_tensor_of(v) for n, v in _fields(graph) if n == _GRAPH_OUTPUT]
        elif number == _MODEL_OPSETS:
            facts.domains |= {_text(v) for n, v in _fields(_message(value)) if n == _OPSET_DOMAIN}
        elif number in (_MODEL_FUNCTIONS, _MODEL_TRAINING):
            facts.functions = True
    if graphs != 1:
        raise ModelError(f"expected one graph in an ONNX file, found {graphs}")
    facts.domains -= {"", "ai.onnx"}
    return facts


def _walk_graph(graph: memoryview, facts: OnnxFacts, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise ModelError(f"expected at most {MAX_DEPTH} graphs inside one another")
    for number, value in _fields(graph):
        if number == _GRAPH_NODE:
            _walk_node(_message(value), facts, depth)
        elif number == _GRAPH_INITIALIZER:
            _walk_tensor(_message(value), facts)
        elif number == _GRAPH_SPARSE:
            _walk_sparse(_message(value), facts)


def _walk_node(node: memoryview, facts: OnnxFacts, depth: int) -> None:
    for number, value in _fields(node):
        if number == _NODE_DOMAIN:
            facts.domains.add(_text(value))
        elif number == _NODE_ATTRIBUTE:
            for kind, part in _fields(_message(value)):
                if kind in _ATTRIBUTE_TENSORS:
                    _walk_tensor(_message(part), facts)
                elif kind in _ATTRIBUTE_GRAPHS:
                    _walk_graph(_message(part), facts, depth + 1)
                elif kind in _ATTRIBUTE_SPARSE:
                    _walk_sparse(_message(part), facts)


def _walk_sparse(sparse: memoryview, facts: OnnxFacts) -> None:
    for number, value in _fields(sparse):
        if number in _SPARSE_TENSORS:
            _walk_tensor(_message(value), facts)


def _walk_tensor(tensor: memoryview, facts: OnnxFacts) -> None:
    for number, value in _fields(tensor):
        if number == _TENSOR_EXTERNAL or (number == _TENSOR_LOCATION and value != 0):
            facts.external = True


def _tensor_of(value: int | memoryview) -> Tensor:
    """Name, element type and shape of a ValueInfoProto."""
    name, dtype, shape = "", "none", []
    for number, part in _fields(_message(value)):
        if number == 1:
            name = _text(part)
        elif number == 2:
            for kind, tensor in _fields(_message(part)):
                dtype = "not a tensor" if kind != 1 else dtype
                for key, inner in _fields(_message(tensor)) if kind == 1 else ():
                    if key == 1:
                        dtype = _ELEMENT_TYPES.get(inner, "other") if isinstance(inner, int) else ""
                    elif key == 2:
                        shape = [_length(d) for n, d in _fields(_message(inner)) if n == 1]
    return Tensor(name, dtype, tuple(shape))


def _length(dimension: int | memoryview) -> int:
    """Fixed length of a dimension, or 0."""
    lengths = [v for n, v in _fields(_message(dimension)) if n == 1 and isinstance(v, int)]
    return lengths[0] if lengths else 0


def _message(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise ModelError("expected an ONNX file, found a number where a message belongs")
    return value


def _text(value: int | memoryview) -> str:
    return bytes(_message(value)).decode("utf-8", "replace")


def _fields(data: memoryview) -> Iterator[Field]:
    """Each field of a protobuf message: its number, and its number or bytes."""
    at, end = 0, len(data)
    while at < end:
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        value: int | memoryview
        if wire == _VARINT:
            value, at = _varint(data, at)
        elif wire == _BYTES:
            length, at = _varint(data, at)
            value, at = data[at : at + length], at + length
        elif wire in (_FIXED32, _FIXED64):
            length = 4 if wire == _FIXED32 else 8
            value, at = int.from_bytes(data[at : at + length], "little"), at + length
        else:
            raise ModelError(f"expected an ONNX file, found wire type {wire} at byte {at}")
        if at > end or number == 0:
            raise ModelError("expected an ONNX file, found a message that ends early")
        yield number, value


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            break
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ModelError("expected an ONNX file, found a number that does not end")
