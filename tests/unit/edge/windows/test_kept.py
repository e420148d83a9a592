"""A reporter that goes on from what was kept is one that was never interrupted."""

from collections import Counter as Counted
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, get_type_hints
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.clock import Stamp
from edge.testing import MemoryOutbox, a_site, a_visit
from edge.uplink import Reporter
from edge.visits.values import (
    BlindSpan,
    Event,
    Outcome,
    PasserBy,
    PointId,
    PresenceSpan,
    Visit,
)
from edge.windows.calendar import Period
from edge.windows.coverage import Seen
from edge.windows.join import JoinedCell
from edge.windows.keeper import Unfinished
from edge.windows.kept import Standing, from_bytes, to_bytes
from edge.windows.tally import Tally
from edge.windows.week import OpenWeeks, WeekPart
from firmware_cfg.codec import decode
from firmware_cfg.histogram import Fate, Histogram
from firmware_cfg.messages import Cell, Invalid, Level, PointKind, Window
from firmware_cfg.site import Site

NINE = datetime(2027, 3, 1, 9, tzinfo=UTC)  # a Monday
COUNTER = PointId("counter-1")
SETTLE_S = 60.0  # of a visit: `encounter.settle_s`


def site_of(team_size: int | None, agreement: str | None = None) -> Site:
    return a_site(
        privacy={"team_size": team_size, "pattern_agreement": agreement, "k": 10},
        store={"opening": dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), ("09:00-18:00",))},
    )


SITE = site_of(2)


class MemoryCheckpoint:
    """Two slots, as on disk; the clock is set by hand."""

    def __init__(self) -> None:
        self.slots: dict[int, tuple[int, bytes, bytes, float]] = {}
        self.now_s = 0.0

    def keep(self, generation: int, bound: bytes, content: bytes) -> None:
        self.slots[generation % 2] = (generation, bound, content, self.now_s)

    def find(self, generation: int, bound: bytes) -> tuple[bytes, float] | None:
        found = self.slots.get(generation % 2)
        if found is None or found[:2] != (generation, bound):
            return None
        return found[2], self.now_s - found[3]


class Counter:
    """A reporter that can be killed, and fed by wall-clock seconds after nine."""

    def __init__(self, checkpoint: MemoryCheckpoint | None = None, site: Site = SITE) -> None:
        self.site = site
        self.outbox = MemoryOutbox()
        self.checkpoint = checkpoint
        self.reporter = self._start(0.0)

    def _start(self, now_s: float) -> Reporter:
        stamp = Stamp()
        stamp.offer(now_s, NINE + timedelta(seconds=now_s), "synchronised")
        made = Reporter(self.site, self.outbox, "nanodet", stamp, self.checkpoint)
        made.observe([], seen_s=now_s)
        made.tick(NINE + timedelta(seconds=now_s), [])
        return made

    def pass_to(self, now_s: float, visits: list[Visit]) -> None:
        if self.checkpoint is not None:
            self.checkpoint.now_s = now_s
        self.reporter.observe(visits, seen_s=now_s)
        self.reporter.tick(NINE + timedelta(seconds=now_s), [])

    def keep(self, now_s: float) -> None:
        if self.checkpoint is not None:
            self.reporter.keep(NINE + timedelta(seconds=now_s))

    def crash(self, now_s: float) -> None:
        if self.checkpoint is not None:
            self.checkpoint.now_s = now_s
            self.reporter = self._start(now_s)

    def windows(self) -> list[Window]:
        return [decode(Window, message) for message in self.outbox.messages]

    def cells(self) -> list[Cell]:
        return [cell for window in self.windows() for cell in window.cells]


def final_at(visits: list[Visit], after_s: float, until_s: float) -> list[Visit]:
    return [v for v in visits if after_s < (v.departed_s or 0.0) + SETTLE_S <= until_s]


def played(visits: list[Visit], step_s: float, crashes: list[int], *, kept: bool) -> Counter:
    """A fortnight in steps; at some of them the process dies, just after a checkpoint."""
    counter = Counter(MemoryCheckpoint() if kept else None)
    steps = int(14 * 86400 / step_s)
    for step in range(1, steps):
        now_s = step * step_s
        counter.pass_to(now_s, final_at(visits, now_s - step_s, now_s))
        counter.keep(now_s)
        if step in crashes:
            counter.crash(now_s)
    return counter


