"""The result of one check of the audit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from edge.words import Words

__all__ = ["Finding", "Part", "Status", "Words", "failures", "judged", "unseen"]


class Status(StrEnum):
    """How a check ended. What could not be looked at is `NOT_CHECKED`, never `HOLDS`."""

    HOLDS = "holds"
    FAILS = "fails"
    NOT_CHECKED = "not_checked"


class Part(StrEnum):
    """The part of the audit that a check belongs to."""

    RUNNING = "A"
    CANARY = "B"
    LEAKS = "C"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check did and found.

    Attributes:
        check: stable name, `subject.matter`, as `vision.seccomp`.
        part: the part of the audit.
        status: how it ended.
        how: what was checked, and by what means.
        found: what was found; for `NOT_CHECKED`, why it could not be looked at.
        evidence: lines as the kernel or the bytes gave them; a failure's lines come first.
    """

    check: str
    part: Part
    status: Status
    how: Words
    found: Words
    evidence: tuple[str, ...] = ()


def judged(
    check: str,
    part: Part,
    how: Words,
    problems: Sequence[str],
    *,
    holds: Words,
    evidence: Sequence[str] = (),
) -> Finding:
    """A finding that holds where there are no `problems`, and otherwise fails with them."""
    if not problems:
        return Finding(check, part, Status.HOLDS, how, holds, tuple(evidence))
    count = len(problems)
    found = Words(
        f"It does not hold: {count} deviation{'s' if count > 1 else ''}, listed first below.",
        f"不成立：发现 {count} 处不符，先列于下。",
    )
    return Finding(check, part, Status.FAILS, how, found, (*problems, *evidence))


def unseen(check: str, part: Part, how: Words, why: Words, evidence: Sequence[str] = ()) -> Finding:
    """A finding that could not be made, and why."""
    return Finding(check, part, Status.NOT_CHECKED, how, why, tuple(evidence))


def failures(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The findings that fail."""
    return tuple(one for one in findings if one.status is Status.FAILS)
