"""A planted leak, and what it means that it was caught."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edge.audit.finding import Finding, Part, Status, Words

VARIABLE = "ENCOUNTER_PLANTED_LEAKS"  # environment: ids of the leaks that a process plants


@dataclass(frozen=True, slots=True)
class Leak:
    """A leak that is planted.

    Attributes:
        id: stable name.
        words: what leaks, and how it is planted.
        check: the ordinary check that must catch it.
        trace: what a line of that check's evidence must hold, so that it caught this leak.
    """

    id: str
    words: Words
    check: str
    trace: str

    def judged(self, clean: Mapping[str, Finding], planted: Mapping[str, Finding]) -> Finding:
        """Caught: the check fails on the planted run for this leak, and holds on the clean one."""
        before, after = clean.get(self.check), planted.get(self.check)
        if before is None or after is None or Status.NOT_CHECKED in (before.status, after.status):
            why = after.found if after is not None else Words("It was not run.", "未运行。")
            return self.finding(Status.NOT_CHECKED, why)
        lines = tuple(line for line in after.evidence if self.trace in line)
        if before.status is not Status.HOLDS:
            return self.finding(
                Status.FAILS,
                Words(
                    f"The check {self.check} fails without the leak, too: it shows nothing.",
                    f"检查 {self.check} 在没有泄漏时也不通过，因此不能说明问题。",
                ),
                before.evidence,
            )
        if not lines:
            return self.finding(
                Status.FAILS,
                Words(f"It was not caught by {self.check}.", f"检查 {self.check} 未能发现。"),
                after.evidence,
            )
        return self.finding(
            Status.HOLDS,
            Words(
                f"Caught by {self.check}, which holds without the leak.",
                f"被检查 {self.check} 发现；没有泄漏时该检查通过。",
            ),
            lines[:2],
        )

    def finding(self, status: Status, found: Words, evidence: tuple[str, ...] = ()) -> Finding:
        """The finding of this leak."""
        return Finding(f"leak.{self.id}", Part.LEAKS, status, self.words, found, evidence)
