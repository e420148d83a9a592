"""ptrace(2) by the C library: the few requests that are needed here (linux/ptrace.h)."""

from __future__ import annotations

import ctypes
import os
from enum import IntEnum

_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.ptrace.restype = ctypes.c_long
_LIBC.ptrace.argtypes = (ctypes.c_ulong, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
_NT_PRSTATUS = 1
_MOST_REGISTERS_BYTES = 1024
_SIGNAL_SET_BYTES = 8
_ALL_SIGNALS = b"\xff" * _SIGNAL_SET_BYTES
INSTRUCTION_BYTES = 8
"""struct sock_filter: code, two jumps, a constant."""


class Request(IntEnum):
    """What is asked of the kernel."""

    CONT = 7
    DETACH = 17
    SYSCALL = 24
    GETREGSET = 0x4204
    SETREGSET = 0x4205
    SEIZE = 0x4206
    INTERRUPT = 0x4207
    GETSIGMASK = 0x420A
    SETSIGMASK = 0x420B
    SECCOMP_GET_FILTER = 0x420C


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


def ask(request: Request, thread: int, address: int = 0, data: int = 0) -> int:
    """Make a request.

    Raises:
        OSError: the kernel refuses; `errno` says how.
    """
    result = int(_LIBC.ptrace(request, thread, address, data))
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"ptrace {request.name}: {os.strerror(number)}")
    return result


def registers(thread: int) -> bytes:
    """A stopped thread's registers."""
    buffer = ctypes.create_string_buffer(_MOST_REGISTERS_BYTES)
    vector = _Vector(ctypes.addressof(buffer), _MOST_REGISTERS_BYTES)
    ask(Request.GETREGSET, thread, _NT_PRSTATUS, ctypes.addressof(vector))
    return buffer.raw[: vector.length]


def set_registers(thread: int, data: bytes) -> None:
    """Give a stopped thread other registers."""
    buffer = ctypes.create_string_buffer(data, len(data))
    vector = _Vector(ctypes.addressof(buffer), len(data))
    ask(Request.SETREGSET, thread, _NT_PRSTATUS, ctypes.addressof(vector))


def signal_mask(thread: int) -> bytes:
    """The signals that a stopped thread blocks."""
    buffer = ctypes.create_string_buffer(_SIGNAL_SET_BYTES)
    ask(Request.GETSIGMASK, thread, _SIGNAL_SET_BYTES, ctypes.addressof(buffer))
    return buffer.raw


def set_signal_mask(thread: int, mask: bytes = _ALL_SIGNALS) -> None:
    """Let a stopped thread block `mask`; as it stands, everything that can be blocked."""
    buffer = ctypes.create_string_buffer(mask, _SIGNAL_SET_BYTES)
    ask(Request.SETSIGMASK, thread, _SIGNAL_SET_BYTES, ctypes.addressof(buffer))


def seccomp_filter(thread: int, index: int) -> bytes:
    """The kernel's own copy of a stopped thread's filter, the newest at index 0.

    Raises:
        OSError: ENOENT: no such filter; EACCES: not privileged; EINVAL, EIO: a kernel without
            `CONFIG_CHECKPOINT_RESTORE`.
    """
    count = ask(Request.SECCOMP_GET_FILTER, thread, index)
    buffer = ctypes.create_string_buffer(count * INSTRUCTION_BYTES)
    ask(Request.SECCOMP_GET_FILTER, thread, index, ctypes.addressof(buffer))
    return buffer.raw
