"""A leak planted in a library: what it tries while it is loaded, before anything has closed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.integration.jail.conftest import run
from tests.integration.jail.escapes import SOCKETS
from tests.integration.jail.setting import Setting

BY_FILTER = (
    *SOCKETS,
    "memfd_create",
    "shmget",
    "setxattr",
    "setxattrat",
    "chmod",
    "fchmod",
    "fchmodat2",
    "chown",
    "utime",
    "fork",
    "vfork",
    "ptrace",
    "io_uring_setup",
    "keyctl",
    "unshare",
    "pidfd_open",
)
BY_LANDLOCK = (
    "open to read",
    "open to write",
    "open a folder",
    "create",
    "shm_open",
    "truncate",
    "unlink",
    "make a folder",
    "symlink",
    "make a fifo",
)


def outcomes(folder: Path, names: tuple[str, ...], *, jailed: bool) -> dict[str, str]:
    for name in ("file", "spare"):
        (folder / name).write_bytes(bytes(4096))
    setting = Setting(
        "early", folder=str(folder), other_pid=os.getpid(), jailed=jailed, more="|".join(names)
    )
    ended = run(setting)
    assert ended.status == 0, ended.stderr
    return dict(line.split(": ") for line in ended.answers)


@pytest.mark.parametrize(("names", "refused"), [(BY_FILTER, "EPERM"), (BY_LANDLOCK, "EACCES")])
def test_a_library_cannot_leak_while_it_is_loaded(
    tmp_path: Path, names: tuple[str, ...], refused: str
) -> None:
    assert outcomes(tmp_path, names, jailed=True) == dict.fromkeys(names, refused)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "spare"]
    (tmp_path / "file").unlink()
    outside = outcomes(tmp_path, names, jailed=False)
    assert refused not in {outside[name] for name in names if name not in NEEDS_ROOT}


NEEDS_ROOT = {"socket icmp", "socket packet", "io_uring_setup"} if os.geteuid() else set()
