"""From the engine's events to messages in the outbox: windows, joining, release.

    events ─► stamped with UTC ─► windows ─► joined ─► cells ─► one message a window ─► outbox

While the wall clock is unknown, events wait in memory and nothing closes. After a restart,
windows and joining go on from the checkpoint, where there is one that goes with the outbox's
state (`edge.checkpoint`). Without it joining begins anew: cells that were closed stand as
they are and leave with the next message; thin remainders and the unfinished window are lost.

If the geometry, the expectations or the model changed with the restart, the cells from before
leave in a message that still carries the old window and its hashes: a chart never mixes the
two. It goes with the first new window, at that window's fixed time, and it goes whether or not
there is a cell to put into it.

When an estimated clock gives way to a better one, it is as after a restart: closed cells
stand, the unfinished windows are given up, and the first new one begins after the step.
Between the two is a gap.
"""

import logging
from collections import deque
from collections.abc import Iterable, Mapping
from datetime import datetime

from edge.backlog import Backlog, Sink, held_of
from edge.clock import Stamp
from edge.resuming import Keeping, Memory, resume, terms_of
from edge.tightening import Tightened, lengthens, weighed
from edge.visits.values import Event, PointId, Visit
from edge.windows.calendar import LEAF_LEVELS, StoreCalendar
from edge.windows.join import Joiner, OpenUnit
from edge.windows.keeper import ClosedWindow, WindowKeeper
from edge.windows.kept import Standing
from edge.windows.release import Terms, cell_of, store_cell
from edge.windows.week import WeekGatherer
from firmware_cfg import DEFINITION_VERSION
from firmware_cfg.hashes import expectations_hash, geometry_hash
from firmware_cfg.messages import Cell, Desired, Window
from firmware_cfg.sealing import window_bytes
from firmware_cfg.site import Site

LOG = logging.getLogger(__name__)
MOST_WAITING_EVENTS = 10_000


