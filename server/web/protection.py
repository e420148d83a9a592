"""What every request and response passes: who may be spoken to, and how.

* The host: this machine's own names for those on it, and the public URL's for all others, who
  come through a reverse proxy, by https. A page of somebody else's thus reads nothing through a
  name that leads here.
* The origin of what changes something (POST, DELETE, …): a browser says from which page it
  comes, and only this server's own are heard. Requests with a token need none, since no browser
  sends a token by itself.
* The size of what is sent: forms and small JSON.
* The headers that keep pages to themselves; nothing is kept in caches.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

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
ONLY_HTTPS = {"Strict-Transport-Security": "max-age=31536000"}
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
MOST_BYTES = 64 * 1024
MOST_BYTES_OF = {"/audit-reports": 1024 * 1024}
"""By the end of the path: an auditor's report is larger than any form."""
OWN_SITE = frozenset({"same-origin", "none"})


@dataclass(frozen=True, slots=True)
class HttpAddress:
    """Where pages are served, and the address by which others reach them, if they may."""

    host: str
    port: int
    public_url: str | None = None

    @property
    def base(self) -> str:
        """The address of the first page, without its last slash."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.public_url or f"http://{host}:{self.port}"


def check_address(address: HttpAddress) -> None:
    """Refuse to send figures and passwords over a network in plain text.

    Raises:
        ListenError: with the reason.
    """
    if address.public_url is not None:
        _check_public(address.public_url)
    elif not is_loopback(address.host):
        raise ListenError(
            f"--http {address.host}:{address.port}: other machines reach this address, and in "
            "plain text anyone on the way reads passwords and figures. Expected --public-url "
            "https://… with a reverse proxy in front that speaks https, or 127.0.0.1"
        )


def _check_public(url: str) -> None:
    try:
        parts = urlsplit(url)
        found = (parts.scheme, parts.hostname, parts.port)
    except ValueError:
        found = ("", None, None)
    plain = url.removesuffix("/") == origin_of(url)
    if found[0] != "https" or found[1] is None or not plain:
        raise ListenError(f"--public-url: expected https://HOST or https://HOST:PORT, found {url}")


def origin_of(url: str) -> str:
    """Scheme, host and port of an address.

    >>> origin_of("https://figures.example/")
    'https://figures.example'
    """
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def host_of(header: str) -> str:
    """The host of a Host header, without its port.

    >>> host_of("[::1]:8080"), host_of("localhost")
    ('[::1]', 'localhost')
    """
    if header.startswith("["):
        return header.partition("]")[0] + "]"
    return header.partition(":")[0]


class Protection:
    """ASGI middleware: refuses foreign hosts and origins, adds the security headers."""

    def __init__(self, app: ASGIApp, public_url: str | None = None) -> None:
        self._app = app
        self._public = None if public_url is None else urlsplit(public_url).netloc.lower()
        self._headers = HEADERS if public_url is None else HEADERS | ONLY_HTTPS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass HTTP on, checked and labelled."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def labelled(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers[name] = value
                if "cache-control" not in headers:
                    headers["Cache-Control"] = "no-store"
            await send(message)

        refused = self._refused(scope)
        if refused is None:
            await self._app(scope, receive, labelled)
            return
        status, why = refused
        await problem_response(status, why)(scope, receive, labelled)

    def _refused(self, scope: Scope) -> tuple[int, str] | None:
        """Status and reason of what is not heard."""
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        origin = self._origin(hosts[0].lower(), scope) if len(hosts) == 1 else None
        if origin is None:
            return 421, "This host name is not this server's, or not without https."
        if scope["method"] in SAFE_METHODS:
            return None
        by_token = headers.get("authorization", "").lower().startswith("bearer ")
        if not by_token and not is_own(headers, origin):
            return 403, "This did not come from a page of this server."
        return _too_big(headers, scope["path"])

    def _origin(self, host: str, scope: Scope) -> str | None:
        """The origin of our own pages as this request sees them; none: not spoken to."""
        if self._public is not None and host in (self._public, f"{self._public}:443"):
            return f"https://{self._public}" if scope["scheme"] == "https" else None
        client = scope.get("client")
        from_here = client is None or is_loopback(client[0])
        return f"http://{host}" if from_here and is_loopback(host_of(host)) else None


def is_own(headers: Headers, origin: str) -> bool:
    """Whether a browser says that a request comes from a page of `origin`, and of it alone.

    Browsers send at least one of the two headers with a form; what has neither is not heard.
    """
    site, said = headers.get("sec-fetch-site"), headers.get("origin")
    if site is None and said is None:
        return False
    return (site is None or site in OWN_SITE) and (said is None or said == origin)


def _too_big(headers: Headers, path: str) -> tuple[int, str] | None:
    most = next((n for end, n in MOST_BYTES_OF.items() if path.endswith(end)), MOST_BYTES)
    length = headers.get("content-length", "")
    if "transfer-encoding" in headers:
        return 411, "Expected a request that says how long it is."
    if length and (not length.isdecimal() or int(length) > most):
        return 413, f"Expected at most {most} bytes."
    return None
