"""Closing: what a program calls once everything is open, and before its first frame.

    entered? ─► not dumpable ─► no swap ─► filter on all threads ─► probes in each ─► report

| step | shows |
|---|---|
| Landlock's probes | that the process came by `enter`: files, devices, signals, ports |
| probes of the early filter | that libraries had no sockets while they were loaded |
| the kernel's status of each thread | that each has the same filters and no new privileges |
| probes in each thread | that each is refused what must be refused |
| the kernel's table of memory | that no page can be written and run |

A program that parses what strangers send while it opens its source calls `narrow` before: the
first steps, and a filter that still lets it open. `close` then stacks the last filter upon it.

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
from dataclasses import dataclass
from typing import TYPE_CHECKING

from firmware_cfg.confine import probes, surroundings
from firmware_cfg.confine.errors import ConfinementError, refuse_unpermitted
from firmware_cfg.confine.filters import Output, permissions
from firmware_cfg.confine.kernel import Kernel
from firmware_cfg.confine.layers import LANDLOCK_ABI, Layer
from firmware_cfg.confine.native import PR_GET_DUMPABLE, PR_SET_DUMPABLE, process_control
from firmware_cfg.confine.pages import RUN_ONLY, WRITE_ONLY, memory_map
from firmware_cfg.confine.policies import opening_for
from firmware_cfg.confine.report import Confinement
from firmware_cfg.confine.seccomp import load
from firmware_cfg.confine.threads import Inquiry, check_status, every_thread

if TYPE_CHECKING:
    from collections.abc import Iterable

    from firmware_cfg.confine.policy import Policy
    from firmware_cfg.confine.probes import Probe


@dataclass(frozen=True, slots=True)
class Ground:
    """What was found to hold before the first filter of permissions; made here alone.

    Attributes:
        kernel: what the kernel offers.
        lacks: layers that are missing, all permitted to be.
        inquiry: asks the other threads.
    """

    kernel: Kernel
    lacks: frozenset[Layer]
    inquiry: Inquiry


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


def narrow(
    policy: Policy,
    without: Iterable[Layer] = (),
    outputs: Iterable[Output] = (),
    kernel: Kernel | None = None,
) -> Ground:
    """Leave this process what it needs to open its source, and to close by `policy` after it.

    The arguments are those of `close`, which must be given what this returns.

    Raises:
        ConfinementError: something that is required does not hold; the process must end.
    """
    opening = opening_for(policy)
    ground = _stand(policy, without, kernel)
    with memory_map() as memory:
        if not _loads_code(opening):
            memory.take(RUN_ONLY)
        if Layer.SECCOMP in ground.lacks:
            return ground
        with every_thread() as threads:
            _load(opening, outputs, ground.lacks)
            _must_fail(probes.of_seccomp(opening), Layer.SECCOMP)
            if Layer.SECCOMP_TSYNC not in ground.lacks:
                check_status(threads)
    return ground


def close(
    policy: Policy,
    without: Iterable[Layer] = (),
    outputs: Iterable[Output] = (),
    kernel: Kernel | None = None,
    ground: Ground | None = None,
) -> Confinement:
    """Close this process for good.

    Args:
        policy: what it may do from now on.
        without: layers that the site file permits it to lack.
        outputs: what it may write to, beside messages on standard error; for a policy that
            does not write freely.
        kernel: what the kernel offers; asked where it is not given.
        ground: what `narrow` returned, if that came before; it was given `without` then.

    Raises:
        ConfinementError: something that is required does not hold; the process must end.
    """
    ground = ground or _stand(policy, without, kernel)
    lacks = ground.lacks
    threads = _filter(policy, ground, outputs)
    return Confinement(
        policy.name,
        tuple(layer for layer in Layer if layer not in lacks),
        tuple(layer for layer in Layer if layer in lacks),
        policy.reduced,
        threads,
        0 if Layer.LANDLOCK in lacks else ground.kernel.landlock_abi,
    )


def _stand(policy: Policy, without: Iterable[Layer], kernel: Kernel | None) -> Ground:
    """Everything that comes before a filter."""
    kernel = kernel or Kernel.ask()
    lacks = set(kernel.lacks()) | _not_entered(policy, kernel) | hide()
    found = kernel.in_words()
    if Layer.LANDLOCK in lacks and kernel.landlock_abi:
        found = "a process that was not started by `confine enter`"
    refuse_unpermitted(sorted(lacks), frozenset(without), found)
    _check_landlock(lacks)
    _load_latecomers()
    inquiry = Inquiry()
    around = {
        Layer.SWAP: surroundings.refuse_swap(),
        Layer.USERS: surroundings.has_own_user(),
        Layer.NETWORK_NAMESPACE: surroundings.has_own_network(),
    }
    missing = lacks | {layer for layer, holds in around.items() if not holds}
    return Ground(kernel, frozenset(missing), inquiry)


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


def _filter(policy: Policy, ground: Ground, outputs: Iterable[Output]) -> int:
    """Load the filter on every thread, and try it in every thread; how many there are."""
    lacks = ground.lacks
    tried: list[Probe] = []
    if Layer.SECCOMP not in lacks:
        tried += probes.of_seccomp(policy)
    if Layer.LANDLOCK not in lacks:
        tried += _landlock_in_threads(policy, lacks)
    with every_thread() as threads, memory_map() as memory:
        if Layer.SECCOMP not in lacks:
            _load(policy, outputs, lacks)
        _must_fail(tried, Layer.SECCOMP)
        if not lacks & {Layer.SECCOMP, Layer.SECCOMP_TSYNC}:
            check_status(threads)
            found = ground.inquiry.ask(threads, lambda: list(probes.failures(tried)))
            for number, undone in found.items():
                _refuse(undone, Layer.SECCOMP_TSYNC, f"in thread {number} ")
        memory.take(WRITE_ONLY)
        return len(threads)


def _load_latecomers() -> None:
    """What Python and the C library load when first used; no code can be loaded afterwards.

    `libgcc_s` ends threads; the codec `idna`, imported above with a library of its own, is
    asked for by every connection to a name.
    """
    codecs.lookup("idna")
    with suppress(OSError):
        ctypes.CDLL("libgcc_s.so.1")


def _load(policy: Policy, outputs: Iterable[Output], lacks: frozenset[Layer]) -> None:
    lines = permissions(policy, outputs)
    every = Layer.SECCOMP_TSYNC not in lacks
    try:
        load(lines, default_error=errno.EPERM, every_thread=every)
    except OSError as error:
        raise ConfinementError(Layer.SECCOMP, f"the kernel refuses: {error}") from error


def _loads_code(policy: Policy) -> bool:
    return any(call.name == "mprotect" and not call.when for call in policy.calls)


def _landlock_in_threads(policy: Policy, lacks: frozenset[Layer]) -> tuple[Probe, ...]:
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
