"""Serves `/metrics` to this machine, in a thread of its own, beside pages and API."""

import threading
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIEnvironment

from prometheus_client import CollectorRegistry, make_wsgi_app

from server.errors import ListenError
from server.loopback import is_loopback

PATH = "/metrics"
App = Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]


class _Threads(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _SixThreads(_Threads):
    address_family = 10  # AF_INET6


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_args: object) -> None:
        """Say nothing: Prometheus asks every few seconds."""


def check_metrics_address(host: str, port: int) -> None:
    """Refuse to serve metrics to other machines.

    Raises:
        ListenError: with the reason.
    """
    if not is_loopback(host):
        raise ListenError(
            f"--metrics {host}:{port}: metrics are served without asking who reads them, so to "
            "this machine alone; expected 127.0.0.1 or [::1], and a Prometheus on this machine "
            "(or in the same network namespace)"
        )


def of_this_machine(registry: CollectorRegistry) -> App:
    """The application: `/metrics`, asked for by this machine's own names, and nothing else."""
    metrics: App = make_wsgi_app(registry)

    def app(environ: WSGIEnvironment, respond: StartResponse) -> Iterable[bytes]:
        host = str(environ.get("HTTP_HOST", ""))
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        if environ["PATH_INFO"] != PATH or not is_loopback(name):
            respond("404 Not Found", [("Content-Type", "text/plain")])
            return [f"only {PATH}, to this machine\n".encode()]
        return metrics(environ, respond)

    return app


class MetricsServer:
    """Serves a registry until it is stopped.

    Raises:
        ListenError: not an address of this machine's own, or it cannot be listened at.
    """

    def __init__(self, registry: CollectorRegistry, host: str, port: int) -> None:
        check_metrics_address(host, port)
        kind: type[Any] = _SixThreads if ":" in host else _Threads
        try:
            self._server = make_server(host, port, of_this_machine(registry), kind, _Quiet)
        except OSError as error:
            raise ListenError(f"--metrics {host}:{port}: {error.strerror or error}") from None
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="metrics", daemon=True
        )

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_port)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
