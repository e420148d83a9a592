"""The report for programs: JSON."""

from __future__ import annotations

import json
from dataclasses import asdict

from edge.audit.finding import Finding
from edge.audit.report.titles import title
from edge.audit.report.values import Report

VERSION = 1


def as_json(report: Report) -> str:
    """The report; keys are stable, and what is added later raises `report_version`."""
    binding = report.binding
    document = {
        "report_version": VERSION,
        "at": report.at_utc.isoformat(timespec="seconds"),
        "as_root": report.as_root,
        "counts": {str(status): count for status, count in report.counts().items()},
        "audited": {
            **{key: value for key, value in asdict(binding).items() if key != "configuration"},
            "configuration": binding.configuration
            and {"file": binding.configuration[0], "sha256": binding.configuration[1]},
        },
        "findings": [_finding(one) for one in report.findings],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _finding(one: Finding) -> dict[str, object]:
    return {
        "check": one.check,
        "part": str(one.part),
        "status": str(one.status),
        "title": asdict(title(one)),
        "how": asdict(one.how),
        "found": asdict(one.found),
        "evidence": list(one.evidence),
    }
