"""Closing: what a program calls once everything is open, and before its first frame.

    entered? ─► not dumpable ─► no swap ─► filter on all threads ─► probes in each ─► report

| step | shows |
|---|---|
| Landlock's probes | that the process came by `enter`: files, devices, signals, ports |
| probes of the early filter | that libraries had no sockets while they were loaded |
| the kernel's status of each thread | that each has the same filters and no new privileges |
| probes in each thread | that each is refused what must be refused |

A right of Landlock that no probe can show harmlessly (`refer`, `truncate`) is inferred: the
ruleset is there, and `enter` handles every right that the kernel's version has.
"""

from __future__ import annotations

import codecs
import ctypes
import encodings.idna  # noqa: F401 - see `_load_latecomers`
import errno
import resource
from contextlib import suppress
from typing import TYPE_CHECKING

from firmware_cfg.confine import probes, surroundings
from firmware_cfg.confine.errors import ConfinementError, refuse_unpermitted
from firmware_cfg.confine.filters import MESSAGES, Output, permissions
from firmware_cfg.confine.kernel import Kernel
from firmware_cfg.confine.layers import LANDLOCK_ABI, Layer
from firmware_cfg.confine.native import PR_GET_DUMPABLE, PR_SET_DUMPABLE, process_control
from firmware_cfg.confine.report import Confinement
from firmware_cfg.confine.seccomp import load
from firmware_cfg.confine.threads import Inquiry, check_status, every_thread

if TYPE_CHECKING:
    from collections.abc import Iterable

    from firmware_cfg.confine.policy import Policy
    from firmware_cfg.confine.probes import Probe


def hide() -> frozenset[Layer]:
    """Close this process's memory and descriptors to others of its user; no core dumps.

    Lost at exec, so it is called after the last. `close` calls it too; a program may earlier.
    Returns what does not hold afterwards.
    """
    with suppress(OSError):
        process_control(PR_SET_DUMPABLE, 0)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    holds = {
        Layer.DUMPABLE: process_control(PR_GET_DUMPABLE) == 0,
        Layer.CORE: resource.getrlimit(resource.RLIMIT_CORE) == (0, 0),
    }
    return frozenset(layer for layer, held in holds.items() if not held)


def close(
    policy: Policy,
    without: Iterable[Layer] = (),
    outputs: Iterable[Output] = (),
    kernel: Kernel | None = None,
) -> Confinement:
    """Close this process for good.

    Args:
        policy: what it may do from now on.
        without: layers that the site file permits it to lack.
        outputs: what it may write to, beside messages on standard error; for a policy that
            does not write freely.
        kernel: what the kernel offers; asked where it is not given.

    Raises:
        ConfinementError: something that is required does not hold; the process must end.
    """
    kernel, permitted = kernel or Kernel.ask(), frozenset(without)
    lacks = set(kernel.lacks()) | _not_entered(policy, kernel) | hide()
    found = kernel.in_words()
    if Layer.LANDLOCK in lacks and kernel.landlock_abi:
        found = "a process that was not started by `confine enter`"
    refuse_unpermitted(sorted(lacks), permitted, found)
    _check_landlock(lacks)
    around = {
        Layer.SWAP: surroundings.refuse_swap(),
        Layer.USERS: surroundings.has_own_user(),
        Layer.NETWORK_NAMESPACE: surroundings.has_own_network(),
    }
    lacks |= {layer for layer, holds in around.items() if not holds}
    threads = _filter(policy, lacks, outputs)
    return Confinement(
        policy.name,
        tuple(layer for layer in Layer if layer not in lacks),
        tuple(layer for layer in Layer if layer in lacks),
        policy.reduced,
        threads,
        0 if Layer.LANDLOCK in lacks else kernel.landlock_abi,
    )


def _not_entered(policy: Policy, kernel: Kernel) -> set[Layer]:
    """Landlock's layers if its ruleset is not there, though the kernel could have it."""
    if not kernel.landlock_abi:
        return set()
    if list(probes.failures(probes.of_landlock_files())):
        return set(LANDLOCK_ABI)
    if kernel.seccomp:
        _must_fail(probes.of_early_filter(policy), Layer.SECCOMP)
    return set()


def _check_landlock(lacks: set[Layer]) -> None:
    """Try what each right that should be there refuses."""
    if Layer.LANDLOCK_IOCTL_DEV not in lacks:
        _must_fail(probes.of_landlock_devices(), Layer.LANDLOCK_IOCTL_DEV)
    if Layer.LANDLOCK_SCOPE not in lacks:
        _must_fail(probes.of_landlock_scope(), Layer.LANDLOCK_SCOPE)


def _filter(policy: Policy, lacks: set[Layer], outputs: Iterable[Output]) -> int:
    """Load the filter on every thread, and try it in every thread; how many there are."""
    _load_latecomers()
    tried: list[Probe] = []
    if Layer.SECCOMP not in lacks:
        tried += probes.of_seccomp(policy)
    if Layer.LANDLOCK not in lacks:
        tried += _landlock_in_threads(policy, lacks)
    with every_thread() as threads:
        inquiry = Inquiry(lambda: list(probes.failures(tried)))
        if Layer.SECCOMP not in lacks:
            _load(policy, outputs, every_thread=Layer.SECCOMP_TSYNC not in lacks)
        _must_fail(tried, Layer.SECCOMP)
        if not lacks & {Layer.SECCOMP, Layer.SECCOMP_TSYNC}:
            check_status(threads)
            for number, undone in inquiry.ask(threads).items():
                _refuse(undone, Layer.SECCOMP_TSYNC, f"in thread {number} ")
        return len(threads)


def _load_latecomers() -> None:
    """What Python and the C library load when first used; no code can be loaded afterwards.

    `libgcc_s` ends threads; the codec `idna`, imported above with a library of its own, is
    asked for by every connection to a name.
    """
    codecs.lookup("idna")
    with suppress(OSError):
        ctypes.CDLL("libgcc_s.so.1")


def _load(policy: Policy, outputs: Iterable[Output], *, every_thread: bool) -> None:
    lines = permissions(policy, (MESSAGES, *outputs))
    try:
        load(lines, default_error=errno.EPERM, every_thread=every_thread)
    except OSError as error:
        raise ConfinementError(Layer.SECCOMP, f"the kernel refuses: {error}") from error


def _landlock_in_threads(policy: Policy, lacks: set[Layer]) -> tuple[Probe, ...]:
    """Landlock's probes for a policy whose filter lets files or connections through."""
    names = {call.name for call in policy.calls}
    tried: tuple[Probe, ...] = ()
    if "openat" in names:
        tried += probes.of_landlock_files()
    if "socket" in names and "connect" in names and Layer.LANDLOCK_TCP not in lacks:
        tried += probes.of_landlock_tcp()
    return tried


def _must_fail(tried: Iterable[Probe], layer: Layer) -> None:
    _refuse(list(probes.failures(tried)), layer)


def _refuse(undone: list[str], layer: Layer, where: str = "") -> None:
    if undone:
        raise ConfinementError(layer, f"{where}expected a refusal, found {', '.join(undone)}")
