"""What each process has open: every descriptor named, and judged; values in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edge.audit.finding import Finding, Part, Words, judged, unseen
from edge.audit.running import reasons
from edge.audit.running.rights import by_units
from edge.audit.running.values import Descriptor, Process, Role

A = Part.RUNNING
STANDARD_ERROR = 2
SINK = "/dev/null"
TERMINAL = re.compile(r"/dev/(pts/\d+|tty\d*|console)")
CAMERAS = ("/dev/video", "/dev/media", "/dev/v4l-subdev", "/dev/dma_heap/", "/dmabuf:")
STREAM_FIFO = "/run/encounter/stream"  # systemd opens a named pipe both ways
EVENTS = ("anon_inode:[eventpoll]", "anon_inode:[eventfd]", "anon_inode:[timerfd]")


@dataclass(frozen=True, slots=True)
class Expected:
    """What the processes may have open beside their standard input, output and error.

    Attributes:
        source: the video's file that vision reads; None: a camera or the relay's pipe.
        camera: whether vision drives a camera itself.
        folders: where edge may keep files.
    """

    source: Path | None = None
    camera: bool = False
    folders: tuple[Path, ...] = ()


def descriptors(process: Process, expected: Expected) -> Finding:
    """Each descriptor is one that this process is for."""
    check = f"{process.role}.descriptors"
    how = Words(
        f"Every open file, pipe, socket and device of the process, from /proc/PID/fd and "
        f"fdinfo. {process.role} may have: {_MAY[process.role].en}.",
        f"依据 /proc/PID/fd 与 fdinfo 列出进程打开的每个文件、管道、套接字与设备。"
        f"{process.role} 只可有：{_MAY[process.role].zh}。",
    )
    if process.descriptors is None:
        return unseen(check, A, how, reasons.NO_RIGHT)
    problems = []
    for one in process.descriptors:
        standard = one.number <= STANDARD_ERROR
        said = _standard(process, one) if standard else _judge(process, one, expected)
        if said:
            problems.append(f"{one.line()}: {said}")
    problems += _pipes(process)
    holds = Words(
        "Each thing that it has open is one that it may have; all are listed below.",
        "其打开的每一项都属于它可有的内容，全部列于下。",
    )
    evidence = [one.line() for one in process.descriptors]
    return judged(check, A, how, problems, holds=holds, evidence=evidence)


def _standard(process: Process, one: Descriptor) -> str:
    """Standard input, output and error: nothing, a pipe, the journal; a person's terminal.

    A file is for reading. Edge's results alone may go to one, where a person started it.
    """
    by_hand = not by_units(process)
    if one.number == 0 and one.writes and one.target != SINK and not _terminal(one, by_hand):
        return "standard input that can be written"
    if one.fifo or one.socket is not None or one.target == SINK or _terminal(one, by_hand):
        return ""  # where a socket leads to: `edge.audit.running.sockets`
    if not one.target.startswith("/"):
        return f"expected {SINK}, a pipe or the journal's socket"
    results = process.role is Role.EDGE and by_hand
    if one.writes and not results:
        return f"expected {SINK}, a pipe or the journal's socket, found a file that can be written"
    return ""


def _terminal(one: Descriptor, by_hand: bool) -> bool:
    """A terminal, where a person started the process."""
    return by_hand and TERMINAL.fullmatch(one.target) is not None


def _judge(process: Process, one: Descriptor, expected: Expected) -> str:
    """What is wrong with a descriptor beyond the standard ones; empty: nothing."""
    match process.role:
        case Role.VISION:
            fine = _vision(one, expected)
        case Role.EDGE:
            fine = _edge(one, expected)
        case Role.RELAY:
            fine = one.fifo or one.socket is not None
    return "" if fine else "not among what it may have"


def _vision(one: Descriptor, expected: Expected) -> bool:
    if one.fifo:
        return True  # which way and how many: `_pipes`
    if expected.camera:
        return one.target.startswith(CAMERAS) or one.target in EVENTS
    named = expected.source is not None and one.target == str(expected.source)
    return named and not one.writes


def _edge(one: Descriptor, expected: Expected) -> bool:
    if one.fifo or one.socket is not None or one.target in EVENTS:
        return True
    path = Path(one.target.removesuffix(" (deleted)"))
    return any(path.is_relative_to(folder) for folder in expected.folders)


def _pipes(process: Process) -> Iterator[str]:
    """Vision writes one pipe and reads one at most; the relay writes one."""
    pipes = [one for one in process.descriptors or () if one.fifo and one.number > STANDARD_ERROR]
    writes = [one for one in pipes if one.writes and not _brings_stream(process, one)]
    reads = [one for one in pipes if one.reads and not one.writes]
    if process.role is Role.VISION:
        if len(writes) != 1:
            yield f"expected one pipe to write to, found {len(writes)}"
        if len({one.place for one in reads}) > 1:  # FFmpeg opens the relay's once more
            yield f"expected at most one pipe to read from, found {len(reads)}"
    if process.role is Role.RELAY and len(writes) != 1:
        yield f"expected one pipe to write to, found {len(writes)}"


def _brings_stream(process: Process, one: Descriptor) -> bool:
    """Whether vision reads the camera's stream from it; that it cannot write it is tried."""
    return process.role is Role.VISION and one.reads and one.target == STREAM_FIFO


_MAY = {
    Role.VISION: Words(
        "standard input, output and error, of which none is a file to write; the one pipe for its "
        "records, to write; the camera, the video file (to read) or the relay's pipe (to read); "
        "nothing else",
        "标准输入、输出、错误（均不得为可写文件）；一条只写的记录管道；"
        "摄像头、只读的视频文件或只读的转发管道；别无其他",
    ),
    Role.EDGE: Words(
        "standard input, output and error; pipes from vision and to its supervisor; files in its "
        "own folder; sockets, which are judged on their own",
        "标准输入、输出、错误；来自 vision 及通往监督者的管道；自己文件夹中的文件；套接字（"
        "另行判断）",
    ),
    Role.RELAY: Words(
        "standard input, output and error, of which none is a file to write; one pipe to write "
        "the stream to; its one connection",
        "标准输入、输出、错误（均不得为可写文件）；一条写入视频流的管道；唯一的一条连接",
    ),
}
