"""`encounter-edge audit`: the parts in turn, then the report.

Parts B and C are runs of their own, of copies that they start themselves; they leave the
device that Part A looks at alone.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from edge.audit.binding import bind
from edge.audit.errors import AuditRunError
from edge.audit.finding import Finding, Part
from edge.audit.options import Request
from edge.audit.report.machine import as_json
from edge.audit.report.page import as_html
from edge.audit.report.text import as_text
from edge.audit.report.values import Report
from edge.audit.running.inspection import Watching, inspect, not_started
from edge.audit.running.which import named_or_running
from edge.clock import SystemClock
from edge.errors import UsageError
from edge.rows import write_text
from firmware_cfg.load import load_site

HOLDS, FAILS = 0, 1
SEED_BITS = 128


def audit(request: Request) -> int:
    """Audit, write the report; returns the exit status.

    Raises:
        SiteFileError: the site file cannot be used.
        UsageError: what was asked for does not fit together.
        OutputFileError: the report cannot be written.
    """
    path = named_or_running(request.site)
    if path is not None:
        load_site(path)  # what is wrong with it is said before anything is started
    binding = bind(path)  # of now: what is changed later is not what was looked at
    _expect_usable(request.canary, request.parts)
    _make_folder(request.out)
    seed = secrets.randbits(SEED_BITS) if request.seed is None else request.seed
    runs: dict[Part, Callable[[], Sequence[Finding]]] = {
        Part.RUNNING: lambda: _running(path, seed, request),
        Part.CANARY: lambda: _canary(seed, request.canary),
        Part.LEAKS: lambda: _leaks(seed),
    }
    findings: list[Finding] = []
    for part, run in runs.items():
        if part in request.parts:
            _say(f"part {part} …")
            findings += run()
    report = Report(SystemClock().utc_now(), os.geteuid() == 0, binding, tuple(findings))
    if request.out is not None:
        write_text(request.out / "audit.html", as_html(report))
        write_text(request.out / "audit.json", as_json(report))
    write_text(None, as_json(report) if request.as_json else as_text(report))
    return FAILS if report.fails else HOLDS


def _running(path: Path | None, seed: int, request: Request) -> Sequence[Finding]:
    """Part A, of the running device or of one that is started for it."""
    from edge.audit.started import target  # noqa: PLC0415 - it needs numpy

    try:
        with target(path, f"{seed:032x}") as found:
            site, of = load_site(found.site), Watching(request.watch_s, request.hours)
            return inspect(found.site, site, of, started=found.started)
    except AuditRunError as error:
        return (not_started(str(error)),)


def _canary(seed: int, film: Path | None) -> Sequence[Finding]:
    from edge.audit import partb  # noqa: PLC0415 - Part A alone needs nothing of it
    from edge.audit.canary.y4m import read_film  # noqa: PLC0415 - as above

    return partb.run(seed, None if film is None else read_film(film))


def _expect_usable(film: Path | None, parts: frozenset[str]) -> None:
    """Refuse an auditor's film that cannot be used, before anything is started."""
    if film is None:
        return
    if Part.CANARY not in parts:
        raise UsageError(f"--canary {film}: expected part B among --parts, found {''.join(parts)}")
    from edge.audit.canary.y4m import read_film  # noqa: PLC0415 - as above
    from edge.audit.search.shown import expect_detail  # noqa: PLC0415 - as above

    expect_detail(read_film(film))


def _leaks(seed: int) -> Sequence[Finding]:
    from edge.audit import partc  # noqa: PLC0415 - as above

    return partc.run(seed)


def _make_folder(out: Path | None) -> None:
    """Refuse a place that no report can be written to, before anything is started."""
    if out is None:
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out {out}: expected a folder, found: {error.strerror}") from None


def _say(message: str) -> None:
    sys.stderr.write(f"audit: {message}\n")
    sys.stderr.flush()
