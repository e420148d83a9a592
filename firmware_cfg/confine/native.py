"""The C library, for the few calls that Python's standard library does not have."""

from __future__ import annotations

import ctypes
import os

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.syscall.restype = ctypes.c_long

PR_GET_DUMPABLE, PR_SET_DUMPABLE = 3, 4
PR_SET_NO_NEW_PRIVS, PR_GET_NO_NEW_PRIVS = 38, 39
MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT = 1, 2, 4


def system_call(number: int, *arguments: int | bytes | ctypes._Pointer[ctypes.Structure]) -> int:
    """Make a system call by its number; integers are passed as C longs.

    Raises:
        OSError: the kernel refuses; `errno` says how.
    """
    passed = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    result = int(LIBC.syscall(ctypes.c_long(number), *passed))
    return _checked(result)


def process_control(option: int, value: int = 0) -> int:
    """prctl(2) with one argument.

    Raises:
        OSError: the kernel refuses.
    """
    zero = ctypes.c_ulong(0)
    return _checked(int(LIBC.prctl(option, ctypes.c_ulong(value), zero, zero, zero)))


def lock_memory() -> None:
    """Keep every page of this process, now and later, out of swap once it is touched.

    Raises:
        OSError: the limit on locked memory is too low for this user.
    """
    _checked(int(LIBC.mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)))


def protect(start: int, size_bytes: int, rights: int) -> None:
    """mprotect(2): leave `rights` alone to the pages of this process from `start` on.

    Raises:
        OSError: the kernel or a filter refuses.
    """
    place, size = ctypes.c_void_p(start), ctypes.c_size_t(size_bytes)
    _checked(int(LIBC.mprotect(place, size, rights)))


def signal_thread(process: int, thread: int, number: int) -> None:
    """tgkill(2): send signal `number` to one thread of a process.

    Raises:
        OSError: there is no such thread.
    """
    _checked(int(LIBC.tgkill(process, thread, number)))


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
