"""What a report is about: hashes of the software, the models and the configuration."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import firmware_cfg
from edge.audit.running.models import models_folder

PACKAGES = ("edge", "vision", "firmware_cfg")
USED = ("numpy", "opencv", "onnxruntime", "pydantic", "paho", "starlette", "uvicorn")
_SKIPPED = ("__pycache__",)


@dataclass(frozen=True, slots=True)
class Binding:
    """What was audited.

    Attributes:
        version: of the software.
        kind: `installed` from a wheel, or `checkout`.
        tree: SHA-256 of the list of our packages' files, `sha256␠␠path` a line, sorted by path.
        packages: SHA-256 of each other package's RECORD, by its name and version.
        models: SHA-256 of each file in the models' folder.
        configuration: the site file and its SHA-256; None: there is none.
        machine: kernel, architecture, interpreter.
    """

    version: str
    kind: str
    tree: str
    packages: dict[str, str]
    models: dict[str, str]
    configuration: tuple[str, str] | None
    machine: str


def bind(site: Path | None) -> Binding:
    """Hash everything that the audited device is made of.

    Args:
        site: the site file, if there is one.
    """
    root = Path(firmware_cfg.__file__).resolve().parents[1]
    folder = models_folder(None)
    installed = root.name == "site-packages"
    return Binding(
        firmware_cfg.__version__,
        "installed" if installed else "checkout",
        tree_hash(root, PACKAGES),
        dict(_records()),
        {path.name: _sha256(path) for path in sorted(folder.glob("*")) if path.is_file()},
        None if site is None else (str(site), _sha256(site)),
        f"Linux {platform.release()} {os.uname().machine}, Python {platform.python_version()}",
    )


def tree_hash(root: Path, names: tuple[str, ...]) -> str:
    """One hash of many files: repeatable with find, sort and sha256sum (docs/audit.md)."""
    lines = sorted(
        (str(path.relative_to(root)), path)
        for name in names
        for path in (root / name).rglob("*")
        if path.is_file() and not any(part in _SKIPPED for part in path.parts)
    )
    text = "".join(f"{_sha256(path)}  {name}\n" for name, path in lines)
    return hashlib.sha256(text.encode()).hexdigest()


def _records() -> Iterator[tuple[str, str]]:
    """Distributions that the device's processes import, by their RECORD."""
    for entry in sys.path:
        for record in sorted(Path(entry).glob("*.dist-info/RECORD")):
            name = record.parent.name.removesuffix(".dist-info")
            if name.lower().startswith(USED):
                yield name, _sha256(record)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
