"""`encounter-server backup`: a copy of all that the server must not lose."""

import argparse
import sys
from pathlib import Path

from server.backup import Place, back_up
from server.clock import now_utc
from server.commands.shared import Subparsers, add_database, database_url, described, state_dir

BACKUP = """\
Write one file with the database as it is at this instant, the signing key and the MQTT client
id. The server may run meanwhile. Keep the file like the key: whoever has it can acknowledge
messages in this server's name.

  encounter-server backup --state state --out /backup/encounter-2026-11-23.tar

PostgreSQL is copied by its own pg_dump (package postgresql-client).
"""


def add(commands: Subparsers) -> None:
    """Its options."""
    one = described(commands.add_parser("backup", help="copy all that must not be lost"), BACKUP)
    add_database(one)
    one.add_argument("--out", type=Path, required=True, metavar="FILE", help="a new file (tar)")


def run(chosen: argparse.Namespace) -> int:
    """Back up, and say what."""
    place = Place(state_dir(chosen), database_url(chosen))
    manifest = back_up(place, chosen.out, now_utc())
    size_mb = chosen.out.stat().st_size / 1e6
    what = f"{manifest.engine}, schema {manifest.schema_step}, {size_mb:.1f} MB"
    sys.stdout.write(f"{chosen.out}: {what}\n")
    return 0
