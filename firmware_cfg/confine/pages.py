"""Memory that can be both written and run: what is written there could be a program.

The handler that makes probes in other threads needs a page of code that libffi writes, and
takes from the kernel with all rights. One of them goes: the right to be written as soon as the
handler is made, where filters follow one another; otherwise the right to be run, after the probes.
"""

from __future__ import annotations

import mmap
import os
import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from firmware_cfg.confine.errors import ConfinementError
from firmware_cfg.confine.layers import Layer
from firmware_cfg.confine.native import protect

if TYPE_CHECKING:
    from collections.abc import Iterator

MAPS = "/proc/self/maps"
RUN_ONLY = mmap.PROT_READ | mmap.PROT_EXEC
WRITE_ONLY = mmap.PROT_READ | mmap.PROT_WRITE
_CHUNK_BYTES = 1 << 16
_BOTH = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) .wx. ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Region:
    """Neighbouring pages of this process.

    Attributes:
        start: address of the first byte.
        size_bytes: how many bytes.
    """

    start: int
    size_bytes: int


class MemoryMap:
    """The kernel's table of this process's memory, which can be read when nothing can be opened."""

    def __init__(self, descriptor: int) -> None:
        """Read from `descriptor`, of `MAPS`."""
        self._descriptor = descriptor

    def text(self) -> str:
        """The table as it is now."""
        data = b""
        while more := os.pread(self._descriptor, _CHUNK_BYTES, len(data)):
            data += more
        return data.decode("utf-8", "replace")

    def take(self, rights: int) -> None:
        """Leave `rights` alone to all memory that can be written and run.

        Raises:
            ConfinementError: some keeps both.
        """
        for region in both(self.text()):
            protect(region.start, region.size_bytes, rights)
        self.check()

    def check(self) -> None:
        """Hold the table against what is promised.

        Raises:
            ConfinementError: there is memory that can be written and run.
        """
        found = both(self.text())
        if found:
            raise ConfinementError(
                Layer.SECCOMP,
                "expected no memory that can be written and run, "
                f"found {sum(one.size_bytes for one in found)} bytes",
            )


@contextmanager
def memory_map() -> Iterator[MemoryMap]:
    """This process's table, open for the time of the block.

    Raises:
        ConfinementError: the kernel does not tell.
    """
    try:
        descriptor = os.open(MAPS, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise ConfinementError(Layer.SECCOMP, f"cannot see memory: {error}") from None
    try:
        yield MemoryMap(descriptor)
    finally:
        os.close(descriptor)


def both(table: str) -> list[Region]:
    r"""The regions of a table in the form of `MAPS` that can be written and run.

    >>> both("7f00-7f01 rwxp 00000000 00:00 0\n8000-8001 r-xp 00000000 00:00 0 /lib/-wx.so\n")
    [Region(start=32512, size_bytes=1)]
    """
    places = ((int(start, 16), int(end, 16)) for start, end in _BOTH.findall(table))
    return [Region(start, end - start) for start, end in places]
