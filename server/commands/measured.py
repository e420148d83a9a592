"""`--metrics`: where Prometheus asks, if anywhere."""

import argparse
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Engine

from firmware_cfg import __version__
from server.backup import Place
from server.clock import now_utc
from server.commands.shared import address, database_url, state_dir
from server.ingest.access import BrokerAccess
from server.ingest.station import Standing
from server.metrics.collector import Broker, Sources, registry_of
from server.metrics.requests import RequestTimes
from server.metrics.serving import MetricsServer, check_metrics_address


def add_metrics(one: argparse.ArgumentParser) -> None:
    """`--metrics`."""
    one.add_argument(
        "--metrics",
        metavar="HOST:PORT",
        help="serve Prometheus' metrics there, to this machine alone, such as 127.0.0.1:9464; "
        "none: no metrics",
    )


def check_metrics(chosen: argparse.Namespace) -> None:
    """Refuse an address that is not this machine's own, before anything is opened.

    Raises:
        ServerError: with the reason.
    """
    if chosen.metrics is not None:
        check_metrics_address(*address(chosen.metrics, "--metrics"))


def metrics_server(
    chosen: argparse.Namespace,
    engine: Engine,
    *,
    standing: Callable[[], Standing],
    rolled_up_at: Callable[[], datetime | None],
    requests: RequestTimes,
    broker: BrokerAccess,
) -> MetricsServer | None:
    """The server of the metrics, started; none where none was asked for.

    Raises:
        ServerError: it cannot listen there.
    """
    if chosen.metrics is None:
        return None
    sources = Sources(
        version=__version__,
        engine=engine,
        place=Place(state_dir(chosen), database_url(chosen)),
        standing=standing,
        rolled_up_at=rolled_up_at,
        requests=requests,
        broker=Broker(broker.host, broker.port, broker.tls, chosen.broker_cert),
        clock=now_utc,
    )
    server = MetricsServer(registry_of(sources), *address(chosen.metrics, "--metrics"))
    server.start()
    return server
