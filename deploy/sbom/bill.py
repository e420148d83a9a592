"""The whole bill, as items: the product, its two parts, and all that each is made of."""

import tomllib
from dataclasses import dataclass, replace
from pathlib import Path

from deploy.sbom.item import Item, Kind
from deploy.sbom.locked import Locked, read_lock
from deploy.sbom.others import models, page_assets, system_packages
from deploy.sbom.wheels import Wheel, look_into

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("device", "server")
LICENCE = "Apache-2.0"


@dataclass(frozen=True, slots=True)
class Bill:
    """The product and its components.

    Attributes:
        product: the root; it holds the parts.
        items: everything else, in the order of their `ref`s.
    """

    product: Item
    items: tuple[Item, ...]


def make_bill(root: Path = ROOT) -> Bill:
    """Read the lock files, the manifest and the installed packages.

    Args:
        root: of the checkout.
    """
    version = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    items: dict[str, Item] = {}
    wheels: dict[str, Wheel] = {}
    for part in PARTS:
        locked = read_lock(root / "deploy" / "locks" / f"{part}.txt")
        for package in locked:
            if package.is_for_this_python() and package.name not in wheels:
                wheels[package.name] = look_into(package)
        needs = [_python(package, wheels) for package in locked]
        inside = [one for package in locked for one in wheels[package.name].inside]
        needs += system_packages(part)
        needs += models(root / "models" / "manifest.toml") if part == "device" else []
        needs += page_assets(root / "package-lock.json") if part == "server" else []
        name, held = f"encounter-{part}", tuple(sorted({one.ref for one in needs}))
        whole = Item(name, name, version, LICENCE, Kind.APPLICATION, holds=held)
        items |= {one.ref: one for one in [whole, *needs, *inside]}
    product = Item("encounter", "encounter", version, LICENCE, Kind.APPLICATION)
    product = replace(product, holds=tuple(f"encounter-{part}" for part in PARTS))
    return Bill(product, tuple(items[ref] for ref in sorted(items)))


def _python(package: Locked, wheels: dict[str, Wheel]) -> Item:
    """A package of Python's registry.

    One that another Python would install has not been looked into; its licence is that of the
    version that was, and the note says so.
    """
    purl = f"pkg:pypi/{package.name}@{package.version}"
    wheel, here = wheels[package.name], package.is_for_this_python()
    notes = (("lock-marker", package.marker), ("looked-into", "yes" if here else "no"))
    return Item(
        ref=purl,
        name=package.name,
        version=package.version,
        licence=wheel.licence,
        purl=purl,
        one_of_sha256=package.sha256,
        notes=notes,
        holds=tuple(sorted(one.ref for one in wheel.inside)) if here else (),
    )
