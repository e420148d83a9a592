"""From a policy to the lines of a filter."""

from __future__ import annotations

import os
from dataclasses import dataclass
from errno import ENOSYS, EPERM
from typing import TYPE_CHECKING

from firmware_cfg.confine.policy import equal
from firmware_cfg.confine.seccomp import Argument, Compare, Verdict, number_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from firmware_cfg.confine.policy import Call, Policy

MESSAGE_BYTES = 8192
STANDARD_ERROR = 2


@dataclass(frozen=True, slots=True)
class Output:
    """A descriptor that may be written to.

    Attributes:
        descriptor: its number.
        most_bytes: most in one write.
        exact: every write has `most_bytes`, no fewer.
    """

    descriptor: int
    most_bytes: int
    exact: bool = False


MESSAGES = Output(STANDARD_ERROR, MESSAGE_BYTES)


def refusals(policy: Policy) -> list[Verdict]:
    """What is refused from exec on; `clone3` too, whose flags no filter sees.

    Raises:
        OSError: a call that this machine has is unknown by name, and would be let through.
    """
    here = os.uname().machine
    lines = [
        *_verdicts((call for call in policy.never if call.only in ("", here)), EPERM),
        Verdict("clone3", (), ENOSYS),
    ]
    unknown = sorted({line.name for line in lines if number_of(line.name) is None})
    if unknown:
        raise OSError(ENOSYS, f"the library knows no call named {', '.join(unknown)}")
    return lines


def permissions(policy: Policy, outputs: Iterable[Output]) -> list[Verdict]:
    """What a closed process may do; the rest fails."""
    own = (equal(0, os.getpid()),)
    lines = [*_verdicts(policy.calls, 0), Verdict("clone3", (), ENOSYS), Verdict("tgkill", own)]
    if policy.writes_freely:
        return [*lines, Verdict("write"), Verdict("writev")]
    return [*lines, *(Verdict("write", _one_write(output)) for output in outputs)]


def _one_write(output: Output) -> tuple[Argument, Argument]:
    compare = Compare.EQUAL if output.exact else Compare.AT_MOST
    return equal(0, output.descriptor), Argument(2, compare, output.most_bytes)


def _verdicts(calls: Iterable[Call], error: int) -> Iterator[Verdict]:
    for call in calls:
        yield from (Verdict(call.name, when, error) for when in call.when or ((),))
