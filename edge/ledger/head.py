"""Signed tree heads: the whole ledger in one line, which only this device can sign."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.ledger.device_key import signed_by
from edge.ledger.entry import canonical
from firmware_cfg.codec import decode
from firmware_cfg.errors import MessageError
from firmware_cfg.messages import LedgerHead

_PURPOSE = "encounter ledger head 1"


@dataclass(frozen=True, slots=True)
class Head:
    """The state of a ledger after `size` entries.

    Attributes:
        ledger: ledger id, 16 hexadecimal digits; of a code on paper the first 8.
        size: entries.
        root: root hash, 32 bytes; of a code on paper the first 20.
        window: UTC start of the window in which it was signed, s since 1970.
        signature: Ed25519, 64 bytes; none in a code on paper, which whoever copied it vouches for.
    """

    ledger: str
    size: int
    root: bytes
    window: int
    signature: bytes | None = None

    @property
    def at_utc(self) -> datetime:
        """Start of its window."""
        return datetime.fromtimestamp(self.window, UTC)

    def matches(self, root: bytes) -> bool:
        """Whether `root` is the root it states, as far as it states it."""
        return root[: len(self.root)] == self.root

    def of_ledger(self, ledger: str) -> bool:
        """Whether it is of `ledger`, as far as it says."""
        return ledger.startswith(self.ledger)

    def signed_bytes(self) -> bytes:
        """What the signature covers."""
        fields = {
            "ledger": self.ledger,
            "purpose": _PURPOSE,
            "root": self.root.hex(),
            "size": self.size,
            "window": self.window,
        }
        return canonical(fields)

    def signed(self, key: Ed25519PrivateKey) -> Head:
        """The same, signed."""
        signature = key.sign(self.signed_bytes())
        return Head(self.ledger, self.size, self.root, self.window, signature)

    def is_signed_by(self, public_key: bytes) -> bool:
        """Whether its signature is by the 32 bytes `public_key`."""
        return self.signature is not None and signed_by(
            public_key, self.signature, self.signed_bytes()
        )

    def on_the_wire(self) -> LedgerHead:
        """As a heartbeat carries it.

        Raises:
            ValueError: it is not signed.
        """
        if self.signature is None:
            raise ValueError("expected a signed head")
        return LedgerHead(
            ledger=self.ledger,
            size=self.size,
            root=self.root.hex(),
            window=self.at_utc,
            signature=self.signature.hex(),
        )

    @classmethod
    def from_wire(cls, head: LedgerHead) -> Head:
        """As a heartbeat brought it."""
        return cls(
            head.ledger,
            head.size,
            bytes.fromhex(head.root),
            int(head.window.timestamp()),
            bytes.fromhex(head.signature),
        )

    @classmethod
    def in_heartbeat(cls, text: bytes) -> Head | None:
        """The head that a heartbeat carries; None if it carries none.

        Raises:
            ValueError: no heartbeat, or what it carries is no head.
        """
        beat = json.loads(text)
        if not isinstance(beat, dict):
            raise ValueError("expected an object")  # noqa: TRY004 -- as of any other text
        if beat.get("ledger") is None:
            return None
        try:
            return cls.from_wire(decode(LedgerHead, canonical(beat["ledger"])))
        except MessageError as error:
            raise ValueError(f"expected a signed head ({error})") from None
