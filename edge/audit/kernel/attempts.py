"""The attempts: calls that do nothing even where they are permitted.

Their arguments make no sense: a null pointer, a descriptor -1, an unknown flag. A kernel that
lets a call through answers EFAULT, EBADF, EINVAL or the like; a filter answers EPERM before it
looks at anything else. What an ordinary process is answered is asked in the same run
(`control`): where that is EPERM as well, an attempt tells nothing, and is said to.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass

from edge.audit.running.values import Role

_MINUS_ONE, _NO_FLAGS, _NOBODY = -1, 0x7FFFFFFF, 0x7FFFFFFF
_UNKNOWN_TYPE_FLAG = 0x40000000
_EXEC, _WRITE, _SHARED, _PRIVATE = 4, 2, 0x21, 0x22
_CLONE_THREAD = 0x10000
_SET_DUMPABLE, _NO_SUCH_VALUE = 4, 9
_CORE = 4
_FAMILIES = 46
ALL = frozenset(Role)
JAIL = frozenset({Role.VISION})
NO_FILES = frozenset({Role.VISION, Role.RELAY})
_CREATE = os.O_WRONLY | os.O_CREAT


@dataclass(frozen=True, slots=True)
class Attempt:
    """A call that must be refused.

    Attributes:
        call: its name.
        arguments: without effect.
        roles: the processes that must be refused it.
        note: which of several alike.
    """

    call: str
    arguments: tuple[int, ...]
    roles: frozenset[Role] = ALL
    note: str = ""

    def name(self) -> str:
        """For evidence."""
        return f"{self.call} {self.note}" if self.note else self.call


def _sockets() -> tuple[Attempt, ...]:
    """A socket of each family; edge may make those of the internet, for TCP and UDP."""
    usual = (socket.AF_INET, socket.AF_INET6)
    kind = socket.SOCK_STREAM | _UNKNOWN_TYPE_FLAG
    raw = socket.SOCK_RAW | _UNKNOWN_TYPE_FLAG
    return (
        *(
            Attempt("socket", (one, kind, 0), NO_FILES if one in usual else ALL, f"family {one}")
            for one in range(1, _FAMILIES)
        ),
        *(Attempt("socket", (one, raw, 0), ALL, f"family {one}, raw") for one in usual),
        Attempt("socket", (socket.AF_INET, kind, 262), ALL, "multipath TCP"),
        Attempt("connect", (_MINUS_ONE, 0, 0), NO_FILES),
        Attempt("bind", (_MINUS_ONE, 0, 0)),
        Attempt("listen", (_MINUS_ONE, 0)),
        Attempt("sendmsg", (_MINUS_ONE, 0, 0), NO_FILES),
        Attempt("sendto", (_MINUS_ONE, 0, 0, 0, 0, 0), JAIL),
    )


_FILES = (
    Attempt("openat", (_MINUS_ONE, 0, os.O_RDONLY), NO_FILES, "to read"),
    Attempt("openat", (_MINUS_ONE, 0, _CREATE), NO_FILES, "to create"),
    Attempt("open", (0, _CREATE), NO_FILES, "to create"),
    Attempt("openat2", (_MINUS_ONE, 0, 0, 0)),
    Attempt("creat", (0, 0)),
    Attempt("truncate", (0, 0)),
    Attempt("ftruncate", (_MINUS_ONE, 0), NO_FILES),
    Attempt("renameat2", (_MINUS_ONE, 0, _MINUS_ONE, 0, 0), NO_FILES),
    Attempt("linkat", (_MINUS_ONE, 0, _MINUS_ONE, 0, 0)),
    Attempt("symlinkat", (0, _MINUS_ONE, 0)),
    Attempt("mknodat", (_MINUS_ONE, 0, 0, 0)),
    Attempt("unlinkat", (_MINUS_ONE, 0, 0), NO_FILES),
    Attempt("mkdirat", (_MINUS_ONE, 0, 0), NO_FILES),
    Attempt("fchmodat", (_MINUS_ONE, 0, 0)),
    Attempt("fchmod", (_MINUS_ONE, 0), NO_FILES),
    Attempt("fchownat", (_MINUS_ONE, 0, 0, 0, 0)),
    Attempt("utimensat", (_MINUS_ONE, 0, 0, _MINUS_ONE)),
    Attempt("setxattr", (0, 0, 0, 0, 0)),
    Attempt("fsetxattr", (_MINUS_ONE, 0, 0, 0, 0)),
    Attempt("name_to_handle_at", (_MINUS_ONE, 0, 0, 0, 0)),
)
_OUTPUTS = (
    Attempt("write", (_MINUS_ONE, 0, 0), NO_FILES, "elsewhere"),
    Attempt("writev", (_MINUS_ONE, 0, 0), NO_FILES),
    Attempt("pwrite64", (_MINUS_ONE, 0, 0, 0), NO_FILES),
    Attempt("pwritev2", (_MINUS_ONE, 0, 0, 0, 0, 0)),
    Attempt("sendfile", (_MINUS_ONE, _MINUS_ONE, 0, 1)),
    Attempt("splice", (_MINUS_ONE, 0, _MINUS_ONE, 0, 1, 0)),
    Attempt("vmsplice", (_MINUS_ONE, 0, 1, 0)),
    Attempt("tee", (_MINUS_ONE, _MINUS_ONE, 1, 0)),
    Attempt("copy_file_range", (_MINUS_ONE, 0, _MINUS_ONE, 0, 1, 0)),
    Attempt("dup", (_MINUS_ONE,)),
    Attempt("ioctl", (_MINUS_ONE, 0x5412, 0), ALL, "typing into a terminal"),
    Attempt("mmap", (0, 0, _WRITE, _SHARED, _MINUS_ONE, 0), NO_FILES, "shared"),
)
_ASIDE = (
    Attempt("memfd_create", (0, 0)),
    Attempt("memfd_secret", (_MINUS_ONE,)),
    Attempt("shmget", (0, _MINUS_ONE, 0)),
    Attempt("shmat", (_MINUS_ONE, 0, 0)),
    Attempt("msgget", (_NOBODY, 0)),
    Attempt("semget", (0, _MINUS_ONE, 0)),
    Attempt("mq_open", (0, 0, 0, 0)),
    Attempt("add_key", (0, 0, 0, 0, 0)),
    Attempt("keyctl", (_MINUS_ONE, 0, 0, 0, 0)),
)
_PROGRAMS = (
    Attempt("execve", (0, 0, 0)),
    Attempt("execveat", (_MINUS_ONE, 0, 0, 0, 0)),
    Attempt("clone", (_CLONE_THREAD, 0, 0, 0, 0), ALL, "a process"),
    Attempt("mmap", (0, 0, _EXEC, _PRIVATE, _MINUS_ONE, 0), ALL, "code"),
    Attempt("mprotect", (1, 1, _EXEC), ALL, "code"),
    Attempt("pkey_mprotect", (1, 1, _EXEC, _MINUS_ONE), ALL, "code"),
)
_OTHERS = (
    Attempt("ptrace", (_NO_FLAGS, _NOBODY, 0, 0)),
    Attempt("process_vm_readv", (_NOBODY, 0, 0, 0, 0, _MINUS_ONE)),
    Attempt("process_vm_writev", (_NOBODY, 0, 0, 0, 0, _MINUS_ONE)),
    Attempt("pidfd_open", (_MINUS_ONE, 0)),
    Attempt("pidfd_getfd", (_MINUS_ONE, _MINUS_ONE, 0)),
    Attempt("kill", (_NOBODY, 0)),
    Attempt("tgkill", (_NOBODY, _NOBODY, 0)),
    Attempt("prctl", (_SET_DUMPABLE, _NO_SUCH_VALUE, 0, 0, 0), ALL, "to be looked into"),
    Attempt("prlimit64", (0, _CORE, 1, 0), ALL, "core dumps"),
    Attempt("personality", (0xFFFFFFFF,)),
)
_KERNEL = (
    Attempt("io_uring_setup", (0, 0)),
    Attempt("io_uring_enter", (_MINUS_ONE, 0, 0, 0, 0, 0)),
    Attempt("io_setup", (0, 0)),
    Attempt("bpf", (_MINUS_ONE, 0, 0)),
    Attempt("perf_event_open", (0, _MINUS_ONE, _MINUS_ONE, _MINUS_ONE, _MINUS_ONE)),
    Attempt("userfaultfd", (_MINUS_ONE,)),
    Attempt("unshare", (_NO_FLAGS,)),
    Attempt("setns", (_MINUS_ONE, 0)),
    Attempt("mount", (0, 0, 0, 0, 0)),
    Attempt("umount2", (0, 0)),
    Attempt("chroot", (0,)),
    Attempt("fsopen", (0, 0)),
    Attempt("open_tree", (_MINUS_ONE, 0, _NO_FLAGS)),
    Attempt("finit_module", (_MINUS_ONE, 0, 0)),
    Attempt("swapon", (0, 0)),
)
ATTEMPTS = (*_sockets(), *_FILES, *_OUTPUTS, *_ASIDE, *_PROGRAMS, *_OTHERS, *_KERNEL)


def attempts_of(role: Role) -> tuple[Attempt, ...]:
    """What a process of this role must be refused."""
    return tuple(one for one in ATTEMPTS if role in one.roles)
