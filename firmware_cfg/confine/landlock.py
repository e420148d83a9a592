"""Landlock: which paths, ports and devices a process may use, from now on and for ever.

Rights and structures are those of `include/uapi/linux/landlock.h`. Everything that the
kernel's version knows is handled, so what no rule gives is refused. A restriction holds for
the calling thread and all that it starts, through exec; so it is laid on by a process with
one thread, before the program proper begins.
"""

from __future__ import annotations

import ctypes
import os
import stat
from enum import IntFlag
from typing import TYPE_CHECKING

from firmware_cfg.confine.kernel import LANDLOCK_CREATE_RULESET
from firmware_cfg.confine.native import system_call

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

ADD_RULE, RESTRICT_SELF = 445, 446
_PATH_BENEATH, _NET_PORT = 1, 2


class Files(IntFlag):
    """Rights on files and folders."""

    EXECUTE = 1 << 0
    WRITE_FILE = 1 << 1
    READ_FILE = 1 << 2
    READ_DIR = 1 << 3
    REMOVE_DIR = 1 << 4
    REMOVE_FILE = 1 << 5
    MAKE_CHAR = 1 << 6
    MAKE_DIR = 1 << 7
    MAKE_REG = 1 << 8
    MAKE_SOCK = 1 << 9
    MAKE_FIFO = 1 << 10
    MAKE_BLOCK = 1 << 11
    MAKE_SYM = 1 << 12
    REFER = 1 << 13
    TRUNCATE = 1 << 14
    IOCTL_DEV = 1 << 15


class Tcp(IntFlag):
    """Rights on TCP ports."""

    BIND = 1 << 0
    CONNECT = 1 << 1


READ = Files.READ_FILE | Files.READ_DIR
RUN = Files.READ_FILE | Files.EXECUTE
KEEP = (
    READ
    | Files.WRITE_FILE
    | Files.TRUNCATE
    | Files.MAKE_REG
    | Files.MAKE_DIR
    | Files.REMOVE_FILE
    | Files.REMOVE_DIR
)
"""A folder to keep files in: no devices, sockets, links between folders."""
SINK = Files.READ_FILE | Files.WRITE_FILE
"""A device that swallows what is written, `/dev/null`: no commands to it."""
DEVICE = Files.READ_FILE | Files.WRITE_FILE | Files.IOCTL_DEV
"""A device to be driven."""
_OF_A_FILE = Files.EXECUTE | Files.WRITE_FILE | Files.READ_FILE | Files.TRUNCATE | Files.IOCTL_DEV
_SINCE = {2: Files.REFER, 3: Files.TRUNCATE, 5: Files.IOCTL_DEV}
_ALL_SCOPES = 0b11  # abstract unix sockets, signals


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("handled_access_fs", ctypes.c_uint64),
        ("handled_access_net", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


class _NetPort(ctypes.Structure):
    _fields_ = (("allowed_access", ctypes.c_uint64), ("port", ctypes.c_uint64))


def handled_files(abi: int) -> Files:
    """Rights on files that a kernel of this version can refuse: all of them."""
    later = Files(0)
    for since, right in _SINCE.items():
        later |= right if since > abi else Files(0)
    return Files(~later & sum(Files))


def restrict(abi: int, paths: Mapping[Path, Files], ports: Mapping[int, Tcp]) -> None:
    """Refuse this thread, and all it starts, whatever `paths` and `ports` do not give.

    A path that is not there gives nothing. `no_new_privs` must be set already.

    Raises:
        OSError: the kernel refuses a rule or the whole.
    """
    handled = handled_files(abi)
    tcp = (Tcp.BIND | Tcp.CONNECT) if abi >= 4 else Tcp(0)
    ruleset = _Ruleset(handled, tcp, _ALL_SCOPES if abi >= 6 else 0)
    size = 8 if abi < 4 else 16 if abi < 6 else 24
    rules = system_call(LANDLOCK_CREATE_RULESET, ctypes.addressof(ruleset), size, 0)
    try:
        _allow_paths(rules, handled, paths.items())
        for port, rights in ports.items() if tcp else ():
            rule = _NetPort(rights, port)
            system_call(ADD_RULE, rules, _NET_PORT, ctypes.addressof(rule), 0)
        system_call(RESTRICT_SELF, rules, 0)
    finally:
        os.close(rules)


def _allow_paths(rules: int, handled: Files, paths: Iterable[tuple[Path, Files]]) -> None:
    for path, wanted in paths:
        try:
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            continue
        try:
            folder = stat.S_ISDIR(os.fstat(place).st_mode)
            rights = wanted & handled & (wanted if folder else _OF_A_FILE)
            if rights:
                rule = _PathBeneath(rights, place)
                system_call(ADD_RULE, rules, _PATH_BENEATH, ctypes.addressof(rule), 0)
        finally:
            os.close(place)
