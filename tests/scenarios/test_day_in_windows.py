"""A day in one go equals the day cut into windows and merged.

In one go is without windows: each visit as it was known when its window closed, and every
figure counted from the list of visits by the definitions. Visits run across the windows'
edges, past the closing of their own window, and past the record's end.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings

from edge.visits.values import Outcome, PasserBy, Visit
from edge.windows.calendar import StoreCalendar
from edge.windows.join import JoinedCell, Joiner
from edge.windows.keeper import ClosedWindow, WindowKeeper
from edge.windows.release import Terms, cell_of
from edge.windows.tally import Tally
from firmware_cfg.histogram import Fate, Histogram
from firmware_cfg.messages import Cell, PointKind
from firmware_cfg.site import Encounter
from firmware_cfg.store import Store
from server.unions import merged
from tests.scenarios.drawn_days import COUNTER, FINAL_AFTER_S, OPEN_S, SETTLE_S, Day, days

NINE = datetime(2027, 3, 1, 9, tzinfo=UTC)  # a Monday
STORE = Store(opening={"mon": ("09:00-13:00",)})
K = 5
EXPECTED = Encounter(window_settle_s=SETTLE_S)
TERMS = Terms(K, staff=True, kinds={COUNTER: PointKind.SERVICE_POINT})
Durations = list[tuple[float, Fate]]


def in_windows(day: Day) -> tuple[list[ClosedWindow], WindowKeeper]:
    """The day through the keeper, event by event, each window closed when it is due."""
    keeper = WindowKeeper(
        StoreCalendar(STORE, day.window_s),
        EXPECTED,
        [COUNTER],
        lambda t_s: NINE + timedelta(seconds=t_s),
        begins=NINE - timedelta(hours=1),
    )
    left, spans = day.recorded, list(day.spans)
    windows: list[ClosedWindow] = []
    while len(windows) < OPEN_S // day.window_s:
        due = keeper.due_at()
        assert due is not None
        t_s = (due - NINE).total_seconds()
        seen_s = min(t_s, day.record_s)
        ended = [one for one in left if one.final_by(seen_s) or day.record_s < t_s]
        left = [one for one in left if one not in ended]
        for one in ended:
            keeper.add(one.as_of(seen_s))
        for span in [one for one in spans if one.end_s + FINAL_AFTER_S <= t_s]:
            spans.remove(span)
            keeper.add(span)
            keeper.add(PasserBy(COUNTER, span.start_s))
        here = [one.as_of(seen_s) for one in left if one.arrived_s <= seen_s]
        windows += keeper.close_due(due, here)
    for one in left:
        keeper.add(one.as_of(day.record_s))
    return windows, keeper


def latency(visits: list[Visit], name: str) -> Histogram:
    """Waiting or greeting by the definitions: the event, or the competing one, or the end."""
    told: Durations = []
    for one in visits:
        found = one.service_started_s if name == "waiting" else one.greeted_s
        if one.left_censored:
            continue
        if found is not None:
            told.append((round(found - one.arrived_s, 3), Fate.EVENT))
        else:
            here = one.outcome is Outcome.STILL_PRESENT
            told.append((round(one.stay.total_s, 3), Fate.CENSORED if here else Fate.LEFT))
    return Histogram.of(told)


def lengths(visits: list[Visit], name: str) -> Histogram:
    """Stays, or the greeted ones' interactions; at least as long, where an end was not seen."""
    return Histogram.of(
        (
            round((one.stay if name == "stay" else one.interaction).total_s, 3),
            Fate.CENSORED if one.left_censored or one.departed_s is None else Fate.EVENT,
        )
        for one in visits
        if name == "stay" or one.greeted_s is not None
    )


