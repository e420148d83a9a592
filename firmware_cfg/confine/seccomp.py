"""Seccomp: which system calls a process may make, by libseccomp.

The library turns names into numbers and arguments into filters for the machine it runs on
(x86-64, aarch64). Debian has it everywhere, apt itself depends on it. What the filter does
not list fails with EPERM, `clone3` with ENOSYS so that the C library falls back to `clone`
(whose flags a filter can see); a call by a foreign architecture kills the process.
"""

from __future__ import annotations

import ctypes
import errno
import os
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

LIBRARY = "libseccomp.so.2"
_ALLOW, _ERRNO, _KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000
_BAD_ARCHITECTURE, _NO_NEW_PRIVS, _TSYNC, _SSB, _OPTIMIZE = 2, 3, 4, 7, 8
_NEWER = {"fchmodat2": 452, "setxattrat": 463, "removexattrat": 466, "file_setattr": 469}
"""Calls that libraries in use do not know by name; their numbers are those of all machines."""
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}


class Compare(IntEnum):
    """How an argument is held against a value (libseccomp's `scmp_compare`)."""

    NOT_EQUAL = 1
    LESS = 2
    AT_MOST = 3
    EQUAL = 4
    AT_LEAST = 5
    MASKED = 7
    """argument & mask == value"""


@dataclass(frozen=True, slots=True)
class Argument:
    """A condition on one argument of a call; a pointer's target cannot be seen.

    Attributes:
        index: which argument, from 0.
        compare: how.
        value: against what.
        mask: the bits that count, for `MASKED`.
    """

    index: int
    compare: Compare
    value: int
    mask: int = 0

    def holds(self, found: int) -> bool:
        """Whether an argument of `found` meets the condition, as the filter would decide."""
        found &= 2**64 - 1
        return {
            Compare.NOT_EQUAL: found != self.value,
            Compare.LESS: found < self.value,
            Compare.AT_MOST: found <= self.value,
            Compare.EQUAL: found == self.value,
            Compare.AT_LEAST: found >= self.value,
            Compare.MASKED: found & self.mask == self.value,
        }[self.compare]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One line of a filter: a call, conditions that must all hold, and what then happens.

    Attributes:
        name: the system call's name.
        conditions: one an argument, at most.
        error: number that it fails with; 0 lets it pass.
    """

    name: str
    conditions: tuple[Argument, ...] = ()
    error: int = 0


class _Comparison(ctypes.Structure):
    _fields_ = (
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("datum_a", ctypes.c_uint64),
        ("datum_b", ctypes.c_uint64),
    )


@cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(LIBRARY)
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_init.argtypes = (ctypes.c_uint32,)
    library.seccomp_release.argtypes = (ctypes.c_void_p,)
    library.seccomp_load.argtypes = (ctypes.c_void_p,)
    library.seccomp_attr_set.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_uint32)
    library.seccomp_syscall_resolve_name.argtypes = (ctypes.c_char_p,)
    library.seccomp_syscall_resolve_name_arch.argtypes = (ctypes.c_uint32, ctypes.c_char_p)
    library.seccomp_rule_add_array.argtypes = (
        ctypes.c_void_p,
        ctypes.c_uint32,
        ctypes.c_int,
        ctypes.c_uint,
        ctypes.POINTER(_Comparison),
    )
    return library


def has_library() -> bool:
    """Whether libseccomp can be loaded; without it there are no filters."""
    try:
        _library()
    except (OSError, AttributeError):
        return False
    return True


def api_level() -> int:
    """0: no seccomp or no library; 1: filters; 2: filters for all threads at once; more."""
    try:
        return int(_library().seccomp_api_get())
    except (OSError, AttributeError):
        return 0


def number_of(name: str, architecture: str | None = None) -> int | None:
    """A system call's number, on this machine or another; None: that one has no such call."""
    if architecture is None:
        number = int(_library().seccomp_syscall_resolve_name(name.encode()))
    else:
        token = ARCHITECTURES[architecture]
        number = int(_library().seccomp_syscall_resolve_name_arch(token, name.encode()))
    return number if number >= 0 else _NEWER.get(name)


def load(verdicts: Sequence[Verdict], *, default_error: int, every_thread: bool) -> None:
    """Make a filter of `verdicts` and load it; it can never be taken off again.

    What no verdict names fails with `default_error`, or passes where that is 0. With
    `every_thread` the kernel puts it on all threads, or on none and refuses.

    Raises:
        OSError: the library or the kernel refuses.
    """
    library = _library()
    context = library.seccomp_init(_action(default_error))
    if not context:
        raise OSError(errno.ENOMEM, "seccomp_init")
    try:
        wanted = {_BAD_ARCHITECTURE: _KILL_PROCESS, _NO_NEW_PRIVS: 1}
        wanted |= {_TSYNC: 1} if every_thread else {}
        for attribute, value in wanted.items():
            _done(library.seccomp_attr_set(context, attribute, value), f"attribute {attribute}")
        # for speed alone, older libraries lack them: numbers looked up in a tree, and no brake
        # on speculation (the filter guards no secret of another process)
        library.seccomp_attr_set(context, _OPTIMIZE, 2)
        library.seccomp_attr_set(context, _SSB, 1)
        for verdict in verdicts:
            _add(library, context, verdict)
        _done(library.seccomp_load(context), "seccomp_load")
    finally:
        library.seccomp_release(context)


def _add(library: ctypes.CDLL, context: int, verdict: Verdict) -> None:
    number = number_of(verdict.name)
    if number is None:
        return  # this machine has no such call
    comparisons = [
        _Comparison(one.index, one.compare, one.mask, one.value)
        if one.compare is Compare.MASKED
        else _Comparison(one.index, one.compare, one.value, 0)
        for one in verdict.conditions
    ]
    array = (_Comparison * len(comparisons))(*comparisons)
    result = library.seccomp_rule_add_array(
        context, _action(verdict.error), number, len(comparisons), array
    )
    _done(result, verdict.name)


def _action(error: int) -> int:
    return _ERRNO | error if error else _ALLOW


def _done(result: int, what: str) -> None:
    if result < 0:
        raise OSError(-result, f"{what}: {os.strerror(-result)}")
