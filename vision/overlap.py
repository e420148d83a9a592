"""Inference in a thread of its own, so that the next frame is read and scaled meanwhile.

| thread | does | packs and writes records |
|---|---|---|
| main | reads, scales, puts what is prepared into the room | of a file |
| worker | takes it, infers | of a live source: main may be waiting for a frame |

The worker is there before the process closes, because only then may a thread be given cores of
its own. It sees no picture until it has a job, and gets that from `Pipeline.run`.

A file's frames wait in a queue, in their order, none left out. Of a live source one frame waits
at most, and a newer one takes its place: what is looked at next is the newest there is.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from firmware_cfg.record import CameraHealth
    from vision.frames import Picture


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A frame that is ready for inference.

    Attributes:
        index, t_us, health: the frame's, as in `vision.frames.Frame`.
        picture_bgr: (height, width, 3) uint8, the detector's input.
    """

    index: int
    t_us: int
    health: CameraHealth
    picture_bgr: Picture


def blank(like: Picture) -> Picture:
    """An input of zeros, of the shape of `like`."""
    return np.zeros_like(like)


class Room:
    """Prepared frames between the thread that reads and the worker.

    There are two buffers more than places: one is being filled, one is being looked at.
    """

    def __init__(self, places: int, like: Picture, *, newest: bool) -> None:
        """Let `places` frames wait, in buffers of the shape of `like`.

        `newest`: where all places are taken, the newest frame takes the last one's, and what
        was known to be wrong with that one; otherwise `put` waits.
        """
        self._places, self._newest = places, newest
        self._free = deque(blank(like) for _ in range(places + 2))
        self._waiting: deque[Prepared] = deque()
        self._held: Picture | None = None
        self._ended = self._left = False
        self._changed = threading.Condition()

    def buffers(self) -> Iterator[Picture]:
        """A free buffer each time; what it held before does not matter beyond the letterbox."""
        while True:
            with self._changed:
                buffer = self._free.popleft()
            yield buffer

    def put(self, frame: Prepared) -> bool:
        """Let a frame wait for the worker; False: the worker has left."""
        with self._changed:
            while len(self._waiting) == self._places and not self._left:
                if self._newest:
                    late = self._waiting.pop()
                    self._free.append(late.picture_bgr)
                    frame = replace(frame, health=frame.health | late.health)
                else:
                    self._changed.wait()
            self._waiting.append(frame)
            self._changed.notify()
            return not self._left

    def take(self) -> Prepared | None:
        """The next frame, its buffer untouched until the next `take`; None: no more come."""
        with self._changed:
            if self._held is not None:
                self._free.append(self._held)
                self._held = None
            while not (self._waiting or self._ended):
                self._changed.wait()
            if not self._waiting:
                return None
            frame = self._waiting.popleft()
            self._held = frame.picture_bgr
            self._changed.notify()
            return frame

    def end(self) -> None:
        """Say that no more frames come."""
        with self._changed:
            self._ended = True
            self._changed.notify()

    def leave(self) -> None:
        """Say that none is taken any more."""
        with self._changed:
            self._left = True
            self._changed.notify()


class Worker:
    """A thread that waits for one job, does it, and ends."""

    def __init__(self) -> None:
        """Start it; it keeps the cores that its starter has now."""
        self._job: Callable[[], None] | None = None
        self._error: BaseException | None = None
        self._given = threading.Lock()
        self._given.acquire()
        self._thread = threading.Thread(target=self._run, name="inference", daemon=True)
        self._thread.start()

    def begin(self, job: Callable[[], None]) -> None:
        """Give it its job."""
        self._job = job
        self._given.release()

    def join(self) -> None:
        """Wait until the job is done, and raise what ended it early."""
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        self._given.acquire()
        try:
            if self._job is not None:
                self._job()
        except BaseException as error:  # noqa: BLE001 - raised again where it is joined
            self._error = error
