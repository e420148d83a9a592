"""Who else holds what the device's processes hold: their pipes, and the camera; values in."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from edge.audit.finding import Finding, Part, Status, Words, judged, unseen
from edge.audit.running import reasons
from edge.audit.running.descriptors import CAMERAS, STANDARD_ERROR
from edge.audit.running.values import Descriptor, Process, Role

A = Part.RUNNING
_MOST_NAMED = 20
_NOBODY = Words("Nobody else has it.", "别无他者持有。")


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
    ours = [(process.role, one) for process in processes for one in process.descriptors or ()]
    ends = [(role, one) for role, one in ours if one.place in written]
    problems = [said for role, one in ends if (said := _wrong_end(pipe, role, one))]
    if not any(role is pipe.reader for role, _ in ends):
        problems.append(f"expected {pipe.reader} to read it, found no descriptor of it there")
    evidence = [f"{role}: {one.line()}" for role, one in ends]
    for pid, held in sorted(others.held.items()):
        lines = [f"process {pid}: {one.line()}" for one in held if one.place in written]
        (evidence if pid == manager else problems).extend(lines)
    if any(one.descriptors is None for one in processes):
        return unseen(pipe.check, A, how, reasons.NO_RIGHT, evidence)
    return _unless_hidden(judged(pipe.check, A, how, problems, holds=_NOBODY), others, evidence)


def _wrong_end(pipe: Pipe, role: Role, one: Descriptor) -> str:
    """What is wrong with a process of this role holding this end; empty: nothing."""
    if role not in (pipe.writer, pipe.reader):
        return f"{role} has it: {one.line()}"
    if role is pipe.reader and one.writes and not one.reads:
        return f"{role} may write it: {one.line()}"
    return ""


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
    check = "camera.holders"
    if any(one.descriptors is None for one in processes):
        return unseen(check, A, how, reasons.NO_RIGHT)
    found = judged(check, A, how, problems, holds=_NOBODY)
    return _unless_hidden(found, others, sorted(cameras))


def _unless_hidden(finding: Finding, others: Others, evidence: Sequence[str]) -> Finding:
    """The finding; where it would hold, but not everybody could be looked into, none."""
    found = replace(finding, evidence=(*finding.evidence, *evidence))
    if found.status is not Status.HOLDS or not others.hidden:
        return found
    count = len(others.hidden)
    why = Words(
        f"Other processes that could not be looked into: {count}; nothing is known of them. ",
        f"另有 {count} 个进程无法查看，因此对其一无所知。",
    )
    hidden = ", ".join(map(str, others.hidden[:_MOST_NAMED]))
    evidence = (f"not looked into: {hidden}", *found.evidence)
    more = reasons.CLOSED_TO_ROOT if os.geteuid() == 0 else reasons.NO_RIGHT
    return unseen(found.check, A, found.how, why + more, evidence)