@settings(max_examples=12, deadline=None)
@given(
    arrivals=st.lists(st.floats(0, 10 * 86400), min_size=20, max_size=400).map(sorted),
    crashes=st.lists(st.integers(1, 14 * 48 - 2), max_size=8),
)
def test_crashes_just_after_a_checkpoint_change_no_cell(
    arrivals: list[float], crashes: list[int]
) -> None:
    visits = [a_visit(round(at, 3), greeted_after_s=4, served_after_s=9) for at in arrivals]
    steady = played(visits, 1800.0, [], kept=False)
    killed = played(visits, 1800.0, crashes, kept=True)
    assert killed.cells() == steady.cells()
    assert len(killed.outbox.messages) == len(steady.outbox.messages)


def test_what_is_kept_is_read_again_exactly() -> None:
    counter = Counter(MemoryCheckpoint())
    events: list[Event] = [
        *(a_visit(60.0 * n + 0.123, greeted_after_s=3, served_after_s=7) for n in range(30)),
        PasserBy(COUNTER, 40.0),
        PresenceSpan(COUNTER, 10.0, 3000.5, attended=True),
        BlindSpan(100.0, 200.0),
    ]
    counter.reporter.observe(events, seen_s=3700.0)
    counter.reporter.tick(NINE + timedelta(seconds=3700), [])
    counter.keep(3700.0)
    assert counter.checkpoint is not None
    _, _, content, _ = counter.checkpoint.slots[1]
    assert to_bytes(from_bytes(content)) == content
    assert from_bytes(content).units[COUNTER]
    assert len(from_bytes(content).windows.tallies) > 0


def test_it_holds_tallies_and_no_visit() -> None:
    counter = Counter(MemoryCheckpoint())
    counter.reporter.observe([a_visit(61.234, stay_s=77.0)], seen_s=300.0)
    counter.keep(300.0)
    assert counter.checkpoint is not None
    text = counter.checkpoint.slots[0][2].decode()
    assert "61234" not in text
    assert "1.234" not in text
    assert "party" not in text


def test_the_time_between_is_a_gap_and_so_is_what_was_not_final_before_it() -> None:
    counter = Counter(MemoryCheckpoint())
    counter.pass_to(600.0, [])
    counter.keep(600.0)
    counter.pass_to(640.0, [])  # a visit that ends here is not in the checkpoint
    counter.crash(900.0)
    counter.pass_to(3600.0, [])
    (window,) = counter.windows()
    start, end = NINE + timedelta(seconds=540), NINE + timedelta(seconds=900)
    assert window.invalid == (Invalid(start=start, end=end, reason="restart"),)


def test_a_checkpoint_of_a_window_that_was_reported_is_not_read() -> None:
    """Killed after the outbox committed: the file of that commit is read, not the older."""
    counter = Counter(MemoryCheckpoint())
    counter.pass_to(1800.0, [a_visit(10.0 * n) for n in range(12)])
    counter.keep(1800.0)
    counter.pass_to(3600.0, [])  # reports the first window, and keeps what goes with it
    counter.crash(3600.0)
    counter.pass_to(5400.0, [a_visit(1800.0 + 10.0 * n) for n in range(12)])
    counter.pass_to(7200.0, [])
    starts = [window.start for window in counter.windows()]
    assert starts == [NINE + timedelta(minutes=30 * n) for n in range(3)]
    assert [cell.visits for cell in counter.cells()] == [12]


def test_killed_before_the_outbox_commits_the_window_is_reported_once() -> None:
    counter = Counter(MemoryCheckpoint())
    counter.pass_to(1800.0, [a_visit(10.0 * n) for n in range(12)])
    counter.keep(1800.0)
    with patch.object(counter.outbox, "append", side_effect=SystemExit), pytest.raises(SystemExit):
        counter.pass_to(3600.0, [])
    counter.crash(3610.0)
    counter.pass_to(5400.0, [a_visit(1800.0 + 10.0 * n) for n in range(12)])
    counter.pass_to(7200.0, [])
    assert [w.start for w in counter.windows()] == [
        NINE + timedelta(minutes=30 * n) for n in range(3)
    ]
    assert [cell.visits for cell in counter.cells()] == [12]


