"""User name and password of a network camera: from a file that only its owner can read.

Two lines: the user name, then the password. Both may hold anything that can be typed. No
message, `repr` or log repeats either.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edge.relay.errors import RelayInputError

if TYPE_CHECKING:
    from pathlib import Path

MOST_BYTES = 1024
FORM = "expected two lines, the user name and the password"


@dataclass(frozen=True, slots=True)
class Credentials:
    """User name and password; neither is in `repr`."""

    user: str = field(repr=False)
    password: str = field(repr=False)

    def encoded(self) -> bytes:
        """As the file holds them."""
        return f"{self.user}\n{self.password}\n".encode()


def read_credentials(path: Path) -> Credentials:
    """Read a credentials file.

    Raises:
        RelayInputError: missing, not a file, of another user, readable by others, or not of
            the form; the message says what was expected and never what the file holds.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise RelayInputError(
            f"{path}: expected a credentials file, found: {error.strerror}"
        ) from None
    try:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            raise RelayInputError(f"{path}: expected a credentials file, found no regular file")
        if facts.st_uid not in (os.geteuid(), 0):
            raise RelayInputError(f"{path}: expected a file of your own, found another user's")
        mode = stat.S_IMODE(facts.st_mode)
        if mode & 0o077:
            raise RelayInputError(
                f"{path}: expected a file that only its owner can read (chmod 600), found mode "
                f"{mode:04o}"
            )
        return parse_credentials(os.read(descriptor, MOST_BYTES + 1), str(path))
    finally:
        os.close(descriptor)


def receive_credentials(descriptor: int) -> Credentials:
    """Read credentials from a pipe to its end, and close it.

    Raises:
        RelayInputError: they are not of the form.
    """
    with os.fdopen(descriptor, "rb") as pipe:
        return parse_credentials(pipe.read(MOST_BYTES + 1), "credentials")


def parse_credentials(data: bytes, name: str) -> Credentials:
    """Take the two lines apart; `name` is for the message.

    Raises:
        RelayInputError: not two lines of printable text, or too long.
    """
    if len(data) > MOST_BYTES:
        raise RelayInputError(f"{name}: {FORM}, found more than {MOST_BYTES} bytes")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise RelayInputError(f"{name}: {FORM} as UTF-8, found other bytes") from None
    lines = text.removesuffix("\n").split("\n")
    lines = [line.removesuffix("\r") for line in lines]
    if len(lines) != 2:
        raise RelayInputError(f"{name}: {FORM}, found {len(lines) if text else 0}")
    for number, line in enumerate(lines, 1):
        if not line or not line.isprintable():
            raise RelayInputError(
                f"{name}:{number}: {FORM}, found an empty line or one with control characters"
            )
    return Credentials(*lines)
