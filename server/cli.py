"""The command `encounter-server`: the composition root, where adapters are built."""

import argparse
import logging
import secrets
import signal
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import uvicorn
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from server.clock import now_utc
from server.database import open_database, sqlite_url, writer
from server.errors import ServerError
from server.health import health_of
from server.identity import apply_identity
from server.identity_file import load_identity
from server.ingest.access import AccessOptions, BrokerAccess, open_access
from server.ingest.link import BrokerLink
from server.ingest.requeue import requeue
from server.ingest.worker import IngestWorker
from server.logs import event, set_up
from server.options import parser
from server.signing import open_key
from server.web.app import make_app
from server.web.parts import Parts
from server.web.protection import HttpAddress, check_loopback

__all__ = ["main", "parser"]
log = logging.getLogger(__name__)
WORKER_ID_FILE = "worker-id"
STOP_WITHIN_S = 5


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0, or 2 with the reason on standard error."""
    chosen = parser().parse_args(arguments)
    try:
        if chosen.command == "key":
            sys.stdout.write(f"{open_key(_state_dir(chosen.state)).public_hex}\n")
        elif chosen.command == "requeue":
            engine = _open(chosen)
            sys.stdout.write(f"{requeue(engine, now_utc())}\n")
            engine.dispose()
        else:
            _run(chosen)
    except (ServerError, OSError) as error:
        sys.stderr.write(f"encounter-server: {error}\n")
        return 2
    except SQLAlchemyError as error:
        sys.stderr.write(f"encounter-server: the database: {_in_words(error)}\n")
        return 2
    return 0


def _in_words(error: SQLAlchemyError) -> str:
    """What a database said, without the statement and its values."""
    said = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    lines = str(said).strip().splitlines()
    return lines[0] if lines else type(said).__name__


def address(text: str, option: str) -> tuple[str, int]:
    """Host and port of `HOST:PORT` (`[::1]:8080` for IPv6).

    Raises:
        ServerError: not of that form.
    """
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdecimal() or int(port) > 65_535:
        raise ServerError(f"{option}: expected HOST:PORT, found {text!r}")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _state_dir(path: Path) -> Path:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def _worker_id(state_dir: Path) -> str:
    """This installation's MQTT client id: made once, so that its session is found again."""
    path = state_dir / WORKER_ID_FILE
    if not path.exists():
        path.write_text(f"encounter-ingest-{secrets.token_hex(6)}\n", "ascii")
    return path.read_text("ascii").strip()


def _open(chosen: argparse.Namespace) -> Engine:
    """The database, with the identity file applied."""
    state_dir = _state_dir(chosen.state)
    engine = open_database(chosen.database or sqlite_url(state_dir / "encounter.db"))
    if chosen.identity is not None:
        identity = load_identity(chosen.identity)
        with writer(engine).begin() as connection:
            apply_identity(connection, identity)
        event(log, logging.INFO, "identity.applied", devices=len(identity.device))
    return engine


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


def _run(chosen: argparse.Namespace) -> None:
    """Serve until SIGTERM or SIGINT."""
    http = HttpAddress(*address(chosen.http, "--http"))
    check_loopback(http)
    broker = _access(chosen)
    set_up()
    state_dir = _state_dir(chosen.state)
    key = open_key(state_dir)
    engine = _open(chosen)
    resolved = requeue(engine, now_utc())
    event(log, logging.INFO, "server.started", public_key=key.public_hex, requeued=resolved)
    link = BrokerLink(broker, _worker_id(state_dir), now_utc, chosen.subscription)
    worker = IngestWorker(engine, key, link, now_utc)
    health = partial(health_of, engine, lambda: link.status, lambda: worker.state)
    app = make_app(Parts(engine, key, now_utc, health))
    config = uvicorn.Config(
        app,
        host=http.host,
        port=http.port,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=STOP_WITHIN_S,
    )
    worker.start()
    link.start(worker)
    try:
        _serve(uvicorn.Server(config))
    finally:
        link.stop()
        worker.stop()
        engine.dispose()
        event(log, logging.INFO, "server.stopped")


def _serve(server: uvicorn.Server) -> None:
    """Serve; uvicorn stops on a signal and then raises it once more, for handlers of ours."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    server.run()
    if not server.started:
        raise ServerError("could not listen for HTTP; the log says why")


if __name__ == "__main__":
    sys.exit(main())
