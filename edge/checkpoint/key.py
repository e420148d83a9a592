"""The checkpoint's key: in memory alone, so that it outlives this process and not the power.

Under the launcher it comes down a pipe: the launcher draws it and hands it to each edge
process that it starts. Under systemd it is a file in the unit's RuntimeDirectory, made by the
first edge process after boot; it counts only on a file system that is memory (statfs(2)), in
a file of this user alone. Without a key nothing is kept, and a restart costs the unfinished
window as a power cut does.
"""

import ctypes
import os
import stat
from pathlib import Path

from edge.errors import EdgeError

KEY_BYTES = 32
KEY_FILE = "checkpoint.key"
TMPFS, RAMFS = 0x01021994, 0x858458F6  # linux/magic.h
_OPEN = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC


class CheckpointKeyError(EdgeError):
    """A key that may not be used; says where, what was expected and found."""


class _StatFs(ctypes.Structure):
    """Head of the C library's `struct statfs`, and room for the rest."""

    _fields_ = (("f_type", ctypes.c_long), ("rest", ctypes.c_byte * 512))


def key_from_pipe(descriptor: int) -> bytes:
    """The key that the launcher wrote, and then the pipe's end; closes `descriptor`.

    Raises:
        CheckpointKeyError: something else came.
    """
    with os.fdopen(descriptor, "rb") as pipe:
        key = pipe.read(KEY_BYTES + 1)
    if len(key) != KEY_BYTES:
        raise CheckpointKeyError(
            f"descriptor {descriptor}: expected {KEY_BYTES} bytes, found {len(key)}"
        )
    return key


def key_in(folder: Path) -> bytes:
    """The key that is kept in `folder`; drawn, if there is none yet.

    Raises:
        CheckpointKeyError: the folder is on a disk, or the file is no whole key of this user alone.
    """
    path = folder / KEY_FILE
    try:
        descriptor = os.open(path, _OPEN | os.O_CREAT, 0o600)
    except OSError as error:
        raise CheckpointKeyError(f"{path}: cannot be opened ({error.strerror})") from error
    try:
        _check(descriptor, path)
        return _whole(descriptor, path)
    finally:
        os.close(descriptor)


def _check(descriptor: int, path: Path) -> None:
    kind = file_system(descriptor)
    if kind not in {TMPFS, RAMFS}:
        raise CheckpointKeyError(f"{path}: expected a file system in memory, found type {kind:#x}")
    facts = os.fstat(descriptor)
    if not stat.S_ISREG(facts.st_mode) or facts.st_uid != os.geteuid():
        raise CheckpointKeyError(f"{path}: expected a regular file of this user")
    if facts.st_mode & 0o077:
        found = stat.S_IMODE(facts.st_mode)
        raise CheckpointKeyError(f"{path}: expected mode 0600, found {found:04o}")


def _whole(descriptor: int, path: Path) -> bytes:
    key = os.read(descriptor, KEY_BYTES + 1)
    if not key:
        key = os.urandom(KEY_BYTES)
        os.write(descriptor, key)
    if len(key) != KEY_BYTES:
        raise CheckpointKeyError(f"{path}: expected {KEY_BYTES} bytes, found {len(key)}")
    return key


def file_system(descriptor: int) -> int:
    """Type of the file system that an open file is on, as linux/magic.h names it."""
    facts = _StatFs()
    if ctypes.CDLL(None, use_errno=True).fstatfs(descriptor, ctypes.byref(facts)) != 0:
        return 0
    return int(facts.f_type) & 0xFFFFFFFF
