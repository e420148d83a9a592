"""A camera's address, its credentials kept apart from everything that is printed."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from edge.relay.errors import RelayInputError

DEFAULT_PORT = 554


@dataclass(frozen=True, slots=True)
class Address:
    """Where a stream is.

    Attributes:
        host, port: the one place that is connected to.
        url: the request's URL, without user name and password.
        user, password: empty where none are needed; left out of `repr`.
    """

    host: str
    port: int
    url: str
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)


def parse_address(text: str) -> Address:
    """Read `rtsp://[user:password@]host[:port]/path`.

    >>> parse_address("rtsp://me:secret@10.0.0.7/live")
    Address(host='10.0.0.7', port=554, url='rtsp://10.0.0.7:554/live')

    Raises:
        RelayInputError: not of that form. The text is not repeated.
    """
    try:
        parts = urlsplit(text.strip())
        port = parts.port or DEFAULT_PORT
    except ValueError:
        raise RelayInputError("expected rtsp://host[:port]/path, found no such address") from None
    if parts.scheme != "rtsp" or not parts.hostname or not text.strip().isprintable():
        raise RelayInputError("expected rtsp://host[:port]/path, found no such address")
    host = parts.hostname
    place = f"[{host}]" if ":" in host else host
    query = f"?{parts.query}" if parts.query else ""
    url = f"rtsp://{place}:{port}{parts.path}{query}"
    return Address(host, port, url, unquote(parts.username or ""), unquote(parts.password or ""))
