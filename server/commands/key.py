"""`encounter-server key`: the public key that devices are given."""

import argparse
import sys

from server.commands.shared import Subparsers, add_state, described, state_dir
from server.signing import open_key

KEY = """\
Print the public key, 64 hexadecimal digits, and make the key pair at first. Put it into each
device's site file as broker.server_key: a device keeps what it released until an
acknowledgement signed with this key has settled it. Whoever loses the state folder needs new
site files; keep a copy of it.
"""


def add(commands: Subparsers) -> None:
    """Its options."""
    one = described(commands.add_parser("key", help="print the key that devices are given"), KEY)
    add_state(one)


def run(chosen: argparse.Namespace) -> int:
    """Print the key."""
    sys.stdout.write(f"{open_key(state_dir(chosen)).public_hex}\n")
    return 0