def test_a_clock_that_was_set_between_makes_it_another_times_window() -> None:
    counter = Counter(MemoryCheckpoint())
    counter.pass_to(600.0, [a_visit(10.0 * n) for n in range(12)])
    counter.keep(600.0)
    assert counter.checkpoint is not None
    counter.checkpoint.now_s = 600.0  # by the monotonic clock no time has passed
    counter.reporter = counter._start(4000.0)
    counter.pass_to(4300.0, [])
    counter.pass_to(9000.0, [])
    assert counter.cells() == []


def after_a_change(before: Site, after: Site) -> Counter:
    """Six visits, a restart on Thursday with another site file, and a fortnight of visits."""
    counter = Counter(MemoryCheckpoint(), before)
    for step in range(1, 14 * 48):
        now_s, day = step * 1800.0, step // 48
        arrived = [now_s - 1700.0 + 100 * n for n in range(6)] if step % 48 < 18 else []
        late = day < 3
        counter.pass_to(
            now_s,
            [
                a_visit(at, greeted_after_s=40 if late else 4, served_after_s=45, flawless=not late)
                for at in arrived
                if arrived
            ],
        )
        counter.keep(now_s)
        if step == 3 * 48 + 5:
            counter.site = after
            counter.crash(now_s)
    return counter


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (site_of(3, "works council, 2027-02-01"), site_of(2, "works council, 2027-02-01")),
        (site_of(2), site_of(3)),
        (site_of(None), site_of(2)),
        (site_of(3), site_of(3, "works council, 2027-02-01")),
        (site_of(2, "works council, 2027-02-01"), site_of(2, "works council, 2027-03-01")),
    ],
)
def test_another_team_or_agreement_goes_on_with_nothing(before: Site, after: Site) -> None:
    """Neither a week under both, nor a cell measured under one and told by the other's terms."""
    cells = after_a_change(before, after).cells()
    change = NINE + timedelta(days=3, hours=2)
    week_end = NINE + timedelta(days=5)
    assert [c for c in cells if c.kind is PointKind.STORE and c.start < week_end] == []
    assert not any(cell.start < change < cell.end for cell in cells)
    for cell in cells:
        under = before if cell.start < change else after
        team = under.privacy.team_size
        told = team is not None and team >= 3
        assert (cell.staff is not None) <= told


def test_the_same_team_and_agreement_go_on() -> None:
    """The control: a whole week, and a cell over the restart."""
    counter = after_a_change(SITE, SITE)
    change = NINE + timedelta(days=3, hours=2)
    assert any(c.kind is PointKind.STORE and c.start < change < c.end for c in counter.cells())


def test_without_a_checkpoint_thin_remainders_are_lost() -> None:
    """The control: what the checkpoint is for."""
    counter = Counter()
    for now_s in (1800.0, 3600.0, 5400.0):
        counter.pass_to(now_s, [a_visit(now_s - 1700.0 + 10 * n) for n in range(6)])
    counter.reporter = counter._start(5500.0)
    assert counter.reporter.keeper is not None
    kept = Counter(MemoryCheckpoint())
    for now_s in (1800.0, 3600.0, 5400.0):
        kept.pass_to(now_s, [a_visit(now_s - 1700.0 + 10 * n) for n in range(6)])
        kept.keep(now_s)
    kept.crash(5500.0)
    for one in (counter, kept):
        one.pass_to(86400.0 * 40, [])
    assert sum(cell.visits for cell in counter.cells()) < 18
    assert sum(cell.visits for cell in kept.cells()) == 18


def test_every_count_length_and_histogram_of_a_tally_is_kept() -> None:
    """Each with a value of its own, so that none is taken for another."""
    numbers = iter(range(1, 100))
    made: dict[type, Callable[[], object]] = {
        int: lambda: next(numbers),
        timedelta: lambda: timedelta(milliseconds=next(numbers)),
        Histogram: lambda: Histogram(5, {Fate.LEFT: {next(numbers): next(numbers)}}),
    }
    fields: dict[str, Any] = {
        name: made[kind]() for name, kind in get_type_hints(Tally).items() if kind in made
    }
    assert len(fields) == 19
    tally = Tally(**fields, outcomes=Counted({Outcome.SERVED: 3}))
    cell = JoinedCell(Level.WEEK, Period(NINE, NINE + timedelta(days=1)), tally)
    weeks = OpenWeeks(NINE, {(cell.period, COUNTER): WeekPart.of(cell)})
    kept = Standing(NINE, Unfinished(None, {}, Seen()), {}, weeks)
    assert from_bytes(to_bytes(kept)) == kept
