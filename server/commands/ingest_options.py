"""What `run` is told about ingest: the broker, how to subscribe, how many workers."""

import argparse
import secrets
from pathlib import Path

from sqlalchemy import Engine

from server.clock import now_utc
from server.commands.shared import address, database_url, state_dir
from server.errors import ServerError
from server.ingest.access import AccessOptions
from server.ingest.pool import IngestPool
from server.ingest.station import IngestPlan, Station
from server.ingest.subscription import Sharing
from server.signing import SigningKey

WORKER_ID_FILE = "worker-id"
MOST_WORKERS = 32


def add_ingest(run: argparse.ArgumentParser) -> None:
    """Its options."""
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
    broker.add_argument(
        "--workers",
        type=int,
        default=1,
        metavar="N",
        help="how many processes take messages, sharing the uplink; 1 needs none of its own [1]",
    )


def access_options(chosen: argparse.Namespace) -> AccessOptions:
    """What was said about the broker.

    Raises:
        ServerError: not HOST:PORT.
    """
    host, port = address(chosen.broker, "--broker")
    return AccessOptions(
        host=host,
        port=port,
        tls=chosen.broker_tls,
        ca=chosen.broker_ca,
        cert=chosen.broker_cert,
        key=chosen.broker_key,
        user=chosen.broker_user,
        password_file=chosen.broker_password_file,
    )


def check_workers(chosen: argparse.Namespace) -> None:
    """Refuse a number of workers that makes no sense.

    Raises:
        ServerError: such a one.
    """
    if not 1 <= chosen.workers <= MOST_WORKERS:
        raise ServerError(f"--workers: expected 1 to {MOST_WORKERS}, found {chosen.workers}")
    if chosen.workers > 1 and chosen.subscription is Sharing.PLAIN:
        raise ServerError("--workers: each would take every message by --subscription plain")


def ingest_of(chosen: argparse.Namespace, engine: Engine, key: SigningKey) -> Station | IngestPool:
    """Ingest as it was chosen: here, or in processes of its own."""
    folder = state_dir(chosen)
    plan = IngestPlan(
        database=database_url(chosen),
        state_dir=folder,
        access=access_options(chosen),
        sharing=chosen.subscription,
        client_id=_worker_id(folder),
    )
    return (
        Station(engine, key, plan)
        if chosen.workers == 1
        else IngestPool(plan, chosen.workers, now_utc)
    )


def _worker_id(folder: Path) -> str:
    """This installation's MQTT client id: made once, so that its session is found again."""
    path = folder / WORKER_ID_FILE
    if not path.exists():
        path.write_text(f"encounter-ingest-{secrets.token_hex(6)}\n", "ascii")
    return path.read_text("ascii").strip()
