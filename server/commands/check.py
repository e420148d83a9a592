"""`encounter-server check`: what holds and what does not, in plain lines."""

import argparse
import sys
from datetime import timedelta
from pathlib import Path

from server.backup import Place
from server.checking import Asked, Verdict, check
from server.clock import now_utc
from server.commands.shared import Subparsers, add_database, address, database_url, described
from server.errors import DatabaseError
from server.ingest.access import AccessOptions, open_access
from server.metrics.collector import Broker

CHECK = """\
Say what holds and what does not, a line each; the exit status is 1 where something does not.
Nothing is changed, and the server may run meanwhile.

  encounter-server check --state state
  encounter-server check --state state --broker broker.example:8883 --broker-ca ca.pem

Looked at: the database's pages and indexes, its schema; that each stored message has its window,
each cell at least its k, no two cells of a point overlap, what is settled was received; that
roll-ups are what their cells make, for some points; the signing key, the last backup, free disk;
with --broker, how long certificates still hold.
"""
FILES = {
    "--broker-ca": "authority that signed the broker's certificate (PEM)",
    "--broker-cert": "this server's own certificate (PEM), where the broker asks for one",
    "--broker-key": "its key (PEM, mode 0600)",
}


def add(commands: Subparsers) -> None:
    """Its options."""
    one = described(commands.add_parser("check", help="say what holds and what does not"), CHECK)
    add_database(one)
    one.add_argument(
        "--backup-within",
        type=float,
        default=26,
        metavar="HOURS",
        help="how old the last backup may be; 0: any age [26]",
    )
    one.add_argument(
        "--points",
        type=int,
        default=20,
        metavar="N",
        help="compute roll-ups of so many points again [20]",
    )
    one.add_argument("--seed", type=int, default=0, metavar="N", help="of other points [0]")
    one.add_argument("--broker", metavar="HOST:PORT", help="a broker that speaks TLS")
    for option, text in FILES.items():
        one.add_argument(option, type=Path, metavar="FILE", help=text)


def run(chosen: argparse.Namespace) -> int:
    """Check, and say."""
    if not chosen.state.is_dir():
        raise DatabaseError(f"--state {chosen.state}: expected a server's state folder")
    within = timedelta(hours=chosen.backup_within) if chosen.backup_within else None
    asked = Asked(
        Place(chosen.state, database_url(chosen)),
        backup_within=within,
        broker=_broker(chosen),
        points=chosen.points,
        seed=chosen.seed,
    )
    failed = looked = 0
    for finding in check(asked, now_utc()):
        sys.stdout.write(f"{finding}\n")
        sys.stdout.flush()
        failed += finding.verdict is Verdict.FAILS
        looked += finding.verdict is not Verdict.NOT_CHECKED
    sys.stdout.write(f"{failed} of {looked} do not hold\n" if failed else f"all {looked} hold\n")
    return 1 if failed else 0


def _broker(chosen: argparse.Namespace) -> Broker | None:
    if chosen.broker is None:
        return None
    host, port = address(chosen.broker, "--broker")
    options = AccessOptions(
        host, port, tls=True, ca=chosen.broker_ca, cert=chosen.broker_cert, key=chosen.broker_key
    )
    return Broker(host, port, open_access(options).tls, chosen.broker_cert)
