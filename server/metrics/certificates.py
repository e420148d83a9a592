"""When the certificates end on which the connection to the broker rests."""

import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

WAIT_S = 5.0


@dataclass(frozen=True, slots=True)
class Ends:
    """A certificate's last moment; none where it could not be read, with the reason."""

    at: datetime | None
    why_not: str = ""


def end_of_file(path: Path) -> Ends:
    """Of the first certificate in a PEM file."""
    try:
        return Ends(x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc)
    except (OSError, ValueError) as error:
        return Ends(None, f"{path}: {_reason(error)}")


def end_at_broker(host: str, port: int, context: ssl.SSLContext) -> Ends:
    """Of the certificate that a broker shows; nothing is sent to it but the handshake.

    One that is not accepted (ended, another name, another authority) has no end here.
    """
    try:
        with (
            socket.create_connection((host, port), timeout=WAIT_S) as plain,
            context.wrap_socket(plain, server_hostname=host) as secured,
        ):
            shown = secured.getpeercert()
    except (OSError, ValueError) as error:
        return Ends(None, f"{host}:{port}: {_reason(error)}")
    if not shown:
        return Ends(None, f"{host}:{port}: showed no certificate")
    end_s = ssl.cert_time_to_seconds(str(shown["notAfter"]))
    return Ends(datetime.fromtimestamp(end_s, UTC))


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate not accepted: {error.verify_message}"
    if isinstance(error, OSError):
        return error.strerror or str(error) or type(error).__name__
    return "not a certificate in PEM"
