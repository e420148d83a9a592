"""The models that may run: found by the manifest, refused unless they are what it says."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vision.errors import ModelError
from vision.onnx_file import OnnxFacts, Tensor, read_onnx

MANIFEST = "manifest.toml"
SCHEMA = 1
MAX_MODEL_BYTES = 256 * 2**20


@dataclass(frozen=True, slots=True)
class Model:
    """A model that passed every check: its name, its bytes, and its input (width, height)."""

    name: str
    data: bytes
    input_px: tuple[int, int]


def find_models_dir() -> Path:
    """The folder of the models: `encounter_models` of the wheel, `models` of a checkout.

    Raises:
        ModelError: neither is there.
    """
    beside = Path(__file__).resolve().parent.parent
    for folder in (beside / "encounter_models", beside / "models"):
        if (folder / MANIFEST).is_file():
            return folder
    raise ModelError(f"{beside}: expected encounter_models/{MANIFEST} or models/{MANIFEST}")


def load_model(name: str, folder: Path) -> Model:
    """Read the model `name` of the manifest in `folder`, and check it.

    The bytes that were checked are the bytes that run: the file is read once.

    Raises:
        ModelError: unknown, missing, altered, or of a form that is not accepted.
    """
    entry = _entry(name, folder / MANIFEST)
    path = folder / entry["file"]
    data = _read(path)
    digest = hashlib.sha256(data).hexdigest()
    if digest != entry["sha256"]:
        raise ModelError(f"{path}: expected sha256 {entry['sha256']}, found {digest}")
    try:
        facts = read_onnx(data)
        return Model(name, data, check_person_detector(facts))
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None


def check_person_detector(facts: OnnxFacts) -> tuple[int, int]:
    """(width, height) of the input of a person detector; refuses any other form.

    Raises:
        ModelError: data in other files, operators that are not ONNX's own, or other inputs
            or outputs than picture [1, H, W, 3] uint8, boxes [K, 4] and scores [K] float32.
    """
    if facts.external:
        raise ModelError("expected all weights inside the file, found external data")
    if facts.domains:
        raise ModelError(f"expected standard operators, found domains {sorted(facts.domains)}")
    if facts.functions:
        raise ModelError("expected a plain graph, found functions or training graphs")
    match facts.inputs:
        case [Tensor("picture", "uint8", (1, height, width, 3))] if height > 0 and width > 0:
            size_px = (width, height)
        case _:
            raise ModelError(f"expected picture uint8 [1, H, W, 3], found {_listed(facts.inputs)}")
    match facts.outputs:
        case [Tensor("boxes", "float32", (k, 4)), Tensor("scores", "float32", (same,))] if (
            k == same
        ):
            return size_px
        case _:
            raise ModelError(
                "expected boxes float32 [K, 4] and scores float32 [K], "
                f"found {_listed(facts.outputs)}"
            )


def _entry(name: str, manifest: Path) -> dict[str, Any]:
    """The manifest's table of the model `name`."""
    try:
        with manifest.open("rb") as file:
            table = tomllib.load(file)
    except OSError as error:
        raise ModelError(f"{manifest}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"{manifest}: {error}") from None
    if table.get("schema") != SCHEMA or not isinstance(table.get("model"), list):
        raise ModelError(f"{manifest}: expected schema = {SCHEMA} and [[model]] tables")
    entries = {str(e.get("name")): e for e in table["model"] if isinstance(e, dict)}
    if name not in entries:
        raise ModelError(f"{manifest}: expected one of {sorted(entries)}, found model {name!r}")
    entry: dict[str, Any] = entries[name]
    file_name, digest = entry.get("file"), entry.get("sha256")
    if not isinstance(file_name, str) or Path(file_name).name != file_name:
        raise ModelError(f"{manifest}: {name}: expected the name of a file beside the manifest")
    if not isinstance(digest, str):
        raise ModelError(f"{manifest}: {name}: expected sha256")
    return entry


def _read(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_MODEL_BYTES:
            raise ModelError(f"{path}: expected at most {MAX_MODEL_BYTES} bytes, found {size}")
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}") from None


def _listed(tensors: list[Tensor]) -> str:
    return ", ".join(f"{t.name} {t.dtype} {list(t.shape)}" for t in tensors) or "none"
