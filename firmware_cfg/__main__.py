"""`python -m firmware_cfg docs DIR [--check]`: write the generated documents into DIR."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from firmware_cfg.docs import documents


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status: 0 done or equal, 1 out of date, 2 usage."""
    parser = argparse.ArgumentParser(prog="python -m firmware_cfg", description=__doc__)
    commands = parser.add_subparsers(required=True)
    docs = commands.add_parser("docs", help="configuration page and JSON Schemas")
    docs.add_argument("folder", type=Path, metavar="DIR", help="folder of the documents")
    docs.add_argument("--check", action="store_true", help="compare, write nothing")
    options = parser.parse_args(arguments)
    pages = documents()
    if options.check:
        return _check(options.folder, pages)
    for name, text in pages.items():
        path = options.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    return 0


def _check(folder: Path, pages: dict[str, str]) -> int:
    """Name every document that differs from what would be written."""
    stale = [name for name, text in pages.items() if _text(folder / name) != text]
    known = {folder / name for name in pages}
    orphans = [path for path in (folder / "schema").glob("*.json") if path not in known]
    for name in [*stale, *(str(path.relative_to(folder)) for path in sorted(orphans))]:
        sys.stderr.write(f"{folder / name}:1: expected the generated text, found another\n")
    return 1 if stale or orphans else 0


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return None


if __name__ == "__main__":
    sys.exit(main())
