"""From RTP packets to access units: whole frames of H.264 or H.265, in Annex B.

A frame is handed on only if it is whole. After a loss (a gap in the sequence numbers), frames
are dropped up to the next key frame: pictures built on what is missing would be wrong, and a
gap in time is told truthfully by the timestamps.

| state | packet | state |
|---|---|---|
| waiting | of a frame without a key picture | waiting |
| waiting | last of a whole key frame | flowing, frame handed on |
| flowing | last of a whole frame | flowing, frame handed on |
| any | sequence gap, or malformed | waiting |
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.relay.sdp import Codec, Video

START = b"\0\0\0\1"
MAX_UNIT_BYTES = 8 * 2**20
_HEADER = struct.Struct(">BBHII")


@dataclass(frozen=True, slots=True)
class AccessUnit:
    """One coded frame: Annex B bytes, its time in 90 kHz ticks since the first, key or not."""

    data: bytes
    ticks: int
    key: bool


class Depacketiser:
    """Turns the RTP packets of one video into access units."""

    def __init__(self, video: Video) -> None:
        """Expect packets of `video`."""
        self._video = video
        self._fragments = H264_FORMAT if video.codec == "H264" else H265_FORMAT
        self._nals: list[bytearray] = []
        self._size = 0
        self._open = False  # a fragmented NAL unit has begun
        self._damaged = True  # the frame at hand is not whole; true before the first start
        self._waiting = True  # for a key frame
        self._sequence: int | None = None
        self._stamp: int | None = None
        self._ticks = 0

    def feed(self, packet: bytes) -> AccessUnit | None:
        """Take one RTP packet; the frame that it completes, if any and if whole."""
        parsed = _payload(packet, self._video.payload_type)
        if parsed is None:
            return None
        sequence, stamp, marker, payload = parsed
        if self._sequence is not None and sequence != (self._sequence + 1) & 0xFFFF:
            self._lose()
        self._sequence = sequence
        done = None
        if stamp != self._stamp:
            done = self._finish() if self._stamp is not None else None
            self._begin(stamp)
        if not self._fragments.take(self, payload) or self._size > MAX_UNIT_BYTES:
            self._lose()
        if marker:
            done = self._finish() or done
        return done

    def _begin(self, stamp: int) -> None:
        if self._stamp is not None:  # 32 bits, wrapping
            self._ticks += (stamp - self._stamp + 2**31) % 2**32 - 2**31
        self._stamp, self._damaged = stamp, False

    def _lose(self) -> None:
        self._damaged = self._waiting = True

    def _finish(self) -> AccessUnit | None:
        """The frame at hand, if whole and wanted; forgets it."""
        nals, damaged = self._nals, self._damaged or self._open
        self._nals, self._size, self._open = [], 0, False
        if damaged or not nals:
            self._waiting |= damaged
            return None
        kinds = {self._fragments.kind(nal[0]) for nal in nals}
        key = bool(kinds & self._fragments.keys)
        if self._waiting and not key:
            return None
        self._waiting = False
        sets = self._video.parameter_sets
        heads = sets if key and not kinds & self._fragments.parameter_sets else ()
        data = b"".join(START + bytes(nal) for nal in (*heads, *nals))
        return AccessUnit(data, self._ticks, key)

    def add(self, nal: bytes | bytearray) -> None:
        """A whole NAL unit of the frame at hand."""
        self._nals.append(bytearray(nal))
        self._size += len(nal)

    def begin_fragments(self, head: bytes, payload: bytes) -> None:
        """The first piece of a NAL unit with the header `head`."""
        self.add(head + payload)
        self._open = True

    def continue_fragments(self, payload: bytes, last: bool) -> bool:
        """A further piece; False: none had begun."""
        if not self._open:
            return False
        self._nals[-1] += payload
        self._size += len(payload)
        self._open = not last
        return True


@dataclass(frozen=True, slots=True)
class Format:
    """How a codec's NAL units travel in RTP.

    Attributes:
        codec: the codec.
        keys, parameter_sets: kinds of NAL units that make a key frame, or describe the stream.
        aggregate, fragment: kinds of packets that hold several units, or a piece of one.
    """

    codec: Codec
    keys: frozenset[int]
    parameter_sets: frozenset[int]
    aggregate: int
    fragment: int

    @property
    def header(self) -> int:
        """Bytes of a NAL unit's header."""
        return 1 if self.codec == "H264" else 2

    def kind(self, first: int) -> int:
        """Kind of the NAL unit whose first byte is `first`."""
        return first & 0x1F if self.codec == "H264" else first >> 1 & 0x3F

    def take(self, units: Depacketiser, payload: bytes) -> bool:
        """Unpack one packet's payload into `units`; False: malformed, or of no known kind."""
        if len(payload) <= self.header:
            return False
        kind = self.kind(payload[0])
        if kind == self.fragment:
            return self._piece(units, payload)
        if kind == self.aggregate:
            return self._several(units, payload)
        if kind > self.aggregate or (self.codec == "H264" and kind == 0):
            return False
        units.add(payload)
        return True

    def _several(self, units: Depacketiser, payload: bytes) -> bool:
        at = self.header
        while at + 2 <= len(payload):
            length = int.from_bytes(payload[at : at + 2], "big")
            nal = payload[at + 2 : at + 2 + length]
            if len(nal) != length or length < self.header:
                return False
            units.add(nal)
            at += 2 + length
        return at == len(payload)

    def _piece(self, units: Depacketiser, payload: bytes) -> bool:
        mark, body = payload[self.header], payload[self.header + 1 :]
        if self.codec == "H264":
            head = bytes([payload[0] & 0xE0 | mark & 0x1F])
        else:
            head = bytes([payload[0] & 0x81 | (mark & 0x3F) << 1, payload[1]])
        if mark & 0x80:
            units.begin_fragments(head, body)
            return True
        return units.continue_fragments(body, bool(mark & 0x40))


# RFC 6184: 5 IDR, 7 SPS, 8 PPS, 24 STAP-A, 28 FU-A.
H264_FORMAT = Format("H264", frozenset({5}), frozenset({7, 8}), 24, 28)
# RFC 7798: 16-21 random access, 32 VPS, 33 SPS, 34 PPS, 48 aggregation, 49 fragmentation.
H265_FORMAT = Format("H265", frozenset(range(16, 22)), frozenset({32, 33, 34}), 48, 49)


def _payload(packet: bytes, payload_type: int) -> tuple[int, int, bool, bytes] | None:
    """Sequence number, timestamp, marker and payload of an RTP packet of ours, or None."""
    if len(packet) < _HEADER.size:
        return None
    first, second, sequence, stamp, _ = _HEADER.unpack_from(packet)
    if first >> 6 != 2 or second & 0x7F != payload_type:
        return None
    at, end = _HEADER.size + 4 * (first & 0x0F), len(packet)
    if first & 0x10:  # header extension: profile, then length in words
        if at + 4 > end:
            return None
        at += 4 + 4 * int.from_bytes(packet[at + 2 : at + 4], "big")
    if first & 0x20:  # padding: its length in the last byte
        end -= packet[-1]
    return (sequence, stamp, bool(second & 0x80), packet[at:end]) if at <= end else None
