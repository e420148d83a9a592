"""The MQTT client of one connection: paho, held to what the jail and the contract permit."""

import logging
import socket
import ssl
from collections.abc import Callable

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edge.ledger.traffic import KEEPALIVE_S
from firmware_cfg.packets import MOST_DOWN_BYTES, Sieve, packet_bytes
from firmware_cfg.site import Broker

LOG = logging.getLogger(__name__)
CONNECT_S = 10.0
AEAD = "ECDHE+AESGCM:ECDHE+CHACHA20"
MOST_PACKET_BYTES = packet_bytes(MOST_DOWN_BYTES)


class BrokerClient(Client):
    """Takes no packet larger than the contract's, and connects without binding a local port.

    paho always asks for such a port first; the jail permits no bind, and the kernel chooses one
    anyway.

    Args:
        device: device id: client id and user name.
        v5: whether to speak MQTT 5; 3.1.1 otherwise.

    Attributes:
        made: is told of each TCP connection before anything is sent on it.
        wrote: is told how many bytes of MQTT went to the socket.
    """

    made: Callable[[socket.socket], None]
    wrote: Callable[[int], None]

    def __init__(self, device: str, *, v5: bool) -> None:
        """Of one connection, and no other after it."""
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=device,
            protocol=MQTTProtocolVersion.MQTTv5 if v5 else MQTTProtocolVersion.MQTTv311,
            clean_session=None if v5 else True,
            reconnect_on_failure=False,
        )
        self._v5 = v5
        self._sieve = Sieve(MOST_PACKET_BYTES, v5=v5, dropped=_dropped)
        self.connect_timeout = CONNECT_S
        self.username_pw_set(device)

    def connect_to(self, host: str, port: int) -> None:
        """Connect; under MQTT 5 with the largest packet that this end takes."""
        if not self._v5:
            self.connect(host, port, KEEPALIVE_S)
            return
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.MaximumPacketSize = MOST_PACKET_BYTES
        self.connect(host, port, KEEPALIVE_S, clean_start=True, properties=properties)

    def _create_socket_connection(self) -> socket.socket:
        connection = socket.create_connection((self.host, self.port), CONNECT_S)
        self.made(connection)
        return connection

    def _sock_recv(self, bufsize: int) -> bytes:
        return self._sieve.read(super()._sock_recv, bufsize)

    def _sock_send(self, buf: bytes | bytearray) -> int:
        sent_bytes = super()._sock_send(buf)
        self.wrote(sent_bytes)
        return sent_bytes


def _dropped(size_bytes: int) -> None:
    LOG.warning("packet_too_large %d bytes, at most %d", size_bytes, MOST_PACKET_BYTES)


class _ClosingSocket(ssl.SSLSocket):
    """Closes itself when the handshake fails, which paho leaves to the garbage collector."""

    def do_handshake(self, block: bool = False) -> None:
        """Shake hands, or close."""
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


def tls_context(broker: Broker) -> ssl.SSLContext:
    """TLS 1.2 or newer; verification cannot be switched off.

    Ciphers are such that a record's size follows from its content's: the ledger counts bytes.
    """
    context = ssl.create_default_context(cafile=broker.ca_file)
    context.sslsocket_class = _ClosingSocket
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(AEAD)
    if broker.cert_file is not None:
        context.load_cert_chain(broker.cert_file, broker.key_file)
    return context


def why(error: Exception) -> str:
    """The reason of a failed connection, in words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate not accepted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.reason or error}"
    known = {
        socket.gaierror: "name not found",
        TimeoutError: "no answer",
        FileNotFoundError: "certificate file not found",
    }
    said = getattr(error, "strerror", None) or str(error)
    return next((words for kind, words in known.items() if isinstance(error, kind)), said.lower())
