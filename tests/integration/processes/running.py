"""`encounter-edge run` as a process with its children, looked at from outside."""

from __future__ import annotations

import csv
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[3]
MODULES = {"vision": "vision", "edge.appliance": "edge", "edge.relay": "relay"}
LAUNCH = """
import sys
from pathlib import Path
from edge.launcher import Launch, Terms, launch
source, site, folder, live, terms = sys.argv[1:]
outputs = tuple(
    (f"--{name}-out" if name != "out" else "--out", Path(folder) / name)
    for name in ("out", "times", "summary")
)
live = live == "live"
sys.exit(launch(Launch(source, Path(site), outputs, live, live, None, Terms(**eval(terms)))))
"""


@dataclass(frozen=True, slots=True)
class Run:
    """A running launcher.

    Attributes:
        process: the launcher.
        folder: where its results go.
        log: what it and its children said.
        copying: writes that to `log`; they have a pipe, as a camera process may have no file.
    """

    process: subprocess.Popen[bytes]
    folder: Path
    log: Path
    copying: threading.Thread | None = None

    def children(self) -> dict[str, int]:
        """Process ids of the children, by name."""
        task = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        found = {}
        for pid in task.read_text().split():
            words = arguments(int(pid))
            for module, name in MODULES.items():
                if module in words and "-I" in words:
                    found[name] = int(pid)
        return found

    def said(self) -> str:
        """Everything said so far."""
        return self.log.read_text("utf-8")

    def count_of(self, text: str) -> int:
        """How often something was said."""
        return self.said().count(text)

    def wait_for(self, true: Callable[[], bool], within_s: float = 60.0) -> None:
        """Wait until something is true."""
        until_s = time.monotonic() + within_s
        while not true():
            assert time.monotonic() < until_s, self.said()
            assert self.process.poll() is None, self.said()
            time.sleep(0.05)

    def wait_until_counting(self) -> float:
        """Wait until vision has closed its jail, and a second for frames; how long it took."""
        from_s = time.monotonic()
        self.wait_for(lambda: "vision: jail_" in self.said())
        time.sleep(1.0)
        return time.monotonic() - from_s

    def hit(self, name: str, number: signal.Signals) -> float:
        """Send a signal to a child; when, on the monotonic clock."""
        os.kill(self.children()[name], number)
        return time.monotonic()

    def end(self) -> tuple[int, float]:
        """Ask the launcher to stop: its exit status, and when it was asked."""
        asked_s = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(30)
        if self.copying is not None:
            self.copying.join(5)
        return status, asked_s

    def times_s(self) -> list[float]:
        """Capture times of the frames that were counted."""
        with (self.folder / "times").open(encoding="utf-8") as file:
            return [float(row["t_s"]) for row in csv.DictReader(file)]


def arguments(pid: int) -> list[str]:
    """Command line of a process; empty if it is gone."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    return []


def state(pid: int) -> str:
    """The state of a process, a letter: `T` is stopped, `Z` a corpse; empty if it is gone."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return ""


def runs(pid: int) -> bool:
    """Whether a process is there, and more than a corpse."""
    return state(pid) not in ("", "Z")


def descriptors(pid: int) -> dict[int, str]:
    """Open descriptors of a process, and what they are; for root alone."""
    folder = Path(f"/proc/{pid}/fd")
    return {int(entry.name): str(entry.readlink()) for entry in folder.iterdir()}


@contextmanager
def running(
    source: Path | str, site: Path, folder: Path, *, live: bool = True, **terms: object
) -> Iterator[Run]:
    """A launcher at work; killed with its children at the end."""
    folder.mkdir(exist_ok=True)
    log = folder / "log"
    words = [str(source), str(site), str(folder), "live" if live else "file", repr(terms)]
    with (
        log.open("wb", buffering=0) as file,
        subprocess.Popen(
            [sys.executable, "-c", LAUNCH, *words],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
        ) as process,
    ):
        copying = threading.Thread(target=shutil.copyfileobj, args=(process.stdout, file))
        copying.start()
        run = Run(process, folder, log, copying)
        try:
            yield run
        finally:
            left = run.children().values() if process.poll() is None else ()
            process.kill()
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            copying.join(5)
