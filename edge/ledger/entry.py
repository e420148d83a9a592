"""An entry of the ledger: what was recorded, and the bytes that the tree is built of.

An entry states the SHA-256 and size of a text, not the text itself. Of a window message the text
is in the outbox, for as long as it is kept there; of everything else it lies beside the entry,
deflated. So a text may go before its entry does, and the entry proves which text it was.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from edge.ledger.tree import leaf_hash
from firmware_cfg.topics import Kind


class EntryKind(StrEnum):
    """What an entry is about. The first five are sent, the others are not."""

    WINDOW = "window"
    HEALTH = "health"
    STATE = "state"
    WILL = "will"
    REPORTED = "reported"
    BEGUN = "begun"
    CONFIGURATION = "configuration"
    MODEL = "model"
    PRIVACY = "privacy"
    COMMISSIONING = "commissioning"
    WISH = "wish"
    TRAFFIC = "traffic"
    CHECKPOINT = "checkpoint"


SENT_AS = {
    EntryKind.WINDOW: Kind.WINDOW,
    EntryKind.HEALTH: Kind.HEALTH,
    EntryKind.STATE: Kind.STATE,
    EntryKind.WILL: Kind.STATE,
    EntryKind.REPORTED: Kind.REPORTED,
}
IN_FORCE = (EntryKind.CONFIGURATION, EntryKind.MODEL, EntryKind.PRIVACY)
NOTED_IF_NEW = (*IN_FORCE, EntryKind.WISH)
_USUAL = (
    b'"service_points":["timezone":"queues":[{"id":"feeds":["greet_within_s":"serve_within_s":'
    b'"geometry_hash":"expectations_hash":"handshake_bytes":"record_bytes":"payload_bytes":"mqtt_bytes":'
    b'"refused":["applied":["online":true,"speaks":[1],"epoch":"'
    b'{"kind":"health","schema_version":1,"device":"","at":"2026-11-02T01:30:00Z","software":"0.1.0",'
    b'"model":"nanodet-288x512-int8","uptime_s":86400,"disk_free_mb":10240,"clock":"synchronised",'
    b'"faults":["camera","outbox","clock","disk"],"kernel_layers":["landlock","seccomp","dumpable",'
    b'"core","swap","users","network_namespace","reduced"],"ledger":{"ledger":"","size":,"root":"",'
    b'"window":"","signature":""},"pad":"' + b" " * 200 + b'"}'
)  # deflates a heartbeat to a third of what it would be alone; part of the layout


@dataclass(frozen=True, slots=True)
class Draft:
    """Something to be recorded.

    Attributes:
        kind: what it is.
        text: the payload as sent, or canonical JSON of what happened.
        window: UTC start of the window that it belongs to.
        sequence: of a window message, in the outbox.
    """

    kind: EntryKind
    text: bytes
    window: datetime
    sequence: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry.

    Attributes:
        number: its place, from 1 on.
        kind: what it is about; any word may stand in a file that somebody altered.
        window: UTC start of the window it belongs to, s since 1970: no finer time is kept.
        sha256: of the text, 32 bytes.
        size_bytes: of the text.
        sequence: of a window message, in the outbox.
    """

    number: int
    kind: str
    window: int
    sha256: bytes
    size_bytes: int
    sequence: int | None = None

    @classmethod
    def of(cls, number: int, draft: Draft) -> Entry:
        """The entry with which `draft` is recorded."""
        return cls(
            number,
            draft.kind.value,
            int(draft.window.timestamp()),
            hashlib.sha256(draft.text).digest(),
            len(draft.text),
            draft.sequence,
        )

    @property
    def at_utc(self) -> datetime:
        """Start of its window."""
        return datetime.fromtimestamp(self.window, UTC)

    def leaf(self, ledger: str, number: int | None = None) -> bytes:
        """Its leaf in the tree of `ledger`, as if it were entry `number`."""
        return leaf_hash(
            canonical(
                {
                    "kind": self.kind,
                    "ledger": ledger,
                    "number": self.number if number is None else number,
                    "sequence": self.sequence,
                    "sha256": self.sha256.hex(),
                    "size": self.size_bytes,
                    "window": self.window,
                }
            )
        )


def canonical(value: object) -> bytes:
    """Canonical JSON: keys sorted, no spaces, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def deflate(text: bytes) -> bytes:
    """A text as it is stored."""
    packer = zlib.compressobj(level=9, wbits=-15, zdict=_USUAL)
    return packer.compress(text) + packer.flush()


def inflate(stored: bytes, most_bytes: int) -> bytes:
    """A stored text, if it has no more than `most_bytes`.

    Raises:
        ValueError: it cannot be read, or is longer.
    """
    unpacker = zlib.decompressobj(wbits=-15, zdict=_USUAL)
    try:
        text = unpacker.decompress(stored, most_bytes + 1)
    except zlib.error as error:
        raise ValueError(f"a stored text cannot be read ({error})") from None
    if len(text) > most_bytes or not unpacker.eof:
        raise ValueError(f"a stored text is not of the {most_bytes} bytes that its entry states")
    return text
