"""`encounter-server requeue`: reading again what was kept aside."""

import argparse
import sys

from server.clock import now_utc
from server.commands.shared import Subparsers, add_database, add_identity, described, open_chosen
from server.ingest.requeue import requeue

REQUEUE = """\
Read again what was kept aside, and print how many could be resolved: windows of devices and
points that the identity file did not name yet, and of newer devices after an upgrade. `run`
does the same at its start.
"""


def add(commands: Subparsers) -> None:
    """Its options."""
    one = commands.add_parser("requeue", help="read again what was kept aside")
    described(one, REQUEUE)
    add_database(one)
    add_identity(one)


def run(chosen: argparse.Namespace) -> int:
    """Read again, and print how many were resolved."""
    engine = open_chosen(chosen)
    sys.stdout.write(f"{requeue(engine, now_utc())}\n")
    engine.dispose()
    return 0
