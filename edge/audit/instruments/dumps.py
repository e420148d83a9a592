"""What strace saw being written: `-e write=all` sets every written byte under its call.

A log is read once, line by line; what a call wrote to several buffers is joined.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

WRITTEN_IN_FULL = ("-e", "write=all")
_CALL = re.compile(r"(\d+\.\d+) (\w+)\((\d+),")
_BYTES = re.compile(r" \| [0-9a-f]{5,}  ((?:[0-9a-f]{2} {1,2}){1,16})")
_PROGRAM = re.compile(r'"-m", "([\w.]+)"')
_RECORDS = re.compile(r'"--records-fd", "(\d+)"')
_SCRIPT = re.compile(r'"[^"]*/(\w+)\.py"')


@dataclass(frozen=True, slots=True)
class Written:
    """Bytes that one call handed to the kernel.

    Attributes:
        at_s: when, seconds since the epoch.
        pid: the thread.
        call: name of the call.
        descriptor: where to.
        data: the bytes.
    """

    at_s: float
    pid: int
    call: str
    descriptor: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Program:
    """A process that strace followed, by what it became with its last exec.

    Attributes:
        pid: its number.
        name: the module or script that it runs.
        records_fd: the descriptor of its records, if its command line names one.
        starts: programs that it became, one after another.
    """

    pid: int
    name: str
    records_fd: int | None
    starts: int


def written(log: Path) -> Iterator[Written]:
    """Everything in one thread's log (`….PID`) that was written."""
    pid, call, parts = int(log.suffix[1:]), None, bytearray()
    with log.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            dumped = _BYTES.match(line)
            if dumped is not None:
                parts += bytes.fromhex(dumped[1])
            elif not line.startswith(" * "):
                if call is not None and parts:
                    yield Written(float(call[1]), pid, call[2], int(call[3]), bytes(parts))
                call, parts = _CALL.match(line), bytearray()
    if call is not None and parts:
        yield Written(float(call[1]), pid, call[2], int(call[3]), bytes(parts))


def programs(logs: Path) -> tuple[Program, ...]:
    """Every process that became a program; `logs` without strace's `.PID`."""
    found = []
    for log in sorted(logs.parent.glob(f"{logs.name}.*")):
        with log.open(encoding="utf-8", errors="replace") as lines:
            starts = [line for line in lines if " execve(" in line and ") = 0" in line]
        if not starts:
            continue
        name = _PROGRAM.search(starts[-1]) or _SCRIPT.search(starts[-1])
        records = _RECORDS.search(starts[-1])
        found.append(
            Program(
                int(log.suffix[1:]),
                name[1] if name else "",
                int(records[1]) if records else None,
                len(starts),
            )
        )
    return tuple(found)
