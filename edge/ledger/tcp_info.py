"""What the kernel counted on a TCP connection: getsockopt(TCP_INFO), Linux.

`struct tcp_info` (include/uapi/linux/tcp.h) begins with 8 single bytes and 24 32-bit fields,
104 bytes; after them, all little machine words of this machine's order:

| offset | field | since Linux | |
|---|---|---|---|
| 120 | `tcpi_bytes_acked` u64 | 4.1 | acknowledged by the other side; the SYN may count as one |
| 128 | `tcpi_bytes_received` u64 | 4.1 | received in order |
| 144 | `tcpi_notsent_bytes` u32 | 4.6 | written by the process, not sent yet |
| 200 | `tcpi_bytes_sent` u64 | 4.19 | sent, retransmissions included |
| 208 | `tcpi_bytes_retrans` u64 | 4.19 | retransmitted |

Bytes are those inside TCP: what the process wrote, TLS included, without TCP's and IP's headers.
"""

from __future__ import annotations

import os
import socket
import struct
from dataclasses import dataclass

_STRUCT_BYTES = 256
_ACKED, _RECEIVED, _SENT, _RETRANSMITTED = 120, 128, 200, 208
_NOT_SENT = 144
_WHOLE_BYTES = 216


@dataclass(frozen=True, slots=True)
class KernelBytes:
    """Bytes inside TCP, by the kernel's count.

    Attributes:
        sent_bytes: sent once each, without what was sent again.
        again_bytes: retransmitted.
        acked_bytes: acknowledged by the other side.
        received_bytes: received.
    """

    sent_bytes: int = 0
    again_bytes: int = 0
    acked_bytes: int = 0
    received_bytes: int = 0

    def since(self, earlier: KernelBytes) -> KernelBytes:
        """What was counted since `earlier`."""
        return KernelBytes(
            self.sent_bytes - earlier.sent_bytes,
            self.again_bytes - earlier.again_bytes,
            self.acked_bytes - earlier.acked_bytes,
            self.received_bytes - earlier.received_bytes,
        )

    def plus(self, other: KernelBytes) -> KernelBytes:
        """Both together."""
        return KernelBytes(
            self.sent_bytes + other.sent_bytes,
            self.again_bytes + other.again_bytes,
            self.acked_bytes + other.acked_bytes,
            self.received_bytes + other.received_bytes,
        )


class Watched:
    """A second descriptor of a TCP connection: its counters can be read until it is closed.

    Whoever owns the connection may close it before; then `close` ends it.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._socket: socket.socket | None = socket.socket(fileno=os.dup(connection.fileno()))
        self._last: KernelBytes | None = None

    def read(self) -> KernelBytes | None:
        """The counters now; the last ones after `close`; None where the kernel is too old."""
        if self._socket is not None:
            info = self._info(self._socket)
            self._last = None if info is None else _counters(info)
        return self._last

    def given_bytes(self) -> int:
        """Bytes that the kernel was given to send, sent or not; 0 where it does not count."""
        info = None if self._socket is None else self._info(self._socket)
        if info is None:
            return 0
        return _counters(info).sent_bytes + _u32(info, _NOT_SENT)

    def idle(self) -> bool:
        """Whether the kernel has sent all that was written."""
        info = None if self._socket is None else self._info(self._socket)
        return info is None or _u32(info, _NOT_SENT) == 0

    def close(self) -> None:
        """Read for the last time, and let go of the connection."""
        if self._socket is not None:
            self.read()
            self._socket.close()
            self._socket = None

    def _info(self, connection: socket.socket) -> bytes | None:
        try:
            info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _STRUCT_BYTES)
        except OSError:
            return None
        return info if len(info) >= _WHOLE_BYTES else None


def _counters(info: bytes) -> KernelBytes:
    again = _u64(info, _RETRANSMITTED)
    return KernelBytes(_u64(info, _SENT) - again, again, _u64(info, _ACKED), _u64(info, _RECEIVED))


def _u64(info: bytes, offset: int) -> int:
    (value,) = struct.unpack_from("=Q", info, offset)
    return int(value)


def _u32(info: bytes, offset: int) -> int:
    (value,) = struct.unpack_from("=I", info, offset)
    return int(value)
