"""Where pages and API are served, and the link to the first administrator."""

import argparse
import sys
from datetime import datetime

import uvicorn
from sqlalchemy import Engine
from starlette.types import ASGIApp

from server.access import links
from server.commands.shared import address
from server.commands.stopping import HttpServer
from server.database import writer
from server.web.protection import HttpAddress, check_address

DEFAULT_HTTP = "127.0.0.1:8080"
OWN_PROXIES = ("127.0.0.1", "::1")
STOP_WITHIN_S = 5
FIRST = """\
encounter-server: nobody has an account yet. Whoever opens this link within 24 hours becomes the
first administrator:

    {address}

"""


def add_http(one: argparse.ArgumentParser) -> None:
    """`--http` and `--public-url`."""
    one.add_argument(
        "--http",
        default=DEFAULT_HTTP,
        metavar="HOST:PORT",
        help=f"where pages and API are served [{DEFAULT_HTTP}]; anywhere but on the loopback "
        "with --public-url alone",
    )
    one.add_argument(
        "--public-url",
        metavar="URL",
        help="https://HOST by which others reach this server, through a reverse proxy in front",
    )


def add_proxy(one: argparse.ArgumentParser) -> None:
    """`--proxy`."""
    one.add_argument(
        "--proxy",
        action="append",
        default=[],
        metavar="ADDRESS",
        help="address of a reverse proxy whose word is taken for who is there and by https; "
        "may be repeated; one on this machine needs none",
    )


def http_address(chosen: argparse.Namespace) -> HttpAddress:
    """Where it was chosen to serve.

    Raises:
        ListenError: other machines would be served in plain text.
    """
    url = None if chosen.public_url is None else chosen.public_url.rstrip("/")
    found = HttpAddress(*address(chosen.http, "--http"), public_url=url)
    check_address(found)
    return found


def server_of(app: ASGIApp, http: HttpAddress, proxies: list[str]) -> HttpServer:
    """The HTTP server; it believes proxies alone about where a request came from."""
    config = uvicorn.Config(
        app,
        host=http.host,
        port=http.port,
        log_config=None,
        server_header=False,
        proxy_headers=http.public_url is not None,
        forwarded_allow_ips=[*OWN_PROXIES, *proxies],
        timeout_graceful_shutdown=STOP_WITHIN_S,
    )
    return HttpServer(config)


def say_first_link(engine: Engine, http: HttpAddress, now: datetime) -> None:
    """Print the link to the first administrator, where there is no account at all."""
    with writer(engine).begin() as connection:
        secret = links.first(connection, now)
    if secret is not None:
        sys.stdout.write(FIRST.format(address=links.address(http.base, secret)))
        sys.stdout.flush()
