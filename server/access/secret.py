"""Secrets that callers hold: made at random, kept as their SHA-256, compared in constant time."""

import hmac
import secrets
from hashlib import sha256

SECRET_BYTES = 32
FORM = b"encounter form"


def new_secret() -> str:
    """256 random bits, as text for a cookie or an address."""
    return secrets.token_urlsafe(SECRET_BYTES)


def digest(secret: str) -> str:
    """What is kept of a secret. It is random, so a plain hash is enough.

    >>> len(digest("x"))
    64
    """
    return sha256(secret.encode()).hexdigest()


def form_token(of: str) -> str:
    """The token of the forms of one session (or of the visit before it).

    Masked by fresh random bytes, so that compressed pages never repeat it.
    """
    mine = _form_key(of)
    mask = secrets.token_bytes(len(mine))
    return mask.hex() + _mixed(mask, mine).hex()


def is_form_token(text: str, of: str) -> bool:
    """Whether `text` is a form token of that session.

    >>> is_form_token(form_token("a"), "a"), is_form_token(form_token("a"), "b")
    (True, False)
    """
    mine = _form_key(of)
    try:
        given = bytes.fromhex(text)
    except ValueError:
        return False
    if len(given) != 2 * len(mine):
        return False
    return hmac.compare_digest(_mixed(given[: len(mine)], given[len(mine) :]), mine)


def _form_key(of: str) -> bytes:
    return hmac.new(of.encode(), FORM, sha256).digest()


def _mixed(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))
