"""Which local (unix) socket is connected to which, asked of the kernel (NETLINK_SOCK_DIAG).

/proc/net/unix has no other ends. Formats: include/uapi/linux/{netlink,sock_diag,unix_diag}.h.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

NETLINK_SOCK_DIAG = 4
SOCK_DIAG_BY_FAMILY = 20
UNIX_DIAG_PEER = 2
_REQUEST, _DUMP = 0x1, 0x300
_ERROR, _DONE = 2, 3
_SHOW_PEER = 4
_EVERY_STATE = 0xFFFFFFFF
_ANY_COOKIE = (0xFFFFFFFF, 0xFFFFFFFF)
_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_ASKED = struct.Struct("=BBHIIIII")  # family, protocol, 0, states, inode, show, cookie
_TOLD = struct.Struct("=BBBBIII")  # family, type, state, 0, inode, cookie
_ATTRIBUTE = struct.Struct("=HH")  # length, type
_ANSWER_BYTES = 1 << 16
_WITHIN_S = 5.0


def unix_peers() -> dict[int, int]:
    """The other end of each local socket of this network, by inode; 0: it has none.

    Empty where the kernel does not tell.
    """
    try:
        return dict(_ask())
    except OSError:
        return {}


def _ask() -> Iterator[tuple[int, int]]:
    body = _ASKED.pack(socket.AF_UNIX, 0, 0, _EVERY_STATE, 0, _SHOW_PEER, *_ANY_COOKIE)
    length = _HEADER.size + len(body)
    header = _HEADER.pack(length, SOCK_DIAG_BY_FAMILY, _REQUEST | _DUMP, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as kernel:
        kernel.settimeout(_WITHIN_S)
        kernel.send(header + body)
        while True:
            for kind, message in _messages(kernel.recv(_ANSWER_BYTES)):
                if kind == _DONE:
                    return
                if kind == _ERROR:
                    raise OSError("the kernel does not tell of local sockets")
                yield _ends(message)


def _messages(answer: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and content of each message of an answer."""
    at = 0
    while at + _HEADER.size <= len(answer):
        length, kind, *_ = _HEADER.unpack_from(answer, at)
        yield kind, answer[at + _HEADER.size : at + length]
        at += _aligned(max(length, _HEADER.size))


def _ends(message: bytes) -> tuple[int, int]:
    """Inodes of a socket and of its other end."""
    inode = _TOLD.unpack_from(message)[4]
    at = _TOLD.size
    while at + _ATTRIBUTE.size <= len(message):
        length, kind = _ATTRIBUTE.unpack_from(message, at)
        if kind == UNIX_DIAG_PEER:
            return inode, int(struct.unpack_from("=I", message, at + _ATTRIBUTE.size)[0])
        at += _aligned(max(length, _ATTRIBUTE.size))
    return inode, 0


def _aligned(length: int) -> int:
    return (length + 3) & ~3
