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

STANDARD_ERROR = 2
_CUT = b"...\n"


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


def fitting(message: str, most_bytes: int) -> bytes:
    r"""`message` as a line of UTF-8, cut where it would be longer than `most_bytes`.

    >>> fitting("a counter", 9), fitting("a counter", 10)
    (b'a cou...\n', b'a counter\n')
    """
    line = message.encode("utf-8", "backslashreplace") + b"\n"
    if len(line) <= most_bytes:
        return line
    whole = line[: most_bytes - len(_CUT)].decode("utf-8", "ignore")
    return whole.encode() + _CUT


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
    """What a closed process may do, messages on standard error included; the rest fails."""
    messages = Output(STANDARD_ERROR, policy.message_bytes)
    own = (equal(0, os.getpid()),)
    lines = [*_verdicts(policy.calls, 0), Verdict("clone3", (), ENOSYS), Verdict("tgkill", own)]
    if policy.writes_freely:
        return [*lines, Verdict("write"), Verdict("writev")]
    return [*lines, *(Verdict("write", _one_write(output)) for output in (messages, *outputs))]


def _one_write(output: Output) -> tuple[Argument, Argument]:
    compare = Compare.EQUAL if output.exact else Compare.AT_MOST
    return equal(0, output.descriptor), Argument(2, compare, output.most_bytes)


def _verdicts(calls: Iterable[Call], error: int) -> Iterator[Verdict]:
    for call in calls:
        yield from (Verdict(call.name, when, error) for when in call.when or ((),))
