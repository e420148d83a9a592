"""How long answers take, by operation; and the id under which a request stands in the log."""

import secrets
import threading
import time
from collections.abc import Mapping
from typing import Any, Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.logs import request_id
from server.metrics.buckets import Buckets

SECONDS: Final = (0.01, 0.025, 0.05, 0.1, 0.3, 0.5, 1.0, 2.5, 5.0, 10.0)
UNKNOWN: Final = "none"
"""The operation of what no route answered: a file, an address that is not there, a refusal."""
ID_HEADER: Final = "X-Request-Id"
Key = tuple[str, str]
"""Operation, and class of the status such as `2xx`."""


class RequestTimes:
    """Counts answers; several threads may ask and tell."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by: dict[Key, Buckets] = {}

    def observe(self, operation: str, status: int, took_s: float) -> None:
        """An answer was sent."""
        key = (operation, f"{status // 100}xx")
        with self._lock:
            self._by.setdefault(key, Buckets(SECONDS)).observe(took_s)

    def now(self) -> Mapping[Key, Buckets]:
        """What was counted so far."""
        with self._lock:
            return {key: Buckets(one.bounds, list(one.counts)) for key, one in self._by.items()}


class Timed:
    """Stands around the application, outside of all middleware: times answers, gives them an id."""

    def __init__(self, app: ASGIApp, times: RequestTimes) -> None:
        self._app = app
        self._times = times

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        name = secrets.token_hex(8)
        request_id.set(name)  # for this task alone, and what the HTTP server logs at its end
        began_s = time.monotonic()
        status = 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[ID_HEADER] = name
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            self._times.observe(operation_of(scope), status, time.monotonic() - began_s)


def operation_of(scope: Mapping[str, Any]) -> str:
    """The operation id of the route that answered, or its name: as many as there are routes."""
    route = scope.get("route")
    found = getattr(route, "operation_id", None) or getattr(route, "name", None)
    return str(found or UNKNOWN)
