"""Sieve and cutter before the MQTT client: the small pass unchanged, the large cost nothing."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_cfg.codec import encode
from firmware_cfg.messages import Ack, Desired, Rejection
from firmware_cfg.packets import (
    MOST_DOWN_BYTES,
    MOST_UP_BYTES,
    Cutter,
    Sieve,
    framed,
    packet_bytes,
)
from firmware_cfg.sealing import MOST_TEXT_BYTES, MOST_WINDOW_BYTES
from firmware_cfg.topics import Kind, topic

MOST = 300
MANY = 70_000


def length(count: int) -> bytes:
    """The base-128 number of the specification (MQTT 5, section 1.5.5)."""
    written = b""
    while count > 127:
        written, count = written + bytes([128 + count % 128]), count // 128
    return written + bytes([count])


def publish(
    payload: bytes, name: bytes = b"a/b", qos: int = 1, flags: int = 0, *, v5: bool = False
) -> bytes:
    body = len(name).to_bytes(2) + name + (b"\0\7" if qos else b"") + (b"\0" if v5 else b"")
    return bytes([0x30 | qos << 1 | flags]) + length(len(body + payload)) + body + payload


class Stream:
    """A socket that gives its bytes in pieces, and now and then has none."""

    def __init__(self, data: bytes, chance: Random | None = None) -> None:
        self.data, self.at, self.chance = data, 0, chance
        self.asked_bytes = 0

    def __call__(self, count: int) -> bytes:
        self.asked_bytes = max(self.asked_bytes, count)
        if self.chance is not None:
            if self.chance.random() < 0.3:
                raise BlockingIOError
            count = self.chance.randint(1, count)
        piece = self.data[self.at : self.at + count]
        self.at += len(piece)
        return piece


def sifted(stream: Stream, most: int = MOST, *, v5: bool = False) -> tuple[bytes, list[int]]:
    """All that a client gets, asking for differing sizes, and what was dropped."""
    dropped: list[int] = []
    sieve = Sieve(most, v5=v5, dropped=dropped.append)
    ask, got = Random(len(stream.data)), b""  # noqa: S311 - repeatable
    while True:
        try:
            piece = sieve.read(stream, ask.randint(1, 50))
        except BlockingIOError:
            continue
        if not piece:
            return got, dropped
        got += piece


def cut(stream: Stream, most: int = MOST, *, v5: bool = False) -> tuple[bytes, list[int]]:
    """The same of a client whose packets are cut out of what comes."""
    dropped: list[int] = []
    cutter, got = Cutter(most, v5=v5, dropped=dropped.append), b""
    while True:
        try:
            piece = stream(100)
        except BlockingIOError:
            continue
        if not piece:
            return got, dropped
        got += b"".join(framed(packet) for packet in cutter.cut(piece))


Reader = Callable[..., tuple[bytes, list[int]]]
either = pytest.mark.parametrize("reader", [sifted, cut])
SMALL = [publish(b"x" * 10), b"\xd0\x00", b"\x40\x02\x00\x07", publish(b"", qos=0), b"\x20\x02\0\0"]


@either
@given(
    st.lists(st.sampled_from([*SMALL, b"large"]), max_size=12), st.integers(0, 2**32), st.booleans()
)
@settings(max_examples=100, deadline=None)
def test_any_order_in_any_pieces_passes_and_only_the_large_lose_their_payload(
    reader: Reader, packets: list[bytes], seed: int, v5: bool
) -> None:
    large, bare = publish(b"\x30" * MOST, v5=v5), publish(b"", v5=v5)
    told = b"".join(large if one == b"large" else one for one in packets)
    stream = Stream(told, Random(seed))  # noqa: S311 - repeatable
    got, dropped = reader(stream, v5=v5)
    assert got == b"".join(bare if one == b"large" else one for one in packets)
    assert dropped == [len(large)] * packets.count(b"large")


@either
@pytest.mark.parametrize("qos", [0, 1, 2])
@pytest.mark.parametrize("flags", [0, 1, 8, 9])
@pytest.mark.parametrize("name", [b"", b"a" * 130, b"t" * 65_535])
def test_a_large_message_keeps_its_topic_its_flags_and_its_packet_id(
    reader: Reader, qos: int, flags: int, name: bytes
) -> None:
    got, dropped = reader(Stream(publish(b"p" * MANY, name, qos, flags)))
    assert got == publish(b"", name, qos, flags)
    assert len(dropped) == 1


@either
@pytest.mark.parametrize(("beyond", "passes"), [(0, True), (1, False)])
def test_the_bound_is_the_whole_packet_s(reader: Reader, beyond: int, *, passes: bool) -> None:
    packet = publish(b"p" * (MOST - len(publish(b"")) - 1 + beyond))
    assert len(packet) == MOST + beyond
    assert (reader(Stream(packet))[0] == packet) is passes


def test_nothing_of_a_large_payload_is_kept() -> None:
    def pieces(count: int) -> bytes:
        stream.at += count
        return stream.data[stream.at - count : stream.at] if stream.at < 2000 else bytes(count)

    stream = Stream(publish(bytes(200_000_000))[:4096])
    sieve = Sieve(MOST, v5=False, dropped=lambda _: None)
    tracemalloc.start()
    assert sieve.read(pieces, 1)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert stream.at > 200_000_000
    assert peak_bytes < 100_000


def test_a_cutter_keeps_nothing_of_a_large_payload_and_little_of_a_packet() -> None:
    cutter, head = Cutter(MOST, v5=False, dropped=lambda _: None), publish(bytes(200_000_000))[:64]
    tracemalloc.start()
    assert cutter.cut(head) == []
    for _ in range(3_000):
        assert cutter.cut(bytes(65_536)) == []
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_bytes < 200_000


@either
@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (b"\x90" + length(MOST) + bytes(MOST), "packet of 303 bytes, expected 300 at most"),
        (b"\x30\xff\xff\xff\xff\x01", "length in 4 bytes"),
        (b"\x32" + length(400) + b"\xff\xff" + bytes(MANY), "longer topic"),
    ],
)
def test_what_is_no_message_ends_the_connection(reader: Reader, told: bytes, reason: str) -> None:
    with pytest.raises(ConnectionError, match=reason):
        reader(Stream(told))


@either
@pytest.mark.parametrize("end", [0, 1, 2, 5, 9, 200, 400])
def test_a_stream_that_ends_in_a_packet_ends_for_the_client_too(reader: Reader, end: int) -> None:
    got, dropped = reader(Stream(publish(b"p" * MANY)[:end]))
    assert (got, dropped) == (b"", [])


def test_every_message_of_the_contract_fits() -> None:
    reason = "\x01" * 200
    refused = tuple(Rejection(seq=2**63 - 1, reason=reason) for _ in range(64))
    digests = {"sha256": "0" * 64, "signature": "0" * 128}
    most = {"schema_version": 2**63 - 1, "epoch": "0" * 16, "up_to": 2**63 - 1, "rejected": refused}
    largest = len(encode(Ack.model_validate(most | digests)))
    assert MOST_DOWN_BYTES - 4096 < largest <= MOST_DOWN_BYTES
    assert len(encode(Desired(k=1000, window_s=86_400))) < MOST_DOWN_BYTES
    assert MOST_WINDOW_BYTES < MOST_TEXT_BYTES <= MOST_UP_BYTES
    names: list[Callable[[], str]] = [lambda kind=kind: topic("d" * 63, kind) for kind in Kind]  # type: ignore[misc]
    for name in names:
        assert len(publish(b"", name().encode(), v5=True)) < packet_bytes(0) - 256


@pytest.mark.parametrize("most", [MOST_UP_BYTES, MOST_DOWN_BYTES])
def test_the_bounds_are_documented(most: int) -> None:
    page = (Path(__file__).parents[3] / "docs" / "mqtt.md").read_text("utf-8")
    assert f"{packet_bytes(most):,} bytes" in page
