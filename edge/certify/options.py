"""The command line of `encounter-edge certify`; imports nothing heavy."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Request:
    """What to certify.

    Attributes:
        start: the instant of the record's first frame, with its zone.
        out: the certificate as JSON; None: none.
    """

    log: Path
    visits: Path
    site: Path
    point: str | None
    start: datetime
    out: Path | None = None
    json: bool = False
    keep_log: bool = False


def arguments(command: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    command.add_argument(
        "--log",
        type=Path,
        required=True,
        metavar="LOG.csv",
        help="stopwatch log, header arrived,greeted,served,left; erased afterwards",
    )
    command.add_argument(
        "--visits", type=Path, required=True, metavar="VISITS.jsonl", help="from run or replay"
    )
    command.add_argument("--site", type=Path, required=True, metavar="SITE.toml")
    command.add_argument("--point", metavar="ID", help="service point; default: the only one")
    command.add_argument(
        "--start",
        type=_instant,
        required=True,
        metavar="TIME",
        help="when the record's first frame was taken, such as 2027-03-01T09:00:00+08:00",
    )
    command.add_argument("--json", action="store_true", help="print the certificate as JSON")
    command.add_argument(
        "--out", type=Path, metavar="CERTIFICATE.json", help="write it as JSON, too"
    )
    command.add_argument("--keep-log", action="store_true", help="do not erase the log")


def request_of(options: argparse.Namespace) -> Request:
    """The request of a parsed command line."""
    return Request(
        options.log,
        options.visits,
        options.site,
        options.point,
        options.start,
        options.out,
        options.json,
        options.keep_log,
    )


def _instant(text: str) -> datetime:
    """A date and time with its zone (RFC 3339)."""
    expected = "expected a time with its zone such as 2027-03-01T09:00:00+08:00"
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{expected}, found {text!r}") from None
    if not 2000 <= at.year < 2200:
        raise argparse.ArgumentTypeError(f"{expected}, found {text!r}")
    if at.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{expected}, found {text!r} without one")
    return at
