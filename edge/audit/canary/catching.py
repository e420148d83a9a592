"""From the instruments' raw logs to streams: every byte, under the name of where it left."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from edge.audit.canary.emitted import Record, Stream
from edge.audit.canary.listener import Listener
from edge.audit.instruments.calls import Subject, Traced, parents, traced
from edge.audit.instruments.dumps import Program, Written, programs, written
from edge.audit.instruments.opened import changed_paths
from firmware_cfg.record import RECORD_BYTES

_MOST_FILE_BYTES = 64_000_000


@dataclass(frozen=True, slots=True)
class Traces:
    """What strace's logs say of a run.

    Attributes:
        streams: what each process wrote, a stream a descriptor.
        records: of the camera process.
        calls: what the camera process asked of the kernel; None: there was none.
        paths: (program, path) of what was opened to be written.
    """

    streams: tuple[Stream, ...]
    records: tuple[Record, ...]
    calls: Traced | None
    paths: tuple[tuple[str, str], ...]


def read_traces(logs: Path, camera: str) -> Traces:
    """Read the logs of `strace -ff -o logs`; `camera` is the camera process's program."""
    known = {one.pid: one for one in programs(logs)}
    owners = _owners(logs, known)
    caught: dict[tuple[str, int], list[Written]] = defaultdict(list)
    records: list[Record] = []
    paths: set[tuple[str, str]] = set()
    for log in logs.parent.glob(f"{logs.name}.*"):
        program = owners.get(int(log.suffix[1:]))
        name = program.name if program else "?"
        paths |= {(name, path) for path in changed_paths(log)}
        for one in written(log):
            caught[name, one.descriptor].append(one)
            is_record = program is not None and one.descriptor == program.records_fd
            if name == camera and is_record and len(one.data) == RECORD_BYTES:
                records.append(Record(one.at_s, one.data))
    streams = [
        Stream(f"{name}, descriptor {number}", _joined(parts))
        for (name, number), parts in sorted(caught.items())
    ]
    calls = [
        traced(logs, Subject(one.pid, one.records_fd, one.starts), RECORD_BYTES)
        for one in known.values()
        if one.name == camera
    ]
    records.sort(key=lambda one: one.at_s)
    return Traces(tuple(streams), tuple(records), calls[0] if calls else None, tuple(sorted(paths)))


def _owners(logs: Path, known: dict[int, Program]) -> dict[int, Program]:
    """The program that each thread belongs to."""
    above, owners = parents(logs), dict(known)
    for log in logs.parent.glob(f"{logs.name}.*"):
        number = one = int(log.suffix[1:])
        while one not in known and one in above:
            one = above[one]
        if one in known:
            owners[number] = known[one]
    return owners


def _joined(parts: Iterable[Written]) -> bytes:
    return b"".join(one.data for one in sorted(parts, key=lambda one: one.at_s))


def files_in(path: Path) -> Iterator[Stream]:
    """A file, or every file of a folder: content, extended attributes, and its name."""
    every = [path, *sorted(path.rglob("*"))] if path.is_dir() else [path]
    for one in every:
        yield Stream(f"name {one}", os.fsencode(one.name))
        with suppress(OSError):
            for attribute in os.listxattr(one, follow_symlinks=False):
                value = os.getxattr(one, attribute, follow_symlinks=False)
                yield Stream(f"attribute {attribute} of {one}", value)
        with suppress(OSError):
            if one.is_file() and one.stat().st_size <= _MOST_FILE_BYTES:
                yield Stream(f"file {one}", one.read_bytes())


def messages_in(listener: Listener) -> Iterator[Stream]:
    """What came to the listener: whole connections, and each message's payload."""
    for number, raw in enumerate(listener.raw, 1):
        yield Stream(f"connection {number} to the broker", bytes(raw))
    for number, one in enumerate(listener.messages, 1):
        yield Stream(f"message {number}, {one.topic}", one.payload)
