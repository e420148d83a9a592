"""Runs one process under every instrument that this machine and user have."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from edge.audit.instruments.calls import Subject, Traced, traced
from edge.audit.instruments.network import Capture, Layer
from edge.audit.instruments.tables import Tables, counters
from firmware_cfg.record import RECORD_BYTES

STRACE = ("strace", "-ff", "-ttt", "-s", "64", "-o")
START_S, END_S = 120.0, 60.0
_LOOK_S = 0.1
_NOT_SET = ("CI", "ORT_DISABLE_TELEMETRY")
_RECORDS_FD = re.compile(r"--records-fd\0(\d+)\0")


@dataclass(frozen=True, slots=True)
class Trial:
    """What is run.

    Attributes:
        name: for files and messages.
        command: the command line.
        marks: arguments that stand side by side in the command line of the process that is
            looked at, and in no other's.
        ready: what standard error says once it works.
        starts: programs that the process becomes by exec, one after another.
        after_s: how long it goes on then.
        descriptors: what it is given.
    """

    name: str
    command: tuple[str, ...]
    marks: tuple[str, ...]
    ready: str
    starts: int
    after_s: float
    descriptors: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where it is run.

    Attributes:
        work: folder of this run's own.
        layers: the shared folders; empty: others write to them too.
        alone: whether the network is this run's own.
    """

    work: Path
    layers: tuple[Layer, ...]
    alone: bool

    def home(self, trial: Trial) -> Path:
        """The fresh home folder of a trial."""
        return self.work / f"home-{trial.name}"


@dataclass(frozen=True, slots=True)
class Found:
    """What the instruments saw; None: not looked at.

    Attributes:
        calls: by strace.
        tables: by descriptors, memory maps and socket tables.
        files: new or changed.
        packets: on all interfaces.
        counted: counters of the network that moved, with their increments.
        said: lines on standard error.
    """

    calls: Traced | None
    tables: Tables
    files: frozenset[str]
    packets: int | None
    counted: dict[str, int] | None
    said: tuple[str, ...]


class RunError(Exception):
    """The process did not do what it was started for, so nothing was shown."""


def observe(trial: Trial, place: Place) -> Found:
    """Run a trial to its end.

    Raises:
        RunError: it did not begin, or ended too early.
    """
    files_before = _files(trial, place)
    counters_before = counters() if place.alone else {}
    capture = Capture() if place.alone else None
    tables = Tables()
    known = frozenset({capture.inode}) if capture else frozenset()
    try:
        with _running(trial, place) as (process, said):
            subject = _watch(trial, process, said, tables, known if place.alone else None)
    finally:
        packets = capture.end() if capture else None
    after = counters() if place.alone else {}
    moved = {
        name: value - counters_before.get(name, 0)
        for name, value in after.items()
        if value != counters_before.get(name, 0)
    }
    logs = _logs(trial, place)
    calls = traced(logs, subject, RECORD_BYTES) if shutil.which("strace") else None
    files = frozenset(_files(trial, place) - files_before)
    return Found(calls, tables, files, packets, moved if place.alone else None, tuple(said))


def _logs(trial: Trial, place: Place) -> Path:
    return place.work / f"trace-{trial.name}"


def _files(trial: Trial, place: Place) -> set[str]:
    home = place.home(trial)
    shared: Iterable[set[str]] = (layer.changed(place.work) for layer in place.layers)
    return {str(path) for path in home.rglob("*")}.union(*shared)


@contextmanager
def _running(trial: Trial, place: Place) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """The process and what it says; ended like a program that its user stops."""
    home = place.home(trial)
    home.mkdir()
    environment = {name: value for name, value in os.environ.items() if name not in _NOT_SET}
    environment |= {"HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    folders = (home, *(layer.folder for layer in place.layers))
    environment["LEAK_INTO"] = os.pathsep.join(str(folder) for folder in folders)
    environment.pop("XDG_CACHE_HOME", None)
    tracer = (*STRACE, str(_logs(trial, place)), "--") if shutil.which("strace") else ()
    process = subprocess.Popen(
        [*tracer, *trial.command],
        cwd=Path(__file__).resolve().parents[2],
        env=environment,
        pass_fds=trial.descriptors,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    said: list[str] = []
    listener = threading.Thread(target=_listen, args=(process, said))
    listener.start()
    try:
        yield process, said
    finally:
        _end(process, under_strace=bool(tracer))
        listener.join()


def _end(process: subprocess.Popen[str], *, under_strace: bool) -> None:
    """Ask it to end, as its user would; what has not ended in time is killed."""
    try:
        family = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        family = []
    if under_strace and family:
        family[0].terminate()  # strace ends with what it traces
    elif process.poll() is None:
        process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(END_S)
    for one in family:
        with suppress(psutil.NoSuchProcess):
            one.kill()
    process.kill()
    process.wait()


def _listen(process: subprocess.Popen[str], said: list[str]) -> None:
    said.extend(line.rstrip("\n") for line in process.stderr or ())


def _watch(
    trial: Trial,
    process: subprocess.Popen[str],
    said: list[str],
    tables: Tables,
    known: frozenset[str] | None,
) -> Subject:
    """Look until the trial is over; the process that was looked at."""
    subject: Subject | None = None
    until_s, works = time.monotonic() + START_S, False
    while time.monotonic() < until_s:
        time.sleep(_LOOK_S)
        subject = subject or _find(trial, process)
        if subject is not None:
            tables.look(subject.pid, subject.records_fd)
        if known is not None:
            tables.look_at_network(known)
        if not works and any(trial.ready in line for line in list(said)):
            works, until_s = True, time.monotonic() + trial.after_s
        gone = subject is not None and not psutil.pid_exists(subject.pid)
        if gone or process.poll() is not None:
            raise RunError(f"{trial.name}: ended too early: {' / '.join(said)}")
    if subject is None or not works:
        raise RunError(f"{trial.name}: did not begin in {START_S:g} s: {' / '.join(said)}")
    return subject


def _find(trial: Trial, process: subprocess.Popen[str]) -> Subject | None:
    """The process with the trial's marks on its command line."""
    marks = "\0" + "\0".join(trial.marks) + "\0"
    try:
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(True)]
    except psutil.NoSuchProcess:
        return None
    for one in family:
        path = Path(f"/proc/{one.pid}/cmdline")
        try:
            line = path.read_text("utf-8", "replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if marks in line and not line.startswith("strace\0"):
            number = _RECORDS_FD.search(line)
            return Subject(one.pid, int(number[1]) if number else None, trial.starts)
    return None