class Reporter:
    """Turns events into window messages. One thread at a time.

    Args:
        site: the site file in force.
        outbox: where messages and released state go.
        model_name: person detector, as every message names it.
        stamp: the mapping from capture times to UTC; offered to by whoever reads frames.
        checkpoint: where the unfinished window is kept; None: nowhere.
    """

    def __init__(
        self,
        site: Site,
        outbox: Sink,
        model_name: str,
        stamp: Stamp,
        checkpoint: Keeping | None = None,
    ) -> None:
        self.stamp = stamp
        self.hashes = (geometry_hash(site), expectations_hash(site))
        self._site = site
        self._epoch = outbox.epoch
        self._model = model_name
        held = held_of(outbox)
        self.k = max(site.privacy.k, held.k)
        self.window_s = max(site.encounter.window_s, held.window_s)
        self._calendar = StoreCalendar(site.store, self.window_s)
        self._message_bytes = window_bytes(self._calendar.most_windows_a_day())
        self._terms = Terms.of(site, self.k, self._message_bytes)
        self._joiners = self._new_joiners()
        self._weeks = WeekGatherer(self._calendar)
        self._backlog = Backlog(outbox, held, self._terms, (*self.hashes, model_name))
        self._backlog.closed = self._closed_cells
        bound = terms_of(site, outbox.epoch, model_name, self.window_s)
        self._memory = Memory(checkpoint, bound)
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
        count = 0
        for window in self._keeper.closing(now_utc, open_visits):
            self._report(window, now_utc)
            count += 1
        return count

    def keep(self, now_utc: datetime) -> None:
        """Keep what a restart would lose. At fixed times, whatever happened.

        Args:
            now_utc: as for `tick`.
        """
        if self._keeper is not None:
            weeks = self._weeks.so_far()
            units = {point: joiner.open_units() for point, joiner in self._joiners.items()}
            standing = Standing(now_utc, self._keeper.unfinished(), units, weeks)
            self._memory.keep(self._backlog.generation, standing)

    def weigh(self, desired: Desired) -> Tightened:
        """What `tighten` would do with a server's wish; nothing is done."""
        return weighed(desired, self.k, self._coming_window_s())

    def tighten(self, desired: Desired) -> Tightened:
        """Follow a server's wish as far as it tightens: k at once, the window at next start.

        It is in force from then on, even where a full disk cannot keep it.
        """
        outcome = self.weigh(desired)
        if desired.k is not None and desired.k > self.k:
            self._raise_k(desired.k)
        if lengthens(desired.window_s, self._coming_window_s()):
            self._backlog.wished_window_s = desired.window_s
        if outcome.applied:
            self._backlog.save()
        for wish in outcome.refused:
            LOG.warning("desired_refused %s", wish)
        return outcome

    def _coming_window_s(self) -> int:
        """The window in force from the next start on."""
        return max(self.window_s, self._backlog.wished_window_s)

    def _raise_k(self, k: int) -> None:
        self.k = self._backlog.wished_k = k
        self._terms = Terms.of(self._site, k, self._message_bytes)
        for joiner in self._joiners.values():
            joiner.raise_k(k)
        for lost in self._backlog.hold_to(self._terms):
            self._weeks.leave_out(PointId(lost.point), lost.start)

    def _begin(self, now_utc: datetime) -> WindowKeeper:
        """Windows from the first frame or the checkpoint on, with what waited for the clock."""
        first_s = self._first_seen_s
        first = now_utc if first_s is None else self.stamp.utc(first_s)
        keeper = self._new_keeper(first)
        standing = self._memory.find(self._backlog.generation, now_utc)
        self._backlog.begin(resumed=standing is not None)
        if standing is not None:
            LOG.info("checkpoint_resumed")
            self._joiners = self._new_joiners(standing.units)
            self._weeks = WeekGatherer(self._calendar, standing.weeks)
            resume(keeper, standing, first, self._site.encounter.settle_s)
        for seen_s in (self._first_seen_s, self._seen_s):
            if seen_s is not None:
                keeper.seen(seen_s)
        for event in self._waiting:
            keeper.add(event)
        self._waiting.clear()
        return keeper

    def _new_keeper(self, begins: datetime) -> WindowKeeper:
        self._fixes = self.stamp.fixes
        return WindowKeeper(
            self._calendar,
            self._site.encounter,
            self._terms.kinds,
            self.stamp.utc,
            begins=begins,
            reported_until=self._backlog.reported_until,
        )

    def _new_joiners(
        self, units: Mapping[PointId, Iterable[OpenUnit]] | None = None
    ) -> dict[PointId, Joiner]:
        leaf, before = LEAF_LEVELS[self.window_s], units or {}
        return {point: Joiner(self.k, leaf, before.get(point, ())) for point in self._terms.kinds}

    def _follow_stamp(self) -> None:
        """Begin anew if the stamp was fixed again.

        The first window begins after the latest frame: whoever came before it may have been
        counted under the old time, and would be counted twice.
        """
        if self._fixes == self.stamp.fixes:
            return
        self._backlog.add(self._closed_cells())
        self._joiners, self._weeks = self._new_joiners(), WeekGatherer(self._calendar)
        at = self.stamp.utc(self._seen_s or 0.0)
        LOG.warning("clock_fixed_again windows begin anew after %s", at.isoformat())
        self._keeper = self._new_keeper(self._calendar.window_at(at).end)
        self._keeper.seen(self._seen_s or 0.0)

    def _report(self, closed: ClosedWindow, now_utc: datetime) -> None:
        """One message, at its fixed time: whichever cells are final, or none.

        The checkpoint is there before the outbox commits: see `edge.checkpoint.file`.
        """
        self._backlog.cut()
        path = self._calendar.path(closed.window)
        following = None if closed.following is None else self._calendar.path(closed.following)
        gathers = self._terms.weekly_staff or self._terms.patterns
        self._weeks.closed(closed.window)
        for point, joiner in self._joiners.items():
            joined = joiner.take(closed.window, closed.tallies[point], path, following)
            cells = [cell_of(point, one, self._terms) for one in joined]
            self._backlog.add(cells)
            for one, cell in zip(joined, cells, strict=True):
                if gathers:
                    self._weeks.add(point, one, cell.waiting.scale)
        self._backlog.add(self._week_cells(closed))
        self._backlog.generation += 1
        self.keep(now_utc)
        self._backlog.report(self._head(closed))

    def _week_cells(self, closed: ClosedWindow) -> list[Cell]:
        """Cells of the store's weeks that no point can add to any more."""
        after = None if closed.following is None else closed.following.start
        begins = [joiner.undecided_since() or after for joiner in self._joiners.values()]
        until = min((at for at in begins if at is not None), default=None)
        made = (store_cell(part, self._terms) for part in self._weeks.over(until))
        return [cell for cell in made if cell is not None]

    def _head(self, closed: ClosedWindow) -> Window:
        return Window(
            device=self._site.device.id,
            epoch=self._epoch,
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

    def _closed_cells(self) -> list[Cell]:
        """Cells of at least k visits that a remainder could still extend."""
        return [
            cell_of(PointId(point), joined, self._terms)
            for point, joiner in self._joiners.items()
            for joined in joiner.closed_cells()
        ]
