"""MPEG transport stream (ISO/IEC 13818-1) of one video: tables, then frames with their times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.relay.rtp import START, AccessUnit

if TYPE_CHECKING:
    from edge.relay.sdp import Codec

PACKET_BYTES = 188
FIRST_TICKS = 90_000  # presentation time of the first frame, so that earlier ones stay above 0
CLOCK_AHEAD_TICKS = 45_000  # how far presentation runs behind the stream's own clock
_PMT_PID, _VIDEO_PID = 0x1000, 0x0100
_STREAM_TYPE: dict[Codec, int] = {"H264": 0x1B, "H265": 0x24}
_DELIMITER: dict[Codec, bytes] = {"H264": b"\x09\xf0", "H265": b"\x46\x01\x50"}


class TransportStream:
    """Writes access units as transport packets."""

    def __init__(self, codec: Codec) -> None:
        """Describe a stream of `codec`."""
        self._delimiter = START + _DELIMITER[codec]
        pat = b"\x00\x01\xc1\x00\x00\x00\x01" + (0xE000 | _PMT_PID).to_bytes(2, "big")
        pmt = (
            b"\x00\x01\xc1\x00\x00"
            + (0xE000 | _VIDEO_PID).to_bytes(2, "big")
            + b"\xf0\x00"
            + bytes([_STREAM_TYPE[codec]])
            + (0xE000 | _VIDEO_PID).to_bytes(2, "big")
            + b"\xf0\x00"
        )
        self._tables = ((0, _section(0x00, pat)), (_PMT_PID, _section(0x02, pmt)))
        self._counters = {0: 0, _PMT_PID: 0, _VIDEO_PID: 0}

    def packets(self, unit: AccessUnit) -> bytes:
        """The transport packets of one frame, tables before each key frame."""
        out = bytearray()
        if unit.key:
            for pid, section in self._tables:
                filled = section.ljust(PACKET_BYTES - 4, b"\xff")
                out += self._header(pid, start=True, adapted=False) + filled
        pes = self._pes(unit)
        clock = max(0, unit.ticks + FIRST_TICKS - CLOCK_AHEAD_TICKS)
        at, field = 0, _adaptation(clock, key=unit.key)
        while at < len(pes):
            room = PACKET_BYTES - 4 - len(field)
            part = pes[at : at + room]
            if len(part) < room:
                field = _stuffed(field, room - len(part))
            out += self._header(_VIDEO_PID, start=at == 0, adapted=bool(field)) + field + part
            at, field = at + len(part), b""
        return bytes(out)

    def _pes(self, unit: AccessUnit) -> bytes:
        """Packetised elementary stream header, presentation time, and the frame."""
        body = b"\x80\x80\x05" + _timestamp(unit.ticks + FIRST_TICKS) + self._delimiter + unit.data
        length = len(body) if len(body) <= 0xFFFF else 0  # 0: not told, video alone may
        return b"\0\0\1\xe0" + length.to_bytes(2, "big") + body

    def _header(self, pid: int, *, start: bool, adapted: bool) -> bytes:
        counter = self._counters[pid]
        self._counters[pid] = (counter + 1) & 0x0F
        flags = (0x4000 if start else 0) | pid
        return b"\x47" + flags.to_bytes(2, "big") + bytes([(0x30 if adapted else 0x10) | counter])


def crc32_mpeg(data: bytes) -> int:
    """CRC of table sections: polynomial 0x04C11DB7, from all ones, not reflected.

    >>> hex(crc32_mpeg(b"123456789"))
    '0x376e6e7'
    """
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ 0x04C11DB7 if crc & 0x80000000 else crc << 1) & 0xFFFFFFFF
    return crc


def _section(table: int, body: bytes) -> bytes:
    """A table section with its pointer, length and checksum."""
    section = bytes([table]) + (0xB000 | len(body) + 4).to_bytes(2, "big") + body
    return b"\0" + section + crc32_mpeg(section).to_bytes(4, "big")


def _timestamp(ticks: int) -> bytes:
    """33 bits of presentation time in five bytes with marker bits."""
    ticks %= 2**33
    return bytes(
        [
            0x21 | ticks >> 29 & 0x0E,
            ticks >> 22 & 0xFF,
            0x01 | ticks >> 14 & 0xFE,
            ticks >> 7 & 0xFF,
            0x01 | ticks << 1 & 0xFE,
        ]
    )


def _adaptation(ticks: int, *, key: bool) -> bytes:
    """Adaptation field with the stream's clock, and whether decoding may begin here."""
    ticks %= 2**33
    clock = (ticks << 15 | 0x7E00).to_bytes(6, "big")
    return bytes([7, 0x50 if key else 0x10]) + clock


def _stuffed(field: bytes, spare: int) -> bytes:
    """The adaptation field, `spare` bytes longer."""
    if field:
        return bytes([field[0] + spare]) + field[1:] + b"\xff" * spare
    if spare == 1:
        return b"\0"
    return bytes([spare - 1, 0]) + b"\xff" * (spare - 2)
