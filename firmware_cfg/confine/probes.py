"""Attempts that must fail, before the first frame.

Most have arguments that make no sense: without a filter the kernel answers EFAULT, EINVAL or
the like, with one EPERM. So they tell a filter from an ordinary refusal, and change nothing
if there is none. Those of Landlock use what every user may do on every machine.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from firmware_cfg.confine.native import system_call
from firmware_cfg.confine.seccomp import number_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from firmware_cfg.confine.policy import Policy

_NO_PID, _NO_FLAGS, _TOO_MUCH = 0x7FFFFFFF, 0x7FFFFFFF, 0x7FFFFFFF
_PROT_EXEC, _MAP_PRIVATE_ANONYMOUS = 4, 0x22
_CLONE_THREAD = 0x10000
_PORTS = (1, 7, 9)  # multiplexer, echo, discard
_GET_ENTROPY_COUNT = 0x80045200  # RNDGETENTCNT
_BOGUS: tuple[tuple[str, tuple[int, ...]], ...] = (
    ("openat", (-1, 0, os.O_RDONLY)),
    ("openat", (-1, 0, os.O_WRONLY)),
    ("socket", (socket.AF_UNIX, _NO_FLAGS, 0)),
    ("socket", (socket.AF_INET, _NO_FLAGS, 0)),
    ("socket", (socket.AF_NETLINK, _NO_FLAGS, 0)),
    ("connect", (-1, 0, 0)),
    ("bind", (-1, 0, 0)),
    ("setxattr", (0, 0, 0, 0, 0)),
    ("fchmodat", (-1, 0, 0)),
    ("utimensat", (-1, 0, 0, -1)),
    ("memfd_create", (0, 0)),
    ("shmget", (0, -1, 0)),
    ("mmap", (0, 0, _PROT_EXEC, _MAP_PRIVATE_ANONYMOUS, -1, 0)),
    ("mprotect", (1, 1, _PROT_EXEC)),
    ("execve", (0, 0, 0)),
    ("clone", (_CLONE_THREAD, 0, 0, 0, 0)),
    ("unshare", (_NO_FLAGS,)),
    ("setns", (-1, 0)),
    ("ptrace", (_NO_FLAGS, _NO_PID, 0, 0)),
    ("process_vm_readv", (_NO_PID, 0, _TOO_MUCH, 0, 0, -1)),
    ("pidfd_open", (-1, 0)),
    ("kill", (_NO_PID, 0)),
    ("io_uring_setup", (0, 0)),
    ("bpf", (-1, 0, 0)),
    ("perf_event_open", (0, -1, -1, -1, -1)),
    ("keyctl", (-1, 0, 0, 0, 0)),
    ("userfaultfd", (-1,)),
    ("mount", (0, 0, 0, 0, 0)),
)


@dataclass(frozen=True, slots=True)
class Probe:
    """One attempt.

    Attributes:
        name: for messages.
        attempt: what must raise OSError.
        refusals: the error numbers that show the jail's refusal.
    """

    name: str
    attempt: Callable[[], object]
    refusals: frozenset[int]


def of_seccomp(policy: Policy) -> tuple[Probe, ...]:
    """Calls that the policy has no line for, or none that these arguments would fit."""
    return tuple(
        Probe(name, partial(system_call, number, *arguments), frozenset({errno.EPERM}))
        for name, arguments in _BOGUS
        if (number := number_of(name)) is not None and _excludes(policy, name, arguments)
    )


def of_early_filter(policy: Policy) -> tuple[Probe, ...]:
    """Calls that were refused since the exec, so also while libraries were loaded."""
    refused = {call.name for call in policy.never if not call.when}
    return tuple(
        Probe(name, partial(system_call, number, *arguments), frozenset({errno.EPERM}))
        for name, arguments in _BOGUS
        if name in refused and (number := number_of(name)) is not None
    )


def of_landlock_files() -> tuple[Probe, ...]:
    """A folder that everyone may list and a device that everyone may write to."""
    refused = frozenset({errno.EACCES})
    return (
        Probe("list /", partial(_open, "/", os.O_RDONLY | os.O_DIRECTORY), refused),
        Probe("write /dev/full", partial(_open, "/dev/full", os.O_WRONLY), refused),
    )


def of_landlock_devices() -> tuple[Probe, ...]:
    """A harmless command to a device that may only be read."""
    return (Probe("command a device", _command_device, frozenset({errno.EACCES})),)


def of_landlock_scope() -> tuple[Probe, ...]:
    """A signal number 0, which does nothing, to the parent."""
    parent = os.getppid()
    if parent <= 0:
        return ()
    return (Probe("signal the parent", partial(os.kill, parent, 0), frozenset({errno.EPERM})),)


def of_landlock_tcp() -> tuple[Probe, ...]:
    """Connections to this machine itself, at ports that cannot all be permitted."""
    return (Probe("connect to 127.0.0.1", _connect, frozenset({errno.EACCES})),)


def failures(probes: Iterable[Probe]) -> Iterator[str]:
    """What the jail did not refuse, each in a few words."""
    for probe in probes:
        try:
            probe.attempt()
        except OSError as error:
            if error.errno not in probe.refusals:
                yield f"{probe.name}: {errno.errorcode.get(error.errno or 0, str(error))}"
        else:
            yield f"{probe.name}: done"


def _excludes(policy: Policy, name: str, arguments: tuple[int, ...]) -> bool:
    """Whether the policy's conditions for `name` refuse `arguments`."""
    alternatives = [when for call in policy.calls if call.name == name for when in call.when]
    unconditional = any(call.name == name and not call.when for call in policy.calls)
    return not unconditional and not any(
        all(one.holds(arguments[one.index]) for one in when) for when in alternatives
    )


def _open(path: str, flags: int) -> None:
    os.close(os.open(path, flags | os.O_CLOEXEC))


def _command_device() -> None:
    device = os.open("/dev/urandom", os.O_RDONLY | os.O_CLOEXEC)
    try:
        # a null pointer: permitted, the kernel would answer EFAULT
        fcntl.ioctl(device, _GET_ENTROPY_COUNT, 0)
    finally:
        os.close(device)


def _connect() -> None:
    """Raises the first refusal by Landlock, or what else came of the last port."""
    for port in _PORTS:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as connection:
            connection.settimeout(1.0)
            try:
                connection.connect(("127.0.0.1", port))
            except PermissionError:
                raise
            except OSError:
                if port == _PORTS[-1]:
                    raise
