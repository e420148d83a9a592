"""How many bytes of MQTT a device writes, by the protocol: packets of versions 3.1.1 and 5.

| packet | bytes beside the payload |
|---|---|
| CONNECT | head; protocol 10; Maximum Packet Size 6; client id and user name; the will's topic |
| SUBSCRIBE | head; packet id 2; properties 1; topic; options 1; for each topic below |
| PUBLISH | head; topic; packet id 2; properties 1 |
| PUBACK 4, PINGREQ 2, DISCONNECT 2 | all of it |

A head is a byte, and the length of the rest in one to four. A text has its length in two before it.
Version 3.1.1 has no properties: at most one byte a packet less, of CONNECT seven.
"""

from __future__ import annotations

from edge.ledger.entry import SENT_AS, EntryKind
from firmware_cfg.topics import Kind, topic

ACK_BYTES, PING_BYTES, DISCONNECT_BYTES = 4, 2, 2
SUBSCRIBED = (Kind.ACK, Kind.DESIRED)
CONNECTION_PACKETS = 2 + len(SUBSCRIBED)
LONGEST_DEVICE = "d" * 63
_PROTOCOL, _MAXIMUM_PACKET_SIZE, _PACKET_ID, _PROPERTIES, _OPTIONS, _LENGTH = 10, 6, 2, 1, 1, 2


def packet_bytes(device: str, kind: EntryKind, payload_bytes: int) -> int:
    """All that is written for one payload: its packet, or of a will the whole connection's own.

    >>> packet_bytes("kiosk-7", EntryKind.HEALTH, 1024) - 1024
    38
    """
    if kind is EntryKind.WILL:
        return connection_bytes(device, payload_bytes)
    name = _text_bytes(topic(device, SENT_AS[kind]))
    return _with_head(name + _PACKET_ID + _PROPERTIES + payload_bytes)


def connection_bytes(device: str, will_bytes: int) -> int:
    """CONNECT with its will, SUBSCRIBE and DISCONNECT.

    >>> connection_bytes("kiosk-7", 0)
    150
    """
    will = _PROPERTIES + _text_bytes(topic(device, Kind.STATE)) + _LENGTH + will_bytes
    names = 2 * _text_bytes(device)
    connect = _with_head(_PROTOCOL + _MAXIMUM_PACKET_SIZE + names + will)
    asked = (_PACKET_ID + _PROPERTIES + _text_bytes(topic(device, one)) for one in SUBSCRIBED)
    return connect + sum(_with_head(one + _OPTIONS) for one in asked) + DISCONNECT_BYTES


def _text_bytes(text: str) -> int:
    return _LENGTH + len(text)


def _with_head(rest_bytes: int) -> int:
    """A packet's size by that of what comes behind its head.

    >>> [_with_head(rest) - rest for rest in (127, 128, 16_383, 16_384)]
    [2, 3, 3, 4]
    """
    return 1 + max(1, -(-rest_bytes.bit_length() // 7)) + rest_bytes
