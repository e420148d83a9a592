"""The server's signing key: made at first start, kept with mode 0600, Ed25519.

Its public half is what a device is given when it is provisioned; with it the device tells
the server's acknowledgements from anybody else's.
"""

import os
import stat
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from firmware_cfg.messages import Ack, Rejection, ack_signed_bytes
from server.errors import KeyFileError

KEY_FILE = "signing-key.pem"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """Signs acknowledgements."""

    private: Ed25519PrivateKey

    @property
    def public_hex(self) -> str:
        """The public half: 32 bytes, hexadecimal."""
        return self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()

    @property
    def fingerprint(self) -> str:
        """First 16 bytes of the SHA-256 of the public half, in groups of four digits."""
        digits = sha256(bytes.fromhex(self.public_hex)).hexdigest()[:32]
        return " ".join(digits[i : i + 4] for i in range(0, 32, 4))

    def acknowledge(
        self, device: str, epoch: str, up_to: int, digest: str, rejected: tuple[Rejection, ...]
    ) -> Ack:
        """A signed acknowledgement of everything up to `up_to`."""
        signed = ack_signed_bytes(device, epoch, up_to, digest, rejected)
        return Ack(
            epoch=epoch,
            up_to=up_to,
            sha256=digest,
            rejected=rejected,
            signature=self.private.sign(signed).hex(),
        )


def open_key(state_dir: Path) -> SigningKey:
    """The key of `state_dir`; made there if there is none yet.

    Raises:
        KeyFileError: the file is no Ed25519 key, or others may read it.
    """
    path = state_dir / KEY_FILE
    if not path.exists():
        _make(path)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise KeyFileError(f"{path}: expected mode 0600, found one that others may read")
    try:
        private = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyFileError(f"{path}: expected an Ed25519 key in PEM ({error})") from None
    if not isinstance(private, Ed25519PrivateKey):
        raise KeyFileError(f"{path}: expected an Ed25519 key, found {type(private).__name__}")
    return SigningKey(private)


def _make(path: Path) -> None:
    """Write a new key beside `path` and link it there, so that no half key is ever seen."""
    pem = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    draft = path.with_suffix(f".{os.getpid()}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink()
