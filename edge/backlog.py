"""Cells that wait for their message, and how far reporting is.

    final ──────────────► ready ──with the next window's message──► outbox
    closed, extendable ─► ready, where a restart begins joining anew
    of an old setting ──► old ──in a message of its own, with the first new window──► outbox

Whatever changes is committed together with the message that it goes with: `Held`.
"""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Protocol

from edge.errors import OutboxFullError
from edge.outbox import Build
from edge.windows.release import Held, Terms, fitting, held_to, lasting, payload
from firmware_cfg.codec import decode
from firmware_cfg.errors import MessageError
from firmware_cfg.messages import Cell, Window
from firmware_cfg.sealing import sealed_bytes

LOG = logging.getLogger(__name__)
Setting = tuple[str, str, str]


class Sink(Protocol):
    """The part of the outbox that reporting needs; see `edge.outbox.Outbox`."""

    epoch: str

    def append(self, build: Build, state: bytes) -> int:
        """Store a message and the released state together."""
        ...

    def state(self) -> bytes:
        """The released state stored last; empty if none."""
        ...

    def save_state(self, state: bytes) -> None:
        """Store the released state alone."""
        ...


class Backlog:
    """What waits for a message.

    Args:
        outbox: where messages and released state go.
        held: what an earlier run left there.
        terms: what a release is held to.
        setting: geometry's and expectations' hash and the model that are in force.

    Attributes:
        last: the latest window's message, without cells.
        generation: how many windows were closed.
        wished_k, wished_window_s: as the server tightened them; 0 if it did not.
        closed: gives the cells of at least k visits that a remainder could still extend.
    """

    def __init__(self, outbox: Sink, held: Held, terms: Terms, setting: Setting) -> None:
        self.last = held.last
        self.generation = held.generation
        self.wished_k, self.wished_window_s = held.k, held.window_s
        self.closed: Callable[[], list[Cell]] = list
        self._outbox = outbox
        self._terms = terms
        self._reported_until = held.reported_until
        self._ready = self._permitted(held.cells)
        self._loose = self._permitted(held.closed)
        self._old, self._old_head = self._permitted(held.old), held.old_head
        if self.last and setting_of(self.last) != setting:
            self._old, self._old_head = [*self._ready, *self._loose], self.last
            self._ready, self._loose = [], []

    @property
    def reported_until(self) -> datetime | None:
        """End of the latest window that was reported."""
        return self._reported_until if self.last is None else self.last.end

    def hold_to(self, terms: Terms) -> list[Cell]:
        """Only what may leave by `terms` stays; what may not is given back."""
        self._terms = terms
        before = [*self._ready, *self._loose, *self._old]
        self._ready = self._permitted(self._ready)
        self._loose = self._permitted(self._loose)
        self._old = self._permitted(self._old)
        return [cell for cell in before if held_to(cell, terms) is None]

    def begin(self, *, resumed: bool) -> None:
        """Joining begins: anew, or where it stood; then it holds the closed cells itself."""
        self._ready += [] if resumed else self._loose
        self._loose = []

    def add(self, cells: Iterable[Cell]) -> None:
        """These are final."""
        self._ready += cells

    def cut(self) -> None:
        """If the setting changed, send what was measured under the old one.

        One message, whether or not there is a cell for it; more where one cannot take them.
        """
        while self._old_head is not None:
            head = self._old_head
            cells, self._old = self._share(head, self._old)
            self._old_head = head if self._old else None
            if not self._append(head, cells):
                self._old, self._old_head = cells + self._old, head
                self.save()
                return

    def report(self, head: Window) -> None:
        """One message with as many cells as fit; the rest waits for the next."""
        self.last = head
        cells, self._ready = self._share(head, self._ready)
        if not self._append(head, cells):
            self._ready = cells + self._ready
            self.save()

    def save(self) -> None:
        """Store the released state alone; where the disk is full it stays in memory."""
        try:
            self._outbox.save_state(self._state())
        except OutboxFullError as error:
            LOG.error("outbox_full %s", error)  # noqa: TRY400 -- a state, not a crash

    def _share(self, head: Window, waiting: list[Cell]) -> tuple[list[Cell], list[Cell]]:
        """What of `waiting` goes with `head`, and what waits for the next message.

        A cell that fits no message is given up: else it, and all behind it, would wait for ever.
        `edge.windows.release` makes none of that size from visits.
        """
        while waiting and fitting(head, waiting, self._terms) == 0:
            lost, waiting = waiting[0], waiting[1:]
            size = sealed_bytes(lost.model_dump_json().encode())
            most = f"a message has {self._terms.message_bytes}"
            LOG.error("cell_given_up %s: %d bytes, %s", lost.level, size, most)
        count = fitting(head, waiting, self._terms)
        return waiting[:count], waiting[count:]

    def _permitted(self, cells: Iterable[Cell]) -> list[Cell]:
        held = (held_to(cell, self._terms) for cell in cells)
        return [cell for cell in held if cell is not None]

    def _append(self, head: Window, cells: list[Cell]) -> bool:
        """Append a message, and the state after it; False if the outbox is full."""
        try:
            self._outbox.append(
                lambda epoch, seq: payload(head, epoch, seq, cells, self._terms.message_bytes),
                self._state(),
            )
        except OutboxFullError as error:
            LOG.error("outbox_full %s", error)  # noqa: TRY400 -- a state, not a crash
            return False
        return True

    def _state(self) -> bytes:
        """What may survive the power: cells of at least k visits, and where reporting is."""
        held = Held(
            cells=tuple(self._ready),
            closed=(*self._loose, *self.closed()),
            old=tuple(self._old),
            old_head=self._old_head,
            generation=self.generation,
            reported_until=self.reported_until,
            last=self.last,
            k=self.wished_k,
            window_s=self.wished_window_s,
        )
        return held.model_dump_json().encode()


def setting_of(head: Window) -> Setting:
    """The setting that a message was measured under."""
    return head.geometry_hash, head.expectations_hash, head.model


def held_of(outbox: Sink) -> Held:
    """Released state of an earlier run; none in a new outbox.

    Of a state that cannot be read as a whole, what is lasting.
    """
    state = outbox.state()
    if not state:
        return Held()
    try:
        return decode(Held, state)
    except MessageError as error:
        LOG.error("held_state_unreadable %s", error)  # noqa: TRY400 -- it says what and where
        return lasting(state)
