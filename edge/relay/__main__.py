"""The process `python -m edge.relay`: the only place here that opens a socket.

    connect to one address ─► close (no socket, no connect, no file any more) ─► speak RTSP, copy

It is closed before the camera has said a word, so nothing that a camera says (a redirect, an
address in a description) can make it reach a second place.

Exit status: 0 when the reader closed the pipe; 1 when the camera cannot be reached or
stopped; 2 for an address, credentials or a jail that do not serve. A supervisor starts it
anew.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
from typing import TYPE_CHECKING

from edge.relay.address import Address, parse_address
from edge.relay.credentials import receive_credentials
from edge.relay.errors import RelayError
from edge.relay.mpegts import TransportStream
from edge.relay.rtp import Depacketiser
from edge.relay.rtsp import RtspClient
from firmware_cfg.confine.closing import close, hide
from firmware_cfg.confine.errors import ConfinementError
from firmware_cfg.confine.filters import Output
from firmware_cfg.confine.layers import REQUIRED, Layer
from firmware_cfg.confine.policies import RELAY

if TYPE_CHECKING:
    from collections.abc import Sequence

SILENCE_S = 10.0
RECEIVE_BYTES = 1 << 18
WRITE_BYTES = 1 << 16


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


def connect(address: Address) -> TcpConnection:
    """Connect to the camera.

    Raises:
        RelayError: it cannot be reached.
    """
    try:
        return TcpConnection(address)
    except TimeoutError:
        raise RelayError(f"{address.url}: no answer within {SILENCE_S:g} s") from None
    except OSError as error:
        raise RelayError(f"{address.url}: {error.strerror or error}") from None


def relay(connection: TcpConnection, address: Address, descriptor: int) -> None:
    """Copy the stream at `address` into `descriptor`, until either side ends.

    Raises:
        RelayError: the camera refuses, or stopped.
        BrokenPipeError: the reader closed the pipe.
    """
    client = RtspClient(connection, address)
    try:
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
        rest = rest[os.write(descriptor, rest[:WRITE_BYTES]) :]


def parser() -> argparse.ArgumentParser:
    """The command line."""
    command = argparse.ArgumentParser(
        prog="python -m edge.relay",
        description="Copies a network camera's stream into a pipe, as MPEG-TS.",
        allow_abbrev=False,
    )
    add = command.add_argument
    add("--url", required=True, help="rtsp://host[:port]/path, without credentials")
    add("--credentials-fd", type=int, help="descriptor that user name and password come from")
    add("--stream-fd", required=True, type=int, help="descriptor to write to")
    layers = sorted(str(layer) for layer in REQUIRED)
    add("--without", action="append", default=[], choices=layers, help="layer that may be missing")
    return command


def read_address(args: argparse.Namespace) -> Address:
    """The address of the command line, with the credentials of the descriptor.

    Raises:
        RelayInputError: none that can be used; or a password where every process sees it.
    """
    address = parse_address(args.url)
    if args.credentials_fd is None:
        return address
    return address.known_as(receive_credentials(args.credentials_fd))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    args = parser().parse_args(argv)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        hide()
        address = read_address(args)
        connection = connect(address)
        output = Output(args.stream_fd, WRITE_BYTES)
        closed = close(RELAY, [Layer(one) for one in args.without], [output])
        sys.stderr.write(f"relay: {closed.line()}\n")
        relay(connection, address, args.stream_fd)
    except BrokenPipeError:
        return 0
    except (RelayError, ConfinementError) as error:
        sys.stderr.write(f"relay: {error}\n")
        return 1 if type(error) is RelayError else 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
