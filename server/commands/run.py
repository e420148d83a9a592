"""`encounter-server run`: ingest, pages and API, until it is told to stop."""

import argparse
import logging
import secrets
import signal
from functools import partial
from pathlib import Path

import uvicorn

from server.clock import now_utc
from server.commands.serving import add_http, add_proxy, http_address, say_first_link, server_of
from server.commands.shared import (
    Subparsers,
    add_database,
    add_identity,
    address,
    described,
    open_chosen,
    state_dir,
)
from server.errors import ServerError
from server.health import health_of
from server.ingest.access import AccessOptions, BrokerAccess, open_access
from server.ingest.link import BrokerLink
from server.ingest.requeue import requeue
from server.ingest.subscription import Sharing
from server.ingest.worker import IngestWorker
from server.logs import event, set_up
from server.signing import open_key
from server.web.app import make_app
from server.web.parts import Parts

log = logging.getLogger(__name__)
WORKER_ID_FILE = "worker-id"
RUN = """\
Take what devices release, and serve pages and API, until Ctrl-C or SIGTERM.

  encounter-server run --state state --identity identity.toml --broker 127.0.0.1:1883
  encounter-server run --state state --broker broker.example:8883 --broker-tls \\
      --broker-ca ca.pem --broker-user ingest --broker-password-file password

At the first start it prints a link: whoever opens it within 24 hours becomes the first
administrator, who invites others. Pages and API are served to this machine; to others through a
reverse proxy that speaks https, with --public-url. /healthz says how the server is: "degraded"
while the broker is away, "failing" without its database.
"""


def add(commands: Subparsers) -> None:
    """Its options."""
    one = described(commands.add_parser("run", help="take what devices release, serve pages"), RUN)
    add_database(one)
    add_identity(one)
    _add_broker(one)
    add_http(one)
    add_proxy(one)


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


def run(chosen: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT."""
    http = http_address(chosen)
    broker = _access(chosen)
    set_up()
    folder = state_dir(chosen)
    key = open_key(folder)
    engine = open_chosen(chosen)
    resolved = requeue(engine, now_utc())
    event(log, logging.INFO, "server.started", public_key=key.public_hex, requeued=resolved)
    link = BrokerLink(broker, _worker_id(folder), now_utc, chosen.subscription)
    worker = IngestWorker(engine, key, link, now_utc)
    health = partial(health_of, engine, lambda: link.status, lambda: worker.state)
    app = make_app(Parts(engine, key, now_utc, health, http.public_url))
    say_first_link(engine, http, now_utc())
    worker.start()
    link.start(worker)
    try:
        _serve(server_of(app, http, chosen.proxy))
    finally:
        link.stop()
        worker.stop()
        engine.dispose()
        event(log, logging.INFO, "server.stopped")
    return 0


def _worker_id(folder: Path) -> str:
    """This installation's MQTT client id: made once, so that its session is found again."""
    path = folder / WORKER_ID_FILE
    if not path.exists():
        path.write_text(f"encounter-ingest-{secrets.token_hex(6)}\n", "ascii")
    return path.read_text("ascii").strip()


def _access(chosen: argparse.Namespace) -> BrokerAccess:
    host, port = address(chosen.broker, "--broker")
    return open_access(
        AccessOptions(
            host=host,
            port=port,
            tls=chosen.broker_tls,
            ca=chosen.broker_ca,
            cert=chosen.broker_cert,
            key=chosen.broker_key,
            user=chosen.broker_user,
            password_file=chosen.broker_password_file,
        )
    )


def _serve(server: uvicorn.Server) -> None:
    """Serve; uvicorn stops on a signal and then raises it once more, for handlers of ours."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    server.run()
    if not server.started:
        raise ServerError("could not listen for HTTP; the log says why")