def of_visits(visits: list[Visit]) -> Tally:
    """Everything about visits, counted from the whole list at once."""
    judged = [one for one in visits if one.flawless is not None]
    broken = [one for one in judged if not one.flawless]
    unserved = (Outcome.GREETED_ONLY, Outcome.ABANDONED, Outcome.PASSED)
    early = [
        one
        for one in visits
        if one.outcome in unserved and round(one.stay.total_s, 3) < EXPECTED.abandon_after_s
    ]
    bridged_ms = sum(round(one.stay.bridged_s * 1000) for one in visits)
    unknown_ms = sum(round(one.stay.unknown_s * 1000) for one in visits)
    whole_ms = sum(round(one.stay.total_s * 1000) for one in visits)
    return Tally(
        outcomes=Counter(one.outcome for one in visits),
        left_censored=sum(one.left_censored for one in visits),
        waiting=latency(visits, "waiting"),
        greeting=latency(visits, "greeting"),
        interaction=lengths(visits, "interaction"),
        stay=lengths(visits, "stay"),
        flawless=len(judged) - len(broken),
        broken=len(broken),
        recovered=sum(one.outcome is Outcome.SERVED for one in broken),
        interrupted=sum(one.interruptions > 0 for one in visits),
        served_interrupted=sum(
            one.interruptions > 0 and one.outcome is Outcome.SERVED for one in visits
        ),
        greeted_in_time=sum(
            one.greeting is not None and round(one.greeting.total_s, 3) <= EXPECTED.greet_within_s
            for one in visits
        ),
        left_early=len(early),
        early_greeted=sum(one.outcome is Outcome.GREETED_ONLY for one in early),
        observed=timedelta(milliseconds=whole_ms - bridged_ms - unknown_ms),
        bridged=timedelta(milliseconds=bridged_ms),
        unknown=timedelta(milliseconds=unknown_ms),
    )


def in_one_go(day: Day) -> Tally:
    """The whole day; nothing in it is a sum of tallies."""
    lengths_s = [max(0, min(one.end_s, OPEN_S) - max(one.start_s, 0)) for one in day.spans]
    both = zip(day.spans, lengths_s, strict=True)
    return replace(
        of_visits(day.known()),
        passers_by=sum(0 <= one.start_s < OPEN_S for one in day.spans),
        present=timedelta(seconds=sum(lengths_s)),
        attended=timedelta(seconds=sum(length_s for one, length_s in both if one.attended)),
    )


def check_not_negative(window: ClosedWindow) -> None:
    """No duration of a window is negative, and presence fits into it."""
    tally, none = window.tallies[COUNTER], timedelta(0)
    assert min(tally.observed, tally.bridged, tally.unknown) >= none
    assert none <= tally.attended <= tally.present <= window.window.length


@settings(max_examples=150, deadline=None)
@given(days())
def test_a_day_in_windows_merged_equals_the_day_in_one_go(day: Day) -> None:
    windows, keeper = in_windows(day)
    for window in windows:
        check_not_negative(window)
    tallies = [window.tallies[COUNTER] for window in windows]
    whole = in_one_go(day)
    assert sum(tallies, Tally()) == whole
    for window, tally in zip(windows, tallies, strict=True):
        arrivals = (NINE + timedelta(seconds=one.arrived_s) for one in day.counting)
        assert tally.visits == sum(at in window.window for at in arrivals)
    dropped = keeper.dropped.already_reported + keeper.dropped.outside_opening
    outside = len(day.recorded) - len(day.counting) + len(day.spans) - whole.passers_by
    assert dropped == outside + day.outlasting()


def joined(windows: list[ClosedWindow], window_s: int) -> list[JoinedCell]:
    """The windows' cells of at least `K` visits, when nothing follows."""
    calendar = StoreCalendar(STORE, window_s)
    joiner, cells = Joiner(K, calendar.leaf_level), list[JoinedCell]()
    paths = [calendar.path(one.window) for one in windows]
    for one, path, following in zip(windows, paths, [*paths[1:], None], strict=True):
        cells += joiner.take(one.window, one.tallies[COUNTER], path, following)
    return cells


def histograms(cell: Cell) -> tuple[Histogram, ...]:
    """The histograms of a cell as they travelled."""
    assert cell.staff is not None
    wires = (cell.waiting, cell.stay, cell.staff.greeting, cell.staff.interaction)
    return tuple(one.histogram() for one in wires)


@settings(max_examples=100, deadline=None)
@given(days())
def test_a_days_released_cells_merged_equal_the_day_in_one_go(day: Day) -> None:
    whole = in_one_go(day)
    cells = joined(in_windows(day)[0], day.window_s)
    if whole.visits < K:
        assert cells == []
        return
    assert sum((cell.tally for cell in cells), Tally()) == whole
    sent = [cell_of(COUNTER, cell, TERMS) for cell in cells]
    for parts, one in zip(
        zip(*map(histograms, sent), strict=True),
        (whole.waiting, whole.stay, whole.greeting, whole.interaction),
        strict=True,
    ):
        together = merged(parts)
        assert together == one.at_scale(together.scale)
    assert sum(one.visits for one in sent) == len(day.counting)
    off_s = sum(one.observed_s for one in sent) - whole.observed.total_seconds()
    assert abs(off_s) <= len(sent) / 2  # a cell's seconds are whole
