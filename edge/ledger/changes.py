"""What happens to a device while it runs, for the ledger: wishes of the server, what is in force.

A broker could send wishes without end, to push older entries out of the ledger's room. So at most
`MOST_A_WINDOW` are followed in a window; the others are not taken from the queue, which is short.
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
    """What became of a wish; see `edge.uplink.Tightened`."""

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
        self._window: datetime | None = None
        self._followed = 0

    def may_follow(self, at_utc: datetime) -> bool:
        """Whether another wish can be followed and recorded in this window.

        What is in force is stated first, if that has not succeeded yet.
        """
        if not self._stated:
            self.follow(at_utc)
        window = self._ledger.window_of(at_utc)
        if window != self._window:
            self._window, self._followed = window, 0
        return self._followed < MOST_A_WINDOW

    def followed(self, at_utc: datetime, wish: Desired, outcome: Outcome) -> None:
        """A wish of the server was followed, or refused. One that changes nothing is no entry."""
        if not outcome.applied and not outcome.refused:
            return
        self._followed += 1
        asked = wish.model_dump(include={"k", "window_s"}, exclude_none=True)
        details: dict[str, object] = {
            "applied": list(outcome.applied),
            "asked": asked,
            "refused": list(outcome.refused),
        }
        self._note(at_utc, (EntryKind.WISH, details))
        self.follow(at_utc)

    def follow(self, at_utc: datetime) -> None:
        """State what is in force, if it is not what was stated last."""
        stated = self._in_force()
        if stated != self._stated and self._note(at_utc, *stated):
            self._stated = stated

    def _note(self, at_utc: datetime, *notes: Stated) -> bool:
        """Whether it could be recorded; if not, nothing new can be sent either."""
        try:
            self._ledger.note(at_utc, *notes)
        except OutboxError as error:
            LOG.error("change_not_recorded %s", error)  # noqa: TRY400 -- a state, not a crash
            return False
        return True
