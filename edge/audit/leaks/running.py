"""Leaks that Part A must catch: other software than installed, foreign sockets, a file of output.

Each is planted in a small process of its own; the ordinary checks of a running device judge it,
and the same process without the leak.
"""

from __future__ import annotations

import importlib.util
import marshal
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from edge.audit.errors import AuditRunError
from edge.audit.finding import Finding, Words
from edge.audit.leaks.leak import Leak
from edge.audit.running.descriptors import Expected, descriptors
from edge.audit.running.import_path import ImportPath, own_path
from edge.audit.running.loaded import distributions, loaded_files
from edge.audit.running.reading import read_process
from edge.audit.running.socket_tables import read_sockets
from edge.audit.running.sockets import Reach, sockets
from edge.audit.running.values import Process, Role

PATCHED = Leak(
    "patched-package",
    Words(
        "A line is added to the Python code of the package that sends to the broker.",
        "在向消息代理发送数据的软件包的 Python 代码中添加一行。",
    ),
    "software.loaded",
    "client.py: not as recorded",
)
PLANTED_COPY = Leak(
    "planted-copy",
    Words(
        "A compiled copy is laid beside that package's untouched source, whose time and size it"
        " names: Python runs it instead.",
        "在该软件包未改动的源文件旁放置一个编译副本，其所记时间与大小同源文件一致，"
        "Python 便会运行它。",
    ),
    "software.loaded",
    "not what its source compiles to",
)
UNRECORDED = Leak(
    "unrecorded-module",
    Words(
        "A module that no installed package has is laid where the processes import from.",
        "在进程导入代码的位置放置一个不属于任何已安装软件包的模块。",
    ),
    "software.loaded",
    "in no package's RECORD",
)
FOREIGN_SOCKET = Leak(
    "foreign-socket",
    Words(
        "An edge process holds a local socket without a name that leads to another process.",
        "edge 进程持有一个无名的本地套接字，通往另一进程。",
    ),
    "edge.sockets",
    "leads to another process",
)
OUTPUT_FILE = Leak(
    "output-to-file",
    Words(
        "A camera process's standard output is a file.",
        "摄像进程的标准输出是一个文件。",
    ),
    "vision.descriptors",
    "a file that can be written",
)
RUNNING = (PATCHED, PLANTED_COPY, UNRECORDED, FOREIGN_SOCKET, OUTPUT_FILE)

_SENDER = "paho_mqtt"
_CODE = Path("paho/mqtt/client.py")
_LINE = '\nPLANTED = "leaks"\n'
_SETTLE_S = 0.1  # the kernel's times of files and processes are this coarse at most
_IMPORTS = (
    "import os, sys, paho.mqtt.client as one\nos.write({}, getattr(one, 'PLANTED', '-').encode())"
)
_PAIR = "import os, socket, sys; pair = socket.socketpair(); os.write({}, b'-')"
_CONNECTS = (
    "import os, socket, sys; one = socket.socket(socket.AF_UNIX); one.connect(sys.argv[1])\n"
    "one.send(b'counts of people'); os.write({}, b'leaks')"
)
_PRINTS = "import os, sys; os.write(1, bytes(1000)); os.write({}, b'-')"
_STAYS = "\nsys.stdin.read()"
_WORD_BYTES = 16


@dataclass(frozen=True, slots=True)
class Small:
    """A small process, as it is read.

    Attributes:
        process: as Part A sees it.
        said: what it said of itself: `leaks`, or `-`.
    """

    process: Process
    said: str


def in_running(work: Path) -> Iterator[Finding]:
    """Plant each, and judge whether it was caught; `work`: a folder for it."""
    yield from _software(work / "software")
    yield _socket(work)
    yield _output(work)


