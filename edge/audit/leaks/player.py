"""Plays records to an edge process, as a camera process would write them, and waits for its end.

python -m edge.audit.leaks.player --site SITE --records FILE --starts-at UTC --module MODULE
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from edge.launcher import edge_entry
from firmware_cfg.confine.enter import command
from firmware_cfg.load import load_site
from firmware_cfg.record import RECORD_BYTES

LINGER_S = 1.5  # so that what was released is published before edge says goodbye
_END_S = 30.0


def play(site_file: Path, records: bytes, starts_at: str, module: str) -> int:
    """Run edge, or what stands in its place, in edge's jail; its exit status."""
    reading, writing = os.pipe()
    entry = edge_entry(site_file, load_site(site_file), keep_fds=(reading,))
    options = ("--live", "--site", str(site_file), "--starts-at", starts_at)
    line = command(entry, module, [*options, "--records-fd", str(reading)])
    process = subprocess.Popen(line, pass_fds=(reading,))  # noqa: S603 - our own modules
    os.close(reading)
    with suppress(BrokenPipeError):
        for begin in range(0, len(records), RECORD_BYTES):
            os.write(writing, records[begin : begin + RECORD_BYTES])
        time.sleep(LINGER_S)
    os.close(writing)
    try:
        return process.wait(_END_S)
    finally:
        process.kill()


def main(arguments: Sequence[str] | None = None) -> int:
    """Play; the exit status of what was played to."""
    options = argparse.ArgumentParser(prog="python -m edge.audit.leaks.player")
    options.add_argument("--site", type=Path, required=True)
    options.add_argument("--records", type=Path, required=True)
    options.add_argument("--starts-at", required=True)
    options.add_argument("--module", default="edge.appliance")
    given = options.parse_args(arguments)
    return play(given.site, given.records.read_bytes(), given.starts_at, given.module)


if __name__ == "__main__":
    sys.exit(main())
