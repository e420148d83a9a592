"""A small builder for ONNX graphs whose bytes depend on nothing but what was asked of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from onnx import ModelProto, NodeProto, ValueInfoProto

OPSET = 17
IR_VERSION = 8
ELEMENT_TYPES = {"uint8": TensorProto.UINT8, "float32": TensorProto.FLOAT}


class Graph:
    """Collects nodes and constants in order; every node is named for its first output."""

    def __init__(self) -> None:
        """Start empty."""
        self._nodes: list[NodeProto] = []
        self._constants: dict[str, NDArray[Any]] = {}

    def node(self, op: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        """Append a node with one output; return that output's name."""
        return self.node_of(op, inputs, (output,), **attributes)[0]

    def node_of(
        self, op: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any
    ) -> tuple[str, ...]:
        """Append a node with several outputs; return their names."""
        self._nodes.append(helper.make_node(op, inputs, outputs, name=outputs[0], **attributes))
        return tuple(outputs)

    def constant(self, name: str, value: NDArray[Any]) -> str:
        """Store a constant under its name; return the name. The same name means the same value."""
        if name in self._constants and not np.array_equal(self._constants[name], value):
            raise ValueError(f"{name}: the constant was given twice with different values")
        self._constants[name] = value
        return name

    def half(self, name: str, value: NDArray[np.float16]) -> str:
        """A float32 tensor stored as float16, widened by a Cast that the runtime folds at load."""
        stored = self.constant(f"{name}_f16", value.astype("<f2", copy=False))
        return self.node("Cast", [stored], name, to=TensorProto.FLOAT)

    def model(
        self, name: str, inputs: Sequence[ValueInfoProto], outputs: Sequence[ValueInfoProto]
    ) -> ModelProto:
        """The finished, checked model."""
        tensors = [numpy_helper.from_array(v, n) for n, v in self._constants.items()]
        graph = helper.make_graph(self._nodes, name, inputs, outputs, initializer=tensors)
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="encounter",
        )
        checker.check_model(model, full_check=True)
        return model


def value_info(name: str, dtype: str, shape: Sequence[int]) -> ValueInfoProto:
    """A declared input or output of the model."""
    return helper.make_tensor_value_info(name, ELEMENT_TYPES[dtype], shape)
