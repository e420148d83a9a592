"""The role that tries to get out: as `vision` is when its first frame is due.

Everything is real: the imports, the model with its threads, both filters of the policy. Then
it makes the attempts that it is told of on standard input, one a line (`THREAD NAME`), and
answers with the outcome of each.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import queue
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

ROOT = Path(__file__).parents[3]
sys.path.append(str(ROOT))

from tests.integration.jail.escapes import EVERYTHING, Scene, outcome  # noqa: E402
from tests.integration.jail.setting import Setting  # noqa: E402
from vision.environment import settle_libraries  # noqa: E402

settle_libraries()

from firmware_cfg.confine.closing import close, narrow  # noqa: E402
from firmware_cfg.confine.errors import ConfinementError  # noqa: E402
from firmware_cfg.confine.filters import Output  # noqa: E402
from firmware_cfg.confine.layers import Layer  # noqa: E402
from firmware_cfg.confine.policies import POLICIES  # noqa: E402
from vision.detector import OnnxDetector  # noqa: E402
from vision.models import find_models_dir, load_model  # noqa: E402

ANSWER_BYTES = 4096
Work = Callable[[], str]


class Place(Protocol):
    """A thread that works."""

    def do(self, work: Work) -> str:
        """The work's result."""


class OldThread:
    """A Python thread that was started before the jail closed."""

    def __init__(self) -> None:
        self._work: queue.SimpleQueue[Work] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            self._done.put(self._work.get()())

    def do(self, work: Work) -> str:
        """Its result, worked out in that thread."""
        self._work.put(work)
        return self._done.get()


class LibraryThread:
    """A thread of onnxruntime's own pool, reached by the callback of `run_async`."""

    def __init__(self, detector: OnnxDetector) -> None:
        self._detector = detector

    def do(self, work: Work) -> str:
        """Its result, worked out in such a thread."""
        done: queue.SimpleQueue[str] = queue.SimpleQueue()
        main = threading.get_ident()

        def call_back(*_: object) -> None:
            done.put(work() if threading.get_ident() != main else "in the main thread")

        feed = {"picture": self._detector.picture_bgr[None]}
        self._detector._session.run_async(["boxes", "scores"], feed, call_back, None)
        return done.get()


class NewThread:
    """A Python thread that is started after the jail closed."""

    def do(self, work: Work) -> str:
        """Its result, worked out in such a thread."""
        done: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=lambda: done.put(work())).start()
        return done.get()


class MainThread:
    """The main thread."""

    def do(self, work: Work) -> str:
        """Its result."""
        return work()


def main() -> int:
    """Close, say so, and try what is asked for."""
    setting = Setting.read(sys.argv[1])
    memory = mmap.mmap(-1, mmap.PAGESIZE)
    page = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    scene = Scene(Path(setting.folder), setting.file_fd, setting.other_pid, page)
    old = OldThread()
    detector = OnnxDetector(load_model("nanodet-256x416-int8", find_models_dir()), 2, 0.2)
    threads: dict[str, Place] = {
        "main": MainThread(),
        "library": LibraryThread(detector),
        "old": old,
        "new": NewThread(),
    }
    if setting.jailed:
        without = [Layer(name) for name in setting.without]
        outputs = (Output(setting.answers_fd, ANSWER_BYTES),)
        try:
            policy = POLICIES[setting.policy]
            ground = narrow(policy, without, outputs, setting.offered())
            confinement = close(policy, outputs=outputs, ground=ground)
        except ConfinementError as error:
            sys.stderr.write(f"{error}\n")
            return 2
        os.write(setting.answers_fd, f"{confinement.line()}\n".encode())
    for line in sys.stdin:
        where, _, name = line.strip().partition(" ")
        attempt = EVERYTHING[name]

        def work() -> str:
            return outcome(attempt, scene)  # noqa: B023 - done before the next line is read

        os.write(setting.answers_fd, f"{where} {name}: {threads[where].do(work)}\n".encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
