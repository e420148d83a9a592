"""Starts and watches the processes of a device: the launcher of development and demonstration.

Single-threaded; every child is started by exec with exactly the descriptors it needs:

| process | started | holds |
|---|---|---|
| edge (`edge.appliance`) | first | records pipe (read), ready pipe (write), lifeline (read) |
| relay (`edge.relay`) | for a network camera | stream pipe (write) |
| vision (`vision`) | when edge is ready | records pipe (write), stream pipe (read) |

The lifeline's other end is the launcher's own: when the launcher dies, however it dies,
edge sees its end, stops, and with the records pipe vision and relay stop too. A file ends
the run at its end. A camera that fails is opened again by a new vision process, after a
pause that doubles up to `LONGEST_PAUSE_S`; edge goes on and counts the gap.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0
STEADY_S = 60.0
STOP_S = 15.0
BAD_INPUT = 2

Process = subprocess.Popen[bytes]


@dataclass(frozen=True, slots=True)
class Launch:
    """What to run.

    Attributes:
        source: video file, camera, or address of a network camera.
        site: site file.
        outputs: row-level outputs, as arguments of `edge.appliance`.
        loop, realtime: how a file is played.
    """

    source: str
    site: Path
    outputs: tuple[str, ...] = ()
    loop: bool = False
    realtime: bool = False

    @property
    def is_network(self) -> bool:
        """Whether the source is a network camera."""
        return self.source.startswith(("rtsp://", "rtsps://"))

    @property
    def is_live(self) -> bool:
        """Whether the source never ends by itself."""
        camera = self.source.isdecimal() or self.source.startswith(("/dev/", "picamera2"))
        return camera or self.is_network or self.loop


@dataclass(slots=True)
class _Stopper:
    """Turns SIGINT and SIGTERM into a flag."""

    asked: bool = False
    children: list[Process] = field(default_factory=list)

    def __call__(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self.asked = True
        for child in self.children:
            with suppress(ProcessLookupError):
                child.terminate()


def launch(what: Launch) -> int:
    """Run until the source ends or a signal comes; returns the exit status."""
    stopper = _Stopper()
    before = {number: signal.signal(number, stopper) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        return _Run(what, stopper).run()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Run:
    """One run of the device's processes."""

    def __init__(self, what: Launch, stopper: _Stopper) -> None:
        self._what = what
        self._stopper = stopper
        self._records = os.pipe()
        self._lifeline = os.pipe()

    def run(self) -> int:
        edge = self._start_edge()
        if edge is None:
            return BAD_INPUT
        status = self._watch(edge)
        if status:
            edge.terminate()  # a run that failed leaves no results
        os.close(self._records[1])
        try:
            edge_status = edge.wait(timeout=STOP_S if self._stopper.asked else None)
        except subprocess.TimeoutExpired:
            edge.kill()
            edge_status = edge.wait()
        os.close(self._lifeline[1])
        return status or (edge_status if edge_status >= 0 else 1)

    def _start_edge(self) -> Process | None:
        """Start edge and wait until it has checked the site file; None if it refused."""
        ready = os.pipe()
        arguments = ["--site", str(self._what.site), *self._what.outputs]
        if self._what.is_live:
            arguments.append("--live")
        edge = _spawn(
            "edge.appliance",
            [
                *arguments,
                *("--records-fd", str(self._records[0])),
                *("--ready-fd", str(ready[1])),
                *("--lifeline-fd", str(self._lifeline[0])),
            ],
            (self._records[0], ready[1], self._lifeline[0]),
        )
        for descriptor in (self._records[0], ready[1], self._lifeline[0]):
            os.close(descriptor)
        answered = os.read(ready[0], 1)
        os.close(ready[0])
        if answered:
            return edge
        edge.wait()
        return None

    def _watch(self, edge: Process) -> int:
        """Keep vision (and the relay) going; returns the run's status."""
        pause_s, first = FIRST_PAUSE_S, True
        while True:
            began_s = time.monotonic()
            relay, vision = self._start_capture()
            self._stopper.children[:] = [child for child in (vision, relay) if child]
            if self._stopper.asked:
                vision.terminate()
            status = _wait_any(vision, edge)
            for child in self._stopper.children:
                with suppress(ProcessLookupError):
                    child.terminate()
                child.wait()
            if self._stopper.asked or edge.poll() is not None:
                return 0
            if not self._what.is_live or (first and status == BAD_INPUT):
                return status if status >= 0 else 1
            first = False
            lasted_s = time.monotonic() - began_s
            pause_s = FIRST_PAUSE_S if lasted_s > STEADY_S else min(pause_s * 2, LONGEST_PAUSE_S)
            sys.stderr.write(f"camera process ended (status {status}); next try in {pause_s:g} s\n")
            self._sleep(pause_s, edge)

    def _sleep(self, pause_s: float, edge: Process) -> None:
        until_s = time.monotonic() + pause_s
        while time.monotonic() < until_s and not self._stopper.asked and edge.poll() is None:
            time.sleep(0.2)

    def _start_capture(self) -> tuple[Process | None, Process]:
        """Start vision and, for a network camera, the relay that feeds it."""
        arguments = ["--site", str(self._what.site), "--records-fd", str(self._records[1])]
        if self._what.loop:
            arguments.append("--loop")
        if self._what.realtime:
            arguments.append("--realtime")
        if not self._what.is_network:
            source = ["--source", self._what.source]
            return None, _spawn("vision", [*source, *arguments], (self._records[1],))
        stream = os.pipe()
        relay = _spawn(
            "edge.relay",
            ["--stream-fd", str(stream[1])],
            (stream[1],),
            {"RTSP_URL": self._what.source},
        )
        arguments += ["--source", "stream", "--stream-fd", str(stream[0])]
        vision = _spawn("vision", arguments, (self._records[1], stream[0]))
        for descriptor in stream:
            os.close(descriptor)
        return relay, vision


def _spawn(
    module: str,
    arguments: Sequence[str],
    descriptors: tuple[int, ...],
    extra: dict[str, str] | None = None,
) -> Process:
    """Start a module of ours in a process group of its own, with these descriptors alone."""
    return subprocess.Popen(  # noqa: S603 - our own interpreter and modules
        [sys.executable, "-m", module, *arguments],
        pass_fds=descriptors,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **(extra or {})},
        process_group=0,
    )


def _wait_any(vision: Process, edge: Process) -> int:
    """Wait until vision or edge ends; vision's status, 0 if it still runs."""
    while vision.poll() is None and edge.poll() is None:
        pid = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
        if pid is None or pid.si_pid not in (vision.pid, edge.pid):
            time.sleep(0.2)
    return vision.returncode or 0
