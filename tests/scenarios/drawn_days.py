"""Drawn days at a counter: visits across the windows' edges, and what is known of them when.

Seconds count from nine o'clock, when the shop opens.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

from hypothesis import strategies as st

from edge.testing import a_visit
from edge.visits.values import Duration, Outcome, PointId, PresenceSpan, Visit

OPEN_S = 4 * 3600
SETTLE_S = 1800
FINAL_AFTER_S = 60  # after departure, `settle_s`
COUNTER = PointId("counter-1")


@dataclass(frozen=True, slots=True)
class Stay:
    """What happens to a party; milliseconds since nine o'clock, and after its arrival.

    Of the stay the share `hidden` is not observed: half of it bridged, half unknown.
    """

    arrived_ms: int
    greeted_ms: int | None
    served_ms: int | None
    stays_ms: int
    hidden: float
    left_censored: bool
    broken: bool
    interruptions: int

    @property
    def arrived_s(self) -> float:
        """Arrival, seconds since nine."""
        return self.arrived_ms / 1000

    def final_by(self, t_s: float) -> bool:
        """Whether the engine has told the visit's end by `t_s`."""
        return (self.arrived_ms + self.stays_ms) / 1000 + FINAL_AFTER_S <= t_s

    def as_of(self, t_s: float) -> Visit:
        """The visit as the engine tells it at `t_s`: final, or still present."""
        if self.final_by(t_s):
            return self._until(self.stays_ms, None, flawless=not self.broken)
        so_far_ms = min(round(t_s * 1000) - self.arrived_ms, self.stays_ms)
        return self._until(so_far_ms, Outcome.STILL_PRESENT, flawless=None)

    def _until(self, stay_ms: int, outcome: Outcome | None, *, flawless: bool | None) -> Visit:
        visit = a_visit(
            self.arrived_s,
            stay_s=stay_ms / 1000,
            greeted_after_s=_by(self.greeted_ms, stay_ms),
            served_after_s=_by(self.served_ms, stay_ms),
            outcome=outcome,
            left_censored=self.left_censored,
            interruptions=self.interruptions,
            flawless=flawless,
        )
        half_ms = round(self.hidden * stay_ms / 2)
        parts = (stay_ms - 2 * half_ms) / 1000, half_ms / 1000, half_ms / 1000
        return replace(visit, stay=Duration(*parts))


def _by(moment_ms: int | None, stay_ms: int) -> float | None:
    return None if moment_ms is None or moment_ms > stay_ms else moment_ms / 1000


@st.composite
def stays(draw: st.DrawFn) -> Stay:
    """A visit, often at a window's edge, now and then longer than a window is kept open."""
    edge_ms = draw(st.integers(-1, 17)) * 900_000
    aside_ms = draw(st.sampled_from([0, -1, 1]) | st.integers(-600_000, 600_000))
    stays_ms = draw(st.integers(15_000, 400_000) | st.integers(15_000, 2 * 3_600_000))
    greeted_ms = draw(st.none() | st.integers(0, stays_ms))
    served_ms = None if greeted_ms is None else draw(st.none() | st.integers(greeted_ms, stays_ms))
    return Stay(
        edge_ms + aside_ms,
        greeted_ms,
        served_ms,
        stays_ms,
        draw(st.floats(0, 0.99)),
        draw(st.booleans()),
        draw(st.booleans()),
        draw(st.integers(0, 2)),
    )


@dataclass(frozen=True, slots=True)
class Day:
    """Visits, spans of presence that begin with a passer-by, and when the record ends."""

    stays: list[Stay]
    spans: list[PresenceSpan]
    record_s: float
    window_s: int

    def closes_s(self, arrived_s: float) -> float:
        """When the window of an arrival closes."""
        return (arrived_s // self.window_s + 1) * self.window_s + SETTLE_S

    @property
    def recorded(self) -> list[Stay]:
        """Who came before the record's end, also outside opening hours."""
        return [one for one in self.stays if one.arrived_s < self.record_s]

    @property
    def counting(self) -> list[Stay]:
        """Those who came in opening hours."""
        return [one for one in self.recorded if 0 <= one.arrived_s < OPEN_S]

    def known(self) -> list[Visit]:
        """Each counting visit as it was known at its window's closing."""
        ends = (min(self.closes_s(one.arrived_s), self.record_s) for one in self.counting)
        return [one.as_of(end_s) for one, end_s in zip(self.counting, ends, strict=True)]

    def outlasting(self) -> int:
        """How many visits are censored by their window's closing, and end later."""
        closings = ((one, self.closes_s(one.arrived_s)) for one in self.counting)
        return sum(end_s <= self.record_s and not one.final_by(end_s) for one, end_s in closings)


@st.composite
def days(draw: st.DrawFn) -> Day:
    """A day whose record ends after closing time, or in the middle."""
    record_s = draw(st.just(OPEN_S + 7200.0) | st.integers(OPEN_S // 2, OPEN_S).map(float))
    seconds = st.integers(-900, min(OPEN_S + 900, int(record_s)))
    cuts = sorted(draw(st.lists(seconds, max_size=12, unique=True)))
    spans = [
        PresenceSpan(COUNTER, start_s, min(end_s, start_s + 1500), draw(st.booleans()))
        for start_s, end_s in pairwise(cuts)
    ]
    least = draw(st.sampled_from([0, 6, 20]))
    visits = draw(st.lists(stays(), min_size=least, max_size=40))
    return Day(visits, spans, record_s, draw(st.sampled_from([900, 1800, 3600])))
