"""The role of `vision` while it opens its source: a stream on standard input that has not come.

One thread waits for the stream's first bytes inside FFmpeg, as it does for a network camera;
another makes every attempt meanwhile, and answers with the outcomes. Then the stream comes, the
process closes, and answers with the first frame.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).parents[3]
sys.path.append(str(ROOT))

from tests.integration.jail.escapes import EVERYTHING, Scene, outcome  # noqa: E402
from tests.integration.jail.setting import Setting  # noqa: E402
from vision.environment import settle_libraries  # noqa: E402

settle_libraries()

from firmware_cfg.confine.closing import close, narrow  # noqa: E402
from firmware_cfg.confine.filters import Output  # noqa: E402
from firmware_cfg.confine.policies import STREAM  # noqa: E402
from vision.detector import OnnxDetector  # noqa: E402
from vision.models import find_models_dir, load_model  # noqa: E402
from vision.sources.stream import PipedStream  # noqa: E402

LOOK_S = 0.01


class Attempts(threading.Thread):
    """Makes every attempt once the main thread sleeps in its call."""

    def __init__(self, scene: Scene, answers_fd: int) -> None:
        super().__init__(daemon=True)
        self._scene, self._answers_fd = scene, answers_fd
        self._main = Path(f"/proc/self/task/{os.getpid()}/status")
        self.opening = threading.Event()

    def run(self) -> None:
        """Wait for that, and try."""
        self.opening.wait()
        while "State:\tS" not in self._main.read_text("utf-8"):
            time.sleep(LOOK_S)
        for name, attempt in EVERYTHING.items():
            answer = f"{name}: {outcome(attempt, self._scene)}\n"
            os.write(self._answers_fd, answer.encode())
        os.write(self._answers_fd, b"tried\n")


def main() -> int:
    """Narrow, open, close, and look at one frame."""
    setting = Setting.read(sys.argv[1])
    memory = mmap.mmap(-1, mmap.PAGESIZE)
    page = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    scene = Scene(Path(setting.folder), setting.file_fd, setting.other_pid, page)
    attempts = Attempts(scene, setting.answers_fd)
    attempts.start()
    detector = OnnxDetector(load_model("nanodet-256x416-int8", find_models_dir()), 2, 0.2)
    outputs = (Output(setting.answers_fd, 4096),)
    ground = narrow(STREAM, outputs=outputs)
    attempts.opening.set()
    source = PipedStream(0, 2)
    attempts.join()
    confinement = close(STREAM, outputs=outputs, ground=ground)
    frame = source.read()
    detector.detect()
    size_px = frame.picture_bgr.shape[1::-1] if frame else ()
    os.write(setting.answers_fd, f"{confinement.line()}\nframe {size_px}\n".encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
