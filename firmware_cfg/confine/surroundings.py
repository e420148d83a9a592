"""What only the machine or a systemd unit can give a process: no swap, a user, a network."""

from __future__ import annotations

import os
import resource
from contextlib import suppress
from pathlib import Path

from firmware_cfg.confine.native import lock_memory

PROC = Path("/proc")
CGROUPS = Path("/sys/fs/cgroup")


def refuse_swap() -> bool:
    """Keep this process out of swap as far as it may; whether the kernel says that holds.

    Memory is locked where this user may lock all of it. Otherwise it holds if the process's
    control group has no swap, or the machine has none.
    """
    limit = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0]
    if os.geteuid() == 0 or limit == resource.RLIM_INFINITY:
        with suppress(OSError):
            lock_memory()
    return _locked() or _group_without_swap() or _no_swap()


def has_own_user() -> bool:
    """Whether this process's user is neither root nor its parent's."""
    with suppress(OSError):
        parent = (PROC / str(os.getppid())).stat().st_uid
        return os.getuid() not in (0, parent)
    return False


def has_own_network() -> bool:
    """Whether there is no network interface but the loopback."""
    with suppress(OSError):
        lines = (PROC / "self/net/dev").read_text("utf-8").splitlines()[2:]
        return {line.partition(":")[0].strip() for line in lines} <= {"lo"}
    return False


def _locked() -> bool:
    with suppress(OSError):
        for line in (PROC / "self/status").read_text("utf-8").splitlines():
            if line.startswith("VmLck:"):
                return int(line.split()[1]) > 0
    return False


def _group_without_swap() -> bool:
    with suppress(OSError):
        for line in (PROC / "self/cgroup").read_text("utf-8").splitlines():
            if line.startswith("0::"):
                folder = CGROUPS / line.removeprefix("0::/")
                return (folder / "memory.swap.max").read_text("utf-8").strip() == "0"
    return False


def _no_swap() -> bool:
    with suppress(OSError):
        return len((PROC / "swaps").read_text("utf-8").splitlines()) <= 1
    return False
