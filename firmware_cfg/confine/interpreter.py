"""Which paths a Python interpreter needs to start and to import, found from itself.

Works for a virtual environment, a system's Python, a checkout and an installed wheel.
"""

from __future__ import annotations

import sys
from pathlib import Path

from firmware_cfg.confine.landlock import READ, RUN, SINK, Files

LOADERS = (
    Path("/lib64/ld-linux-x86-64.so.2"),
    Path("/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"),
    Path("/lib/ld-linux-aarch64.so.1"),
    Path("/lib/aarch64-linux-gnu/ld-linux-aarch64.so.1"),
)
LIBRARIES = (
    Path("/lib"),
    Path("/lib64"),
    Path("/usr/lib"),
    Path("/usr/lib64"),
    Path("/usr/local/lib"),
    Path("/etc/ld.so.cache"),
)


def root() -> Path:
    """The folder that our packages lie in: site-packages, or a checkout."""
    return Path(__file__).resolve().parents[2]


def interpreter_paths() -> dict[Path, Files]:
    """Rights on the interpreter, its libraries and its packages: read, and run two files.

    Nothing but the interpreter itself and the dynamic loader can be executed.
    """
    executable = Path(sys.executable)
    environment = executable.parent.parent
    prefixes = {environment, Path(sys.prefix), Path(sys.base_prefix), Path(sys.base_exec_prefix)}
    paths: dict[Path, Files] = dict.fromkeys(LIBRARIES, READ)
    for prefix in sorted(prefixes):
        paths |= dict.fromkeys((prefix / "lib", prefix / "lib64"), READ)
    paths[environment / "pyvenv.cfg"] = READ
    paths |= dict.fromkeys((executable, executable.resolve(), *LOADERS), RUN)
    paths[Path("/dev/null")] = SINK
    paths |= dict.fromkeys((Path("/dev/urandom"), Path("/dev/random"), Path("/dev/zero")), READ)
    return paths
