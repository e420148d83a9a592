"""Bytes inside bytes: what is compressed, or written as text, is unpacked and searched, too."""

from __future__ import annotations

import base64
import binascii
import bz2
import lzma
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress

from edge.audit.canary.emitted import Stream

DEEPEST = 3
_MOST_BYTES = 64_000_000
_LEAST_BYTES = 24
_DEFLATED = re.compile(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{40,}={0,2}")
_HEX = re.compile(rb"(?:[0-9a-fA-F]{2}){32,}")
_OTHERS = ((b"BZh", bz2.BZ2Decompressor), (b"\xfd7zXZ\x00", lzma.LZMADecompressor))
PICTURES = {
    "PNG": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "JPEG": re.compile(rb"\xff\xd8\xff(?:\xe0..JFIF|\xe1..Exif|\xdb\x00[\x43\x84])", re.DOTALL),
    "GIF": re.compile(rb"GIF8[79]a"),
    "WebP": re.compile(rb"RIFF....WEBP", re.DOTALL),
    "YUV4MPEG2": re.compile(rb"YUV4MPEG2 "),
    "PPM": re.compile(rb"P[56]\s\d{2,4}\s\d{2,4}\s255\s"),
    "MP4": re.compile(rb"ftyp(?:isom|mp4|avif|heic)"),
}


def unpacked(stream: Stream, depth: int = 0) -> Iterator[Stream]:
    """The stream itself, and all that can be unpacked from it, `DEEPEST` times over."""
    yield stream
    if depth == DEEPEST:
        return
    for form, data in _inside(stream.data):
        if len(data) >= _LEAST_BYTES:
            yield from unpacked(Stream(f"{stream.name} › {form}", data), depth + 1)


def _inside(data: bytes) -> Iterator[tuple[str, bytes]]:
    for found in _DEFLATED.finditer(data):
        yield "inflated", _inflated(data[found.start() :], 32 + zlib.MAX_WBITS)
    yield "inflated raw", _inflated(data, -zlib.MAX_WBITS)
    for magic, make in _OTHERS:
        begin = data.find(magic)
        while begin >= 0:
            with suppress(OSError, lzma.LZMAError, EOFError):
                yield magic[:3].decode("latin-1"), make().decompress(data[begin:], _MOST_BYTES)
            begin = data.find(magic, begin + 1)
    words = [found[0] for found in _BASE64.finditer(data)]
    for shift in range(4 if words else 0):  # it may begin inside a longer word
        yield "base64", b"".join(_from_base64(word[shift:]) for word in words)
    digits = [found[0] for found in _HEX.finditer(data)]
    for shift in range(2 if digits else 0):
        pairs = (word[shift : shift + (len(word) - shift) // 2 * 2] for word in digits)
        yield "hexadecimal", b"".join(bytes.fromhex(pair.decode()) for pair in pairs)


def _from_base64(word: bytes) -> bytes:
    """What a word says as base64, in the usual alphabet or in that of addresses."""
    text = word.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    with suppress(binascii.Error):
        return base64.b64decode(text[: len(text) // 4 * 4])
    return b""


def _inflated(data: bytes, window_bits: int) -> bytes:
    engine = zlib.decompressobj(window_bits)
    with suppress(zlib.error):
        return engine.decompress(data, _MOST_BYTES)
    return _as_far_as_it_goes(data, window_bits)


def _as_far_as_it_goes(data: bytes, window_bits: int) -> bytes:
    """What can be inflated before the first error: a stream may be cut."""
    engine, found = zlib.decompressobj(window_bits), bytearray()
    with suppress(zlib.error):
        for begin in range(0, len(data), 64):
            found += engine.decompress(data[begin : begin + 64], _MOST_BYTES)
    return bytes(found)


def pictures(stream: Stream) -> Iterator[tuple[str, int]]:
    """Formats of pictures and films that begin in a stream, and where."""
    for name, beginning in PICTURES.items():
        for found in beginning.finditer(stream.data):
            yield name, found.start()
