"""What a check found."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """Whether something holds."""

    HOLDS = "holds"
    FAILS = "fails"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, and what was seen there."""

    what: str
    verdict: Verdict
    said: str

    def __str__(self) -> str:
        return f"{self.verdict:<12} {self.what}: {self.said}"


def holds(what: str, said: str) -> Finding:
    """It is as it must be."""
    return Finding(what, Verdict.HOLDS, said)


def fails(what: str, said: str) -> Finding:
    """It is not."""
    return Finding(what, Verdict.FAILS, said)


def not_checked(what: str, why: str) -> Finding:
    """Nobody looked, and why."""
    return Finding(what, Verdict.NOT_CHECKED, why)


def none_of(what: str, found: Iterable[str], said: str) -> Finding:
    """Fails where anything was found, and shows the first few; else it holds as `said`."""
    listed = list(found)
    if not listed:
        return holds(what, said)
    more = f", and {len(listed) - 3} more" if len(listed) > 3 else ""
    return fails(what, f"{len(listed)} found: {'; '.join(listed[:3])}{more}")
