"""Programs that race on the same cores, a slice of time each: stopped and continued in turn.

All are started at once and stopped (SIGSTOP) after their warm-up. Then each runs alone for a
slice, again and again, so that a machine whose speed drifts is as slow for one as for the
other. Each tells its progress on a pipe, so many bytes a frame; a frame that is half done when
its program is stopped is finished in its next slice, so only the totals matter.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psutil

from firmware_cfg.confine.enter import Entry, command
from firmware_cfg.confine.policies import EDGE, VISION
from firmware_cfg.record import RECORD_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PATIENCE_S = 120.0
_CHUNK_BYTES = 64 * RECORD_BYTES


@dataclass(slots=True, eq=False)
class Progress:
    """Counts what comes down a pipe, and passes it on.

    Attributes:
        frame_bytes: bytes that tell of one frame.
        onward: descriptor that gets what came; None: nobody does.
    """

    frame_bytes: int
    onward: int | None = None
    writer: int = -1
    _reader: int = -1
    _bytes: int = 0

    def __post_init__(self) -> None:
        """Open the pipe and begin to count."""
        self._reader, self.writer = os.pipe()
        threading.Thread(target=self._run, daemon=True).start()

    @property
    def frames(self) -> int:
        """Frames so far."""
        return self._bytes // self.frame_bytes

    def _run(self) -> None:
        while data := os.read(self._reader, _CHUNK_BYTES):
            self._bytes += len(data)
            if self.onward is not None:
                with suppress(BrokenPipeError):
                    os.write(self.onward, data)
        os.close(self._reader)
        if self.onward is not None:
            os.close(self.onward)


@dataclass(slots=True, eq=False)
class Contestant:
    """A program, of one process or two, that races.

    Attributes:
        name: in the table.
        processes: its processes.
        progress: how far it is.
        frames, passed_s: in its slices so far.
    """

    name: str
    processes: list[subprocess.Popen[bytes]]
    progress: Progress
    frames: int = 0
    passed_s: float = 0.0
    rates_hz: list[float] = field(default_factory=list)

    def warm_up(self, frames: int) -> None:
        """Let it run to its first `frames`, then stop it."""
        until_s = time.monotonic() + PATIENCE_S
        while self.progress.frames < frames:
            if time.monotonic() > until_s or any(one.poll() is not None for one in self.processes):
                raise SystemExit(f"{self.name}: did not start")
            time.sleep(0.05)
        self._send(signal.SIGSTOP)

    def race(self, slice_s: float) -> None:
        """Run alone for a slice."""
        before, began_s = self.progress.frames, time.perf_counter()
        self._send(signal.SIGCONT)
        time.sleep(slice_s)
        self._send(signal.SIGSTOP)
        took_s = time.perf_counter() - began_s
        time.sleep(0.01)  # what it wrote last is counted
        frames = self.progress.frames - before
        self.frames, self.passed_s = self.frames + frames, self.passed_s + took_s
        self.rates_hz.append(frames / took_s)

    @property
    def rate_hz(self) -> float:
        """Frames a second in its slices."""
        return self.frames / self.passed_s

    def memory_mb(self) -> float:
        """Proportional set size of its processes, MB; 0 where it may not be known."""
        try:
            return sum(psutil.Process(p.pid).memory_full_info().pss for p in self.processes) / 1e6
        except psutil.Error:
            return 0.0

    def end(self) -> None:
        """Kill it."""
        for process in self.processes:
            process.kill()
            process.wait()

    def _send(self, number: signal.Signals) -> None:
        for process in self.processes:
            process.send_signal(number)


def single(name: str, cores: str, line: Sequence[str]) -> Contestant:
    """A program that writes a byte a frame to the descriptor named by its last argument."""
    progress = Progress(1)
    process = _start(cores, [*line, str(progress.writer)], progress.writer)
    os.close(progress.writer)
    return Contestant(name, [process], progress)


@dataclass(frozen=True, slots=True)
class Line:
    """The product: `vision` and `edge` as the systemd units start them.

    Attributes:
        video, site, folder: what it sees, its site file, where its results go.
        vision_cores, edge_cores: processors, as taskset takes them.
        inference_core: the one that infers and does nothing else; None: no such.
    """

    video: Path
    site: Path
    folder: Path
    vision_cores: str
    edge_cores: str
    inference_core: str | None = None

    def start(self, name: str, plain: Path | None = None) -> Contestant:
        """Start it; without the jail, by the script `plain`, where that is given."""
        reader, writer = os.pipe()
        progress = Progress(RECORD_BYTES, onward=writer)
        seen = ["--site", str(self.site), "--records-fd", str(progress.writer)]
        seen += ["--source", str(self.video)]
        if self.inference_core is not None:
            seen += ["--inference-cores", self.inference_core]
        out = self.folder / f"visits-{plain is None}.jsonl"
        timed = ["--site", str(self.site), "--records-fd", str(reader), "--out", str(out)]
        entries = (
            (VISION, "vision", seen, (self.video, self.site), (), (progress.writer,)),
            (EDGE, "edge.appliance", timed, (self.site,), (self.folder,), (reader,)),
        )
        lines = [
            command(Entry(policy, read=read, write=write, keep_fds=kept), module, arguments)
            if plain is None
            else [sys.executable, str(plain), module, *arguments]
            for policy, module, arguments, read, write, kept in entries
        ]
        edge = _start(self.edge_cores, lines[1], reader)
        vision = _start(self.vision_cores, lines[0], progress.writer)
        os.close(reader)
        os.close(progress.writer)
        return Contestant(name, [vision, edge], progress)


def _start(cores: str, line: Sequence[str], descriptor: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["taskset", "-c", cores, *line],
        pass_fds=[descriptor],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
