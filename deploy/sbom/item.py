"""One thing that the product is made of."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a thing is, in CycloneDX's words."""

    APPLICATION = "application"
    LIBRARY = "library"
    MODEL = "machine-learning-model"
    PLATFORM = "platform"


@dataclass(frozen=True, slots=True)
class Item:
    """A component of the bill.

    Attributes:
        ref: unique in the bill.
        name: as its makers call it.
        version: empty where nothing in the file tells it.
        licence: an SPDX expression.
        kind: what it is.
        purl: package URL; empty for what no registry has.
        sha256: of the one file that this is; empty if it is none.
        sha512: the same.
        one_of_sha256: of the files of which one is installed, by platform.
        notes: further facts, by name.
        holds: the `ref`s of what is inside it, or what it needs.
    """

    ref: str
    name: str
    version: str
    licence: str
    kind: Kind = Kind.LIBRARY
    purl: str = ""
    sha256: str = ""
    sha512: str = ""
    one_of_sha256: tuple[str, ...] = ()
    notes: tuple[tuple[str, str], ...] = ()
    holds: tuple[str, ...] = ()
