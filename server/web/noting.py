"""Hands each answer to somebody on to the log of who saw what, with its status."""

from datetime import datetime

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.access.gate import Gate
from server.access.log import Seen
from server.web.needs import Asked


class Noting:
    """ASGI middleware: what a route needs noted (`needs.Needs`), noted once it is answered."""

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        self._app = app
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass HTTP on; note its answer before the first of it is sent."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        at = self._gate.clock()

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                await self._note(state.get("asked"), at, message["status"])
            await send(message)

        await self._app(scope, receive, noting)

    async def _note(self, asked: Asked | None, at: datetime, status: int) -> None:
        if asked is None:
            return
        seen = Seen(
            at=at,
            caller=asked.caller,
            operation=asked.operation,
            subject=asked.subject,
            about=asked.about,
            status=status,
            of_stores=asked.of_stores,
        )
        if self._gate.recorder.answered(seen):
            await run_in_threadpool(self._gate.recorder.flush)
