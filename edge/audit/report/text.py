"""The report on a terminal: a line a check, failures with their first evidence."""

from __future__ import annotations

from edge.audit.finding import Status
from edge.audit.report.values import Report

_FIRST = 3


def as_text(report: Report) -> str:
    """A line a check, and the counts."""
    lines = []
    for one in report.findings:
        lines.append(f"{one.status:<12} {one.check:<28} {one.found.en}")
        if one.status is Status.FAILS:
            lines += [f"{'':<13}{line}" for line in one.evidence[:_FIRST]]
    counts = ", ".join(f"{count} {status}" for status, count in report.counts().items())
    return "\n".join([*lines, counts]) + "\n"
