"""Visits go into the window of their arrival; a window closes once, at a fixed time.

    open ──end + settle_s──► closed (tallied, handed out) ──► whatever arrives is dropped

At closing, visits still open are censored there: the snapshot is counted. When such a visit
ends later, its arrival lies in a closed window, and so it is dropped as already reported.
That rule needs to keep nothing about a party. Visits are tallied as they become final, so
no row about one party is held here at all.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from edge.errors import WindowError
from edge.visits.values import BlindSpan, Event, PasserBy, PointId, PresenceSpan, Visit
from edge.windows.calendar import Period, StoreCalendar
from edge.windows.coverage import Seen, Watch
from edge.windows.tally import Tally
from firmware_cfg.messages import Coverage, Invalid
from firmware_cfg.site import Encounter

ToUtc = Callable[[float], datetime]


@dataclass(frozen=True, slots=True)
class ClosedWindow:
    """A window whose counts will not change any more.

    Attributes:
        window: its bounds.
        following: the next window in opening hours; None if the store does not open again.
        tallies: what was counted, for every point of the site.
        coverage: seen share of its opening time.
        invalid: unseen parts of its opening time.
    """

    window: Period
    following: Period | None
    tallies: dict[PointId, Tally]
    coverage: Coverage
    invalid: tuple[Invalid, ...]


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The windows that have not closed, as another keeper needs them to go on.

    Attributes:
        following: the next window to close; None if the store does not open again.
        tallies: what was counted so far, by window and point.
        seen: when frames came.
    """

    following: Period | None
    tallies: Mapping[Period, Mapping[PointId, Tally]]
    seen: Seen


@dataclass(slots=True)
class Dropped:
    """How many events were not counted, and why."""

    already_reported: int = 0
    outside_opening: int = 0


@dataclass(slots=True)
class _Open:
    """A window that is still filling."""

    tallies: dict[PointId, Tally] = field(default_factory=dict)

    def put(self, point: PointId, tally: Tally) -> None:
        self.tallies[point] = self.tallies.get(point, Tally()) + tally


class WindowKeeper:
    """Pure state machine from events to closed windows.

    Args:
        calendar: the store's calendar, which knows the length of a window.
        expected: the expectations and limits in force; a window closes `window_settle_s`
            after its end.
        points: every point of the site; a visit elsewhere is an error.
        to_utc: wall-clock instant of a capture time `t_s`.
        begins: the first window is the one in opening hours that contains this instant, or
            the next; what ended before is a gap.
        reported_until: windows that begin before this instant are not reported (they were,
            before a restart).
    """

    def __init__(
        self,
        calendar: StoreCalendar,
        expected: Encounter,
        points: Iterable[PointId],
        to_utc: ToUtc,
        *,
        begins: datetime,
        reported_until: datetime | None = None,
    ) -> None:
        self.watch = Watch()
        self.dropped = Dropped()
        self._calendar = calendar
        self._expected = expected
        self._settle = timedelta(seconds=expected.window_settle_s)
        self._points = tuple(points)
        self._to_utc = to_utc
        self._open: dict[Period, _Open] = {}
        self._next = calendar.next_open_window(begins)
        while self._next and reported_until and self._next.start < reported_until:
            self._next = calendar.next_open_window(self._next.end)

    def unfinished(self) -> Unfinished:
        """What another keeper needs to go on from here."""
        tallies = {window: dict(content.tallies) for window, content in self._open.items()}
        return Unfinished(self._next, tallies, self.watch.so_far())

    def resume(self, from_: Unfinished) -> None:
        """Go on where an earlier keeper with the same calendar and points stood.

        Its visits that were not final are lost, and the time since its latest frame, less
        the time that it takes to be final, does not count as seen: see `Watch.lost`.
        """
        self._next = from_.following
        self._open = {window: _Open(dict(of)) for window, of in from_.tallies.items()}
        self.watch = Watch(from_.seen)

    def due_at(self) -> datetime | None:
        """When the next window closes; None if the store never opens."""
        return None if self._next is None else self._next.end + self._settle

    def seen(self, t_s: float) -> None:
        """A frame was captured at `t_s`."""
        self.watch.seen(self._at(t_s))

    def add(self, event: Event) -> None:
        """Count one event.

        Raises:
            WindowError: the event's point is not one of the site's.
        """
        match event:
            case Visit():
                self._count(event, self._at(event.arrived_s))
            case PasserBy():
                self._put(event.point, self._at(event.arrived_s), Tally(passers_by=1))
            case PresenceSpan():
                self._spread(event)
            case BlindSpan():
                span = Period(self._at(event.start_s), self._at(event.end_s))
                self.watch.blind(span)

    def close_due(self, now_utc: datetime, open_visits: Iterable[Visit]) -> list[ClosedWindow]:
        """Close every window that is due by `now_utc`, in order.

        Args:
            now_utc: wall-clock time.
            open_visits: the engine's unfinished visits as they stand now; those that
                arrived in a closing window are counted there as they are.
        """
        return list(self.closing(now_utc, open_visits))

    def closing(self, now_utc: datetime, open_visits: Iterable[Visit]) -> Iterator[ClosedWindow]:
        """As `close_due`, one by one: a window is closed when it is asked for."""
        if self._next is None or self._next.end + self._settle > now_utc:
            return
        unfinished = [(self._at(visit.arrived_s), visit) for visit in open_visits]
        while self._next is not None and self._next.end + self._settle <= now_utc:
            window = self._next
            for at, visit in unfinished:
                if at in window:
                    self._count(visit, at)
            self._next = self._calendar.next_open_window(window.end)
            yield self._close(window)

    def _close(self, window: Period) -> ClosedWindow:
        content = self._open.pop(window, _Open())
        spans = self._calendar.open_spans(window)
        coverage = self.watch.coverage(spans)
        invalid = self.watch.invalid(window, spans)
        self.watch.forget(window.end)
        tallies = {point: content.tallies.get(point, Tally()) for point in self._points}
        return ClosedWindow(window, self._next, tallies, coverage, invalid)

    def _at(self, t_s: float) -> datetime:
        return self._to_utc(round(t_s, 3))

    def _count(self, visit: Visit, arrived: datetime) -> None:
        self._put(visit.point, arrived, Tally.of_visit(visit, self._expected))

    def _put(self, point: PointId, at: datetime, tally: Tally) -> None:
        self._check(point)
        if self._next is None or at < self._next.start:
            self.dropped.already_reported += 1
        elif not self._calendar.is_open(at):
            self.dropped.outside_opening += 1
        else:
            self._open.setdefault(self._calendar.window_at(at), _Open()).put(point, tally)

    def _spread(self, span: PresenceSpan) -> None:
        """Split a presence span at the bounds of windows, within opening hours."""
        self._check(span.point)
        if self._next is None:
            return
        whole = Period(max(self._at(span.start_s), self._next.start), self._at(span.end_s))
        if whole.start >= whole.end:
            return
        for window in self._calendar.windows(whole):
            for part in self._calendar.open_spans(window):
                inside = part.within(whole)
                if inside is not None:
                    tally = Tally.of_presence(inside.length, attended=span.attended)
                    self._open.setdefault(window, _Open()).put(span.point, tally)

    def _check(self, point: PointId) -> None:
        if point not in self._points:
            known = ", ".join(self._points)
            raise WindowError(f"event at point {point!r}, expected one of {known}")
