"""Runs a device under every instrument that this machine and user have."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from edge.audit.canary.catching import Traces, files_in, messages_in, read_traces
from edge.audit.canary.emitted import Emission, Stream
from edge.audit.canary.listener import Listener
from edge.audit.errors import AuditRunError
from edge.audit.instruments.dumps import WRITTEN_IN_FULL
from edge.audit.instruments.family import command_line, end, find
from edge.audit.instruments.network import Capture, Layer
from edge.audit.instruments.tables import Tables

ROOT = Path(__file__).resolve().parents[3]
# calls that give nothing off and would cost a stop each; the kernel lets them pass. With the
# question mark strace forgives a name that this architecture does not have.
_PASSED = (
    *("read", "pread64", "lseek", "fstat", "newfstatat", "futex", "sched_yield", "getrandom"),
    *("munmap", "mprotect", "brk", "madvise", "gettid", "getpid", "rt_sigprocmask"),
    *("rt_sigaction", "poll", "ppoll", "select", "pselect6", "epoll_wait", "epoll_pwait"),
    *("clock_gettime", "clock_nanosleep", "nanosleep"),
)
_TRACED = "trace=!" + ",".join(f"?{name}" for name in _PASSED)
STRACE = ("-ff", "-ttt", "-s", "64", "--seccomp-bpf", "-e", _TRACED, *WRITTEN_IN_FULL)
RUN_S, END_S = 240.0, 10.0
_LOOK_S = 0.1
_NOT_SET = ("CI", "ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME")
Line = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where runs are made.

    Attributes:
        work: a folder of this audit's own.
        layers: the shared folders, under overlays; empty: others write to them too.
        alone: whether the network is this audit's own.
    """

    work: Path
    layers: tuple[Layer, ...] = ()
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Trial:
    """One run.

    Attributes:
        name: for files and messages.
        command: makes the command line, given the folder of the run and the broker's port.
        program: the camera process's module or script, as its command line names it; empty:
            there is none, and strace is not needed.
        wish: topic and payload that the broker hands the device; None: none.
        until: it is ended when it has said this; empty: it ends by itself.
        within_s: it must end within this.
        environment: variables beside the audit's own.
    """

    name: str
    command: Callable[[Path, int], Line]
    program: str = "vision"
    wish: tuple[str, bytes] | None = None
    until: str = ""
    within_s: float = RUN_S
    environment: dict[str, str] = field(default_factory=dict)


def observe(trial: Trial, place: Place) -> Emission:
    """Run a trial to its end, and gather what it gave off.

    Raises:
        AuditRunError: it did not end in time.
    """
    folder = place.work / trial.name
    (folder / "home").mkdir(parents=True)
    before = _changed(place)
    capture = Capture() if place.alone else None
    tables, said, status = Tables(), b"", -1
    with Listener(trial.wish) as listener:
        try:
            command = (*_tracer(trial, folder), *trial.command(folder, listener.port))
            said, status = _run(trial, folder, command, tables)
        finally:
            if capture is not None:
                capture.end()
    files = tuple(sorted(_changed(place) - before | _all_in(folder / "home")))
    traces = Traces((), (), None, ())
    if _tracer(trial, folder):
        traces = read_traces(folder / "trace", trial.program)
    packets = None if capture is None else tuple(capture.packets)
    streams = [Stream("standard output and error", said), *messages_in(listener), *traces.streams]
    streams.append(Stream("packets", b"".join(one.data for one in packets or ())))
    for path in (folder / "state", *(Path(one) for one in files if not Path(one).is_dir())):
        streams += files_in(path)
    return Emission(
        tuple(streams),
        traces.records,
        tuple(listener.messages),
        listener.port,
        packets,
        files,
        traces.calls,
        _outside(traces, folder),
        tables,
        tuple(said.decode("utf-8", "replace").splitlines()),
        status,
    )


def _outside(traces: Traces, folder: Path) -> tuple[str, ...]:
    """What was opened to be written outside the run's own folder, and is no device."""
    own = (str(folder), "/dev/null", "/dev/tty", "pipe:", "/proc/self/")
    return tuple(f"{who}: {path}" for who, path in traces.paths if not path.startswith(own))


def _all_in(folder: Path) -> set[str]:
    return {str(path) for path in folder.rglob("*")}


def _changed(place: Place) -> set[str]:
    return set().union(*(layer.changed(place.work) for layer in place.layers))


def _tracer(trial: Trial, folder: Path) -> Line:
    strace = shutil.which("strace")
    if strace is None or not trial.program:
        return ()
    return (strace, *STRACE, "-o", str(folder / "trace"), "--")


def _run(trial: Trial, folder: Path, command: Line, tables: Tables) -> tuple[bytes, int]:
    """Run it to its end; what it said, and its exit status."""
    with _started(trial, folder, command) as (process, said):
        until_s, camera, records_fd = time.monotonic() + trial.within_s, None, None
        while process.poll() is None:
            time.sleep(_LOOK_S)
            if trial.program and records_fd is None:
                camera = find(process.pid, ("-m", trial.program))
                records_fd = None if camera is None else _records_fd(camera)
            if camera is not None and records_fd is not None:
                tables.look(camera, records_fd)
            if trial.until and trial.until.encode() in said:
                end(process.pid, END_S, from_top=True)
            if time.monotonic() > until_s:
                raise AuditRunError(f"{trial.name}: expected an end within {trial.within_s:g} s")
    return bytes(said), process.returncode


def _records_fd(pid: int) -> int | None:
    line = command_line(pid)
    return int(line[line.index("--records-fd") + 1]) if "--records-fd" in line else None


@contextmanager
def _started(
    trial: Trial, folder: Path, command: Line
) -> Iterator[tuple[subprocess.Popen[bytes], bytearray]]:
    environment = {name: value for name, value in os.environ.items() if name not in _NOT_SET}
    environment |= {"HOME": str(folder / "home"), "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.Popen(  # noqa: S603 - the audit's own command lines
        command,
        cwd=ROOT,
        env=environment | trial.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    said = bytearray()
    listener = threading.Thread(target=_listen, args=(process, said))
    listener.start()
    try:
        yield process, said
    finally:
        if process.poll() is None:
            end(process.pid, END_S)
        process.kill()
        process.wait()
        listener.join()
        if process.stdout is not None:
            process.stdout.close()


def _listen(process: subprocess.Popen[bytes], said: bytearray) -> None:
    for line in process.stdout or ():
        said += line


def python(module: str, *arguments: str) -> Line:
    """The command line of one of our modules."""
    return (sys.executable, "-m", module, *arguments)
