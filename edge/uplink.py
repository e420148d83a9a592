"""From the engine's events to messages in the outbox: windows, joining, release.

    events ─► stamped with UTC ─► windows ─► joined ─► cells ─► one message a window ─► outbox

While the wall clock is unknown, events wait in memory and nothing closes. A restart begins
joining anew: cells that were closed before it stand as they are and leave with the next
message, thin remainders were in memory alone and are lost, as is the unfinished window. If
the geometry, the expectations or the model changed with the restart, those cells leave at
once, in a message that still carries the old window and its hashes: a chart never mixes the
two.

When an estimated clock gives way to a better one, it is as after a restart: closed cells
stand, the unfinished windows are given up, and the first new one begins after the step.
Between the two is a gap.
"""

import logging
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from edge.clock import Stamp
from edge.errors import OutboxFullError
from edge.outbox import Build
from edge.visits.values import Event, PointId, Visit
from edge.windows.calendar import LEAF_LEVELS, StoreCalendar
from edge.windows.join import Joiner
from edge.windows.keeper import ClosedWindow, WindowKeeper
from edge.windows.release import (
    Held,
    Terms,
    cell_of,
    fitting,
    held_to,
    lasting,
    payload,
)
from firmware_cfg import DEFINITION_VERSION
from firmware_cfg.errors import MessageError
from firmware_cfg.hashes import expectations_hash, geometry_hash
from firmware_cfg.messages import Cell, Desired, Window, decode
from firmware_cfg.site import Site

LOG = logging.getLogger(__name__)
MOST_WAITING_EVENTS = 10_000


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


@dataclass(frozen=True, slots=True)
class Tightened:
    """What became of a server's wish.

    Attributes:
        applied: what is in force from now on, or from the next start on.
        refused: what would have loosened, and was not done.
    """

    applied: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()


