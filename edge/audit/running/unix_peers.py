"""Which local (unix) socket is connected to which, asked of the kernel (NETLINK_SOCK_DIAG).

/proc/net/unix has no other ends. Formats: include/uapi/linux/{netlink,sock_diag,unix_diag}.h.
"""

from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace

NETLINK_SOCK_DIAG = 4
SOCK_DIAG_BY_FAMILY = 20
UNIX_DIAG_NAME, UNIX_DIAG_PEER = 0, 2
_REQUEST, _DUMP = 0x1, 0x300
_ERROR, _DONE = 2, 3
_SHOW_NAME, _SHOW_PEER = 1, 4
_EVERY_STATE = 0xFFFFFFFF
_ANY_COOKIE = (0xFFFFFFFF, 0xFFFFFFFF)
_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_ASKED = struct.Struct("=BBHIIIII")  # family, protocol, 0, states, inode, show, cookie
_TOLD = struct.Struct("=BBBBIII")  # family, type, state, 0, inode, cookie
_ATTRIBUTE = struct.Struct("=HH")  # length, type
_ANSWER_BYTES = 1 << 16
_WITHIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Ends:
    """A local socket by the kernel's answer.

    Attributes:
        inode: its own.
        peer: of its other end; 0: it has none.
        name: its name, `@` for the abstract kind; empty: none.
    """

    inode: int
    peer: int = 0
    name: str = ""


def unix_ends() -> tuple[Ends, ...]:
    """The local sockets of this network; none where the kernel does not tell."""
    try:
        return tuple(_ask())
    except OSError:
        return ()


def _ask() -> Iterator[Ends]:
    body = _ASKED.pack(socket.AF_UNIX, 0, 0, _EVERY_STATE, 0, _SHOW_NAME | _SHOW_PEER, *_ANY_COOKIE)
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


def _ends(message: bytes) -> Ends:
    found = Ends(int(_TOLD.unpack_from(message)[4]))
    at = _TOLD.size
    while at + _ATTRIBUTE.size <= len(message):
        length, kind = _ATTRIBUTE.unpack_from(message, at)
        value = message[at + _ATTRIBUTE.size : at + length]
        if kind == UNIX_DIAG_PEER:
            found = replace(found, peer=int.from_bytes(value, sys.byteorder))
        if kind == UNIX_DIAG_NAME:
            found = replace(found, name=_name(value))
        at += _aligned(max(length, _ATTRIBUTE.size))
    return found


def _name(value: bytes) -> str:
    """A name as /proc/net/unix writes it, in one line whatever it holds."""
    abstract = value.startswith(b"\0")
    text = value.removeprefix(b"\0") if abstract else value.partition(b"\0")[0]
    return ("@" if abstract else "") + text.decode("utf-8", "backslashreplace").replace("\n", "\\n")


def _aligned(length: int) -> int:
    return (length + 3) & ~3
