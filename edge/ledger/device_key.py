"""The key with which a device signs its ledger: Ed25519, made at first start, mode 0600."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from edge.ledger.errors import LedgerError

KEY_FILE = "ledger-key.pem"
KEY_BYTES = 32


def open_key(folder: Path) -> Ed25519PrivateKey:
    """The key in `folder`; made there if there is none yet.

    Raises:
        LedgerError: the file is no Ed25519 key, others may read it, or it cannot be made.
    """
    path = folder / KEY_FILE
    try:
        if not path.exists():
            _make(path)
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise LedgerError(f"{path}: expected mode 0600, found one that others may read")
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise LedgerError(f"{path}: cannot be used ({error.strerror})") from None
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise LedgerError(f"{path}: expected an Ed25519 key in PEM ({error})") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise LedgerError(f"{path}: expected an Ed25519 key, found {type(key).__name__}")
    return key


def signed_by(public_key: bytes, signature: bytes, signed: bytes) -> bool:
    """Whether `signature` over `signed` is by the 32 bytes `public_key`."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, signed)
    except (InvalidSignature, ValueError):
        return False
    return True


def _make(path: Path) -> None:
    """Write a new key beside `path`, and put it there whole or not at all."""
    pem = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    place = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(place)
    finally:
        os.close(place)
