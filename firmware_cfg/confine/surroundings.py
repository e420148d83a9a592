"""What only the machine or a systemd unit can give a process: no swap, a user, a network."""

from __future__ import annotations

import mmap
import os
import re
import resource
from contextlib import suppress
from pathlib import Path

from firmware_cfg.confine.native import lock_memory

PROC = Path("/proc")
CGROUPS = Path("/sys/fs/cgroup")
_OWN = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
_MAPPING = re.compile(r"^[0-9a-f]+-[0-9a-f]+ [-r][-w][-x][ps] \S+ \S+ \d+ *(.*)$", re.MULTILINE)
_FLAGS = re.compile(r"^VmFlags:(.*)$", re.MULTILINE)
# locked; or mapped of a device, as pages without a structure, not to be grown; or huge
_NOT_SWAPPED = frozenset({"lo", "io", "pf", "de", "mm", "ht"})
_OF_THE_KERNEL = frozenset({"[vvar]", "[vvar_vclock]", "[vdso]", "[vsyscall]"})


def refuse_swap() -> bool:
    """Keep this process out of swap as far as it may; whether the kernel says that holds.

    Memory is locked where this user may lock all of it, and counts as locked if the kernel
    marks every mapping so, one that is made afterwards included. Otherwise it holds if the
    process's control group has no swap, or the machine has none.
    """
    limit = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0]
    if os.geteuid() == 0 or limit == resource.RLIM_INFINITY:
        with suppress(OSError):
            lock_memory()
    return memory_locked() or _group_without_swap() or _no_swap()


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


def memory_locked() -> bool:
    """Whether the kernel marks all of this process's memory as locked, what comes later too."""
    with suppress(OSError), mmap.mmap(-1, mmap.PAGESIZE, flags=_OWN) as later:
        later[0] = 1
        return all_locked((PROC / "self/smaps").read_text("utf-8", "replace"))
    return False


def all_locked(smaps: str) -> bool:
    r"""Whether every mapping of a table in the form of `/proc/self/smaps` is locked.

    But for those that the kernel never swaps and does not lock: a device's memory, huge pages,
    its own pages (`[vvar]`, `[vsyscall]`).

    >>> all_locked("1-2 rw-p 0 00:00 0\nVmFlags: rd wr lo\n2-3 r--p 0 00:00 0\nVmFlags: rd\n")
    False
    """
    mappings = _MAPPING.findall(smaps)
    flags = [set(line.split()) for line in _FLAGS.findall(smaps)]
    if not mappings or len(flags) != len(mappings):
        return False
    pairs = zip(mappings, flags, strict=True)
    return all(found & _NOT_SWAPPED or name in _OF_THE_KERNEL for name, found in pairs)


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