class Reporter:
    """Turns events into window messages. One thread at a time.

    Args:
        site: the site file in force.
        outbox: where messages and released state go.
        model_name: person detector, as every message names it.
        stamp: the mapping from capture times to UTC; offered to by whoever reads frames.
    """

    def __init__(self, site: Site, outbox: Sink, model_name: str, stamp: Stamp) -> None:
        self.stamp = stamp
        self.hashes = (geometry_hash(site), expectations_hash(site))
        self._site = site
        self._outbox = outbox
        self._model = model_name
        self._held = held_of(outbox)
        self.k = max(site.privacy.k, self._held.k)
        self.window_s = max(site.encounter.window_s, self._held.window_s)
        self._wished_k = self._held.k
        self._wished_window_s = self._held.window_s
        self._terms = Terms.of(site, self.k)
        self._calendar = StoreCalendar(site.store, self.window_s)
        self._joiners = self._new_joiners()
        kept = (held_to(cell, self._terms) for cell in self._held.cells)
        self._ready: list[Cell] = [cell for cell in kept if cell is not None]
        self._last = self._held.last
        self._waiting: deque[Event] = deque(maxlen=MOST_WAITING_EVENTS)
        self._first_seen_s: float | None = None
        self._seen_s: float | None = None
        self._keeper: WindowKeeper | None = None
        self._fixes = 0

    @property
    def keeper(self) -> WindowKeeper | None:
        """The windows being filled; None before the clock is known."""
        return self._keeper

    def observe(self, events: Iterable[Event], seen_s: float | None = None) -> None:
        """Take the engine's events, and the capture time of the latest frame.

        Raises:
            WindowError: an event at a point that the site does not have.
        """
        if seen_s is not None:
            self._first_seen_s = seen_s if self._first_seen_s is None else self._first_seen_s
            self._seen_s = seen_s
        if self._keeper is None:
            self._waiting.extend(events)
            return
        self._follow_stamp()
        if seen_s is not None:
            self._keeper.seen(seen_s)
        for event in events:
            self._keeper.add(event)

    def tick(self, now_utc: datetime, open_visits: Iterable[Visit]) -> int:
        """Close what is due and put its messages into the outbox; how many.

        Args:
            now_utc: the present by `stamp`, and by no other clock: a window that closes
                ahead of its events loses them.
            open_visits: the engine's unfinished visits.

        Raises:
            OutboxError: the database failed.
        """
        if not self.stamp.known:
            return 0
        if self._keeper is None:
            self._keeper = self._begin(now_utc)
        self._follow_stamp()
        closed = self._keeper.close_due(now_utc, open_visits)
        for window in closed:
            self._report(window)
        return len(closed)

    def tighten(self, desired: Desired) -> Tightened:
        """Follow a server's wish as far as it tightens: k at once, the window at next start."""
        applied, refused = [], []
        if desired.k is not None and desired.k > self.k:
            self._raise_k(desired.k)
            applied.append(f"k = {desired.k}")
        elif desired.k is not None and desired.k < self.k:
            refused.append(f"k = {desired.k}: {self.k} is in force, and it may only be raised")
        window_s, coming_s = desired.window_s, max(self.window_s, self._wished_window_s)
        if window_s is not None and window_s > coming_s and window_s in LEAF_LEVELS:
            self._wished_window_s = window_s
            applied.append(f"window_s = {window_s} from the next start")
        elif window_s is not None and window_s != coming_s:
            refused.append(
                f"window_s = {window_s}: {coming_s} is in force, and it may only be"
                " lengthened, to 1800 or 3600"
            )
        if applied:
            self._outbox.save_state(self._state(self._ready))
        for wish in refused:
            LOG.warning("desired_refused %s", wish)
        return Tightened(tuple(applied), tuple(refused))

    def _raise_k(self, k: int) -> None:
        self.k = self._wished_k = k
        self._terms = Terms.of(self._site, k)
        for joiner in self._joiners.values():
            joiner.raise_k(k)
        self._ready = [cell for cell in self._ready if cell.visits >= k]

    def _begin(self, now_utc: datetime) -> WindowKeeper:
        """Windows from the first frame on, with what waited for the clock."""
        first_s = self._first_seen_s
        keeper = self._new_keeper(
            now_utc if first_s is None else min(now_utc, self.stamp.utc(first_s))
        )
        for seen_s in (self._first_seen_s, self._seen_s):
            if seen_s is not None:
                keeper.seen(seen_s)
        for event in self._waiting:
            keeper.add(event)
        self._waiting.clear()
        self._cut()
        return keeper

    def _new_keeper(self, begins: datetime) -> WindowKeeper:
        self._fixes = self.stamp.fixes
        return WindowKeeper(
            self._calendar,
            self._site.encounter.window_settle_s,
            self._terms.kinds,
            self.stamp.utc,
            begins=begins,
            reported_until=self._reported_until,
        )

    def _new_joiners(self) -> dict[PointId, Joiner]:
        leaf = LEAF_LEVELS[self.window_s]
        return {point: Joiner(self.k, leaf) for point in self._terms.kinds}

    def _follow_stamp(self) -> None:
        """Begin anew if the stamp was fixed again.

        The first window begins after the latest frame: whoever came before it may have been
        counted under the old time, and would be counted twice.
        """
        if self._fixes == self.stamp.fixes:
            return
        self._ready += self._closed_cells()
        self._joiners = self._new_joiners()
        at = self.stamp.utc(self._seen_s or 0.0)
        LOG.warning("clock_fixed_again windows begin anew after %s", at.isoformat())
        self._keeper = self._new_keeper(self._calendar.window_at(at).end)
        self._keeper.seen(self._seen_s or 0.0)

    @property
    def _reported_until(self) -> datetime | None:
        return self._held.reported_until if self._last is None else self._last.end

    def _cut(self) -> None:
        """If the configuration changed, send what was measured under the old one."""
        last = self._last
        if last is None or not self._ready:
            return
        if (last.geometry_hash, last.expectations_hash, last.model) == (*self.hashes, self._model):
            return
        while self._ready and self._send(last):
            pass

    def _report(self, closed: ClosedWindow) -> None:
        path = self._calendar.path(closed.window)
        following = None if closed.following is None else self._calendar.path(closed.following)
        for point, joiner in self._joiners.items():
            for joined in joiner.take(closed.window, closed.tallies[point], path, following):
                self._ready.append(cell_of(point, joined, self._terms))
        self._last = self._head(closed)
        self._send(self._last)

    def _send(self, head: Window) -> bool:
        """Append one message with as many cells as fit; False if the outbox is full."""
        count = fitting(head, self._ready)
        cells, rest = self._ready[:count], self._ready[count:]
        try:
            self._outbox.append(
                lambda epoch, seq: payload(head, epoch, seq, cells), self._state(rest)
            )
        except OutboxFullError as error:
            LOG.error("outbox_full %s", error)  # noqa: TRY400 -- a state, not a crash
            self._save_despite_full()
            return False
        self._ready = rest
        return True

    def _save_despite_full(self) -> None:
        try:
            self._outbox.save_state(self._state(self._ready))
        except OutboxFullError as error:
            LOG.error("outbox_full %s", error)  # noqa: TRY400 -- the cells stay in memory

    def _head(self, closed: ClosedWindow) -> Window:
        return Window(
            device=self._site.device.id,
            epoch=self._outbox.epoch,
            sequence=1,
            start=closed.window.start,
            end=closed.window.end,
            definition_version=DEFINITION_VERSION,
            geometry_hash=self.hashes[0],
            expectations_hash=self.hashes[1],
            model=self._model,
            coverage=closed.coverage,
            invalid=closed.invalid,
            clock=self.stamp.quality,
        )

    def _state(self, ready: list[Cell]) -> bytes:
        """What may survive a restart: cells of at least k visits, and where reporting is."""
        held = Held(
            cells=(*ready, *self._closed_cells()),
            reported_until=self._reported_until,
            last=self._last,
            k=self._wished_k,
            window_s=self._wished_window_s,
        )
        return held.model_dump_json().encode()

    def _closed_cells(self) -> list[Cell]:
        """Cells of at least k visits that a remainder could still extend."""
        return [
            cell_of(PointId(point), joined, self._terms)
            for point, joiner in self._joiners.items()
            for joined in joiner.closed_cells()
        ]


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
