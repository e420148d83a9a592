"""A head and a key's fingerprint as short groups to be copied by hand, and read back.

Base 32 in the digits 0-9 and letters without I, L, O, U; read without regard to case, with O for 0
and I or L for 1. Each group has four digits and a check digit over GF(32), x^5 + x^2 + 1: the
group's place in the code, then its digits, by Horner's rule in the root of that polynomial. It
finds one wrong digit, two neighbours swapped, and a group in another's place. The last three
bytes of the code are the head of a SHA-256 over the others.

A head's code has 37 bytes, 15 groups: version 1, ledger id (its first 4 bytes), size (5), window
(4: minutes since 1970), root (its first 20), check (3). 160 bits of the root are enough: to make
another history with the same ones takes 2^80 attempts even for whoever makes both.
"""

from __future__ import annotations

import hashlib

from edge.ledger.errors import LedgerInputError
from edge.ledger.head import Head

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
GROUP_DIGITS = 4
_ALIKE = str.maketrans("OIL", "011")
_VERSION = 1
_ID_BYTES, _SIZE_BYTES, _WINDOW_BYTES, _ROOT_BYTES, _CHECK_BYTES = 4, 5, 4, 20, 3
_BYTES = 1 + _ID_BYTES + _SIZE_BYTES + _WINDOW_BYTES + _ROOT_BYTES + _CHECK_BYTES
_FINGERPRINT_BYTES = 10


def head_code(head: Head) -> str:
    """The code of a head, in groups; see the module."""
    body = (
        bytes([_VERSION])
        + bytes.fromhex(head.ledger)[:_ID_BYTES]
        + head.size.to_bytes(_SIZE_BYTES)
        + (head.window // 60).to_bytes(_WINDOW_BYTES)
        + head.root[:_ROOT_BYTES]
    )
    return " ".join(_groups(body + _check(body)))


def read_head_code(code: str) -> Head:
    """The head of a code, as far as the code has it.

    Raises:
        LedgerInputError: not a code, or mistyped; says which group.
    """
    data = _read(code)
    if len(data) != _BYTES or data[0] != _VERSION:
        raise LedgerInputError(f"expected a head's code of 15 groups, found {code[:80]!r}")
    body, check = data[:-_CHECK_BYTES], data[-_CHECK_BYTES:]
    if _check(body) != check:
        raise LedgerInputError("the code's groups are each well-formed, but not of one code")
    parts, start = [], 1
    for length in (_ID_BYTES, _SIZE_BYTES, _WINDOW_BYTES, _ROOT_BYTES):
        parts.append(body[start : start + length])
        start += length
    ledger, size, minutes, root = parts
    return Head(ledger.hex(), int.from_bytes(size), root, 60 * int.from_bytes(minutes))


def fingerprint(public_key: bytes) -> str:
    """The first 80 bits of the SHA-256 of a public key, in four groups."""
    return " ".join(_groups(hashlib.sha256(public_key).digest()[:_FINGERPRINT_BYTES]))


def check_digit(place: int, digits: list[int]) -> int:
    """Check digit of the group at `place`, counted from 0."""
    value = 0
    for digit in (place % 32, *digits):
        value <<= 1
        if value & 32:
            value ^= 0b100101
        value ^= digit
    return value


def _check(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()[:_CHECK_BYTES]


def _groups(data: bytes) -> list[str]:
    count = -(-len(data) * 8 // (5 * GROUP_DIGITS))
    bits = int.from_bytes(data) << (count * 5 * GROUP_DIGITS - 8 * len(data))
    digits = [bits >> 5 * shift & 31 for shift in reversed(range(count * GROUP_DIGITS))]
    groups = [digits[n : n + GROUP_DIGITS] for n in range(0, len(digits), GROUP_DIGITS)]
    return [
        "".join(ALPHABET[digit] for digit in (*group, check_digit(place, group)))
        for place, group in enumerate(groups)
    ]


def _read(code: str) -> bytes:
    """The bytes of a code; spaces and hyphens do not count."""
    typed = code.upper().translate(_ALIKE)
    plain = "".join(one for one in typed if not one.isspace() and one != "-")
    length = GROUP_DIGITS + 1
    if not plain or len(plain) % length or set(plain) - set(ALPHABET):
        raise LedgerInputError(
            f"expected groups of {length} digits and letters, found {code[:80]!r}"
        )
    bits = 0
    for place, start in enumerate(range(0, len(plain), length)):
        *digits, check = (ALPHABET.index(one) for one in plain[start : start + length])
        if check_digit(place, digits) != check:
            wrong = plain[start : start + length]
            raise LedgerInputError(f"group {place + 1}, {wrong}, is mistyped")
        for digit in digits:
            bits = bits << 5 | digit
    count = len(plain) // length * GROUP_DIGITS * 5
    return (bits >> count % 8).to_bytes(count // 8)
