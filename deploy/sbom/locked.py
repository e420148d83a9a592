"""Python packages as the lock files pin them: names, versions, hashes, and for which Python."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.markers import Marker

from deploy.sbom.errors import SbomError

_PIN = re.compile(r"(?P<name>[a-z0-9][a-z0-9.-]*)==(?P<version>\S+)(?: ; (?P<marker>.*))?")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Locked:
    """A pinned package.

    Attributes:
        name: normalised.
        version: the one version.
        marker: the environments it is for, as PEP 508 writes them; empty for all.
        sha256: of the files that may be installed, one for each platform, sorted.
    """

    name: str
    version: str
    marker: str
    sha256: tuple[str, ...]

    def is_for_this_python(self) -> bool:
        """Whether the running interpreter installs it."""
        return not self.marker or Marker(self.marker).evaluate()


def read_lock(path: Path) -> list[Locked]:
    """The packages of a lock file, in its order.

    Raises:
        SbomError: a line is no pin with hashes.
    """
    return list(_packages(path, path.read_text("utf-8").replace("\\\n", " ").splitlines()))


def _packages(path: Path, lines: list[str]) -> Iterator[Locked]:
    for line in lines:
        pin, *_ = line.partition(" --hash=")
        found = _PIN.fullmatch(pin.strip())
        hashes = _HASH.findall(line)
        if found is None or not hashes:
            raise SbomError(f"{path}: expected name==version with hashes, found {line[:60]!r}")
        yield Locked(found["name"], found["version"], found["marker"] or "", tuple(sorted(hashes)))
