"""`encounter-server run`: ingest, pages and API, until it is told to stop."""

import argparse
import logging
from functools import partial

from server.backup import Place
from server.clock import now_utc
from server.collecting import collect_seldom
from server.commands.ingest_options import (
    access_options,
    add_ingest,
    check_workers,
    ingest_of,
)
from server.commands.measured import add_metrics, check_metrics, metrics_server
from server.commands.serving import add_http, add_proxy, http_address, say_first_link, server_of
from server.commands.shared import (
    Subparsers,
    add_database,
    add_identity,
    database_url,
    described,
    open_chosen,
    state_dir,
)
from server.commands.stopping import serve
from server.health import health_of
from server.ingest.access import BrokerAccess, open_access
from server.ingest.housekeeping import Housekeeper
from server.ingest.requeue import requeue
from server.lease import only_server, stop_process
from server.logs import event, set_up
from server.metrics.requests import RequestTimes, Timed
from server.rollups.worker import RollupWorker
from server.signing import open_key
from server.web.app import make_app
from server.web.parts import Parts
from server.web.protection import HttpAddress

log = logging.getLogger(__name__)
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
    add_ingest(one)
    add_http(one)
    add_proxy(one)
    add_metrics(one)


def run(chosen: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT."""
    http = http_address(chosen)
    check_metrics(chosen)
    check_workers(chosen)
    broker = open_access(access_options(chosen))
    set_up()
    with only_server(Place(state_dir(chosen), database_url(chosen)), stop_process):
        return _serve(chosen, http, broker)


def _serve(chosen: argparse.Namespace, http: HttpAddress, broker: BrokerAccess) -> int:
    key = open_key(state_dir(chosen))
    engine = open_chosen(chosen)
    resolved = requeue(engine, now_utc())
    event(log, logging.INFO, "server.started", public_key=key.public_hex, requeued=resolved)
    ingest = ingest_of(chosen, engine, key)
    rollups = RollupWorker(engine, now_utc)
    housekeeper = Housekeeper(engine, now_utc)
    health = partial(
        health_of, engine, lambda: ingest.standing().link, lambda: ingest.standing().ingest
    )
    app = make_app(Parts(engine, key, now_utc, health, http.public_url))
    times = RequestTimes()
    metrics = metrics_server(
        chosen,
        engine,
        standing=ingest.standing,
        rolled_up_at=lambda: rollups.last_at,
        requests=times,
        broker=broker,
    )
    say_first_link(engine, http, now_utc())
    rollups.start()
    housekeeper.start()
    ingest.start()
    collect_seldom()
    try:
        serve(server_of(Timed(app, times), http, chosen.proxy))
    finally:
        if metrics is not None:
            metrics.stop()
        ingest.stop()
        rollups.stop()
        housekeeper.stop()
        engine.dispose()
        event(log, logging.INFO, "server.stopped")
    return 0
