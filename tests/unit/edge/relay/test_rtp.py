"""RTP packets to whole frames, and frames to a transport stream."""

from __future__ import annotations

import struct

import pytest

from edge.relay.mpegts import FIRST_TICKS, PACKET_BYTES, TransportStream, crc32_mpeg
from edge.relay.rtp import START, AccessUnit, Depacketiser
from edge.relay.sdp import Video

SPS, PPS, IDR, SLICE = b"\x67sps", b"\x68pps", b"\x65key-picture", b"\x41picture"
H264 = Video("H264", 96, "rtsp://camera/live/track1", (SPS, PPS))
H265 = Video("H265", 96, "rtsp://camera/live/track1", ())


def packet(
    sequence: int, stamp: int, payload: bytes, *, last: bool = True, kind: int = 96
) -> bytes:
    head = struct.pack(">BBHII", 0x80, (0x80 if last else 0) | kind, sequence % 65536, stamp, 7)
    return head + payload


def feed(units: Depacketiser, *packets: bytes) -> list[AccessUnit]:
    return [unit for data in packets if (unit := units.feed(data)) is not None]


def test_a_key_frame_gets_the_parameter_sets_it_lacks() -> None:
    (unit,) = feed(Depacketiser(H264), packet(1, 0, IDR))
    assert unit == AccessUnit(START + SPS + START + PPS + START + IDR, 0, key=True)


def test_parameter_sets_of_the_stream_are_not_doubled() -> None:
    several = b"\x78" + b"".join(len(n).to_bytes(2, "big") + n for n in (SPS, PPS, IDR))
    (unit,) = feed(Depacketiser(H264), packet(1, 0, several))
    assert unit.data.count(SPS) == 1


def test_fragments_are_joined() -> None:
    pieces = [b"\x7c\x85key-", b"\x7c\x05pict", b"\x7c\x45ure"]
    packets = [packet(n, 0, piece, last=n == 2) for n, piece in enumerate(pieces)]
    (unit,) = feed(Depacketiser(H264), *packets)
    assert unit.data.endswith(START + IDR)


def test_h265_fragments_are_joined() -> None:
    pieces = [b"\x62\x01\x93key-", b"\x62\x01\x53picture"]
    packets = [packet(n, 0, piece, last=n == 1) for n, piece in enumerate(pieces)]
    (unit,) = feed(Depacketiser(H265), *packets)
    assert unit == AccessUnit(START + b"\x26\x01key-picture", 0, key=True)


def test_nothing_before_the_first_key_frame() -> None:
    units = Depacketiser(H264)
    assert not feed(units, packet(1, 0, SLICE))
    assert [u.ticks for u in feed(units, packet(2, 9000, IDR), packet(3, 18000, SLICE))] == [
        9000,
        18000,
    ]


def test_after_a_loss_frames_wait_for_the_next_key_frame() -> None:
    units = Depacketiser(H264)
    got = feed(
        units,
        packet(1, 0, IDR),
        packet(3, 9000, SLICE),  # 2 is missing
        packet(4, 18000, SLICE),
        packet(5, 27000, IDR),
        packet(6, 36000, SLICE),
    )
    assert [u.ticks for u in got] == [0, 27000, 36000]


def test_sequence_and_time_wrap() -> None:
    units = Depacketiser(H264)
    start = 2**32 - 4500
    got = feed(units, packet(65535, start, IDR), packet(65536, (start + 9000) % 2**32, SLICE))
    assert [u.ticks for u in got] == [0, 9000]


def test_pictures_out_of_order_keep_their_own_times() -> None:
    packets = [packet(n, t, SLICE if n else IDR) for n, t in enumerate((0, 36000, 9000, 18000))]
    assert [u.ticks for u in feed(Depacketiser(H264), *packets)] == [0, 36000, 9000, 18000]


def test_a_frame_without_a_marker_ends_with_the_next_one() -> None:
    units = Depacketiser(H264)
    got = feed(units, packet(1, 0, IDR, last=False), packet(2, 9000, SLICE, last=False))
    assert [u.ticks for u in got] == [0]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80",
        packet(2, 9000, b""),
        packet(2, 9000, b"\x7c"),
        packet(2, 9000, b"\x7c\x05middle of nothing"),
        packet(2, 9000, b"\x78\x00\xffshort"),
        packet(2, 9000, b"\x1dunknown kind"),
        b"\x90" + packet(2, 9000, b"")[1:] + b"\x00\x00\xff\xff",
    ],
)
def test_malformed_packets_give_no_frame_and_no_crash(data: bytes) -> None:
    units = Depacketiser(H264)
    assert feed(units, packet(1, 0, IDR))
    assert not feed(units, data)
    assert feed(units, packet(3, 90000, IDR))


def test_packets_of_another_kind_are_not_ours() -> None:
    assert not feed(Depacketiser(H264), packet(1, 0, IDR, kind=97))


@pytest.mark.parametrize("size", [*range(1, 600, 7), 65_000, 70_000])
def test_every_size_fills_whole_transport_packets(size: int) -> None:
    stream = TransportStream("H264")
    data = stream.packets(AccessUnit(START + b"\x65" * size, 900, key=True))
    data += stream.packets(AccessUnit(START + b"\x41" * size, 9900, key=False))
    assert len(data) % PACKET_BYTES == 0
    payload, counters = bytearray(), []
    for at in range(0, len(data), PACKET_BYTES):
        cell = data[at : at + PACKET_BYTES]
        assert cell[0] == 0x47
        if int.from_bytes(cell[1:3], "big") & 0x1FFF == 0x100:
            counters.append(cell[3] & 0x0F)
            payload += cell[4 + (1 + cell[4] if cell[3] & 0x20 else 0) :]
    assert counters == [n % 16 for n in range(len(counters))]
    assert payload.count(b"\x65") >= size
    assert payload.count(b"\x41") >= size


def test_tables_are_sealed_and_times_begin_above_zero() -> None:
    assert FIRST_TICKS > 0
    assert crc32_mpeg(b"123456789") == 0x0376E6E7
