"""Passwords: which are taken (NIST SP 800-63B, 5.1.1.2), and how they are kept (argon2id).

At least twelve signs, at most 256, any signs at all, no rules of composition; refused are
those that anybody would try first. Parameters of argon2id: RFC 9106, section 4, the second
recommended option (3 passes, 4 lanes, 64 MiB, salt of 128 bits, tag of 256 bits). A hash that
was made with others is made anew when its password is next given.
"""

import threading
import unicodedata
from itertools import pairwise
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from server.access.errors import RefusedError, TooManyError

SHORTEST: Final = 12
LONGEST: Final = 256
PASSES: Final = 3
MEMORY_KIB: Final = 64 * 1024
LANES: Final = 4
SALT_BYTES: Final = 16
TAG_BYTES: Final = 32
AT_ONCE: Final = 2
"""How many are computed at the same time, 64 MiB each; others wait."""
IN_LINE: Final = 8
"""How many wait: a flood of sign-ins must not take every thread of the server."""
WAIT_S: Final = 10.0
FEWEST_DIFFERENT: Final = 5
MOST_STEPS: Final = 0.6
"""Share of neighbours that follow each other (abc, 321, qwe) from which a password is a row."""
ROWS: Final = ("0123456789", "abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "asdfghjkl", "zxcvbnm")
OBVIOUS: Final = frozenset(
    {
        *("password", "passwort", "passphrase", "letmein", "welcome", "iloveyou", "changeme"),
        *("administrator", "admin", "root", "login", "access", "secret", "default", "trustno"),
        *("encounter", "correcthorsebatterystaple", "whatever", "football", "baseball"),
        *("sunshine", "princess", "dragon", "monkey", "master", "shadow", "superman", "starwars"),
        *("summer", "winter", "spring", "autumn", "qwertyuiop", "woaini", "wodemima", "mima"),
    }
)
_hasher = PasswordHasher(
    time_cost=PASSES,
    memory_cost=MEMORY_KIB,
    parallelism=LANES,
    hash_len=TAG_BYTES,
    salt_len=SALT_BYTES,
)
_at_once = threading.BoundedSemaphore(AT_ONCE)
_in_line = threading.BoundedSemaphore(AT_ONCE + IN_LINE)
NOBODYS: Final = (
    "$argon2id$v=19$m=65536,t=3,p=4$bm9ib2R5cyBzYWx0IDE2Yg$"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
)
"""Checked where there is no account or no password, so that it takes as long; it never fits."""


def check_password(password: str, name: str) -> None:
    """Refuse what would be guessed first.

    Raises:
        RefusedError: too short or long, or obvious.
    """
    text = _plain(password)
    if not SHORTEST <= len(text) <= LONGEST:
        raise RefusedError(
            "short", f"a password: expected {SHORTEST} to {LONGEST} signs, found {len(text)}"
        )
    if is_obvious(text, name):
        raise RefusedError("obvious", "a password: expected one that is not tried first")


def is_obvious(password: str, name: str) -> bool:
    """Whether a password is a well-known word, the account's name, a row or a repetition.

    >>> [is_obvious(one, "ada.king") for one in ("Password2026!", "King&Ada2026", "tea in Hull")]
    [True, True, False]
    """
    folded = password.casefold()
    letters = "".join(one for one in folded if one.isalpha())
    own = {"".join(filter(str.isalpha, part)) for part in (name, *name.split("@"))}
    parts = {part for part in _parts(name) if len(part) > 2}
    left = letters
    for part in sorted({*parts, *own, *OBVIOUS}, key=len, reverse=True):
        left = left.replace(part, "") if part else left
    if letters and len(left) <= 2:
        return True
    return len(set(folded)) < FEWEST_DIFFERENT or _is_row(folded)


def _parts(name: str) -> list[str]:
    return "".join(one if one.isalnum() else " " for one in name).split()


def _is_row(text: str) -> bool:
    steps = sum(any(a + b in row or b + a in row for row in ROWS) for a, b in pairwise(text))
    return steps / (len(text) - 1) > MOST_STEPS


def hashed(password: str) -> str:
    """A password as it is kept.

    Raises:
        TooManyError: too many are being computed.
    """
    with _Turn():
        return _hasher.hash(_plain(password))


def fits(kept: str | None, password: str) -> bool:
    """Whether a password is the one that is kept; without one it takes as long, and is not.

    Raises:
        TooManyError: too many are being computed.
    """
    with _Turn():
        try:
            _hasher.verify(kept or NOBODYS, _plain(password))
        except (VerifyMismatchError, VerificationError, InvalidHashError):
            return False
    return kept is not None


def is_outdated(kept: str) -> bool:
    """Whether a hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(kept)


def _plain(password: str) -> str:
    """The same signs however a keyboard composes them; cut where no password can be longer."""
    return unicodedata.normalize("NFC", password[: 4 * LONGEST])


class _Turn:
    """Waits for its turn to compute a hash."""

    def __enter__(self) -> None:
        if not _in_line.acquire(blocking=False):
            raise TooManyError(1.0)
        if not _at_once.acquire(timeout=WAIT_S):
            _in_line.release()
            raise TooManyError(WAIT_S)

    def __exit__(self, *_: object) -> None:
        _at_once.release()
        _in_line.release()
