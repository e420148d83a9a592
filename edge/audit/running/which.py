"""Which device is audited: the one that is named, or the one that runs."""

from __future__ import annotations

from pathlib import Path

from edge.audit.options import SITE
from edge.audit.running.find import site_files
from edge.errors import UsageError


def named_or_running(named: Path | None) -> Path | None:
    """The site file to audit: the named one, or that of the one device that runs.

    None: nothing is named, nothing runs, and there is none at its usual place.

    Raises:
        UsageError: several devices run, and none is named.
    """
    if named is not None:
        return named
    found = site_files()
    if len(found) > 1:
        listed = ", ".join(str(path) for path in found)
        raise UsageError(f"--site: expected the site file of one device, found {listed} running")
    if found:
        return found[0]
    return SITE if SITE.exists() else None
