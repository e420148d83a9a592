"""A stopwatch session: presses in memory, replayed into rows, forgotten at its end.

    idle ──begin──► running ──certificate made, stop, or `LONGEST_S` passed──► idle

A party within it, by press:

| press | from | to |
|---|---|---|
| arrived | – | waiting |
| greeted | waiting | greeted |
| served | waiting, greeted | served |
| left | waiting, greeted, served | a finished row |
| drop | waiting, greeted, served | gone, it was no visit |
| undo | any | what was before the latest press |

Presses are at camera time, `t_s`; the session's age is on the monotonic clock, `now_s`.
Both arrive as arguments. Nothing here is written anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from edge.certify.certificate import Certificate, certificate, counter_of, terms_of
from edge.certify.errors import StopwatchError
from edge.certify.fit import fit
from edge.certify.values import Counter, Logged, Timed, timed
from edge.visits.values import Visit
from firmware_cfg.site import Site

LONGEST_S = 12 * 3600.0
MOST_OPEN = 12
MOST_ROWS = 1000
MOST_VISITS = 20_000
MARGIN_S = 2.0
MOST_UNDONE = 50


class Press(StrEnum):
    """What the observer can press about a party."""

    ARRIVED = "arrived"
    GREETED = "greeted"
    SERVED = "served"
    LEFT = "left"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class Party:
    """A party in front of the observer; `number` counts from 1 and is never reused."""

    number: int
    arrived_s: float
    greeted_s: float | None = None
    served_s: float | None = None

    @property
    def latest_s(self) -> float:
        """Its latest press."""
        return max(self.arrived_s, self.greeted_s or 0.0, self.served_s or 0.0)


@dataclass(frozen=True, slots=True)
class Board:
    """Where the presses have led: parties in progress, finished rows."""

    open: tuple[Party, ...] = ()
    rows: tuple[Logged, ...] = ()
    parties: int = 0

    def after(self, press: Press, number: int | None, t_s: float) -> Board:
        """The board after a press.

        Raises:
            StopwatchError: the press does not fit.
        """
        if press is Press.ARRIVED:
            return self._arrive(t_s)
        party = next((one for one in self.open if one.number == number), None)
        if party is None:
            raise StopwatchError(f"party: expected one in progress, found {number}")
        t_s = max(t_s, party.latest_s)
        match press:
            case Press.GREETED:
                return self._greet(party, t_s)
            case Press.SERVED:
                return self._serve(party, t_s)
            case Press.LEFT:
                return self._leave(party, t_s)
            case Press.DROP:
                return replace(self, open=self._without(party))

    def _arrive(self, t_s: float) -> Board:
        if len(self.open) >= MOST_OPEN:
            raise StopwatchError(f"arrived: expected fewer than {MOST_OPEN} parties in progress")
        number = self.parties + 1
        return replace(self, open=(*self.open, Party(number, t_s)), parties=number)

    def _greet(self, party: Party, t_s: float) -> Board:
        if party.greeted_s is not None or party.served_s is not None:
            raise StopwatchError("greeted: expected a party that is waiting, found one greeted")
        return self._with(replace(party, greeted_s=t_s))

    def _serve(self, party: Party, t_s: float) -> Board:
        if party.served_s is not None:
            raise StopwatchError("served: expected a party not served yet, found one served")
        return self._with(replace(party, served_s=t_s))

    def _leave(self, party: Party, t_s: float) -> Board:
        if len(self.rows) >= MOST_ROWS:
            raise StopwatchError(f"left: expected fewer than {MOST_ROWS} rows")
        if t_s <= party.arrived_s:
            raise StopwatchError("left: expected a time after arrived, found the same")
        row = Logged(party.arrived_s, party.greeted_s, party.served_s, t_s)
        return replace(self, open=self._without(party), rows=(*self.rows, row))

    def _with(self, party: Party) -> Board:
        parties = (party if one.number == party.number else one for one in self.open)
        return replace(self, open=tuple(parties))

    def _without(self, party: Party) -> tuple[Party, ...]:
        return tuple(one for one in self.open if one is not party)


@dataclass(slots=True)
class Session:
    """One running session at a service point.

    Attributes:
        boards: the board after each of the latest presses; undo drops the last.
        finals: the device's final visits since the session began.
        open_visits: those that are not final yet, as they stand.
    """

    counter: Counter
    began_s: float
    began_t_s: float
    boards: list[Board] = field(default_factory=lambda: [Board()])
    pressed: list[tuple[Press, int]] = field(default_factory=list)
    finals: list[Timed] = field(default_factory=list)
    open_visits: list[Timed] = field(default_factory=list)

    @property
    def board(self) -> Board:
        """Where the presses have led."""
        return self.boards[-1]


class Stopwatch:
    """The device's stopwatch: at most one session, and the certificate of the last."""

    def __init__(self, site: Site) -> None:
        """Time at the service points of a site."""
        self._site = site
        self.terms = terms_of(site)
        self.points = tuple(point.id for point in site.service_point)
        self.session: Session | None = None
        self.made: Certificate | None = None
        self._made_s = 0.0

    def begin(self, point: str | None, t_s: float, now_s: float) -> None:
        """Begin a session; the certificate of the last is forgotten.

        Raises:
            CertifyError: no such point.
            StopwatchError: a session runs.
        """
        if self.session is not None:
            raise StopwatchError(f"expected no session, found one at {self.session.counter.point}")
        self.session, self.made = Session(counter_of(self._site, point), now_s, t_s), None

    def press(self, press: Press, number: int | None, t_s: float) -> None:
        """Take a press at camera time `t_s`.

        Raises:
            StopwatchError: no session runs, or the press does not fit.
        """
        session = self._running()
        board = session.board.after(press, number, t_s)
        session.boards.append(board)
        session.pressed.append((press, board.parties if number is None else number))
        del session.boards[: -MOST_UNDONE - 1], session.pressed[:-MOST_UNDONE]

    def undo(self) -> None:
        """Take the latest press back; harmless where there is none."""
        session = self._running()
        if session.pressed:
            session.boards.pop()
            session.pressed.pop()

    def follow(self, finals: Iterable[Visit], open_visits: Iterable[Visit], now_s: float) -> None:
        """Take in what the device timed; ends what has lasted too long."""
        self.expire(now_s)
        session = self.session
        if session is None:
            return
        session.finals += _of(session, finals)
        session.open_visits = _of(session, open_visits)
        del session.finals[:-MOST_VISITS]

    def expire(self, now_s: float) -> None:
        """Forget a session, or a certificate, that is `LONGEST_S` old."""
        if self.session is not None and now_s - self.session.began_s >= LONGEST_S:
            self.session = None
        if self.made is not None and now_s - self._made_s >= LONGEST_S:
            self.made = None

    def settles_in_s(self, t_s: float) -> float:
        """How long until the device's visits of all rows are final; `t_s`: latest frame."""
        rows = self._running().board.rows
        latest_s = max((row.left_s for row in rows), default=t_s)
        return max(0.0, latest_s + self._site.encounter.settle_s + MARGIN_S - t_s)

    def certify(self, t_s: float, now_s: float, now_utc: datetime) -> Certificate:
        """Make the certificate, then forget every row.

        Args:
            t_s: camera time of the latest frame.
            now_s: on the monotonic clock.
            now_utc: on the wall clock, for the week.

        Raises:
            StopwatchError: no session, or the device is not through with the last visits.
            TooFewVisitsError: too few; the rows stay.
        """
        session = self._running()
        rows, wait_s = session.board.rows, self.settles_in_s(t_s)
        if wait_s > 0 and len(rows) >= self.terms.least_visits:
            raise StopwatchError(f"expected the last visits to be final, found {wait_s:.0f} s left")
        fitted = fit(rows, _all_visits(session), self.terms)
        ago_s = [t_s - min(row.arrived_s for row in rows), t_s - max(row.left_s for row in rows)]
        first, last = (now_utc - timedelta(seconds=max(0.0, one)) for one in ago_s)
        self.made = certificate(self._site, session.counter.point, first, last, fitted)
        self._made_s, self.session = now_s, None
        return self.made

    def stop(self) -> None:
        """Forget every row, and the certificate."""
        self.session, self.made = None, None

    def _running(self) -> Session:
        if self.session is None:
            raise StopwatchError("expected a session, found none: begin one")
        return self.session


def _all_visits(session: Session) -> list[Timed]:
    """Final visits and open ones; one that has just become final may stand in both."""
    final = {visit.arrived_s for visit in session.finals}
    return [*session.finals, *(one for one in session.open_visits if one.arrived_s not in final)]


def _of(session: Session, visits: Iterable[Visit]) -> list[Timed]:
    """The visits of the session's counter that were not over when it began."""
    found = []
    for visit in visits:
        own = session.counter.owns(visit.service_point, visit.queue)
        over = visit.departed_s is not None and visit.departed_s < session.began_t_s
        if own is not None and not over:
            found.append(timed(visit, own))
    return found
