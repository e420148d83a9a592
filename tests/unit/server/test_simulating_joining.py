"""The simulated devices' calendar and joining are held against a real device's."""

from collections import Counter
from datetime import date, timedelta
from itertools import pairwise
from random import Random

import pytest

from edge.visits.values import Outcome
from edge.windows.calendar import StoreCalendar
from edge.windows.join import JoinedCell, Joiner
from edge.windows.tally import Tally as DeviceTally
from firmware_cfg.section import WEEKDAYS
from firmware_cfg.store import Store
from server.simulating.calendar import LEAF, Hours
from server.simulating.joining import Joined, Joining
from server.simulating.tally import Tally

SPANS = (("09:00-19:00",), ("08:30-12:30", "14:00-20:00"), ("18:00-01:00",))
ZONES = ("Asia/Shanghai", "Europe/Berlin", "America/New_York")
FIRST, AFTER = date(2026, 2, 2), date(2026, 6, 8)
K = 10


def drawn(seed: int) -> Random:
    return Random(seed)  # noqa: S311 cases, not secrets


def hours_of(rng: Random) -> Hours:
    """Hours at random; the months of `FIRST` to `AFTER` have days of 23 hours in two zones."""
    opening: dict[str, tuple[str, ...]] = dict.fromkeys(
        WEEKDAYS[: rng.choice([5, 6, 7])], rng.choice(SPANS)
    )
    closed = frozenset(FIRST + timedelta(days=rng.randrange(120)) for _ in range(5))
    return Hours(rng.choice(ZONES), opening, closed, rng.choice(list(LEAF)))


def calendar_of(hours: Hours) -> StoreCalendar:
    store = Store.model_validate(
        {"timezone": hours.zone, "opening": hours.opening, "closed": tuple(hours.closed)}
    )
    return StoreCalendar(store, hours.window_s)


def same(ours: list[Joined], theirs: list[JoinedCell]) -> bool:
    return [(one.level, one.start, one.end, one.tally.visits) for one in ours] == [
        (one.level, one.period.start, one.period.end, one.tally.visits) for one in theirs
    ]


@pytest.mark.parametrize("seed", range(12))
def test_windows_are_those_of_a_device(seed: int) -> None:
    hours = hours_of(drawn(seed))
    calendar = calendar_of(hours)
    slots = list(hours.slots(FIRST, AFTER))
    theirs = calendar.next_open_window(slots[0].start)
    for slot in slots:
        assert theirs is not None
        assert (slot.start, slot.end) == (theirs.start, theirs.end)
        assert slot.day == calendar.trading_day(slot.start)
        opened = sum((one.length for one in calendar.open_spans(theirs)), timedelta())
        assert slot.open_s == opened.total_seconds()
        assert [level for level, _ in slot.path] == [u.level for u in calendar.path(theirs)]
        theirs = calendar.next_open_window(theirs.end)


@pytest.mark.parametrize("seed", range(25))
def test_cells_are_let_go_as_a_device_does(seed: int) -> None:
    rng = drawn(seed)
    hours = hours_of(rng)
    calendar = calendar_of(hours)
    mean = rng.choice([0.1, 0.7, 3, 9, 20])
    slots = list(hours.slots(FIRST, AFTER))
    ours, theirs = Joining(K, hours.window_s), Joiner(K, calendar.leaf_level)
    count = 0
    for slot, following in pairwise(slots):
        if rng.random() < 0.01:
            assert same(ours.break_off(), theirs.closed_cells())
            theirs = Joiner(K, calendar.leaf_level)
        visits = rng.choice([0, 1, int(rng.expovariate(1 / mean))])
        window, after = calendar.window_at(slot.start), calendar.window_at(following.start)
        counted = DeviceTally(outcomes=+Counter({Outcome.SERVED: visits}))
        found = ours.take(slot, Tally(served=visits), following.path)
        paths = calendar.path(window), calendar.path(after)
        assert same(found, theirs.take(window, counted, *paths))
        assert ours.undecided_since() == theirs.undecided_since()
        count += len(found)
    assert count > 0 or mean < 1
