"""Where planted leaks go: an address of nobody (RFC 5737), and files that are to be found."""

from __future__ import annotations

from pathlib import Path

SOMEWHERE = ("198.51.100.7", 9)
PLANTED_FILE = Path("/tmp/planted-leak")  # noqa: S108 - it is to be found
BY_OLD_THREAD = Path("/tmp/planted-by-old-thread")  # noqa: S108 - the same
BY_MAIN_THREAD = Path("/tmp/planted-by-main-thread")  # noqa: S108 - it must not be there


def clear_away() -> None:
    """Remove planted files; in shared folders of one's own they would end by themselves."""
    for path in (PLANTED_FILE, BY_OLD_THREAD, BY_MAIN_THREAD):
        path.unlink(missing_ok=True)
