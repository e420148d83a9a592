"""The form in which a window message travels: deflated, then filled with zeros to a fixed size.

    zlib (RFC 1950) of the JSON text ─► zero bytes up to the size

The size follows from the site file alone (`window_bytes`): the more windows a day has, the
smaller each message, so that a day's bytes are the same whatever was seen and however long a
window is. A message that begins with `{` is plain JSON, and is read as it stands.
"""

from __future__ import annotations

import zlib

from firmware_cfg.errors import MessageError

MOST_WINDOW_BYTES = 16384
WINDOW_BYTES_A_DAY = 135_168
MOST_TEXT_BYTES = 1 << 18
_STEP_BYTES = 64
_LEVEL = 9


def window_bytes(windows_a_day: int) -> int:
    """Size of a window message, where a day has at most so many windows.

    >>> window_bytes(96), window_bytes(48), window_bytes(20), window_bytes(1)
    (1408, 2816, 6720, 16384)
    """
    share = WINDOW_BYTES_A_DAY // max(1, windows_a_day)
    return min(MOST_WINDOW_BYTES, share - share % _STEP_BYTES)


def sealed(text: bytes, size_bytes: int, name: str) -> bytes:
    """`text` deflated, and filled up to `size_bytes`; `name` is for the message.

    Raises:
        MessageError: it does not fit.
    """
    packed = zlib.compress(text, _LEVEL)
    if len(packed) > size_bytes or len(text) > MOST_TEXT_BYTES:
        raise MessageError(f"{name}: {len(packed)} bytes, at most {size_bytes} fit")
    return packed.ljust(size_bytes, b"\0")


def sealed_bytes(text: bytes) -> int:
    """How many bytes `text` takes, before it is filled up."""
    return len(zlib.compress(text, _LEVEL))


def opened(payload: bytes) -> bytes:
    """The JSON text of a payload.

    Raises:
        MessageError: neither JSON nor sealed: damaged, larger than any message, or with
            something behind its end.
    """
    if len(payload) > MOST_TEXT_BYTES:
        found = f"found {len(payload)}"
        raise MessageError(f"message: expected {MOST_TEXT_BYTES} bytes at most, {found}")
    if payload[:1] != b"\x78":
        return payload
    stream = zlib.decompressobj()
    try:
        text = stream.decompress(payload, MOST_TEXT_BYTES)
    except zlib.error as error:
        raise MessageError(f"message: expected a sealed text, found {error}") from None
    if not stream.eof:
        raise MessageError(f"message: expected a sealed text of {MOST_TEXT_BYTES} bytes at most")
    behind = stream.unused_data
    if behind != bytes(len(behind)):
        raise MessageError("message: expected zeros behind the sealed text, found something else")
    return text
