"""What this machine's kernel offers for the jail; a seam, so that tests can take from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from firmware_cfg.confine.layers import LANDLOCK_ABI, Layer
from firmware_cfg.confine.native import system_call
from firmware_cfg.confine.seccomp import LIBRARY, api_level, has_library

if TYPE_CHECKING:
    from collections.abc import Iterator

LANDLOCK_CREATE_RULESET = 444
_ASK_VERSION = 1


@dataclass(frozen=True, slots=True)
class Kernel:
    """What can be asked for.

    Attributes:
        landlock_abi: Landlock's version, 0 where it is absent or off.
        seccomp: whether filters can be loaded, and libseccomp is there to make them.
        tsync: whether a filter can be loaded into all threads at once.
        dumpable: whether a process can be closed to others of its user.
        core: whether core dumps can be switched off.
        library: whether libseccomp could be loaded; for messages.
    """

    landlock_abi: int
    seccomp: bool
    tsync: bool
    dumpable: bool = True
    core: bool = True
    library: bool = True

    @classmethod
    def ask(cls) -> Self:
        """The running kernel's own answers."""
        level = api_level()
        return cls(landlock_abi(), level >= 1, level >= 2, library=has_library())

    def lacks(self) -> Iterator[Layer]:
        """The required layers that it does not have, each after the one it belongs to."""
        yield from (layer for layer, abi in LANDLOCK_ABI.items() if self.landlock_abi < abi)
        offered = {
            Layer.SECCOMP: self.seccomp,
            Layer.SECCOMP_TSYNC: self.tsync,
            Layer.DUMPABLE: self.dumpable,
            Layer.CORE: self.core,
        }
        yield from (layer for layer, there in offered.items() if not there)

    def in_words(self) -> str:
        """For messages."""
        landlock = f"Landlock ABI {self.landlock_abi}" if self.landlock_abi else "no Landlock"
        if not self.library:
            return f"{landlock}, no library {LIBRARY} (Debian's package libseccomp2)"
        return f"{landlock}, {'' if self.seccomp else 'no '}seccomp"


def landlock_abi() -> int:
    """Version of Landlock, 0 where it is absent or switched off."""
    try:
        return system_call(LANDLOCK_CREATE_RULESET, 0, 0, _ASK_VERSION)
    except OSError:
        return 0
