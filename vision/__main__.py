"""Entry point of the process: settles what libraries read at import, then imports them."""

from __future__ import annotations

import sys

from vision.environment import settle_libraries


def main() -> int:
    """Run `vision.command` in a settled environment."""
    settle_libraries()
    from vision.command import main as run  # noqa: PLC0415 - libraries read it at import

    return run()


if __name__ == "__main__":
    sys.exit(main())
