"""Which paths were opened to be written, or changed by name, from strace's logs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

_CHANGING = re.compile(
    r"\d+\.\d+ (?:(?:open|openat|openat2|creat)\(.*(?:O_WRONLY|O_RDWR|O_CREAT|O_TRUNC)"
    r"|(?:mkdir|mknod|link|symlink|rename|truncate|chmod|fchmodat|l?setxattr|utime)\w*\()"
)
_PATH = re.compile(r'"((?:\\.|[^"\\])*)"(?!\.\.\.)')
_DONE = re.compile(r"\) += (\d+)")


def changed_paths(log: Path) -> Iterator[str]:
    """The path of each call of one thread's log that could change what is on a disk."""
    with log.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if _CHANGING.match(line) and _DONE.search(line):
                named = _PATH.search(line)
                yield named[1] if named else line.strip()
