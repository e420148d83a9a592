"""The local page as the appliance starts, feeds and stops it.

The server runs in a daemon thread with its own loop; its modules (3 to 4 MB) are imported
there, so an appliance without a page does not carry them.
"""

import asyncio
import logging
import socket
import threading
import time
from typing import TYPE_CHECKING

from edge.errors import PageError
from edge.page.plan import plan_json
from edge.page.snapshot import Snapshot
from firmware_cfg.site import Site

if TYPE_CHECKING:
    import uvicorn

    from edge.page.feed import Feed
    from edge.page.stopwatch import Desk

LOG = logging.getLogger(__name__)
HOST = "127.0.0.1"
START_S = 20.0
STOP_S = 3.0


class LivePage:
    """A commissioning page on 127.0.0.1.

    Args:
        site: the site file in force; its `[page]` names the port.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._feed: Feed | None = None
        self._desk: Desk | None = None
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> str:
        """Serve the page; returns its address, for example `http://127.0.0.1:8765/`.

        Raises:
            PageError: the site file has no `[page]`, the port is in use, or nothing serves it.
        """
        if self._site.page is None:
            raise PageError("[page]: expected the table in the site file, found none")
        if self._thread is not None:
            raise PageError("the page: expected to be started once, found it started")
        feed, server = self._prepare()
        listener = _bound(self._site.page.port)
        address = f"http://{HOST}:{listener.getsockname()[1]}/"
        self._feed, self._server = feed, server
        self._thread = threading.Thread(
            target=self._run, args=(listener,), name="page", daemon=True
        )
        self._thread.start()
        self._wait_until_served(server, address)
        LOG.info("page.started address=%s", address)
        return address

    def _wait_until_served(self, server: "uvicorn.Server", address: str) -> None:
        """Wait until connections are taken: afterwards the jail lets nothing listen any more.

        Raises:
            PageError: that does not happen in time.
        """
        until_s = time.monotonic() + START_S
        while not server.started:
            if time.monotonic() > until_s or not (self._thread and self._thread.is_alive()):
                raise PageError(f"[page]: expected {address} to be served within {START_S:g} s")
            time.sleep(0.01)

    def show(self, snapshot: Snapshot) -> None:
        """Show a snapshot soon; never waits, never raises; before `start` it is dropped."""
        if self._feed is not None:
            self._feed.show(snapshot)

    def stop(self) -> None:
        """End the page and its viewers' streams; harmless when it does not run."""
        if self._feed is not None:
            self._feed.closing = True
        if self._server is not None:
            self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(STOP_S)

    def _prepare(self) -> "tuple[Feed, uvicorn.Server]":
        import uvicorn  # noqa: PLC0415 - only where a page runs

        from edge.page.app import create_app  # noqa: PLC0415 - the same
        from edge.page.feed import Feed  # noqa: PLC0415 - the same
        from edge.page.stopwatch import Desk  # noqa: PLC0415 - the same

        desk = self._desk = Desk(self._site)
        feed = Feed(desk.follow)
        return feed, uvicorn.Server(
            uvicorn.Config(
                create_app(plan_json(self._site), feed, desk),
                loop="asyncio",
                http="h11",
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                limit_concurrency=64,
                timeout_graceful_shutdown=1,
            )
        )

    def _run(self, listener: socket.socket) -> None:
        try:
            asyncio.run(self._serve(listener))
        except Exception:
            LOG.exception("page.ended")
        finally:
            listener.close()

    async def _serve(self, listener: socket.socket) -> None:
        """Serve until told to stop; outside the main thread uvicorn touches no signals."""
        if self._server is None or self._feed is None:
            return
        pump = asyncio.create_task(self._feed.pump())
        try:
            await self._server.serve(sockets=[listener])
        finally:
            self._feed.closing = True
            await pump
            if self._desk is not None:
                self._desk.stop()


def _bound(port: int) -> socket.socket:
    """A listening socket of this machine's own on `port` (0: any free one).

    Raises:
        PageError: the port cannot be had.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise PageError(
            f"[page] port: expected {HOST}:{port} to be free, found: {error.strerror}; "
            "name another port, or 0 for any free one"
        ) from error
    return listener
