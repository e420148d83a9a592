"""The controls of `bench_silence`: processes that are not silent, and must be seen.

    python tests/bench/silence_leak.py --source … --site … --records-fd N   vision's options
    python tests/bench/silence_leak.py library MODEL.onnx

The first is the code of `vision` without its jail, with leaks planted where it writes its first
record. The second is onnxruntime alone, as somebody uses it who has not switched its telemetry
off. Each says so on standard error when it is done, and goes on until it is ended.
"""

from __future__ import annotations

import mmap
import os
import socket
import sys
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

READY = "not silent:"
SOMEWHERE = ("198.51.100.7", 9)  # an address of nobody (RFC 5737)
_kept: list[object] = []


def leak() -> None:
    """Plant files in each folder of `LEAK_INTO` and in memory, an attribute, and a packet."""
    folders = os.environ.get("LEAK_INTO", str(Path.home())).split(os.pathsep)
    paths = [Path(folder) / "leak" for folder in folders]
    for path in paths:
        file = path.open("wb")
        file.write(bytes(mmap.PAGESIZE))
        file.flush()
        _kept.append(file)
    memory = os.memfd_create("leak")
    os.truncate(memory, mmap.PAGESIZE)
    _kept.append(mmap.mmap(memory, mmap.PAGESIZE))
    os.setxattr(paths[0], b"user.leak", b"a face")
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    out.sendto(b"a face", SOMEWHERE)
    _kept.append(out)


def leaking_vision() -> None:
    """The pipeline that the command line describes, unconfined, leaking at its first record."""
    from vision.environment import settle_libraries  # noqa: PLC0415 - before the libraries

    settle_libraries()
    from firmware_cfg.load import load_site  # noqa: PLC0415
    from vision.command import build, parser  # noqa: PLC0415

    options = parser().parse_args()
    pipeline = build(options, load_site(options.site))
    plain = pipeline.write

    def write(record: bytes) -> object:
        if not _kept:
            leak()
            sys.stderr.write(f"{READY} planted\n")
        return plain(record)

    replace(pipeline, write=write).run()


def library_alone(model: str) -> None:
    """A session of onnxruntime in an environment that nobody has settled."""
    import onnxruntime as ort  # noqa: PLC0415 - the other control must settle it first

    session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    sys.stderr.write(f"{READY} {len(session.get_inputs())} input\n")
    time.sleep(3600)


if __name__ == "__main__":
    if sys.argv[1] == "library":
        library_alone(sys.argv[2])
    else:
        leaking_vision()
