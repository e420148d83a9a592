"""The process `python -m edge.relay`: the only place here that opens a socket.

Exit status: 0 when the reader closed the pipe; 1 when the camera cannot be reached or
stopped; 2 for an address that cannot be used. A supervisor starts it anew.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from edge.relay.address import Address, parse_address
from edge.relay.errors import RelayError, RelayInputError
from edge.relay.mpegts import TransportStream
from edge.relay.rtp import Depacketiser
from edge.relay.rtsp import RtspClient

if TYPE_CHECKING:
    from collections.abc import Sequence

SILENCE_S = 10.0
RECEIVE_BYTES = 1 << 18
URL_VARIABLE = "RTSP_URL"


class TcpConnection:
    """One TCP connection, to the first address that the name stands for."""

    def __init__(self, address: Address, silence_s: float = SILENCE_S) -> None:
        """Connect; after `silence_s` without a byte the camera counts as lost."""
        self._socket = socket.create_connection((address.host, address.port), silence_s)
        self._socket.settimeout(silence_s)
        self._reader = self._socket.makefile("rb", RECEIVE_BYTES)

    def read(self, count: int) -> bytes:
        """Exactly `count` bytes, fewer only at the end."""
        data: bytes = self._reader.read(count)
        return data

    def readline(self, limit: int) -> bytes:
        """A line with its end, `limit` bytes at most."""
        return self._reader.readline(limit)

    def write(self, data: bytes) -> None:
        """Send all of `data`."""
        self._socket.sendall(data)


def relay(address: Address, descriptor: int) -> None:
    """Copy the stream at `address` into `descriptor`, until either side ends.

    Raises:
        RelayError: the camera cannot be reached, refuses, or stopped.
        BrokenPipeError: the reader closed the pipe.
    """
    try:
        client = RtspClient(TcpConnection(address), address)
        video = client.start()
    except TimeoutError:
        raise RelayError(f"{address.url}: no answer within {SILENCE_S:g} s") from None
    except OSError as error:
        raise RelayError(f"{address.url}: {error.strerror or error}") from None
    units, stream = Depacketiser(video), TransportStream(video.codec)
    packets = client.packets()
    while True:
        try:
            packet = next(packets, None)
        except TimeoutError:
            raise RelayError(f"{address.url}: nothing came for {SILENCE_S:g} s") from None
        except OSError as error:
            raise RelayError(f"{address.url}: {error.strerror or error}") from None
        if packet is None:
            raise RelayError(f"{address.url}: the camera ended the stream")
        unit = units.feed(packet)
        if unit is not None:
            _write_all(descriptor, stream.packets(unit))


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def read_address(args: argparse.Namespace) -> Address:
    """The address of the command line, of its file, or of the environment.

    Raises:
        RelayInputError: none that can be used; or a password where every process sees it.
    """
    if args.url is not None:
        address = parse_address(args.url)
        if address.user:
            raise RelayInputError(
                "expected credentials in --url-file, not on the command line, which others can read"
            )
        return address
    if args.url_file is None:
        return parse_address(os.environ.get(URL_VARIABLE, ""))
    try:
        return parse_address(Path(args.url_file).read_text("utf-8"))
    except (OSError, UnicodeDecodeError):
        raise RelayInputError(f"{args.url_file}: expected a file with one address") from None


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m edge.relay",
        description="Copies a network camera's stream into a pipe, as MPEG-TS.",
        allow_abbrev=False,
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--url", help="rtsp://host[:port]/path, without credentials")
    where.add_argument("--url-file", help="file (or /dev/fd/N) that holds the address")
    parser.epilog = f"Without either, the address is that of the variable {URL_VARIABLE}."
    parser.add_argument("--stream-fd", required=True, type=int, help="descriptor to write to")
    args = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        relay(read_address(args), args.stream_fd)
    except BrokenPipeError:
        return 0
    except RelayError as error:
        sys.stderr.write(f"relay: {error}\n")
        return 2 if isinstance(error, RelayInputError) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
