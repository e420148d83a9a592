"""Remembers in the environment what was installed into it, by the hash of what asked for it."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path


def key_of(paths: Iterable[Path], *words: str) -> str:
    """SHA-256 over the contents of files, in order, and over words."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    for word in words:
        digest.update(hashlib.sha256(word.encode()).digest())
    return digest.hexdigest()


class Stamps:
    """Names of finished steps, each with the key that it was finished for; kept in a file."""

    def __init__(self, path: Path) -> None:
        """Read `path`; an absent or unreadable file means that nothing is finished."""
        self._path = path
        try:
            found = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError):
            found = {}
        self._keys: dict[str, str] = found if isinstance(found, dict) else {}

    def is_done(self, step: str, key: str) -> bool:
        """Whether `step` was finished for exactly this key."""
        return self._keys.get(step) == key

    def done(self, step: str, key: str) -> None:
        """Remember that `step` is finished."""
        self._keys[step] = key
        self._path.write_text(json.dumps(self._keys, indent=1, sort_keys=True) + "\n", "utf-8")
