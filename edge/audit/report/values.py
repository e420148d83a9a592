"""A whole report, before it is written."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from edge.audit.binding import Binding
from edge.audit.finding import Finding, Part, Status


@dataclass(frozen=True, slots=True)
class Report:
    """What was audited, when, and what was found.

    Attributes:
        at_utc: when it was made, by the machine's clock.
        as_root: whether it was made with root's rights.
        binding: what it is about.
        findings: in the order in which they were made.
    """

    at_utc: datetime
    as_root: bool
    binding: Binding
    findings: tuple[Finding, ...]

    def counts(self) -> dict[Status, int]:
        """How many findings of each status."""
        counted = Counter(one.status for one in self.findings)
        return {status: counted[status] for status in Status}

    def of(self, part: Part) -> tuple[Finding, ...]:
        """Findings of a part."""
        return tuple(one for one in self.findings if one.part is part)

    @property
    def fails(self) -> bool:
        """Whether anything fails."""
        return self.counts()[Status.FAILS] > 0
