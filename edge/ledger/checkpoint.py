"""A checkpoint: what went, the tree over it, and why it was to go; and whether it was.

    an entry goes ── its stamp is 90 days old, or a day less (pruning is done once a day)
                  ── it stands before one that goes, and has a time to come: a wrong clock
                  ── the ledger's room is taken: the oldest go, however young

What went cannot be looked at any more. So a checkpoint states the newest stamp of it, the bytes
that the ledger held and the limit then in force, and a head that was kept elsewhere tells when
the entries before it were there (`edge.ledger.checkpoints_check`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from edge.ledger.entry import canonical
from edge.ledger.tables import LEDGER_BYTES, ROW_BYTES, Row
from edge.ledger.tree import Frontier
from firmware_cfg.packets import MOST_UP_BYTES

SPARED = timedelta(days=1)  # so that pruning is done once a day, not once a minute
ROOM_BYTES = LEDGER_BYTES * 5 // 6  # what `Row.room_bytes` does not see has the rest
_NUMBERS = ("newest", "last", "to_come", "held_bytes", "most_bytes")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a checkpoint states.

    Attributes:
        dropped: the tree over all that went, up to now.
        newest: newest stamp of what went with this one and has no time to come, s since 1970.
        last: stamp of the last entry of it.
        to_come: entries of it that were stamped later than the checkpoint itself.
        held_bytes: room that the ledger took before.
        most_bytes: how much it may take.
    """

    dropped: Frontier
    newest: int
    last: int
    to_come: int
    held_bytes: int
    most_bytes: int

    @classmethod
    def of(
        cls, dropped: Frontier, due: Sequence[Row], window: datetime, held_bytes: int
    ) -> Checkpoint:
        """That of the entries `due` (at least one), made in `window`."""
        stamps = [row.entry.window for row in due]
        past = [stamp for stamp in stamps if stamp <= window.timestamp()]
        newest, last = max(past, default=stamps[-1]), stamps[-1]
        return cls(dropped, newest, last, len(stamps) - len(past), held_bytes, ROOM_BYTES)

    @classmethod
    def of_text(cls, text: bytes) -> Checkpoint:
        """The checkpoint that an entry's text states.

        Raises:
            ValueError: it states something else.
        """
        stated = json.loads(text)
        try:
            nodes = tuple(bytes.fromhex(node) for node in stated["frontier"])
            values = [stated[name] for name in ("dropped", *_NUMBERS)]
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"expected a checkpoint's fields ({error})") from None
        if not all(type(value) is int for value in values):
            raise ValueError(f"expected whole numbers, found {values}")
        size, newest, last, to_come, held_bytes, most_bytes = values
        dropped = Frontier(size, nodes)
        if stated.get("root") != dropped.root().hex():
            raise ValueError(f"expected the root {dropped.root().hex()} of its frontier")
        return cls(dropped, newest, last, to_come, held_bytes, most_bytes)

    def text(self) -> bytes:
        """As it is recorded."""
        return canonical(
            {
                "dropped": self.dropped.size,
                "frontier": [node.hex() for node in self.dropped.nodes],
                "root": self.dropped.root().hex(),
            }
            | {name: getattr(self, name) for name in _NUMBERS}
        )

    @property
    def for_room(self) -> bool:
        """Whether room was short, by its own words."""
        return self.held_bytes > self.most_bytes

    def room_was_short(self, entries: int) -> bool:
        """Whether that can be: by the room that every ledger has, and that `entries` can take."""
        enough = self.held_bytes <= most_held_bytes(entries)
        return self.for_room and self.most_bytes >= ROOM_BYTES and enough


def is_full(held_bytes: int) -> bool:
    """Whether the oldest entries must go, whatever their age."""
    return held_bytes > ROOM_BYTES


def most_held_bytes(entries: int) -> int:
    """Room that so many entries take at most."""
    return entries * (ROW_BYTES + MOST_UP_BYTES)
