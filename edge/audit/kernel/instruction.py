"""Where a process has an instruction that makes a system call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.audit.kernel.errors import TracingError
from edge.audit.kernel.registers import layout

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge.audit.running.values import Mapping

_PLACES = ("[vdso]", "libc.so", "libc-", "ld-linux", "ld-musl")
_MOST_BYTES = 4 << 20


def find_instruction(process: int, mappings: Iterable[Mapping]) -> int:
    """Its address: in the kernel's own page of that process, or in its C library.

    Raises:
        TracingError: it has none, or its memory cannot be read.
    """
    form = layout()
    step = len(form.instruction) if form.instruction != b"\x0f\x05" else 1
    code = [one for one in mappings if one.executable and _known(one.path)]
    code.sort(key=lambda one: one.path != "[vdso]")
    try:
        with open(f"/proc/{process}/mem", "rb", 0) as memory:  # noqa: PTH123 - unbuffered
            for one in code:
                memory.seek(one.start)
                data = memory.read(min(one.end - one.start, _MOST_BYTES))
                found = data.find(form.instruction)
                while found >= 0 and found % step:
                    found = data.find(form.instruction, found + 1)
                if found >= 0:
                    return one.start + found
    except OSError as error:
        raise TracingError(f"process {process}: memory: {error.strerror}") from error
    raise TracingError(f"process {process}: expected a system call in its C library, found none")


def _known(path: str) -> bool:
    return any(place in path for place in _PLACES)
