"""The committed models are what the manifest says, and can be made again."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import onnx
import pytest

from tests.unit.models.detect import MODELS, ROOT, session

if TYPE_CHECKING:
    from pathlib import Path

NAMES = (
    "nanodet-288x512",
    "nanodet-288x512-int8",
    "nanodet-256x416",
    "nanodet-256x416-int8",
)


def convert(package: Path, out: Path) -> subprocess.CompletedProcess[str]:
    script = str(MODELS / "convert_nanodet.py")
    command = [sys.executable, script, "--package", str(package), "--out", str(out)]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)


def test_manifest_lists_every_model_in_the_folder(manifest: list[dict[str, Any]]) -> None:
    assert tuple(entry["name"] for entry in manifest) == NAMES
    assert {entry["file"] for entry in manifest} == {path.name for path in MODELS.glob("*.onnx")}


def test_manifest_agrees_with_the_files(manifest: list[dict[str, Any]]) -> None:
    for entry in manifest:
        content = (MODELS / entry["file"]).read_bytes()
        assert entry["bytes"] == len(content)
        assert entry["sha256"] == hashlib.sha256(content).hexdigest()
        assert (MODELS / entry["card"]).is_file()
        assert (MODELS / entry["licence_file"]).is_file()
        if entry["precision"] == "int8":
            ranges = (MODELS / entry["calibration"]).read_bytes()
            assert entry["calibration_sha256"] == hashlib.sha256(ranges).hexdigest()


def test_manifest_agrees_with_what_the_runtime_reads(manifest: list[dict[str, Any]]) -> None:
    types = {"uint8": "tensor(uint8)", "float32": "tensor(float)"}
    for entry in manifest:
        model = session(MODELS / entry["file"])
        declared = [entry["input"], *entry["output"]]
        found = [*model.get_inputs(), *model.get_outputs()]
        assert [(item["name"], types[item["dtype"]], item["shape"]) for item in declared] == [
            (item.name, item.type, item.shape) for item in found
        ]


@pytest.mark.parametrize("name", NAMES)
def test_model_holds_standard_operators_and_its_own_weights(name: str) -> None:
    model = onnx.load(MODELS / f"{name}.onnx", load_external_data=False)
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 17)]
    assert not model.functions
    assert not model.metadata_props
    assert {node.domain for node in model.graph.node} == {""}
    inside = onnx.TensorProto.DEFAULT
    for tensor in model.graph.initializer:
        assert tensor.data_location == inside
        assert not tensor.external_data


def test_conversion_gives_the_committed_bytes(tarball: Path, tmp_path: Path) -> None:
    done = convert(tarball, tmp_path)
    assert done.returncode == 0, done.stderr
    for file in (*(f"{name}.onnx" for name in NAMES), "manifest.toml"):
        assert (tmp_path / file).read_bytes() == (MODELS / file).read_bytes(), file


def test_a_changed_package_is_refused(package: Path, tmp_path: Path) -> None:
    changed = tmp_path / "package" / "models"
    changed.mkdir(parents=True)
    for name in ("nanodet.json", "nanodet.bin"):
        (changed / name).write_bytes((package / "models" / name).read_bytes())
    weights = bytearray((changed / "nanodet.bin").read_bytes())
    weights[1000] ^= 1
    (changed / "nanodet.bin").write_bytes(weights)
    done = convert(tmp_path / "package", tmp_path)
    assert done.returncode != 0
    assert "models/nanodet.bin: expected SHA-256 5d0e4f8c" in done.stderr
    assert not list(tmp_path.glob("*.onnx"))


def test_models_is_no_package_and_holds_no_large_surprise() -> None:
    assert not (MODELS / "__init__.py").exists()
    assert sum(path.stat().st_size for path in MODELS.rglob("*.onnx")) < 25_000_000
    assert ROOT / "models" == MODELS
