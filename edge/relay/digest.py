"""Authentication headers: Digest (RFC 2617, RFC 7616), or Basic where nothing else is offered."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from typing import TYPE_CHECKING

from edge.relay.errors import RelayError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_PARAMETER = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,]+))')
_HASHES = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}


def authorization(
    challenges: Sequence[str],
    credentials: tuple[str, str],
    request: tuple[str, str],
    nonce_of_client: Callable[[], str] = lambda: secrets.token_hex(8),
) -> str:
    """The Authorization header's value that answers the best of `challenges`.

    Args:
        challenges: values of WWW-Authenticate.
        credentials: user name and password.
        request: method and URL.
        nonce_of_client: gives the client's nonce, used with qop.

    Raises:
        RelayError: no challenge can be answered.
    """
    digests = [_parameters(c) for c in challenges if c.lower().startswith("digest ")]
    known = [d for d in digests if d.get("algorithm", "MD5").upper() in _HASHES]
    if known:
        best = max(known, key=lambda d: d.get("algorithm", "MD5").upper() == "SHA-256")
        return _digest(best, credentials, request, nonce_of_client)
    if any(c.lower().startswith("basic") for c in challenges):
        return "Basic " + base64.b64encode(":".join(credentials).encode()).decode()
    raise RelayError("expected a Digest or Basic challenge from the camera, found neither")


def _parameters(challenge: str) -> dict[str, str]:
    found = _PARAMETER.finditer(challenge.partition(" ")[2])
    return {m[1].lower(): m[2] if m[2] is not None else m[3] for m in found}


def _digest(
    challenge: dict[str, str],
    credentials: tuple[str, str],
    request: tuple[str, str],
    nonce_of_client: Callable[[], str],
) -> str:
    """Response = H(H(user:realm:password):nonce[:nc:cnonce:auth]:H(method:url))."""
    algorithm = challenge.get("algorithm", "MD5").upper()

    def hashed(text: str) -> str:
        return _HASHES[algorithm](text.encode()).hexdigest()

    user, password = credentials
    method, url = request
    realm, nonce = challenge.get("realm", ""), challenge.get("nonce", "")
    secret, target = hashed(f"{user}:{realm}:{password}"), hashed(f"{method}:{url}")
    fields = {"username": user, "realm": realm, "nonce": nonce, "uri": url}
    if "auth" in challenge.get("qop", "").split(","):
        count, client = "00000001", nonce_of_client()
        answer = hashed(f"{secret}:{nonce}:{count}:{client}:auth:{target}")
        extra = f', qop=auth, nc={count}, cnonce="{client}"'
    else:
        answer, extra = hashed(f"{secret}:{nonce}:{target}"), ""
    fields["response"] = answer
    if "opaque" in challenge:
        fields["opaque"] = challenge["opaque"]
    quoted = ", ".join(f'{key}="{value}"' for key, value in fields.items())
    named = f", algorithm={algorithm}" if "algorithm" in challenge else ""
    return f"Digest {quoted}{named}{extra}"