def _software(work: Path) -> Iterator[Finding]:
    folder = work / "site-packages"
    own = replace(own_path(), packages=(folder,), system=(), ours=folder)
    _install(folder)
    code = folder / _CODE
    source = code.read_bytes()
    clean = _imported(folder, own, "-")
    code.write_bytes(source + _LINE.encode())
    yield PATCHED.judged(clean, _imported(folder, own, "leaks"))
    code.write_bytes(source)
    copy = _plant_copy(code)
    yield PLANTED_COPY.judged(clean, _imported(folder, own, "leaks"))
    copy.unlink()
    (folder / "unrecorded.py").write_text(_LINE)
    yield UNRECORDED.judged(clean, _imported(folder, own, "-"))


def _install(folder: Path) -> None:
    """A copy of the installed package that sends, with its RECORD."""
    for one in (one for root in own_path().packages for one in distributions(root)):
        if one.name.startswith(_SENDER):
            for name in one.listed:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(one.root / name, folder / name)
            return
    raise AuditRunError(f"expected {_SENDER} among the installed packages, found none")


def _plant_copy(code: Path) -> Path:
    """A compiled copy with a line more than its source, by whose time and size it goes."""
    seen = code.stat()
    copy = Path(importlib.util.cache_from_source(str(code)))
    copy.parent.mkdir(exist_ok=True)
    words = (0, int(seen.st_mtime), seen.st_size)
    header = importlib.util.MAGIC_NUMBER + b"".join(one.to_bytes(4, "little") for one in words)
    other = compile(code.read_text("utf-8") + _LINE, str(code), "exec", dont_inherit=True)
    copy.write_bytes(header + marshal.dumps(other))
    return copy


def _imported(folder: Path, own: ImportPath, said: str) -> dict[str, Finding]:
    """What Part A finds of a process that imports the package from `folder`."""
    time.sleep(_SETTLE_S)
    with _small(Role.EDGE, _IMPORTS, packages=folder) as small:
        if small.said != said:
            raise AuditRunError(f"expected a process that says {said!r}, found {small.said!r}")
        found = loaded_files([small.process], own)
    return {found.check: found}


def _socket(work: Path) -> Finding:
    path = work / "foreign"
    with _small(Role.EDGE, _PAIR) as small:
        before = sockets(small.process, read_sockets(small.process.pid), Reach())
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.fspath(path))
        server.listen()
        with (
            _small(Role.EDGE, _CONNECTS, arguments=(str(path),)) as small,
            server.accept()[0],
        ):
            after = sockets(small.process, read_sockets(small.process.pid), Reach())
    return FOREIGN_SOCKET.judged({before.check: before}, {after.check: after})


def _output(work: Path) -> Finding:
    found = []
    for path in (Path(os.devnull), work / "pictures.raw"):
        with path.open("wb") as file, _small(Role.VISION, _PRINTS, output=file.fileno()) as small:
            one = descriptors(small.process, Expected())
            found.append({one.check: one})
    return OUTPUT_FILE.judged(*found)


@contextmanager
def _small(
    role: Role,
    code: str,
    arguments: Sequence[str] = (),
    packages: Path | None = None,
    output: int = subprocess.DEVNULL,
) -> Iterator[Small]:
    """A process that runs `code`, says a word by its one pipe, and stays."""
    reading, writing = os.pipe()
    environment = {} if packages is None else {"PYTHONPATH": str(packages)}
    line = [sys.executable, "-B", "-P", "-c", code.format(writing) + _STAYS, *arguments]
    with subprocess.Popen(  # noqa: S603 - our own interpreter and code
        line,
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=subprocess.DEVNULL,
        pass_fds=(writing,),
        env=environment,
    ) as process:
        os.close(writing)
        try:
            with os.fdopen(reading, "rb", buffering=0) as told:
                said = told.read(_WORD_BYTES).decode()
            seen = read_process(role, process.pid)
            if seen is None or not said:
                raise AuditRunError(f"expected a {role} process that stays, found none")
            yield Small(seen, said)
        finally:
            process.kill()
