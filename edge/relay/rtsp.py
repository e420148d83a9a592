"""An RTSP 1.0 client that plays one video over its own connection (interleaved).

    connected → DESCRIBE → SETUP → PLAY → packets … → TEARDOWN

It follows no redirect and opens no second connection; URLs that the camera names are sent
back to it and never connected to.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from edge.relay.digest import authorization
from edge.relay.errors import RelayError
from edge.relay.sdp import Video, find_video

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edge.relay.address import Address

MAX_BODY_BYTES = 64 * 1024
MAX_LINE_BYTES = 8 * 1024
MAX_HEADERS = 100
DEFAULT_TIMEOUT_S = 60.0


class Connection(Protocol):
    """A byte stream to the camera."""

    def read(self, count: int) -> bytes:
        """Exactly `count` bytes, fewer only at the end."""

    def readline(self, limit: int) -> bytes:
        """A line with its end, `limit` bytes at most."""

    def write(self, data: bytes) -> None:
        """Send all of `data`."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A response: status, headers in lower case with all their values, body."""

    status: int
    headers: dict[str, list[str]]
    body: bytes

    def first(self, name: str) -> str:
        """First value of a header, or an empty text."""
        return self.headers.get(name, [""])[0]


class RtspClient:
    """One session with one camera."""

    def __init__(
        self,
        connection: Connection,
        address: Address,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Speak over `connection`; `clock` in seconds times the keep-alive."""
        self._connection, self._address, self._clock = connection, address, clock
        self._sequence = 0
        self._session = ""
        self._challenges: list[str] = []
        self._timeout_s = DEFAULT_TIMEOUT_S
        self._channel = 0
        self._base_url = address.url

    def start(self) -> Video:
        """Describe, set up and play; the video that will come.

        Raises:
            RelayError: the camera refuses, or has no video that can be carried.
        """
        described = self._request("DESCRIBE", self._address.url, {"Accept": "application/sdp"})
        base = described.first("content-base") or described.first("content-location")
        self._base_url = base or self._address.url
        video = find_video(described.body.decode("utf-8", "replace"), self._base_url)
        transport = "RTP/AVP/TCP;unicast;interleaved=0-1"
        ready = self._request("SETUP", video.control_url, {"Transport": transport})
        self._session, _, rest = ready.first("session").partition(";")
        timeout = rest.strip().removeprefix("timeout=")
        if timeout.isdecimal() and int(timeout) > 0:
            self._timeout_s = float(timeout)
        self._channel = _channel(ready.first("transport"))
        self._request("PLAY", self._base_url, {"Range": "npt=now-"})
        return video

    def packets(self) -> Iterator[bytes]:
        """RTP packets of the video, until the camera ends the connection."""
        next_sign_s = self._clock() + self._timeout_s / 2
        while True:
            first = self._connection.read(1)
            if not first:
                return
            if first == b"$":
                channel, packet = self._interleaved()
                if channel == self._channel:
                    yield packet
            else:
                self._message(first)
            if self._clock() >= next_sign_s:
                next_sign_s = self._clock() + self._timeout_s / 2
                self._send("GET_PARAMETER", self._base_url, {})  # its reply comes among packets

    def stop(self) -> None:
        """Tell the camera that no more is wanted; no reply is waited for."""
        if self._session:
            self._send("TEARDOWN", self._base_url, {})

    def _request(self, method: str, url: str, headers: dict[str, str]) -> Reply:
        """Send a request, answer one challenge, and read its reply."""
        for attempt in range(2):
            self._send(method, url, headers)
            reply = self._reply()
            if reply.status == 401 and attempt == 0 and self._address.user:
                self._challenges = reply.headers.get("www-authenticate", [])
                continue
            break
        if reply.status == 401:
            raise RelayError(f"{self._address.url}: the camera refuses the user name or password")
        if reply.status != 200:
            raise RelayError(f"{self._address.url}: expected 200 to {method}, found {reply.status}")
        return reply

    def _send(self, method: str, url: str, headers: dict[str, str]) -> None:
        self._sequence += 1
        lines = [f"{method} {url} RTSP/1.0", f"CSeq: {self._sequence}", "User-Agent: encounter"]
        if self._session:
            lines.append(f"Session: {self._session}")
        if self._challenges:
            credentials = (self._address.user, self._address.password)
            answer = authorization(self._challenges, credentials, (method, url))
            lines.append(f"Authorization: {answer}")
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._connection.write("\r\n".join([*lines, "", ""]).encode())

    def _reply(self) -> Reply:
        """The next response; packets and the camera's own requests before it are passed over."""
        while True:
            first = self._connection.read(1)
            if not first:
                raise RelayError(f"{self._address.url}: the camera closed the connection")
            if first == b"$":
                self._interleaved()
                continue
            reply = self._message(first)
            if reply is not None:
                return reply

    def _interleaved(self) -> tuple[int, bytes]:
        head = self._connection.read(3)
        length = int.from_bytes(head[1:3], "big")
        packet = self._connection.read(length)
        if len(head) < 3 or len(packet) < length:
            raise RelayError(f"{self._address.url}: the stream ended inside a packet")
        return head[0], packet

    def _message(self, first: bytes) -> Reply | None:
        """A response, or None for a request of the camera's."""
        start = (first + self._line()).decode("latin-1").split(None, 2)
        headers: dict[str, list[str]] = {}
        for _ in range(MAX_HEADERS):
            name, colon, value = self._line().decode("latin-1").partition(":")
            if not colon:
                break
            headers.setdefault(name.strip().lower(), []).append(value.strip())
        length = headers.get("content-length", ["0"])[0]
        if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
            raise RelayError(f"{self._address.url}: expected a short reply, found {length} bytes")
        body = self._connection.read(int(length))
        if len(start) < 2 or not start[0].startswith("RTSP/") or not start[1].isdecimal():
            return None
        return Reply(int(start[1]), headers, body)

    def _line(self) -> bytes:
        line = self._connection.readline(MAX_LINE_BYTES)
        if not line.endswith(b"\n"):
            raise RelayError(f"{self._address.url}: expected RTSP, found something else")
        return line.rstrip(b"\r\n")


def _channel(transport: str) -> int:
    """The interleaved channel that carries RTP, of a Transport header; 0 if not told.

    >>> _channel("RTP/AVP/TCP;unicast;interleaved=2-3;ssrc=1")
    2
    """
    for part in transport.split(";"):
        name, _, channels = part.strip().partition("=")
        first = channels.partition("-")[0]
        if name.lower() == "interleaved" and first.isdecimal():
            return int(first)
    return 0
