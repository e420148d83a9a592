"""The ingest client on a pair of connected sockets: what it hands on, and what it writes."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from paho.mqtt.enums import MQTTErrorCode

from server.ingest.access import BrokerAccess
from server.ingest.client import IngestClient
from server.ingest.worker import Delivery

UP = b"encounter/v1/kiosk-1/up/window"
CONNACK = {True: b"\x20\x03\x00\x00\x00", False: b"\x20\x02\x00\x00"}


@dataclass
class Pair:
    """A client, and the broker's end of its connection."""

    v5: bool
    taken: list[Delivery] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Connect the two."""
        access = BrokerAccess("127.0.0.1", 0)
        self.client = IngestClient(access, "ingest", v5=self.v5, deliver=self.taken.append)
        ours, self.broker = socket.socketpair()
        ours.setblocking(False)
        self.broker.setblocking(False)
        cast("Any", self.client)._sock = ours
        assert self.say(CONNACK[self.v5]) == MQTTErrorCode.MQTT_ERR_SUCCESS
        assert self.client.is_connected()

    def say(self, *packets: bytes) -> MQTTErrorCode:
        """Send packets in one piece, and let the client read."""
        self.broker.sendall(b"".join(packets))
        return self.client.loop_read()

    def publish(
        self, payload: bytes, packet_id: int, *, properties: bytes = b"", retained: bool = False
    ) -> bytes:
        """A message of QoS 1; with packet id 0 one of QoS 0."""
        body = len(UP).to_bytes(2) + UP + (packet_id.to_bytes(2) if packet_id else b"")
        body += (bytes([len(properties)]) + properties if self.v5 else b"") + payload
        first = 0x30 | (0b10 if packet_id else 0) | retained
        return bytes([first, len(body)]) + body


@pytest.fixture(params=[True, False], ids=["5", "3.1.1"])
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    one = Pair(request.param)
    yield one
    cast("Any", one.client)._sock_close()
    one.broker.close()


def test_messages_of_one_piece_are_handed_on_in_order(pair: Pair) -> None:
    pair.say(pair.publish(b"one", 1), b"\xd0\x00", pair.publish(b"two", 2, retained=True))
    told = [(one.topic.encode(), one.payload, one.retained) for one in pair.taken]
    assert told == [(UP, b"one", False), (UP, b"two", True)]


def test_a_message_in_two_pieces_is_handed_on_with_the_second(pair: Pair) -> None:
    packet = pair.publish(b"window", 1)
    pair.say(packet[:9])
    assert pair.taken == []
    pair.say(packet[9:] + pair.publish(b"next", 2)[:3])
    assert [one.payload for one in pair.taken] == [b"window"]


def test_properties_of_a_message_are_passed_over(pair: Pair) -> None:
    pair.say(pair.publish(b"window", 1, properties=b"\x02\x00\x00\x0e\x10"))
    assert [one.payload for one in pair.taken] == [b"window"]


def test_nothing_is_acknowledged_before_it_is_settled_and_then_in_one_write(pair: Pair) -> None:
    pair.say(pair.publish(b"one", 1), pair.publish(b"two", 2), pair.publish(b"three", 0))
    pair.client.loop_write()
    with pytest.raises(BlockingIOError):
        pair.broker.recv(100)
    for one in pair.taken:
        one.settle()
    pair.client.loop_write()
    assert pair.broker.recv(100) == b"\x40\x02\x00\x01\x40\x02\x00\x02"


def test_what_is_settled_is_said_before_the_end(pair: Pair) -> None:
    pair.say(pair.publish(b"one", 7))
    pair.taken[0].settle()
    pair.client.disconnect()
    pair.client.loop_write()
    assert pair.broker.recv(100).startswith(b"\x40\x02\x00\x07\xe0")


def test_what_is_published_beyond_the_most_on_the_way_follows_as_those_are_settled(
    pair: Pair,
) -> None:
    cast("Any", pair.client)._max_inflight_messages = 2
    for number in range(5):
        pair.client.publish("down", b"ack-%d" % number, qos=1)
    seen = []
    for packet_id in (1, 2, 3):
        pair.client.loop_write()
        seen.append(pair.broker.recv(1000).count(b"ack-"))
        pair.say(b"\x40\x02" + packet_id.to_bytes(2))
    assert seen == [2, 1, 1]


@pytest.mark.parametrize("strange", [b"\x32\x05\x00\x01a\x00\x07", b"\xf3\xff\xff\xff\xff\x01"])
@pytest.mark.parametrize("pair", [True], indirect=True)
def test_what_is_not_mqtt_ends_the_connection(pair: Pair, strange: bytes) -> None:
    assert pair.say(strange) != MQTTErrorCode.MQTT_ERR_SUCCESS
    assert pair.client.socket() is None


def test_the_end_of_the_stream_ends_the_connection(pair: Pair) -> None:
    pair.broker.close()
    assert pair.client.loop_read() == MQTTErrorCode.MQTT_ERR_CONN_LOST
    assert not pair.client.is_connected()
