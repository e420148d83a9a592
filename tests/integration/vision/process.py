"""The process `python -m vision` in its jail, its records read from a pipe."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from firmware_cfg.confine.enter import Entry, command
from firmware_cfg.confine.policies import VISION
from firmware_cfg.record import RECORD_BYTES, FrameRecord, unpack

ROOT = Path(__file__).parents[3]
SiteFile = Callable[..., Path]


@dataclass(frozen=True, slots=True)
class Ended:
    """What a process left: its records, messages, exit status, and what it said of its jail."""

    records: list[FrameRecord]
    stderr: str
    status: int
    jail: str = ""


def confined(source: Path | str, site: Path, writer: int, *options: str) -> list[str]:
    """The command line of a process that writes its records to the descriptor `writer`."""
    entry = Entry(VISION, read=(Path(source), site), keep_fds=(writer,))
    arguments = ["--source", str(source), "--site", str(site), "--records-fd", str(writer)]
    return command(entry, "vision", [*arguments, *options])


def read_records(descriptor: int, limit: int) -> list[FrameRecord]:
    """Records from a pipe, until its end or `limit`."""
    records: list[FrameRecord] = []
    while len(records) < limit and (data := os.read(descriptor, RECORD_BYTES)):
        records.append(unpack(data))
    return records


def see(
    source: Path | str,
    site: Path,
    *options: str,
    limit: int = 10**9,
    prefix: tuple[str, ...] = (),
    environment: dict[str, str] | None = None,
) -> Ended:
    """Run the process until its end, or until `limit` records came and the pipe is closed."""
    reader, writer = os.pipe()
    with subprocess.Popen(
        [*prefix, *confined(source, site, writer, *options)],
        cwd=ROOT,
        env=environment,
        pass_fds=[writer],
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        os.close(writer)
        records = read_records(reader, limit)
        os.close(reader)
        _, stderr = process.communicate(timeout=120)
    jail = re.match(r"vision: (jail_\w+ .*)\n", stderr)
    said = stderr[jail.end() :] if jail else stderr
    return Ended(records, said, process.returncode, jail[1] if jail else "")
