"""`encounter-server migrate`: bringing the schema up to date, or one step back."""

import argparse
import sys

from sqlalchemy import Engine

from server.backup import Place
from server.commands.shared import Subparsers, add_database, database_url, described, state_dir
from server.database import open_engine
from server.lease import only_server, stop_process
from server.migrating import latest_step, migrate, step_now

MIGRATE = """\
Bring the database's schema up to date, and print the step before and after. `run` does the same
at its start, so this is for whoever wants to see it done first, or to go back:

  encounter-server migrate --state state              to the latest step
  encounter-server migrate --state state --check      change nothing; exit 1 if there is work
  encounter-server migrate --state state --back       one step back, before an older version starts

A step first only adds; what became superfluous goes with a later release. So the version before
this one works on this one's schema, and going back loses nothing that it knew.
"""


def add(commands: Subparsers) -> None:
    """Its options."""
    one = commands.add_parser("migrate", help="bring the database's schema up to date")
    described(one, MIGRATE)
    add_database(one)
    ways = one.add_mutually_exclusive_group()
    ways.add_argument("--check", action="store_true", help="say where it stands, change nothing")
    ways.add_argument("--back", action="store_true", help="go back by one step")


def run(chosen: argparse.Namespace) -> int:
    """Migrate, and say from where to where."""
    engine = open_engine(database_url(chosen))
    try:
        if chosen.check:
            with engine.connect() as connection:
                now = step_now(connection)
            sys.stdout.write(f"{now or 'empty'}, latest {latest_step()}\n")
            return 0 if now == latest_step() else 1
        before, after = _back(chosen, engine) if chosen.back else migrate(engine)
        sys.stdout.write(f"{before or 'empty'} -> {after or 'empty'}\n")
        return 0
    finally:
        engine.dispose()


def _back(chosen: argparse.Namespace, engine: Engine) -> tuple[str | None, str | None]:
    """One step back, under no server's feet: what it goes back by may be what that one reads."""
    place = Place(state_dir(chosen), database_url(chosen))
    with only_server(place, stop_process, wait_s=0.0):
        return migrate(engine, "-1")
