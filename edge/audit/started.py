"""A device to look at: the one that runs, or one that the audit starts on the canary film."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edge.audit.canary.film import Plan, write_film
from edge.audit.canary.site_file import write_site
from edge.audit.errors import AuditRunError
from edge.audit.running.find import find_processes
from edge.audit.running.values import Role

FRAMES = 240
START_S, END_S = 60.0, 20.0
_CLOSED = "vision: jail_"  # the line that vision says when it has closed
_LOOK_S = 0.2


@dataclass(frozen=True, slots=True)
class Target:
    """What Part A looks at.

    Attributes:
        site: the site file it runs with.
        started: the audit started it, on the canary film.
    """

    site: Path
    started: bool = False


@contextmanager
def target(site: Path | None, seed: str) -> Iterator[Target]:
    """The running device, or one of the audit's own for as long as it is looked at.

    Args:
        site: the site file, if there is one.
        seed: of the canary, 32 hexadecimal digits.

    Raises:
        AuditRunError: none runs, and none could be started.
    """
    if site is not None and {one.role for one in find_processes(site)} >= {Role.VISION, Role.EDGE}:
        yield Target(site)
        return
    with tempfile.TemporaryDirectory(prefix="encounter-audited-") as folder:
        work = Path(folder)
        write_film(work / "canary.y4m", Plan(seed, FRAMES))
        own = write_site(work / "site.toml", work / "state")
        with _running(work, own):
            yield Target(own, started=True)


@contextmanager
def _running(work: Path, site: Path) -> Iterator[None]:
    """`encounter-edge run` on the film, over and over; ended afterwards.

    What it says comes through a pipe: a camera process may have no file that it can write.
    """
    command = [
        *(sys.executable, "-m", "edge", "run", "--loop", "--realtime"),
        *("--source", str(work / "canary.y4m"), "--site", str(site)),
    ]
    log = work / "log"
    with (
        log.open("wb", buffering=0) as said,
        subprocess.Popen(  # noqa: S603 - our own command
            command,
            cwd=_root(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            bufsize=0,
        ) as process,
    ):
        copying = threading.Thread(target=shutil.copyfileobj, args=(process.stderr, said))
        copying.start()
        try:
            _wait(process, log)
            yield
        finally:
            process.terminate()
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                process.kill()
            copying.join(END_S)  # to the last word of its processes


def _wait(process: subprocess.Popen[bytes], log: Path) -> None:
    until_s = time.monotonic() + START_S
    while _CLOSED not in (said := log.read_text("utf-8", "replace")):
        if process.poll() is not None or time.monotonic() > until_s:
            last = said.strip().rpartition("\n")[2]
            raise AuditRunError(f"expected a device that starts, found: {last or 'nothing said'}")
        time.sleep(_LOOK_S)
    time.sleep(1.0)  # its first frames


def _root() -> str:
    """Where `python -m edge` finds this very package."""
    return os.fspath(Path(__file__).resolve().parents[2])
