"""The command line of `encounter-edge audit`; imports nothing heavy."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

SITE = Path("/etc/encounter/site.toml")
WATCH_S = 10.0
MOST_WATCH_S = 3600.0
MOST_HOURS = 24.0


@dataclass(frozen=True, slots=True)
class Request:
    """What to audit.

    Attributes:
        site: the site file that the device runs with; None: that of the one that runs.
        parts: letters of the parts to run.
        out: folder for the report, `audit.html` and `audit.json`; None: none is written.
        as_json: print the report for programs, not for people.
        watch_s: how long to watch vision's calls with strace; 0: not at all.
        seed: of the canary; None: a fresh one.
        canary: a film of the auditor's own for part B; None: none.
        hours: how long to look again and again at the running device; 0: once.
    """

    site: Path | None
    parts: frozenset[str]
    out: Path | None = None
    as_json: bool = False
    watch_s: float = WATCH_S
    seed: int | None = None
    canary: Path | None = None
    hours: float = 0.0


def arguments(command: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    add = command.add_argument
    add(
        "--site",
        type=Path,
        metavar="SITE.toml",
        help=f"site file of the device; default: that of the device that runs, else {SITE}",
    )
    add(
        "--parts",
        type=_parts,
        default=frozenset("ABC"),
        metavar="ABC",
        help="A: the running device, B: the canary, C: the planted leaks; default: all",
    )
    add("--out", type=Path, metavar="DIR", help="write the report there: audit.html, audit.json")
    add("--json", action="store_true", help="print the report as JSON")
    add(
        "--watch-s",
        type=_seconds,
        default=WATCH_S,
        metavar="N",
        help=f"watch vision's calls this long, 0 … {MOST_WATCH_S:g}; default: {WATCH_S:g}",
    )
    add(
        "--hours",
        type=_hours,
        default=0.0,
        metavar="N",
        help=f"look at the running device again and again for this long, 0 … {MOST_HOURS:g}",
    )
    add(
        "--canary",
        type=Path,
        metavar="FILM.y4m",
        help="show this film of your own as well, raw YUV4MPEG2, and search for it",
    )
    add("--seed", type=_seed, metavar="HEX", help="repeat a canary; the report names its seed")


def request_of(options: argparse.Namespace) -> Request:
    """The request of a parsed command line."""
    return Request(
        options.site,
        options.parts,
        options.out,
        options.json,
        options.watch_s,
        options.seed,
        options.canary,
        options.hours,
    )


def _parts(text: str) -> frozenset[str]:
    parts = frozenset(text.upper())
    if not parts or not parts <= frozenset("ABC"):
        raise argparse.ArgumentTypeError(f"expected letters of A, B and C, found {text!r}")
    return parts


def _seed(text: str) -> int:
    try:
        seed = int(text, 16)
    except ValueError:
        seed = -1
    if not 0 <= seed < 1 << 128:
        raise argparse.ArgumentTypeError(f"expected 1 … 32 hexadecimal digits, found {text!r}")
    return seed


def _seconds(text: str) -> float:
    return _up_to(MOST_WATCH_S, "seconds", text)


def _hours(text: str) -> float:
    return _up_to(MOST_HOURS, "hours", text)


def _up_to(most: float, unit: str, text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found <= most:
        raise argparse.ArgumentTypeError(f"expected 0 … {most:g} {unit}, found {text!r}")
    return found
