"""A planted leak, caught before one's eyes, in about half a minute.

    python -m edge.audit.leaks.demo [--seed HEX]

A short canary film is shown to the device twice: as it is, and with its camera process exchanged
for one that writes a single compressed picture to a file. The same checks judge both. Root sees
more: packets and shared folders. Exit status 0: the device holds and the leak was caught.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from edge.audit.canary.apart import place_of
from edge.audit.canary.checks import Expected, check_run, failing
from edge.audit.canary.film import Plan, write_film
from edge.audit.canary.markers import HEIGHT_PX, WIDTH_PX
from edge.audit.canary.observing import Line, Place, Trial, observe, python
from edge.audit.errors import AuditRunError
from edge.audit.finding import Finding, Status
from edge.audit.leaks.addresses import clear_away
from edge.audit.leaks.catalogue import PICTURES
from edge.audit.leaks.leak import VARIABLE
from edge.audit.partb import FILM, device_line, seed_text
from edge.audit.partc import DEVICE, VISION
from edge.audit.search.search import Search

FRAMES = 80
LEAK = PICTURES[0]
_MARKS = {
    Status.HOLDS: "holds      ",
    Status.FAILS: "FAILS      ",
    Status.NOT_CHECKED: "not checked",
}


def show(seed: str, place: Place) -> bool:
    """Run both, and say what was seen; whether the leak was caught, and the device holds."""
    film = place.work / FILM
    write_film(film, Plan(seed, FRAMES))
    _say(f"A film of {FRAMES} frames full of random marks, seed {seed}.")

    def clean_line(folder: Path, port: int) -> Line:
        return device_line(folder, port, film)

    def planted_line(folder: Path, port: int) -> Line:
        return (*device_line(folder, port, film, DEVICE), "--exchange", f"vision={VISION}")

    _say("\n1. The device as it is, in its jail:\n")
    clean = _judged(Trial("clean", clean_line), seed, place)
    _table(clean)
    _say(f"\n2. A planted leak, without the jail: {LEAK.words.en}\n")
    leak = Trial("planted", planted_line, VISION, environment={VARIABLE: LEAK.id})
    planted = _judged(leak, seed, place)
    clear_away()
    _table(planted)
    caught = LEAK.judged({one.check: one for one in clean}, {one.check: one for one in planted})
    _say(f"\n{caught.found.en}")
    return caught.status is Status.HOLDS and not list(failing(clean))


def _judged(trial: Trial, seed: str, place: Place) -> Sequence[Finding]:
    expected = Expected(seed, (WIDTH_PX, HEIGHT_PX))
    return check_run(observe(trial, place), expected, Search(seed))


def _table(findings: Iterable[Finding]) -> None:
    for one in findings:
        _say(f"  {_MARKS[one.status]:11}  {one.check:16}  {one.found.en}")
        for line in one.evidence[:2]:
            _say(f"               {line[:100]}")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Show it; the exit status."""
    command = argparse.ArgumentParser(prog="python -m edge.audit.leaks.demo")
    command.add_argument("--seed", metavar="HEX", help="repeats an earlier run")
    command.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    options = command.parse_args(arguments)
    seed = seed_text(None if options.seed is None else int(options.seed, 16))
    if options.work is None:
        # in a process of its own: what it mounts, and its network, end with it
        with tempfile.TemporaryDirectory(prefix="encounter-leak-") as folder:
            again = python("edge.audit.leaks.demo", "--seed", seed, "--work", folder)
            return subprocess.run(again, check=False).returncode  # noqa: S603 - ourselves
    try:
        return 0 if show(seed, place_of(options.work)) else 1
    except AuditRunError as error:
        sys.stderr.write(f"demo-leak: {error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
