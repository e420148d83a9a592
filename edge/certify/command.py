"""`encounter-edge certify`: files in, a certificate out, the log erased."""

from __future__ import annotations

import json
import sys
from datetime import datetime, timedelta

from edge.certify.certificate import Certificate, as_json, certificate, counter_of, terms_of
from edge.certify.fit import fit
from edge.certify.log_file import check_erasable, erase, read_log, sync
from edge.certify.options import Request
from edge.certify.report import as_text
from edge.certify.values import Logged
from edge.certify.visits_file import read_visits
from edge.errors import UsageError
from edge.rows import write_text
from firmware_cfg.load import load_site


def certify(request: Request) -> None:
    """Make the certificate, then erase the log; a certificate that fails erases nothing.

    Raises:
        SiteFileError, InputFileError, UsageError: what was given cannot be used, or holds
            too few visits.
        OutputFileError: the certificate cannot be written.
        EdgeError: the log could not be erased.
    """
    _check_paths(request)
    if not request.keep_log:
        check_erasable(request.log)
    site = load_site(request.site)
    counter = counter_of(site, request.point)
    log = read_log(request.log, request.start, site.store.zone)
    visits = read_visits(request.visits, counter)
    if not request.keep_log:
        _say(f"{request.log}: will be erased once the certificate is made (--keep-log keeps it)")
    fitted = fit(log, visits, terms_of(site))
    first, last = _ends(request.start, log)
    _give(request, certificate(site, counter.point, first, last, fitted))
    if request.keep_log:
        _say(f"{request.log}: kept, {len(log)} rows about single visits; erase it yourself")
    else:
        erase(request.log)
        _say(
            f"{request.log}: erased: {len(log)} rows overwritten and the file removed. Flash and "
            "journals can keep old copies below the file system."
        )
    _say(f"{request.visits}: left as it is; it too has rows about single visits")


def _check_paths(request: Request) -> None:
    """Refuse to write the certificate over one of its inputs."""
    if request.out is None:
        return
    for path in (request.log, request.visits, request.site):
        if request.out.resolve() == path.resolve():
            raise UsageError(f"{request.out}: expected another file than the input {path}")


def _ends(start: datetime, log: list[Logged]) -> tuple[datetime, datetime]:
    first_s = min(row.arrived_s for row in log)
    last_s = max(row.left_s for row in log)
    return start + timedelta(seconds=first_s), start + timedelta(seconds=last_s)


def _give(request: Request, made: Certificate) -> None:
    """Write and print the certificate; returns when the file is on the disk."""
    text = json.dumps(as_json(made), indent=2, ensure_ascii=False) + "\n"
    if request.out is not None:
        write_text(request.out, text)
        if request.out.is_file():
            sync(request.out)
    write_text(None, text if request.json else as_text(made))


def _say(message: str) -> None:
    sys.stderr.write(message + "\n")
