"""`encounter-server link`: a one-time link, for whoever cannot sign in."""

import argparse
import sys

from server.access import accounts, links
from server.access.errors import AccessError
from server.clock import now_utc
from server.commands.serving import add_http, http_address
from server.commands.shared import Subparsers, add_database, database_url, described
from server.database import open_database, writer

LINK = """\
Print a one-time link, good for 24 hours: whoever opens it chooses a password, and is signed in.

  encounter-server link --state state
  encounter-server link --state state --account ada.lovelace

Without --account it makes a new administrator of everything: the first one, or one more where
nobody is left who can sign in. With --account it replaces that account's password; those who
were signed in with it must sign in again. A new link ends the one before it. Whoever may run
this command may read the database anyway, so it asks nobody.
"""


def add(commands: Subparsers) -> None:
    """Its options."""
    one = described(commands.add_parser("link", help="print a link that sets a password"), LINK)
    add_database(one)
    add_http(one)
    one.add_argument("--account", metavar="NAME", help="the account that lost its password")


def run(chosen: argparse.Namespace) -> int:
    """Print a link."""
    http = http_address(chosen)
    now = now_utc()
    engine = open_database(database_url(chosen))
    try:
        with writer(engine).begin() as connection:
            account_id = None
            if chosen.account is not None:
                found = accounts.by_name(connection, chosen.account)
                if found is None or found.disabled_at is not None:
                    raise AccessError(f"--account: no account {chosen.account!r} that is enabled")
                account_id = found.account_id
            secret = links.make(connection, account_id, now)
    finally:
        engine.dispose()
    sys.stdout.write(f"{links.address(http.base, secret)}\n")
    return 0
