"""What every response passes: the Host check, and the headers that keep pages to themselves.

There are no accounts yet, so the server listens on the loopback only; the Host check keeps a
page of somebody else's from reading it through a name that resolves to 127.0.0.1.
"""

from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.errors import ListenError
from server.loopback import is_loopback
from server.web.problems import problem_response

DIRECTIVES = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
)
CSP = "; ".join(DIRECTIVES)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}


@dataclass(frozen=True, slots=True)
class HttpAddress:
    """Where pages are served."""

    host: str
    port: int


def check_loopback(address: HttpAddress) -> None:
    """Refuse every address that another machine could reach.

    Raises:
        ListenError: with the reason.
    """
    if not is_loopback(address.host):
        raise ListenError(
            f"--http {address.host}:{address.port}: this server has no accounts yet, so whoever "
            "reaches it may read everything; it listens on the loopback only. Use 127.0.0.1 (or "
            "[::1]) and reach it through a tunnel or a proxy that asks who is there"
        )


def host_of(header: str) -> str:
    """The host of a Host header, without its port.

    >>> host_of("[::1]:8080"), host_of("localhost")
    ('[::1]', 'localhost')
    """
    if header.startswith("["):
        return header.partition("]")[0] + "]"
    return header.partition(":")[0]


class Protection:
    """ASGI middleware: refuses foreign Host headers, adds the security headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass HTTP on, checked and labelled."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def labelled(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                if "cache-control" not in headers:
                    headers["Cache-Control"] = "no-store"
            await send(message)

        hosts = Headers(scope=scope).getlist("host")
        if len(hosts) != 1 or not is_loopback(host_of(hosts[0])):
            refusal = problem_response(421, "This host name is not this server's.")
            await refusal(scope, receive, labelled)
            return
        await self._app(scope, receive, labelled)
