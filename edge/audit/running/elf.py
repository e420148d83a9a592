"""Where a variable of a loaded file lies: the dynamic symbols of a 64-bit ELF file.

Layout: System V ABI, `Elf64_Ehdr`, `Elf64_Shdr`, `Elf64_Sym`; little-endian, as on x86-64 and
aarch64.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

_MAGIC = b"\x7fELF\x02\x01"
_FIXED = 2  # ET_EXEC: loaded where it says
_LOAD, _DYNAMIC_SYMBOLS = 1, 11
_SECTION, _SEGMENT, _SYMBOL = "<IIQQQQIIQQ", "<IIQQQQQQ", "<IBBHQQ"


@dataclass(frozen=True, slots=True)
class Symbol:
    """A variable of a file.

    Attributes:
        value: where it is, from the file's base.
        base: the lowest address that the file is linked for.
        fixed: whether it is loaded exactly there.
    """

    value: int
    base: int
    fixed: bool

    def address(self, loaded_at: int) -> int:
        """Its address in a process that has the file at `loaded_at`."""
        return self.value if self.fixed else self.value - self.base + loaded_at


def symbol(data: bytes, names: frozenset[bytes]) -> Symbol | None:
    """The first variable of one of these names that the file itself defines; None: it has none.

    Args:
        data: the whole file.
        names: as they stand in the file's string table.
    """
    if not data.startswith(_MAGIC):
        return None
    kind = struct.unpack_from("<H", data, 16)[0]
    segments_at, sections_at = struct.unpack_from("<QQ", data, 32)
    segments, sections = (struct.unpack_from("<H", data, at)[0] for at in (56, 60))
    base = min(
        (
            address - address % 4096
            for number in range(segments)
            for what, _, _, address, *_ in [
                struct.unpack_from(_SEGMENT, data, segments_at + 56 * number)
            ]
            if what == _LOAD
        ),
        default=0,
    )
    headers = [struct.unpack_from(_SECTION, data, sections_at + 64 * n) for n in range(sections)]
    for header in headers:
        if header[1] == _DYNAMIC_SYMBOLS:
            value = _find(data, header[4], header[5], headers[header[6]][4], names)
            if value is not None:
                return Symbol(value, base, kind == _FIXED)
    return None


def _find(data: bytes, at: int, size: int, names_at: int, names: frozenset[bytes]) -> int | None:
    """Value of a symbol that is defined here, in the table at `at`."""
    for name, _, _, section, value, _ in struct.iter_unpack(_SYMBOL, data[at : at + size]):
        if section:
            start = names_at + name
            if data[start : data.index(b"\0", start)] in names:
                return int(value)
    return None
