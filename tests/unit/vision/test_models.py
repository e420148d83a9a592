"""Models that are refused, before any library opens them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import onnx
import pytest
from onnx import TensorProto, helper

from vision.errors import ModelError
from vision.models import find_models_dir, load_model
from vision.onnx_file import read_onnx

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def model(
    picture: tuple[int, list[int | str]] = (TensorProto.UINT8, [1, 32, 64, 3]),
    boxes: list[int | str] | None = None,
    scores: list[int | str] | None = None,
    change: Callable[[Any], None] = lambda _: None,
) -> bytes:
    """A tiny model of the right form, changed."""
    weights = helper.make_tensor("weights", TensorProto.FLOAT, [2], [0.0, 1.0])
    graph = helper.make_graph(
        [
            helper.make_node("Identity", ["weights"], ["scores"]),
            helper.make_node("Reshape", ["weights", "shape"], ["boxes"]),
        ],
        "tiny",
        [helper.make_tensor_value_info("picture", picture[0], picture[1])],
        [
            helper.make_tensor_value_info("boxes", TensorProto.FLOAT, boxes or [2, 4]),
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, scores or [2]),
        ],
        [weights, helper.make_tensor("shape", TensorProto.INT64, [2], [2, 4])],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    change(proto)
    data: bytes = proto.SerializeToString()
    return data


def external(proto: Any) -> None:
    proto.graph.initializer[0].data_location = TensorProto.EXTERNAL
    entry = proto.graph.initializer[0].external_data.add()
    entry.key, entry.value = "location", "../../etc/passwd"


def external_inside_a_branch(proto: Any) -> None:
    tensor = helper.make_tensor("inner", TensorProto.FLOAT, [1], [0.0])
    tensor.data_location = TensorProto.EXTERNAL
    branch = helper.make_graph([helper.make_node("Constant", [], ["x"], value=tensor)], "b", [], [])
    proto.graph.node.append(
        helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch)
    )


def custom_node(proto: Any) -> None:
    proto.graph.node[0].domain = "com.example"


def custom_opset(proto: Any) -> None:
    proto.opset_import.append(helper.make_opsetid("com.example", 1))


def function(proto: Any) -> None:
    proto.functions.add().name = "mine"


def second_input(proto: Any) -> None:
    proto.graph.input.append(helper.make_tensor_value_info("mask", TensorProto.UINT8, [1]))


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "external data": ({"change": external}, "external data"),
    "external data in a branch": ({"change": external_inside_a_branch}, "external data"),
    "an operator of its own": ({"change": custom_node}, "com.example"),
    "an operator set of its own": ({"change": custom_opset}, "com.example"),
    "a function": ({"change": function}, "functions"),
    "two inputs": ({"change": second_input}, "mask uint8"),
    "float input": ({"picture": (TensorProto.FLOAT, [1, 32, 64, 3])}, "picture float32"),
    "planes first": ({"picture": (TensorProto.UINT8, [1, 3, 32, 64])}, r"\[1, 3, 32, 64\]"),
    "open size": ({"picture": (TensorProto.UINT8, [1, "h", "w", 3])}, r"\[1, 0, 0, 3\]"),
    "two pictures": ({"picture": (TensorProto.UINT8, [2, 32, 64, 3])}, r"\[2, 32, 64, 3\]"),
    "five numbers a box": ({"boxes": [2, 5]}, r"boxes float32 \[2, 5\]"),
    "fewer scores than boxes": ({"scores": [1]}, r"scores float32 \[1\]"),
}


def folder_with(folder: Path, data: bytes, **entry: Any) -> Path:
    values = {
        "name": "tiny",
        "file": "tiny.onnx",
        "sha256": hashlib.sha256(data).hexdigest(),
        **entry,
    }
    lines = [f'{key} = "{value}"' for key, value in values.items() if value is not None]
    (folder / "manifest.toml").write_text("\n".join(["schema = 1", "[[model]]", *lines]))
    (folder / "tiny.onnx").write_bytes(data)
    return folder


def test_a_model_of_the_right_form_is_read_once_and_whole(tmp_path: Path) -> None:
    data = model()
    loaded = load_model("tiny", folder_with(tmp_path, data))
    assert (loaded.name, loaded.data, loaded.input_px) == ("tiny", data, (64, 32))


@pytest.mark.parametrize(("change", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_another_form_is_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        load_model("tiny", folder_with(tmp_path, model(**change)))


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"sha256": "0" * 64}, "expected sha256 0000"),
        ({"sha256": None}, "expected sha256"),
        ({"file": "../tiny.onnx"}, "beside the manifest"),
        ({"file": "missing.onnx"}, "No such file"),
        ({"name": "other"}, "expected one of"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(
    tmp_path: Path, entry: dict[str, Any], message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        load_model("tiny", folder_with(tmp_path, model(), **entry))


@pytest.mark.parametrize("manifest", ["", "schema = 2", "schema = 1\nmodel = 3", "[[[", "\xff"])
def test_a_broken_manifest_is_refused(tmp_path: Path, manifest: str) -> None:
    (tmp_path / "manifest.toml").write_bytes(manifest.encode("latin-1"))
    with pytest.raises(ModelError, match=r"manifest\.toml"):
        load_model("tiny", tmp_path)


def test_bytes_that_are_no_model_are_refused_and_never_crash() -> None:
    data = model()
    for junk in (b"", b"\x00", b"\xff" * 40, b"PK\x03\x04" * 9, data[: len(data) // 2]):
        with pytest.raises(ModelError):
            read_onnx(junk)
    for end in range(len(data)):
        try:
            read_onnx(data[:end])
        except ModelError:
            continue


@pytest.mark.parametrize("name", ["nanodet-288x512-int8", "nanodet-288x512", "nanodet-256x416"])
def test_our_own_models_are_accepted_and_read_as_onnx_reads_them(name: str) -> None:
    loaded = load_model(name, find_models_dir())
    facts = read_onnx(loaded.data)
    graph = onnx.load_from_string(loaded.data).graph
    assert [t.name for t in facts.inputs] == [value.name for value in graph.input]
    assert [t.shape for t in facts.outputs] == [
        tuple(d.dim_value for d in value.type.tensor_type.shape.dim) for value in graph.output
    ]
