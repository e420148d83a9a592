"""The page's routes, and what every response passes.

Served from memory: after `load_files` no file is opened, so the process may be confined.
The loopback has no accounts; the Host check keeps a foreign page from reading this one
through a name that resolves to 127.0.0.1, and requests that another origin's page starts
are refused by what the browser says of them (`Sec-Fetch-Site`).
"""

import asyncio
from importlib.resources import files

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge.page.feed import Feed
from edge.page.stopwatch import Desk, stopwatch_routes

MOST_VIEWERS = 8
HOSTS = frozenset({"127.0.0.1", "localhost"})
OWN_REQUESTS = frozenset({"same-origin", "none"})
READING = frozenset({"GET", "HEAD"})
MEDIA_TYPES = {
    "html": "text/html",
    "css": "text/css",
    "js": "text/javascript",
    "svg": "image/svg+xml",
}
CSP = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "connect-src": "'self'",
    "img-src": "'self'",
    "form-action": "'none'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
HEADERS = {
    "Content-Security-Policy": "; ".join(f"{rule} {source}" for rule, source in CSP.items()),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Cache-Control": "no-store",
}


def load_files() -> dict[str, Response]:
    """The page's own files as responses, by name."""
    responses: dict[str, Response] = {}
    for file in files("edge.page").joinpath("static").iterdir():
        media_type = MEDIA_TYPES.get(file.name.rpartition(".")[2])
        if media_type is not None:
            responses[file.name] = Response(file.read_bytes(), media_type=media_type)
    return responses


def create_app(plan: bytes, feed: Feed, desk: Desk | None = None) -> Starlette:
    """The page as an ASGI application.

    Args:
        plan: body of `/site.json`.
        feed: what viewers are sent.
        desk: the stopwatch; None: no such page.
    """
    own = load_files()
    viewers: set[EventStream] = set()

    async def shell(request: Request) -> Response:
        del request
        return own["index.html"]

    async def site(request: Request) -> Response:
        del request
        return Response(plan, media_type="application/json")

    async def static(request: Request) -> Response:
        missing = PlainTextResponse("There is no such file.\n", 404)
        return own.get(request.path_params["name"], missing)

    async def events(request: Request) -> Response | EventStream:
        if request.method == "HEAD":
            return Response(media_type="text/event-stream")
        if len(viewers) >= MOST_VIEWERS:
            return PlainTextResponse(f"{MOST_VIEWERS} pages are open, close one first.\n", 503)
        return EventStream(feed, viewers)

    routes = [
        Route("/", shell),
        Route("/site.json", site),
        Route("/events", events),
        Route("/static/{name}", static),
    ]
    if desk is not None:
        routes += stopwatch_routes(desk, own["stopwatch.html"])
    return Starlette(routes=routes, middleware=[Middleware(Protection)])


class EventStream:
    """One viewer's stream, as an ASGI response; it stands in `viewers` while it lasts.

    Written with asyncio alone: Starlette's own streaming brings 6 MB of modules with it.
    """

    def __init__(self, feed: Feed, viewers: "set[EventStream]") -> None:
        self._feed = feed
        self._viewers = viewers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send what there is until the viewer or the page goes."""
        del scope
        self._viewers.add(self)
        telling = asyncio.ensure_future(self._tell(send))
        leaving = asyncio.ensure_future(_left(receive))
        try:
            await asyncio.wait({telling, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._viewers.discard(self)
            for task in (telling, leaving):
                task.cancel()
            ended = await asyncio.gather(telling, leaving, return_exceptions=True)
        if isinstance(ended[0], Exception):
            raise ended[0]

    async def _tell(self, send: Send) -> None:
        headers = [(b"content-type", b"text/event-stream; charset=utf-8")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        async for chunk in self._feed.updates():
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def _left(receive: Receive) -> None:
    """Wait until the viewer has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


class Protection:
    """ASGI middleware: refuses foreign hosts and foreign pages, adds the security headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass HTTP on, checked and labelled."""
        if scope["type"] != "http":
            return

        async def labelled(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        headers = Headers(scope=scope)
        refusal = refused(headers, scope["path"])
        if refusal is None and scope["method"] not in READING:
            refusal = refused_write(headers)
        await (refusal or self._app)(scope, receive, labelled)


def refused(headers: Headers, path: str) -> Response | None:
    """The refusal that a request earns, None if none."""
    hosts = headers.getlist("host")
    if len(hosts) != 1 or hosts[0].partition(":")[0].lower() not in HOSTS:
        return PlainTextResponse("This page answers to 127.0.0.1 and localhost alone.\n", 421)
    if path != "/" and headers.get("sec-fetch-site", "none") not in OWN_REQUESTS:
        return PlainTextResponse("Another page's requests are not answered.\n", 403)
    return None


def refused_write(headers: Headers) -> Response | None:
    """The refusal of a request that changes something; None if it is this page's own.

    The browser must say so: by `Sec-Fetch-Site`, or where it is too old for that, by an
    `Origin` that is this host. A form cannot send JSON, so a foreign one is refused twice.
    """
    own_origin = f"http://{headers.get('host', '')}"
    says = headers.get("sec-fetch-site")
    own = says == "same-origin" if says is not None else headers.get("origin") == own_origin
    if not own or headers.get("origin", own_origin) != own_origin:
        return PlainTextResponse("Only this page's own requests change anything.\n", 403)
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return PlainTextResponse("Expected application/json.\n", 415)
    return None
