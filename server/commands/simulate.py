"""`encounter-server simulate`: a chain with known truth, loaded in bulk."""

import argparse
import os
import re
import sys
from datetime import date, datetime, timedelta
from time import monotonic

from server.clock import now_utc
from server.commands.shared import Subparsers, add_database, database_url, described, state_dir
from server.database import open_database
from server.errors import SimulationError
from server.signing import open_key
from server.simulating.account import write_truth
from server.simulating.chain import ORGANISATION, planned_chain
from server.simulating.loading import Target, load_chain

LONGEST_DAYS = 395
MOST_STORES = 5_000
SIMULATE = """\
Fill a database with a chain of stores that does not exist, and write down what is true of it:

  encounter-server simulate --state sim --stores 40 --days 91
  encounter-server run --state sim --broker 127.0.0.1:1883

Stores of several zones in a tree of regions, with seasons, a training that works in one of them,
small stores and small teams, devices that break, move and are replaced. Each visit is drawn; what
a store's shares and percentiles really are is in DIR/truth.json, so that what the pages say can
be held against it. The same seed gives the same chain. It joins what else is in the database, as an
organisation of its own or as stores of another one.
"""


def add(commands: Subparsers) -> None:
    """Its options."""
    one = commands.add_parser("simulate", help="fill a database with a chain whose truth is known")
    described(one, SIMULATE)
    add_database(one)
    numbers = {
        "--stores": (40, f"how many stores [40], at most {MOST_STORES}"),
        "--days": (91, f"how many days [91], at most {LONGEST_DAYS}"),
        "--seed": (7, "chooses the chain [7]"),
        "--processes": (os.cpu_count() or 1, "how many processes draw stores [one a processor]"),
    }
    for option, (default, text) in numbers.items():
        one.add_argument(option, type=int, default=default, metavar="N", help=text)
    one.add_argument(
        "--start",
        type=date.fromisoformat,
        metavar="DATE",
        help="first day [such that yesterday is the last one]",
    )
    one.add_argument(
        "--organisation",
        default=ORGANISATION,
        metavar="KEY",
        help=f"whose stores they are [{ORGANISATION}]",
    )


def run(chosen: argparse.Namespace) -> int:
    """Load a chain, and say how long it took."""
    now = now_utc()
    start = _start(chosen, now)
    began_s = monotonic()
    chain = planned_chain(chosen.stores, chosen.days, chosen.seed, start, _key(chosen.organisation))
    folder = state_dir(chosen)
    open_key(folder)
    engine = open_database(database_url(chosen))
    try:
        target = Target(engine, max(1, chosen.processes), now)
        drawn = load_chain(chain, target, _say)
    finally:
        engine.dispose()
    path = write_truth(folder, chain, drawn)
    visits = sum(sum(one.visits.values()) for one in drawn.values())
    took_s = monotonic() - began_s
    _say(f"{chosen.stores} stores, {visits} visits in {took_s:.0f} s; the truth is in {path}")
    return 0


def _start(chosen: argparse.Namespace, now: datetime) -> date:
    """The first day.

    Raises:
        SimulationError: a number out of bounds, or a time of which ingest would keep nothing.
    """
    for name, most in (("stores", MOST_STORES), ("days", LONGEST_DAYS)):
        found = getattr(chosen, name)
        if not 1 <= found <= most:
            raise SimulationError(f"--{name}: expected 1 to {most}, found {found}")
    today = now.date()
    start: date = chosen.start or today - timedelta(days=chosen.days)
    first, last = today - timedelta(days=LONGEST_DAYS), today - timedelta(days=chosen.days)
    if not first <= start <= last:
        raise SimulationError(f"--start: expected {first} to {last}, found {start}")
    return start


def _key(text: str) -> str:
    """A key of an organisation.

    Raises:
        SimulationError: it cannot be one.
    """
    if re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,62}", text) is None:
        raise SimulationError(f"--organisation: expected a key such as acme, found {text!r}")
    return text


def _say(text: str) -> None:
    sys.stderr.write(f"simulate: {text}\n")
