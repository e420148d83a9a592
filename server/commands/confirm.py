"""`encounter-server confirm`: a store's trial is over, and its figures count."""

import argparse
import sys

from server.clock import now_utc
from server.commands.choosing import add_by, by_whom
from server.commands.shared import Subparsers, add_database, database_url, described
from server.commands.times import instant_of
from server.database import open_database, writer
from server.errors import ServerError
from server.identity import Change, amend_confirmation, confirm, store_time
from server.identity.finding import organisation_by_key, store_by_key

CONFIRM = """\
Confirm a store's commissioning. Until then its figures are a trial: they stand on its own page,
with that word, and nowhere else. What begins before the instant of --at stays out for good.

  encounter-server confirm --state state --store lotus
  encounter-server confirm --state state --store lotus --at 2026-11-02
Once a store counted, another instant, or --undo, takes a reason, which stays on record.

  encounter-server confirm --state state --store lotus --at 2026-11-09 --reason "zones were moved"
  encounter-server confirm --state state --store lotus --undo --reason "the camera was turned"
"""


def add(commands: Subparsers) -> None:
    """Its options."""
    one = described(commands.add_parser("confirm", help="end a store's trial"), CONFIRM)
    add_database(one)
    one.add_argument("--organisation", metavar="KEY", help="whose; none: the only one there is")
    one.add_argument("--store", required=True, metavar="KEY", help="the store")
    one.add_argument(
        "--at", metavar="TIME", help="figures count from here: a day, or an instant [now]"
    )
    one.add_argument("--undo", action="store_true", help="make it a trial again")
    one.add_argument("--reason", metavar="TEXT", help="why; whoever sees the figures reads it")
    add_by(one)


def run(chosen: argparse.Namespace) -> int:
    """Confirm, or take it back."""
    if chosen.undo and (chosen.at or not chosen.reason):
        raise ServerError("--undo: takes a --reason, and no --at")
    now = now_utc()
    engine = open_database(database_url(chosen))
    try:
        with writer(engine).begin() as connection:
            org_id = organisation_by_key(connection, chosen.organisation)
            store_id = store_by_key(connection, org_id, chosen.store)
            change = Change(connection, org_id, by_whom(chosen), now)
            if chosen.undo:
                amend_confirmation(change, store_id, None, chosen.reason)
                sys.stdout.write(f"store {chosen.store}: a trial\n")
                return 0
            clock = store_time(connection, org_id, store_id)
            at = instant_of(chosen.at or "now", clock, now, "--at")
            if chosen.reason is None:
                confirm(change, store_id, at)
            else:
                amend_confirmation(change, store_id, at, chosen.reason)
        local = clock.local(at).isoformat(timespec="seconds")
        sys.stdout.write(f"store {chosen.store}: figures count from {local}\n")
        return 0
    finally:
        engine.dispose()
