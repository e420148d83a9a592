"""Compiled copies of Python files: each that the interpreter would run is what its source gives.

Python runs `__pycache__/NAME.TAG.pyc` instead of `NAME.py` if its first 16 bytes name the
source's time and size, or its hash (PEP 552); what the rest says is nobody's business but ours.
The source is compiled again here, and every field of the code objects is compared but the file's
name, which shows in error messages alone.
"""

from __future__ import annotations

import importlib.util
import marshal
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import CodeType

CACHE = "__pycache__"
_HEADER_BYTES = 16
_UNCHECKED, _CHECKED = 1, 3
_WORD = 0xFFFFFFFF
_FIELDS = (
    *("co_name", "co_qualname", "co_argcount", "co_posonlyargcount", "co_kwonlyargcount"),
    *("co_nlocals", "co_stacksize", "co_flags", "co_code", "co_names", "co_varnames"),
    *("co_freevars", "co_cellvars", "co_firstlineno", "co_linetable", "co_exceptiontable"),
)


def compiled_in(folder: Path, skipped: frozenset[str] = frozenset()) -> Iterator[Path]:
    """Compiled copies for this interpreter below a folder.

    Args:
        folder: of sources.
        skipped: names of folders that are not looked into.
    """
    suffix = f".{sys.implementation.cache_tag}.pyc"
    for base, folders, files in os.walk(folder):
        folders[:] = sorted(one for one in folders if one not in skipped)
        if Path(base).name == CACHE:
            yield from (Path(base) / one for one in sorted(files) if one.endswith(suffix))


def differs(compiled: Path) -> bool:
    """Whether the interpreter would run it, and it is not what its source compiles to."""
    source = compiled.parents[1] / f"{compiled.name.split('.')[0]}.py"
    try:
        data, text = compiled.read_bytes(), source.read_bytes()
        seen = source.stat()
    except FileNotFoundError:
        return False  # Python looks at sources first: without one, this is never read
    except OSError:
        return True
    if not _would_run(data, text, int(seen.st_mtime)):
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            wanted = compile(text, "", "exec", dont_inherit=True, optimize=0)
        return not _alike(marshal.loads(data[_HEADER_BYTES:]), wanted)  # noqa: S302 - not run
    except (SyntaxError, ValueError, EOFError, TypeError, RecursionError, MemoryError):
        return True


def _would_run(data: bytes, text: bytes, changed_s: int) -> bool:
    """Whether the interpreter takes a compiled copy for that of this source."""
    if len(data) < _HEADER_BYTES or data[:4] != importlib.util.MAGIC_NUMBER:
        return False
    flags = int.from_bytes(data[4:8], "little")
    if flags == _UNCHECKED:
        return True
    if flags == _CHECKED:
        return data[8:16] == importlib.util.source_hash(text)
    stated_s, size = (int.from_bytes(data[at : at + 4], "little") for at in (8, 12))
    return (stated_s, size) == (changed_s & _WORD, len(text) & _WORD)


def _alike(one: object, other: object) -> bool:
    """Whether two constants of code are the same; 1, 1.0 and True are not."""
    if type(one) is not type(other):
        return False
    if isinstance(one, CodeType) and isinstance(other, CodeType):
        fields = all(getattr(one, name) == getattr(other, name) for name in _FIELDS)
        return fields and _alike(one.co_consts, other.co_consts)
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(_alike, one, other))
    if isinstance(one, frozenset) and isinstance(other, frozenset):
        return sorted(map(_named, one)) == sorted(map(_named, other))
    return repr(one) == repr(other)


def _named(one: object) -> str:
    return f"{type(one).__name__} {one!r}"
