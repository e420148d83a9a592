"""What a policy is: the table of one process's rights, before it is turned into a filter."""

from __future__ import annotations

from dataclasses import dataclass, field

from firmware_cfg.confine.seccomp import Argument, Compare

MESSAGE_BYTES = 512
"""One message's usual bound: the line that tells what holds, an error and where it is."""
Conditions = tuple[Argument, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A system call that a policy permits.

    Attributes:
        name: its name.
        reason: what it is needed for.
        when: permitted if all conditions of any of these hold; empty: always.
        only: the one architecture that has it; empty: both.
    """

    name: str
    reason: str
    when: tuple[Conditions, ...] = ()
    only: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """The rights of one process.

    Attributes:
        name: as `enter` takes it.
        calls: everything that it may call once it is closed.
        never: what it may not call from its exec on, with the reason.
        packages: our packages that it imports.
        data: our folders that it reads, beside the packages.
        reads: system files and folders that it reads.
        message_bytes: most in one message on standard error.
        writes_freely: it may write to what it has open; otherwise to the outputs alone that
            are named when it closes.
        reduced: what it is permitted beyond the full jail, in words; empty: nothing.
    """

    name: str
    calls: tuple[Call, ...]
    never: tuple[Call, ...]
    packages: tuple[str, ...]
    data: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    message_bytes: int = MESSAGE_BYTES
    writes_freely: bool = False
    reduced: tuple[str, ...] = field(default=())


def equal(index: int, value: int) -> Argument:
    """Argument `index`, a C int, is `value`; the kernel looks at its lower half alone, too."""
    return masked(index, 0xFFFFFFFF, value)


def null(index: int) -> Argument:
    """Argument `index`, a pointer, is null."""
    return Argument(index, Compare.EQUAL, 0)


def masked(index: int, mask: int, value: int) -> Argument:
    """Of the bits in `mask`, argument `index` has exactly those of `value`."""
    return Argument(index, Compare.MASKED, value, mask)


def any_of(index: int, values: tuple[int, ...]) -> tuple[Conditions, ...]:
    """Argument `index` is one of `values`."""
    return tuple((equal(index, value),) for value in values)


def above(index: int, bound: int) -> tuple[Conditions, ...]:
    """Argument `index`, a C int, is more than `bound` as an unsigned number.

    Each alternative is the numbers that first differ from `bound` in one bit: the kernel looks
    at the lower half alone, so a comparison of the whole would not do.

    >>> [sum(one.holds(number) for (one,) in above(0, 2)) for number in (0, 2, 3, 4, 1 << 31)]
    [0, 0, 1, 1, 1]
    """
    bits = [bit for bit in range(32) if not bound >> bit & 1]
    return tuple(
        (masked(index, (0xFFFFFFFF >> bit) << bit, (bound >> bit | 1) << bit),) for bit in bits
    )
