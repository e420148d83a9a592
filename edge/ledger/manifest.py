"""The models' manifest as `edge` reads it: what a model's file is called, and its hash.

The ledger states a model by it, and the audit holds the file against it. `vision` has a reader
of its own, since neither may import the other.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from edge.ledger.errors import LedgerError

MANIFEST = "manifest.toml"


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One model of a manifest.

    Attributes:
        path: its file, beside the manifest.
        sha256: hexadecimal, of the whole file.
    """

    path: Path
    sha256: str


def models_folder() -> Path:
    """The folder that was installed with this package, else the checkout's."""
    beside = Path(__file__).resolve().parents[2]
    installed = beside / "encounter_models"
    return installed if installed.is_dir() else beside / "models"


def model_in(folder: Path, name: str) -> ModelFile:
    """What the manifest in `folder` says of the model `name`.

    Raises:
        LedgerError: it cannot be read, or does not name the model.
    """
    manifest = folder / MANIFEST
    try:
        models = tomllib.loads(manifest.read_text("utf-8"))["model"]
        known = {one["name"]: ModelFile(folder / one["file"], str(one["sha256"])) for one in models}
    except OSError as error:
        raise LedgerError(f"{manifest}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise LedgerError(
            f"{manifest}: expected [[model]] tables with name, file and sha256, found: {error}"
        ) from None
    if name not in known:
        raise LedgerError(f"{manifest}: expected one of {sorted(known)}, found model {name!r}")
    return known[name]
