"""Who else holds what the device's processes hold: their pipes, and the camera; values in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edge.audit.finding import Finding, Part, Words, judged
from edge.audit.running.descriptors import CAMERAS, STANDARD_ERROR
from edge.audit.running.values import Descriptor, Process, Role

A = Part.RUNNING


@dataclass(frozen=True, slots=True)
class Others:
    """The machine's other processes.

    Attributes:
        held: the pipes and cameras that each has open, by process.
        hidden: processes that this user may not look into.
    """

    held: Mapping[int, tuple[Descriptor, ...]]
    hidden: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Pipe:
    """A pipe between two of the device's processes.

    Attributes:
        check: the finding's name.
        writer, reader: its two ends.
        carries: what it is for.
    """

    check: str
    writer: Role
    reader: Role
    carries: Words


RECORDS = Pipe("records.pipe", Role.VISION, Role.EDGE, Words("records", "记录"))
STREAM = Pipe("stream.pipe", Role.RELAY, Role.VISION, Words("the camera's stream", "视频流"))


def pipe_ends(pipe: Pipe, processes: Sequence[Process], others: Others, manager: int) -> Finding:
    """The pipe leads from its writer to its reader, and nobody else holds an end.

    Args:
        pipe: which.
        processes: the device's.
        others: all other processes of the machine.
        manager: the process that made the pipe: the launcher, or systemd.
    """
    how = Words(
        f"The pipe that {pipe.writer} writes {pipe.carries.en} to, looked for in every process "
        f"of the machine by its inode: {pipe.reader} reads it, the launcher (or systemd) that "
        "made it may hold it for restarts, nobody else has it.",
        f"按 inode 在本机所有进程中查找 {pipe.writer} 写入{pipe.carries.zh}的管道：由 "
        f"{pipe.reader} 读取，"
        "创建它的启动器（或 systemd）可为重启而持有，别无他者。",
    )
    written = {
        one.place
        for process in processes
        if process.role is pipe.writer
        for one in process.descriptors or ()
        if one.fifo and one.writes and one.number > STANDARD_ERROR
    }
    problems, evidence = [], []
    for process in processes:
        for one in process.descriptors or ():
            if one.place in written:
                evidence.append(f"{process.role}: {one.line()}")
                if process.role is not pipe.writer and one.writes and not one.reads:
                    problems.append(f"{process.role} may write it: {one.line()}")
                if process.role not in (pipe.writer, pipe.reader):
                    problems.append(f"{process.role} has it: {one.line()}")
    if not any(line.startswith(f"{pipe.reader}:") for line in evidence):
        problems.append(f"expected {pipe.reader} to read it, found no descriptor of it there")
    for pid, held in sorted(others.held.items()):
        for one in held:
            if one.place in written:
                line = f"process {pid}: {one.line()}"
                (evidence if pid == manager else problems).append(line)
    return judged(pipe.check, A, how, problems, holds=_nobody(others), evidence=evidence)


def camera_holders(processes: Sequence[Process], others: Others) -> Finding:
    """Nobody but vision has the camera open.

    Args:
        processes: the device's.
        others: all other processes of the machine.
    """
    how = Words(
        "The camera's device that vision has open, looked for in every other process of the "
        "machine: nobody else has it.",
        "在本机所有其他进程中查找 vision 打开的摄像头设备：别无他者打开。",
    )
    cameras = {
        one.target
        for process in processes
        if process.role is Role.VISION
        for one in process.descriptors or ()
        if one.target.startswith(CAMERAS)
    }
    rest = {
        f"{one.role} {one.pid}": one.descriptors or ()
        for one in processes
        if one.role is not Role.VISION
    }
    rest |= {f"process {pid}": held for pid, held in others.held.items()}
    problems = [
        f"{who}: {one.line()}"
        for who, held in rest.items()
        for one in held
        if one.target in cameras
    ]
    return judged(
        "camera.holders", A, how, problems, holds=_nobody(others), evidence=sorted(cameras)
    )


def _nobody(others: Others) -> Words:
    count = len(others.hidden)
    return Words(
        f"Nobody else has it ({count} other processes could not be looked into).",
        f"别无他者持有（另有 {count} 个进程无法查看）。",
    )
