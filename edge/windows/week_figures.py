"""What may be told of staff about a store's week (privacy rule 4).

The finer cells of the week are published without staff. A count of the week could still tell
on one of them: if all who left unserved in a week were greeted, those of Tuesday were. So a
count is told only if it, and what is left of its base, are each at least as large as the
largest finer cell, and k.

That alone is not enough, because the finer cells bound the count themselves: if as many
visits of the week were flawless as are published to have been served in time, then all of
Tuesday's were. So the count must also be at least so far from the sum of what the finer cells
say at least, and at most (`edge.windows.week_bounds`). Then, of every finer cell, whatever
its own figures leave open agrees with the count.

The base of a count is published as well, and so says nothing itself: a visit that was already
there when seeing began counts as not flawless, and one that still waited ungreeted when its
window closed as not greeted in time. A median halves its base, so the same holds for it. A
share of time ends at "at most 5 %" and "at least 95 %".
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from edge.visits.values import Outcome, Pattern
from edge.windows.tally import Tally
from edge.windows.week import WeekPart
from edge.windows.week_bounds import Bounds, up_to
from firmware_cfg.histogram import Fate, Histogram, bucket_bounds_s
from firmware_cfg.messages import Patterns, Split, WeekFigures
from firmware_cfg.site import Encounter

_MEDIAN_SCALE = 1
_STEP_PERCENT = 5


@dataclass(frozen=True, slots=True)
class Room:
    """How far a count must be from what would tell on a finer cell.

    Attributes:
        least: smallest part of a base.
        apart: from what the finer cells say at least, and at most; 0 if none is finer.
    """

    least: int
    apart: int

    @classmethod
    def of(cls, part: WeekPart, k: int) -> Self:
        """What the largest of the week's cells asks for."""
        largest = max(k, part.largest)
        return cls(k, 0) if part.cells == 1 else cls(largest, largest)

    def hides(self, count: int, at_least: int, at_most: int) -> bool:
        """Whether a count leaves open, of every finer cell, what its own figures do."""
        return not self.apart or min(count - at_least, at_most - count) >= self.apart

    def split(self, yes: int, base: int, at_least: int, at_most: int) -> Split | None:
        """`yes` of `base`, where the finer cells say `at_least` and `at_most`."""
        no = base - yes
        told = min(yes, no) >= self.least and self.hides(yes, at_least, at_most)
        return Split(yes=yes, no=no) if told else None


def week_figures(
    part: WeekPart, k: int, expected: Encounter, *, staff: bool, patterns: bool
) -> WeekFigures | None:
    """The figures; None if none of them may be told.

    Args:
        part: what was released of the week.
        k: smallest count that may be told at all.
        expected: the expectations in force.
        staff: whether the team is declared, and too small for finer cells.
        patterns: whether an agreement permits service patterns.
    """
    room, public = Room.of(part, k), Bounds(part.tally, expected)
    figures = _staff(part.tally, public, room) if staff else WeekFigures()
    if patterns:
        told = _patterns(part.tally, public, room, finer_cells_have_staff=not staff)
        figures = figures.model_copy(update={"patterns": told})
    return None if figures == WeekFigures() else figures


def _staff(tally: Tally, public: Bounds, room: Room) -> WeekFigures:
    limit_s = public.expected.greet_within_s
    seen = tally.greeting.total()
    brief = public.served_for(public.expected.interrupted_s)
    flawless = room.split(
        tally.flawless, public.served + public.unserved, brief, public.served_in_time
    )
    return WeekFigures(
        greeted_in_time=room.split(
            up_to(tally.greeting, Fate.EVENT, limit_s),
            seen,
            public.greeted_within(limit_s),
            seen - public.passed,
        ),
        left_greeted=room.split(
            tally.outcomes[Outcome.GREETED_ONLY],
            public.unserved,
            public.greeted_at_once,
            public.unserved,
        ),
        flawless=flawless,
        recovered=None if flawless is None else _recovered(flawless.yes, public, room),
        interrupted=room.split(tally.interrupted, public.served, 0, public.served - brief),
        greeting_median_s=_median_s(tally.greeting, room, public.greeted_within),
        interaction_median_s=_median_s(tally.interaction, room, public.engaged_within),
        attended_percent=_percent(tally.attended, tally.present),
    )


def _recovered(flawless: int, public: Bounds, room: Room) -> Split | None:
    """Of those not flawless, served all the same, or not; it says no more than `flawless`."""
    yes, no = public.served - flawless, public.unserved
    return Split(yes=yes, no=no) if min(yes, no) >= room.least else None


def _median_s(
    histogram: Histogram, room: Room, within: Callable[[float], int]
) -> tuple[float, float] | None:
    """Bounds of the bucket in which half of the events are reached.

    That so many are not reached before it is a count as well. `within` gives how many of them
    the finer cells say were reached by then.
    """
    events = histogram.at_scale(_MEDIAN_SCALE).counts.get(Fate.EVENT, {})
    total, passed = sum(events.values()), 0
    if total < 2 * room.least:
        return None
    for index, count in sorted(events.items()):
        passed += count
        if 2 * passed >= total:
            lower_s, upper_s = bucket_bounds_s(index, _MEDIAN_SCALE)
            hides = room.hides(total // 2, within(lower_s), total)
            return (round(lower_s, 1), round(upper_s, 1)) if hides else None
    return None


def _percent(part: timedelta, whole: timedelta) -> int | None:
    if not whole:
        return None
    nearest = _STEP_PERCENT * round(100 * (part / whole) / _STEP_PERCENT)
    return min(max(nearest, _STEP_PERCENT), 100 - _STEP_PERCENT)


def _patterns(
    tally: Tally, public: Bounds, room: Room, *, finer_cells_have_staff: bool
) -> Patterns | None:
    """The three counts. Their sum is a count of who was greeted, hidden in a small team's cells."""
    counts = {pattern: tally.patterns[pattern] for pattern in Pattern}
    unserved = sum(counts.values()) - public.served
    open_to_all = room.hides(unserved, public.greeted_at_once, public.unserved)
    if min(counts.values()) < room.least or not (finer_cells_have_staff or open_to_all):
        return None
    return Patterns(**{pattern.value: count for pattern, count in counts.items()})
