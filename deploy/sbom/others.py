"""What comes from elsewhere than Python's registry: page assets, models, the system's packages."""

import base64
import json
import tomllib
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, Field

from deploy.sbom.item import Item, Kind

SHA512 = "sha512-"


class _Asset(BaseModel):
    version: str = ""
    integrity: str = ""
    license: str = ""
    dev: bool = False


class _NpmLock(BaseModel):
    packages: dict[str, _Asset]


class _Source(BaseModel):
    package: str
    version: str
    package_licence: str
    tarball_sha256: str


class _Model(BaseModel):
    name: str
    file: str
    sha256: str
    licence: str
    upstream: str
    source: _Source


class _Manifest(BaseModel):
    models: list[_Model] = Field(alias="model")


@dataclass(frozen=True, slots=True)
class Package:
    """A package of Debian's that the units or the wheels need; its version is the system's.

    Attributes:
        name: of the package.
        licence: an SPDX expression.
        why: which part needs it, and from which version on.
        parts: of the product.
    """

    name: str
    licence: str
    why: str
    parts: tuple[str, ...] = ("device", "server")


GCC_RUNTIME = "GPL-3.0-or-later WITH GCC-exception-3.1"
PACKAGES = (
    Package("libc6", "LGPL-2.1-or-later", "the wheels' modules: 2.28 or later"),
    Package("libgcc-s1", GCC_RUNTIME, "the wheels' modules"),
    Package("libseccomp2", "LGPL-2.1-only", "the jail: 2.5 or later", ("device",)),
    Package("libstdc++6", GCC_RUNTIME, "the wheels' modules"),
    Package("python3", "PSF-2.0", "3.11 to 3.13"),
    Package("systemd", "LGPL-2.1-or-later", "the units", ("device",)),
    Package("zlib1g", "Zlib", "OpenCV's libraries", ("device",)),
)


def page_assets(lock: Path) -> list[Item]:
    """What `package-lock.json` brings to the server's pages; not what serves tests alone."""
    packages = _NpmLock.model_validate(json.loads(lock.read_text("utf-8"))).packages
    items = []
    for path, asset in sorted(packages.items()):
        name = path.removeprefix("node_modules/")
        if not path or asset.dev:
            continue
        digest = base64.b64decode(asset.integrity.removeprefix(SHA512)).hex()
        purl = f"pkg:npm/{name.replace('@', '%40')}@{asset.version}"
        items.append(Item(purl, name, asset.version, asset.license, purl=purl, sha512=digest))
    return items


def models(manifest: Path) -> list[Item]:
    """The models of `models/manifest.toml`, each with what it was converted from."""
    listed = _Manifest.model_validate(tomllib.loads(manifest.read_text("utf-8"))).models
    return [
        Item(
            ref=f"models/{one.file}",
            name=one.name,
            version=one.source.version,
            licence=one.licence,
            kind=Kind.MODEL,
            sha256=one.sha256,
            notes=(
                ("from", f"pkg:npm/{one.source.package}@{one.source.version}"),
                ("from-licence", one.source.package_licence),
                ("from-sha256", one.source.tarball_sha256),
                ("upstream", one.upstream),
            ),
        )
        for one in listed
    ]


def system_packages(part: str) -> list[Item]:
    """What Debian gives a part of the product."""
    return [
        Item(
            ref=f"pkg:deb/debian/{one.name}",
            name=one.name,
            version="",
            licence=one.licence,
            kind=Kind.PLATFORM if one.name == "python3" else Kind.LIBRARY,
            purl=f"pkg:deb/debian/{one.name.replace('+', '%2B')}",
            notes=(("for", one.why),),
        )
        for one in PACKAGES
        if part in one.parts
    ]
