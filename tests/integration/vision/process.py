"""The process `python -m vision`, its records read from a pipe."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from firmware_cfg.record import RECORD_BYTES, FrameRecord, unpack

ROOT = Path(__file__).parents[3]
SiteFile = Callable[..., Path]


@dataclass(frozen=True, slots=True)
class Ended:
    """What a process left: its records, messages and exit status."""

    records: list[FrameRecord]
    stderr: str
    status: int


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
    command = [*prefix, sys.executable, "-m", "vision", "--source", str(source)]
    command += ["--site", str(site), "--records-fd", str(writer), *options]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, pass_fds=[writer], stderr=subprocess.PIPE, text=True
    ) as process:
        os.close(writer)
        records = read_records(reader, limit)
        os.close(reader)
        _, stderr = process.communicate(timeout=120)
        return Ended(records, stderr, process.returncode)
