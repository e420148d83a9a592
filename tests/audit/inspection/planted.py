"""Stands in for vision or edge, by its name on the command line, and breaks the rules.

No jail; one thread with a filter that refuses next to nothing, another without any; sockets,
shared memory, memory that can be rewritten and run, a file to write, core dumps, a library of
pictures in edge, a library that would report home. It goes on making sockets, for strace.
"""

from __future__ import annotations

import mmap
import os
import resource
import socket
import sys
import threading
import time
from pathlib import Path

sys.path.append(os.environ["ROOT"])

from firmware_cfg.confine.native import PR_SET_NO_NEW_PRIVS, process_control
from firmware_cfg.confine.seccomp import Verdict, load

IS_VISION = "--records-fd" in sys.argv and Path(__file__).name == "vision.py"
HERE = Path.cwd()
FAKES = ("site-packages/onnxruntime/fake.so",) if IS_VISION else ("cv2/fake.so",)


def hold() -> list[object]:
    """Everything that must not be there, kept open."""
    held: list[object] = [mmap.mmap(-1, 4096, mmap.MAP_SHARED)]
    held.append(mmap.mmap(-1, 4096, mmap.MAP_PRIVATE, 7))  # read, write, run
    held.append((HERE / f"kept-{os.getpid()}").open("wb"))
    for name in FAKES:
        with (HERE / name).open("rb") as file:
            held.append(mmap.mmap(file.fileno(), 4096, mmap.MAP_PRIVATE, mmap.PROT_READ))
    datagrams, kernel = (
        socket.socket(type=socket.SOCK_DGRAM),
        socket.socket(socket.AF_NETLINK, socket.SOCK_RAW),
    )
    datagrams.bind(("127.0.0.1", 0))
    kernel.bind((0, 0))
    held += [datagrams, kernel, socket.socket(type=socket.SOCK_DGRAM)]
    listening = socket.socket()
    listening.bind(("0.0.0.0", 0))  # noqa: S104 - planted
    listening.listen()
    held.append(listening)
    return held


def main() -> None:
    """Break the rules until killed."""
    resource.setrlimit(resource.RLIMIT_CORE, (4096, resource.RLIM_INFINITY))
    held = hold()
    threading.Thread(target=time.sleep, args=(300,), daemon=True).start()
    process_control(PR_SET_NO_NEW_PRIVS, 1)
    load([Verdict("swapon", (), 1)], default_error=0, every_thread=False)
    os.write(1, b"planted\n")
    while held:
        socket.socket().close()
        time.sleep(0.05)


if __name__ == "__main__":
    main()
