"""Switches of libraries that would report home, where the libraries read them.

A process's environment stands in /proc/PID/environ as it was given at exec; what the program
changed afterwards stands in its memory alone, at the C library's variable `environ`. Libraries
read the latter. Both are looked at, and said apart.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping as Table
from dataclasses import dataclass
from pathlib import Path

from edge.audit.finding import Finding, Part, Words, judged, unseen
from edge.audit.running import reasons
from edge.audit.running.elf import symbol
from edge.audit.running.memory import files_of
from edge.audit.running.values import Process

A = Part.RUNNING
_NAMES = frozenset({b"environ", b"__environ", b"_environ"})
_C_LIBRARIES = ("libc.so", "libc-", "ld-musl")
_MOST_VARIABLES, _MOST_BYTES = 4096, 65536


@dataclass(frozen=True, slots=True)
class Switch:
    """A library that reports home unless it is told not to.

    Attributes:
        library: part of the path of its files.
        variable, value: what switches that off; empty: nothing known does.
    """

    library: str
    variable: str
    value: str


SWITCHES = (
    Switch("/onnxruntime/", "ORT_DISABLE_TELEMETRY", "1"),
    Switch("/mediapipe/", "", ""),
)


def switches(process: Process, now: Table[str, str] | None) -> Finding:
    """Every loaded library that would report home is switched off.

    Args:
        process: which.
        now: its environment as it is now, from its memory; None: it cannot be seen.
    """
    check = f"{process.role}.telemetry_switches"
    how = Words(
        "Loaded libraries that are known to report use to their makers, and the variable that "
        "switches each off. /proc/PID/environ shows the environment as it was given at the "
        "start; the process's own memory, as it is now, which is what libraries read. Neither "
        "shows the moment of loading: that the variable is set before is in the code, whose "
        "hash this report names, and that nothing could leave is what the other checks show.",
        "已加载的、已知会向厂商上报使用情况的库，以及关闭它的变量。/proc/PID/environ "
        "显示启动时给定的环境；"
        "进程自身内存显示当前环境，即库实际读取的内容。两者都不显示加载的那一刻："
        "变量在加载前设置这一点"
        "写在代码中（本报告列出其哈希），而没有任何内容能够外传由其他检查证明。",
    )
    if process.mappings is None:
        return unseen(check, A, how, reasons.NO_RIGHT)
    files = {one.path for one in files_of(process.mappings)}
    there = [one for one in SWITCHES if any(one.library in path for path in files)]
    if not there:
        holds = Words("None of these libraries is loaded.", "未加载任何此类库。")
        return judged(check, A, how, [], holds=holds)
    if now is None:
        return unseen(check, A, how, reasons.NO_RIGHT)
    problems: list[str] = []
    evidence: list[str] = []
    given = process.environment or {}
    for one in there:
        name = one.variable or "no switch is known"
        at_start, at_present = given.get(one.variable, "not set"), now.get(one.variable, "not set")
        line = f"{one.library.strip('/')}: {name}: at exec {at_start}; in memory now {at_present}"
        (evidence if one.variable and at_present == one.value else problems).append(line)
    holds = Words("Switched off.", "均已关闭。")
    return judged(check, A, how, problems, holds=holds, evidence=evidence)


def environment_now(process: Process) -> dict[str, str] | None:
    """The environment in a process's memory, as its C library has it; None: not to be seen."""
    try:
        with open(f"/proc/{process.pid}/mem", "rb", 0) as memory:  # noqa: PTH123 - unbuffered
            for path, start in _candidates(process):
                data = (Path(f"/proc/{process.pid}/root") / path.lstrip("/")).read_bytes()
                found = symbol(data, _NAMES)
                if found is not None:
                    return _variables(memory.fileno(), _word(memory.fileno(), found.address(start)))
    except (OSError, struct.error, ValueError):
        return None
    return None


def _candidates(process: Process) -> list[tuple[str, int]]:
    """Files that may hold the variable, in the linker's order: the program, the C library."""
    lowest: dict[str, int] = {}
    for one in files_of(process.mappings or ()):
        lowest[one.path] = min(one.start, lowest.get(one.path, one.start))
    program = str(Path(f"/proc/{process.pid}/exe").readlink())
    libraries = [path for path in lowest if Path(path).name.startswith(_C_LIBRARIES)]
    return [(path, lowest[path]) for path in (program, *libraries) if path in lowest]


def _variables(memory: int, at: int) -> dict[str, str]:
    pointers = struct.iter_unpack("<Q", os.pread(memory, 8 * _MOST_VARIABLES, at))
    found = {}
    for (pointer,) in pointers:
        if not pointer:
            break
        text = os.pread(memory, _MOST_BYTES, pointer).split(b"\0", 1)[0].decode("utf-8", "replace")
        name, _, value = text.partition("=")
        found[name] = value
    return found


def _word(memory: int, at: int) -> int:
    return int(struct.unpack("<Q", os.pread(memory, 8, at))[0])
