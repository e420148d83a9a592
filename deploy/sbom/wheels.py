"""What an installed wheel holds: its licence, native libraries, and the bill it brings itself.

Wheels may carry CycloneDX files in `*.dist-info/sboms` (PEP 770): the crates that a Rust module
was built from, the libraries that were copied into the wheel. Their entries go into ours.
"""

import hashlib
import json
from dataclasses import dataclass, replace
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from pydantic import BaseModel

from deploy.sbom.errors import SbomError
from deploy.sbom.item import Item
from deploy.sbom.licences import spdx
from deploy.sbom.locked import Locked
from deploy.sbom.native import LINKED_IN, known, version_in

IN_FILES = {
    *("openssl-libs", "libdrm", "openblas-threads", "libgfortran", "libquadmath"),
    *("keyutils-libs", "cyrus-sasl-lib", "libcom_err"),
}
"""Entries of a wheel's own bill that are files of the wheel, which are looked at themselves."""
STATED = {"openssl": "Apache-2.0"}
"""Licences of entries whose bill names none: OpenSSL since 3.0."""
_CLASS = "License :: OSI Approved :: "


class _Licence(BaseModel):
    expression: str = ""


class _Digest(BaseModel):
    alg: str
    content: str


class _Entry(BaseModel):
    """A component of a wheel's own bill."""

    name: str
    version: str
    purl: str = ""
    scope: str = "required"
    licenses: list[_Licence] = []
    hashes: list[_Digest] = []


class _Bill(BaseModel):
    components: list[_Entry] = []


@dataclass(frozen=True, slots=True)
class Wheel:
    """An installed package.

    Attributes:
        licence: an SPDX expression.
        inside: the native libraries and crates in it.
    """

    licence: str
    inside: tuple[Item, ...]


def look_into(package: Locked) -> Wheel:
    """Look into the installed package.

    Raises:
        SbomError: another version is installed, or none, or something in it is not known.
    """
    try:
        installed = distribution(package.name)
    except PackageNotFoundError:
        raise SbomError(f"{package.name}: expected it installed, found none; make setup") from None
    if installed.version != package.version:
        raise SbomError(
            f"{package.name}: expected {package.version}, found {installed.version}; make setup"
        )
    entries = _own_bill(installed)
    inside = [
        *_libraries(package.name, installed, entries),
        *_linked(package.name, installed),
        *(_entry(package.name, one) for one in entries if _counts(package.name, one)),
    ]
    return Wheel(_licence(installed), tuple({one.ref: one for one in inside}.values()))


def _licence(installed: Distribution) -> str:
    """Its SPDX expression, or else what its free text or its classifier says."""
    told = installed.metadata
    words = told["License-Expression"] or told["License"] or ""
    classes = [one.removeprefix(_CLASS) for one in told.get_all("Classifier") or []]
    named = [one for one in classes if spdx(one) != one]
    licence = words or next(iter(named), "")
    if not licence:
        raise SbomError(f"{installed.name}: expected a licence in its metadata, found none")
    return spdx(licence)


def _shared_objects(installed: Distribution) -> list[Path]:
    files = [Path(str(one.locate())) for one in installed.files or () if ".so" in one.name]
    return sorted(files)


def _is_module(file: Path) -> bool:
    """Whether Python imports it: then it is the package itself."""
    return file.name.endswith(".so") and (".cpython-" in file.name or ".abi3." in file.name)


def _libraries(package: str, installed: Distribution, entries: list[_Entry]) -> list[Item]:
    """Files of the wheel that are libraries of other projects, or of its own."""
    files = _shared_objects(installed)
    listed = {one.name: one for one in entries}
    items = []
    for file in files:
        if _is_module(file):
            continue
        what, origin = known(file), listed.get(known(file).package)
        told = installed.version if what.own else _told(what.says, [file, *files])
        items.append(
            Item(
                ref=f"{package}/{file.name}",
                name=what.name,
                version=origin.version if origin else told,
                licence=what.licence,
                purl=origin.purl if origin else "",
                sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
                notes=(("file", file.name), ("in", package)),
            )
        )
    return items


def _told(says: bytes, files: list[Path]) -> str:
    """The version by the first file that tells it; empty if none does."""
    if not says:
        return ""
    return next((told for file in files if (told := version_in(says, file.read_bytes()))), "")


def _linked(package: str, installed: Distribution) -> list[Item]:
    """What is linked into its modules, as far as these tell."""
    parts = LINKED_IN.get(package, ())
    modules = [file for file in _shared_objects(installed) if parts and _is_module(file)]
    text = b"".join(module.read_bytes() for module in modules)
    found = [(one, version_in(one.says, text)) for one in parts]
    return [
        Item(f"{package}/{one.name}", one.name, version, one.licence, notes=(("in", package),))
        for one, version in found
        if version is not None
    ]


def _own_bill(installed: Distribution) -> list[_Entry]:
    entries: list[_Entry] = []
    for file in installed.files or ():
        if "sboms" in file.parts and file.parts[0].endswith(".dist-info"):
            bill = json.loads(Path(str(file.locate())).read_text("utf-8"))
            entries += _Bill.model_validate(bill).components
    return entries


def _counts(package: str, entry: _Entry) -> bool:
    """Whether an entry is in the wheel, is not the wheel, and is not looked at as a file."""
    own = entry.name.replace("_", "-") == package
    return entry.scope != "excluded" and not own and entry.name not in IN_FILES


def _entry(package: str, entry: _Entry) -> Item:
    stated = next((one.expression for one in entry.licenses if one.expression), "")
    licence = stated or STATED.get(entry.name, "")
    if not licence:
        raise SbomError(f"{package}: expected a licence for {entry.name} in its bill, found none")
    sha256 = next((one.content for one in entry.hashes if one.alg == "SHA-256"), "")
    purl = entry.purl.partition("?")[0]
    item = Item(f"{package}/{purl or entry.name}", entry.name, entry.version, licence)
    return replace(item, purl=purl, sha256=sha256, notes=(("in", package),))
