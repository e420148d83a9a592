"""Runs parts of the audit in a process of their own: what it mounts, and its network, end with it.

    python -m edge.audit.canary.apart B|C --work FOLDER --seed SEED [--film FILM]

The findings come back on standard output, as JSON.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Protocol, cast

from edge.audit.canary.observing import ROOT, Place, python
from edge.audit.errors import AuditRunError
from edge.audit.finding import Finding, Part, Status, Words
from edge.audit.instruments.network import go_alone, lacks

JUDGES = {Part.CANARY: "edge.audit.partb", Part.LEAKS: "edge.audit.partc"}


class Judge(Protocol):
    """A module that judges a part, in a place made for it."""

    def judge(self, seed: str, place: Place) -> Sequence[Finding]:
        """Run what the part runs, and judge it."""


def apart(part: Part, seed: str, work: Path) -> tuple[Finding, ...]:
    """Run a part in a process of its own.

    Args:
        part: B or C.
        seed: of the canary.
        work: a folder for it, with what it needs.

    Raises:
        AuditRunError: it ended without findings.
    """
    command = python(__name__, part.value, "--work", str(work), "--seed", seed)
    done = subprocess.run(  # noqa: S603 - our own module
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False
    )
    try:
        return tuple(_finding(one) for one in json.loads(done.stdout))
    except ValueError:
        raise AuditRunError(f"part {part}: ended with status {done.returncode}") from None


def _finding(values: dict[str, object]) -> Finding:
    """A finding that was carried as JSON."""
    how, found = (Words(**cast("dict[str, str]", values[name])) for name in ("how", "found"))
    evidence = tuple(cast("list[str]", values["evidence"]))
    status, part = Status(str(values["status"])), Part(str(values["part"]))
    return Finding(str(values["check"]), part, status, how, found, evidence)


def place_of(work: Path) -> Place:
    """A network and shared folders of this process's own, as far as it may."""
    if lacks():
        return Place(work)
    try:
        return Place(work, go_alone(work), alone=True)
    except (OSError, subprocess.CalledProcessError) as error:
        sys.stderr.write(f"audit: no network of its own: {error}\n")
        return Place(work)


def main() -> int:
    """Judge a part; its findings go to standard output."""
    command = argparse.ArgumentParser(prog="python -m edge.audit.canary.apart")
    command.add_argument("part", type=Part, choices=tuple(JUDGES))
    command.add_argument("--work", type=Path, required=True)
    command.add_argument("--seed", required=True)
    options = command.parse_args()
    place = place_of(options.work)
    judge = cast("Judge", importlib.import_module(JUDGES[options.part]))
    findings = judge.judge(options.seed, place)
    json.dump([asdict(one) for one in findings], sys.stdout)
    sys.stdout.flush()
    return os.EX_OK


if __name__ == "__main__":
    sys.exit(main())
