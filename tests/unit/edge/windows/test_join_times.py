"""When a cell leaves tells nothing that the released cells do not tell themselves.

All courses of small days are folded; those that end in the same cells must have sent them with
the same windows. Otherwise the time of a message tells what stands in no cell: that a thin
window was below k, or at which of two windows somebody came.
"""

import itertools
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

import pytest

from edge.windows.calendar import Period, StoreCalendar
from edge.windows.join import JoinedCell, Joiner, Path
from firmware_cfg.messages import Level
from firmware_cfg.store import Store
from tests.unit.edge.windows.test_join import tally, windows

K = 2
SUNDAY = datetime(2027, 3, 28, 9, tzinfo=UTC)  # the month of weeks ends with it
SATURDAY = datetime(2027, 3, 6, 9, tzinfo=UTC)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Left = list[tuple[int, JoinedCell]]


@dataclass(frozen=True, slots=True)
class Days:
    """The windows of a stretch of opening hours, each with its units."""

    leaf: Level
    windows: tuple[tuple[Period, Path], ...]

    @classmethod
    def of(cls, opening: str, start: datetime, day_parts: list[str], count: int) -> Self:
        store = Store(opening=dict.fromkeys(DAYS, (opening,)), day_parts=tuple(day_parts))
        calendar = StoreCalendar(store, 1800)
        listed = windows(calendar, count, start)
        return cls(calendar.leaf_level, tuple((one, calendar.path(one)) for one in listed))

    def left(self, visits: tuple[int, ...]) -> Left:
        """The cells of a course, each with the number of the window that it left with."""
        joiner = Joiner(K, self.leaf)
        following = [path for _, path in self.windows[1:]] + [None]
        found: Left = []
        for number, ((window, path), count) in enumerate(zip(self.windows, visits, strict=True)):
            joined = joiner.take(window, tally(count), path, following[number])
            found += [(number, cell) for cell in joined]
        return found


@pytest.mark.parametrize(
    ("opening", "start", "day_parts", "count"),
    [
        ("09:00-13:00", SATURDAY, ["11:00"], 7),
        ("09:00-13:00", SATURDAY, ["10:00", "12:00"], 7),
        ("09:00-11:00", SATURDAY, [], 7),
        ("09:00-10:00", SATURDAY, [], 7),
        ("09:00-09:30", SATURDAY, [], 7),
        ("09:00-10:00", SUNDAY, [], 7),
        ("09:00-09:30", SUNDAY, [], 7),
    ],
)
def test_courses_that_end_in_the_same_cells_sent_them_at_the_same_times(
    opening: str, start: datetime, day_parts: list[str], count: int
) -> None:
    times: dict[tuple[object, ...], set[tuple[int, ...]]] = defaultdict(set)
    days = Days.of(opening, start, day_parts, count)
    for visits in itertools.product((0, 1, 2), repeat=count):
        found = days.left(visits)
        cells = tuple((one.level, one.period, one.tally.visits) for _, one in found)
        times[cells].add(tuple(number for number, _ in found))
    assert len(times) > 100
    assert [cells for cells, when in times.items() if len(when) > 1] == []


def test_an_empty_half_hour_is_not_told_by_the_time_of_the_cell_before() -> None:
    """09:30 once left as soon as 10:00 alone had k, which 10+0 and 9+1 do not share."""
    day = Days.of("09:00-13:00", SATURDAY, ["11:00"], 8)
    assert day.left((2, 2, 2, 0, 2, 2, 2, 2)) == day.left((2, 2, 1, 1, 2, 2, 2, 2))
