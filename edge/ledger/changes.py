"""What happens to a device while it runs, for the ledger: wishes of the server, what is in force.

A broker could send wishes without end, to push older entries out of the ledger's room. So at most
`MOST_A_WINDOW` are followed in a window; the others are not taken from the queue, which is short.

A wish is recorded before it is followed. Where it cannot be (the disk is full), nothing can be sent
either; what tightens is followed all the same, and recorded when there is room: it is tried again
each minute.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from edge.errors import OutboxError
from edge.ledger.entry import EntryKind
from edge.ledger.in_force import Stated
from edge.ledger.ledger import Ledger
from firmware_cfg.messages import Desired

LOG = logging.getLogger(__name__)
MOST_A_WINDOW = 12


class Outcome(Protocol):
    """What became of a wish; see `edge.tightening.Tightened`."""

    @property
    def applied(self) -> Sequence[str]:
        """What is in force from now on."""
        ...

    @property
    def refused(self) -> Sequence[str]:
        """What was not done, and why."""
        ...


class Changes:
    """Writes changes into the ledger.

    Args:
        ledger: where to.
        in_force: what is in force now.
    """

    def __init__(self, ledger: Ledger, in_force: Callable[[], Sequence[Stated]]) -> None:
        self._ledger = ledger
        self._in_force = in_force
        self._stated: Sequence[Stated] = ()
        self._owed: list[Stated] = []
        self._behind = True
        self._tried_in: datetime | None = None
        self._window: datetime | None = None
        self._followed = 0

    def may_follow(self, at_utc: datetime) -> bool:
        """Whether another wish can be followed and recorded in this window.

        What could not be recorded before is recorded first.
        """
        minute = at_utc.replace(second=0, microsecond=0)
        if self._behind and minute != self._tried_in:
            self.follow(at_utc)
        window = self._ledger.window_of(at_utc)
        if window != self._window:
            self._window, self._followed = window, 0
        return self._followed < MOST_A_WINDOW

    def asked(self, at_utc: datetime, wish: Desired, outcome: Outcome) -> None:
        """A wish of the server is about to be followed, or refused; `follow` once it has been.

        One that changes nothing is no entry.
        """
        if not outcome.applied and not outcome.refused:
            return
        self._followed += 1
        asked = wish.model_dump(include={"k", "window_s"}, exclude_none=True)
        details: dict[str, object] = {
            "applied": list(outcome.applied),
            "asked": asked,
            "refused": list(outcome.refused),
        }
        self._owed.append((EntryKind.WISH, details))
        del self._owed[:-MOST_A_WINDOW]
        self._record_owed(at_utc)

    def follow(self, at_utc: datetime) -> None:
        """State what is in force, if it is not what was stated last."""
        self._tried_in = at_utc.replace(second=0, microsecond=0)
        self._behind = True
        if not self._record_owed(at_utc):
            return
        stated = self._in_force()
        if stated == self._stated or self._note(at_utc, *stated):
            self._stated, self._behind = stated, False

    def _record_owed(self, at_utc: datetime) -> bool:
        """Record the wishes that are not recorded yet; whether none is left."""
        if self._owed and self._note(at_utc, *self._owed):
            self._owed.clear()
        return not self._owed

    def _note(self, at_utc: datetime, *notes: Stated) -> bool:
        """Whether it could be recorded; if not, nothing new can be sent either."""
        try:
            self._ledger.note(at_utc, *notes)
        except OutboxError as error:
            LOG.error("change_not_recorded %s", error)  # noqa: TRY400 -- a state, not a crash
            return False
        return True
