"""`encounter-server restore`: putting a backup back."""

import argparse
import sys
from pathlib import Path

from server.backup import Place, put_back
from server.commands.shared import Subparsers, add_database, database_url, described, state_dir

RESTORE = """\
Put a backup into an empty state folder and, for PostgreSQL, an empty database; then start `run`.
Each file is checked against the backup's manifest first. At its start the server tells every
device how far it knows its messages, and devices send again what came after the backup: they
keep 35 days.

  encounter-server restore --state state --from /backup/encounter-2026-11-23.tar
"""


def add(commands: Subparsers) -> None:
    """Its options."""
    one = described(commands.add_parser("restore", help="put a backup back"), RESTORE)
    add_database(one)
    one.add_argument(
        "--from", dest="source", type=Path, required=True, metavar="FILE", help="the backup"
    )


def run(chosen: argparse.Namespace) -> int:
    """Put it back, and say of when it is."""
    manifest = put_back(Place(state_dir(chosen), database_url(chosen)), chosen.source)
    sys.stdout.write(f"restored: as of {manifest.made_at.isoformat(timespec='seconds')}\n")
    return 0
