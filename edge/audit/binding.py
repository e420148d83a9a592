"""What a report is about: hashes of the software, the models and the configuration."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import firmware_cfg
from edge.audit.running.compiled import CACHE, differs
from edge.audit.running.import_path import INSTALLED, OURS, ImportPath, own_path
from edge.audit.running.loaded import Distribution, distributions, files_below, sha256_of, strays
from edge.ledger.manifest import models_folder


@dataclass(frozen=True, slots=True)
class Binding:
    """What was audited.

    Attributes:
        version: of the software.
        kind: `installed` from a wheel, or `checkout`.
        tree: SHA-256 of the list of our packages' files, `sha256␠␠path` a line, sorted by path.
        packages: the same of each installed package's files as they lie there, by its name and
            version, of what else could be imported, and of the standard library.
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
    folder = models_folder()
    installed = root.name == "site-packages"
    return Binding(
        firmware_cfg.__version__,
        "installed" if installed else "checkout",
        tree_hash(root, OURS),
        dict(_installed(own_path())),
        {path.name: sha256_of(path) for path in sorted(folder.glob("*")) if path.is_file()},
        None if site is None else (str(site), sha256_of(site)),
        f"Linux {platform.release()} {os.uname().machine}, Python {platform.python_version()}",
    )


def tree_hash(root: Path, names: tuple[str, ...]) -> str:
    """One hash of many files: repeatable with find, sort and sha256sum (docs/audit.md).

    Compiled copies are left out, but one that the interpreter would run in place of a source
    that does not give it: with such a one the hash is another than the tools'.
    """
    paths = (path for name in names for path in files_below(root / name))
    return _list_hash(root, (path for path in paths if path.parent.name != CACHE or _planted(path)))


def distribution_hash(one: Distribution) -> str:
    """The same of the files that a RECORD names, as they lie there."""
    return _list_hash(one.root, (one.root / name for name in one.listed))


def _planted(path: Path) -> bool:
    return path.name.endswith(f".{sys.implementation.cache_tag}.pyc") and differs(path)


def _installed(path: ImportPath) -> Iterator[tuple[str, str]]:
    """Everything that could be imported beside our own packages."""
    for folder in path.packages:
        found = distributions(folder)
        yield from ((one.name, distribution_hash(one)) for one in found)
        unknown = list(strays(folder, (file for one in found for file in one.files)))
        if unknown:
            yield f"{folder}: in no RECORD", _list_hash(folder, unknown)
    for folder in (path.library, *path.system):
        files = (one for one in files_below(folder) if _of_library(one.relative_to(folder)))
        yield str(folder), _list_hash(folder, files)


def _of_library(path: Path) -> bool:
    return path.parent.name != CACHE and not any(part in INSTALLED for part in path.parts)


def _list_hash(root: Path, files: Iterable[Path]) -> str:
    """SHA-256 of a list of files as `sha256sum` writes it, by name; of those that are there."""
    lines = sorted((str(path.relative_to(root)), sha256_of(path)) for path in files)
    text = "".join(f"{digest}  {name}\n" for name, digest in lines if digest)
    return hashlib.sha256(text.encode()).hexdigest()
