"""What may be told of staff about a store's week (privacy rule 4).

The finer cells of the week are published without staff. A count of the week could still tell
on one of them: if all who left unserved in a week were greeted, those of Tuesday were. So
counts are told only where all that they say together leaves every finer cell as open as its
own figures do (`edge.windows.week_together`), and each part is at least k.

The base of a count is published as well, and so says nothing itself: a visit that was already
there when seeing began counts as not flawless, one that still waited ungreeted when its window
closed as not greeted in time, and one that left unserved early is in none but the count of
those who were greeted in time. A median halves its base, and must leave as much room. A share of
time is told only as far from 0 and 100 % as the cell with the most presence has of all presence.
"""

from dataclasses import dataclass
from math import ceil
from typing import Self

from edge.visits.values import Pattern
from edge.windows.week import WeekPart
from edge.windows.week_bounds import Bounds
from edge.windows.week_together import NAMES, told_together
from firmware_cfg.histogram import Fate, Histogram, bucket_bounds_s
from firmware_cfg.messages import Patterns, Split, WeekFigures
from firmware_cfg.site import Encounter

_MEDIAN_SCALE = 1
_STEP_PERCENT = 5
Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Room:
    """How far a count must be from what would tell on a finer cell.

    Attributes:
        apart: visits of the largest finer cell and one more, k at least.
    """

    apart: int

    @classmethod
    def of(cls, part: WeekPart, k: int) -> Self:
        """What the largest of the week's cells asks for."""
        return cls(k if part.cells == 1 else max(k, part.largest + 1))

    def hides(self, count: int, at_least: int, at_most: int) -> bool:
        """Whether a count leaves open, of every finer cell, what its own figures do."""
        return min(count - at_least, at_most - count) >= self.apart


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
    figures = _staff(part, public, room, k) if staff else WeekFigures()
    if patterns and (not staff or figures.left_greeted is not None):
        figures = figures.model_copy(update={"patterns": _patterns(public, room)})
    return None if figures == WeekFigures() else figures


def _staff(part: WeekPart, public: Bounds, room: Room, k: int) -> WeekFigures:
    tally = part.tally
    counts = (
        tally.flawless,
        tally.served_interrupted,
        tally.greeted_in_time,
        tally.late_greeted,
    )
    judged = public.served + public.left_late
    bases = (judged, public.served, tally.greeting.total(), public.left_late)
    told = told_together(counts, public, room.apart)
    splits = {
        name: Split(yes=yes, no=base - yes)
        for name, yes, base in zip(NAMES, counts, bases, strict=True)
        if name in told
    }
    flawless = splits.get("flawless")
    in_time = tally.greeted_in_time if "greeted_in_time" in told else None
    return WeekFigures(
        **splits,
        recovered=None if flawless is None else _recovered(flawless.yes, public, k),
        greeting_median_s=_greeting_median_s(public, room, in_time),
        interaction_median_s=_interaction_median_s(public, room),
        attended_percent=_attended_percent(part),
    )


def _recovered(flawless: int, public: Bounds, k: int) -> Split | None:
    """Of those not flawless, served all the same, or not; it says no more than `flawless`."""
    yes, no = public.served - flawless, public.left_late
    return Split(yes=yes, no=no) if min(yes, no) >= k else None


def _greeting_median_s(public: Bounds, room: Room, in_time: int | None) -> Span | None:
    """Bounds of the bucket in which half of those greeted had been.

    That half were not greeted before it is a count as well, and half were by its end: beside
    those who were greeted in time, either bounds how many were greeted at all.
    """
    greeting, limit_s = public.tally.greeting, public.expected.greet_within_s
    total, span = greeting.total(Fate.EVENT), _median(greeting, room)
    if span is None or not room.hides(total // 2, public.greeted_within(span[0]), total):
        return None
    if in_time is not None:
        over = 2 * in_time - total
        if (span[1] <= limit_s and over < room.apart) or (
            span[0] >= limit_s and -over < room.apart
        ):
            return None
    return _rounded(span)


def _interaction_median_s(public: Bounds, room: Room) -> Span | None:
    """Likewise of interactions: a served one lasts `min_service_s` at least."""
    interaction = public.tally.interaction
    total, span = interaction.total(Fate.EVENT), _median(interaction, room)
    if span is None or not room.hides(total // 2, public.served_for(span[0]), total):
        return None
    brief = span[1] <= public.expected.min_service_s
    return None if brief and total - 2 * public.served < room.apart else _rounded(span)


def _median(histogram: Histogram, room: Room) -> Span | None:
    """Bounds of the bucket that holds the median of the events; None of too few."""
    events = histogram.at_scale(_MEDIAN_SCALE).counts.get(Fate.EVENT, {})
    total, reached = sum(events.values()), 0
    if total < 2 * room.apart:
        return None
    for index, count in sorted(events.items()):
        reached += count
        if 2 * reached >= total:
            return bucket_bounds_s(index, _MEDIAN_SCALE)
    return None


def _rounded(span: Span) -> Span:
    return round(span[0], 1), round(span[1], 1)


def _attended_percent(part: WeekPart) -> int | None:
    """The share, where it leaves open that the cell with most presence had all of it, or none.

    Where that cell has at most 7.5 % of the presence, the ends of the scale do: they say "at most
    5" and "at least 95". Else the share is told from the step that is half a step beyond it.
    """
    whole = part.tally.present
    if not whole:
        return None
    nearest = _STEP_PERCENT * round(100 * (part.tally.attended / whole) / _STEP_PERCENT)
    half, largest = _STEP_PERCENT / 2, 100 * (part.longest / whole)
    if part.cells == 1 or largest <= _STEP_PERCENT + half:
        return min(max(nearest, _STEP_PERCENT), 100 - _STEP_PERCENT)
    end = _STEP_PERCENT * ceil((largest + half) / _STEP_PERCENT)
    return nearest if end <= nearest <= 100 - end else None


def _patterns(public: Bounds, room: Room) -> Patterns | None:
    """The three counts, each far from telling on a cell.

    Their sum is those served and those who left late and had been greeted: of a small team the
    latter is told beside it, of a larger one in each finer cell.
    """
    tally = public.tally
    counts = {pattern: tally.patterns[pattern] for pattern in Pattern}
    long = sum(counts.values()) - public.brief
    if min(counts.values()) < room.apart or not room.hides(counts[Pattern.INTERACTIVE], 0, long):
        return None
    if sum(counts.values()) != public.served + tally.late_greeted:
        return None
    return Patterns(**{pattern.value: count for pattern, count in counts.items()})
