"""The checkpoint's files: two, of which the one that goes with the outbox is read.

    head (8 bytes) · nonce (12) · ChaCha20-Poly1305 of [length · deflated content · zeros]

Each has the size that the number of the site's points asks for, whatever is in it, and is
written at the same times, whatever happens: neither size nor time tells of anybody. Content
that does not fit is left out, in a file like any other, and the log says so once, without its
size. The room is for a week of full windows, which wait together after a thin week. Bound to
it, as associated data, is everything under which it may be read again, and the outbox's
generation: a window that was reported is never read as unfinished.

The generation counts up when a window closes. The files take turns, and the new one is there
before the outbox commits: whether the process dies before or after, one of the two goes with
what was committed.

Nothing is synchronised to the disk: without power the key is gone, and the file with it.
"""

import errno
import hashlib
import logging
import os
import zlib
from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

LOG = logging.getLogger(__name__)
BASE_BYTES, POINT_BYTES = 8_192, 32_768
EVERY_S = 60.0
HEAD = b"ENCCKPT\x01"
_NONCE, _TAG, _LENGTH, _AGE = 12, 16, 4, 8
_OUTSIDE = len(HEAD) + _NONCE + _TAG
_MOST_CONTENT = 16_000_000
_LEVEL = 9


class Checkpoint:
    """Keeps the unfinished window of one device.

    Args:
        folder: where the files are.
        key: 32 bytes.
        monotonic_s: a clock that goes on from one process to the next, and ends with the
            power, as the key does.
        points: how many the site has.

    Attributes:
        size_bytes: of each file.
    """

    def __init__(
        self, folder: Path, key: bytes, monotonic_s: Callable[[], float], points: int
    ) -> None:
        self.size_bytes = BASE_BYTES + POINT_BYTES * points
        self._room = self.size_bytes - _OUTSIDE
        self._folder = folder
        self._cipher = ChaCha20Poly1305(key)
        self._monotonic_s = monotonic_s
        self._failed = False
        self._too_large = False

    def keep(self, generation: int, bound: bytes, content: bytes) -> None:
        """Replace the file of `generation`; a disk that takes none is told once."""
        packed = self._fitting(zlib.compress(content, _LEVEL))
        now_ms = int(self._monotonic_s() * 1000)
        plain = now_ms.to_bytes(_AGE) + len(packed).to_bytes(_LENGTH) + packed
        nonce = os.urandom(_NONCE)
        sealed = self._cipher.encrypt(
            nonce, plain.ljust(self._room, b"\0"), _tied(generation, bound)
        )
        try:
            self._replace(self.path(generation), HEAD + nonce + sealed)
        except OSError as error:
            if not self._failed:
                LOG.warning("checkpoint_failed %s", error)
            self._failed = True
        else:
            self._failed = False

    def find(self, generation: int, bound: bytes) -> tuple[bytes, float] | None:
        """What was kept with `generation` and `bound`, and how many seconds ago.

        None: nothing, or under another key (before the power was cut), for another
        configuration, of another version, or damaged.
        """
        try:
            with self.path(generation).open("rb") as file:
                kept = file.read(self.size_bytes + 1)
        except OSError:
            return None
        if len(kept) != self.size_bytes or not kept.startswith(HEAD):
            return None
        nonce, sealed = kept[len(HEAD) : len(HEAD) + _NONCE], kept[len(HEAD) + _NONCE :]
        try:
            plain = self._cipher.decrypt(nonce, sealed, _tied(generation, bound))
        except InvalidTag:
            return None
        ago_s = self._monotonic_s() - int.from_bytes(plain[:_AGE]) / 1000
        length = int.from_bytes(plain[_AGE : _AGE + _LENGTH])
        if length == 0 or ago_s < 0:
            return None
        packed = plain[_AGE + _LENGTH : _AGE + _LENGTH + length]
        return zlib.decompressobj().decompress(packed, _MOST_CONTENT), ago_s

    def _fitting(self, packed: bytes) -> bytes:
        """`packed`, or nothing if it does not fit; that is told once."""
        room = self._room - _LENGTH - _AGE
        if len(packed) <= room:
            return packed
        if not self._too_large:
            LOG.warning("checkpoint_too_large expected at most %d bytes; nothing is kept", room)
        self._too_large = True
        return b""

    def path(self, generation: int) -> Path:
        """The file of `generation`."""
        return self._folder / f"checkpoint.{generation % 2}"

    def _replace(self, path: Path, content: bytes) -> None:
        new = path.with_name("checkpoint.new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            if os.write(descriptor, content) != len(content):
                raise OSError(errno.ENOSPC, "no room for the checkpoint", str(new))
        finally:
            os.close(descriptor)
        new.replace(path)


def _tied(generation: int, bound: bytes) -> bytes:
    """Associated data: the head's version, the generation, and a hash of `bound`."""
    return HEAD + generation.to_bytes(8) + hashlib.sha256(bound).digest()
