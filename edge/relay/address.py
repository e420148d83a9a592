"""A camera's address, its credentials kept apart from everything that is printed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from edge.relay.errors import RelayInputError

if TYPE_CHECKING:
    from edge.relay.credentials import Credentials

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

    def known_as(self, credentials: Credentials) -> Self:
        """The same address, with user name and password."""
        return replace(self, user=credentials.user, password=credentials.password)


def parse_address(text: str) -> Address:
    """Read `rtsp://host[:port]/path`.

    >>> parse_address("rtsp://10.0.0.7/live")
    Address(host='10.0.0.7', port=554, url='rtsp://10.0.0.7:554/live')

    Raises:
        RelayInputError: not of that form, or with credentials: whatever carries an address
            (a command line, a log) can be read by others. The text is not repeated.
    """
    try:
        parts = urlsplit(text.strip())
        port = parts.port or DEFAULT_PORT
    except ValueError:
        raise RelayInputError("expected rtsp://host[:port]/path, found no such address") from None
    if parts.scheme != "rtsp" or not parts.hostname or not text.strip().isprintable():
        raise RelayInputError("expected rtsp://host[:port]/path, found no such address")
    if parts.username is not None or parts.password is not None:
        raise RelayInputError(
            "expected a camera's address without user name and password, which other users of "
            "this machine can read there; found them in it: put them into a file of two lines "
            "(chmod 600) and name it with --credentials FILE"
        )
    host = parts.hostname
    place = f"[{host}]" if ":" in host else host
    query = f"?{parts.query}" if parts.query else ""
    url = f"rtsp://{place}:{port}{parts.path}{query}"
    return Address(host, port, url)
