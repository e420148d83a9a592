"""The command line of `encounter-server`, and what its help tells."""

import argparse
from pathlib import Path

from server.ingest.subscription import Sharing

DEFAULT_HTTP = "127.0.0.1:8080"
TOP = """\
Takes the aggregates that Encounter's devices release, keeps them, and shows them.

  1. encounter-server key --state DIR       prints the key that goes into the devices' site files
  2. write an identity file: which organisations, stores, points and devices there are
  3. encounter-server run --state DIR --identity FILE --broker HOST:PORT
  4. open http://127.0.0.1:8080/
"""
RUN = """\
Take what devices release, and serve pages and API, until Ctrl-C or SIGTERM.

  encounter-server run --state state --identity identity.toml --broker 127.0.0.1:1883
  encounter-server run --state state --broker broker.example:8883 --broker-tls \\
      --broker-ca ca.pem --broker-user ingest --broker-password-file password

Pages and API have no accounts yet, so they are served to this machine alone; reach them from
elsewhere through a tunnel or a proxy that asks who is there. /healthz says how the server is:
"degraded" while the broker is away, "failing" without its database.
"""
KEY = """\
Print the public key, 64 hexadecimal digits, and make the key pair at first. Put it into each
device's site file as broker.server_key: a device keeps what it released until an
acknowledgement signed with this key has settled it. Whoever loses the state folder needs new
site files; keep a copy of it.
"""
REQUEUE = """\
Read again what was kept aside, and print how many could be resolved: windows of devices and
points that the identity file did not name yet, and of newer devices after an upgrade. `run`
does the same at its start.
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = _parser(argparse.ArgumentParser(prog="encounter-server"), TOP)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    run = _parser(commands.add_parser("run", help="take what devices release, serve pages"), RUN)
    key = _parser(commands.add_parser("key", help="print the key that devices are given"), KEY)
    again = _parser(commands.add_parser("requeue", help="read again what was kept aside"), REQUEUE)
    for one in (run, key, again):
        one.add_argument(
            "--state",
            type=Path,
            required=True,
            metavar="DIR",
            help="folder of signing key and database; made if it is not there",
        )
    for one in (run, again):
        one.add_argument(
            "--database",
            metavar="URL",
            help="another database than DIR/encounter.db, such as sqlite:////srv/encounter.db",
        )
        one.add_argument(
            "--identity",
            type=Path,
            metavar="FILE",
            help="organisations, stores, points and devices (TOML), applied at start; "
            "names may change, keys stay, nothing is deleted",
        )
    _add_broker(run)
    run.add_argument(
        "--http",
        default=DEFAULT_HTTP,
        metavar="HOST:PORT",
        help=f"where pages and API are served, on the loopback [{DEFAULT_HTTP}]",
    )
    return top


def _parser(one: argparse.ArgumentParser, text: str) -> argparse.ArgumentParser:
    one.description = text
    one.formatter_class = argparse.RawDescriptionHelpFormatter
    return one


def _add_broker(run: argparse.ArgumentParser) -> None:
    broker = run.add_argument_group("broker")
    broker.add_argument(
        "--broker", required=True, metavar="HOST:PORT", help="MQTT broker; usual: 1883, TLS 8883"
    )
    broker.add_argument(
        "--broker-tls",
        action="store_true",
        help="use TLS 1.2 or newer; needed for every broker that is not on this machine",
    )
    files = {
        "--broker-ca": "authority that signed the broker's certificate (PEM); "
        "none: the system's authorities",
        "--broker-cert": "this server's own certificate (PEM), where the broker asks for one",
        "--broker-key": "its key (PEM, without passphrase, mode 0600)",
        "--broker-password-file": "file with the password in its first line, mode 0600",
    }
    for option, text in files.items():
        broker.add_argument(option, type=Path, metavar="FILE", help=text)
    broker.add_argument("--broker-user", metavar="NAME", help="user name")
    broker.add_argument(
        "--subscription",
        type=Sharing,
        choices=list(Sharing),
        default=Sharing.AUTO,
        help="how the uplink is subscribed to [auto: shared where the broker can be trusted to]",
    )
