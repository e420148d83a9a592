"""What may be told of staff about a store's week (privacy rule 4).

The finer cells of the week are published without staff. A count of the week could still tell
on one of them: if all who left unserved in a week were greeted, those of Tuesday were. So a
count is told only if it, and what is left of its base, are each at least as large as the
largest finer cell, and k. Then, of every finer cell, any number between none and all of its
visits agrees with the count. A median halves its base, so the same holds for it. A share of
time ends at "at most 5 %" and "at least 95 %": all of it, or none, would hold for each part.
"""

from datetime import timedelta

from edge.visits.values import Outcome, Pattern
from edge.windows.tally import Tally
from edge.windows.week import WeekPart
from firmware_cfg.histogram import Fate, Histogram, bucket_bounds_s, bucket_index
from firmware_cfg.messages import Patterns, Split, WeekFigures

_MEDIAN_SCALE = 1
_STEP_PERCENT = 5


def week_figures(
    part: WeekPart, k: int, greet_within_s: float, *, staff: bool, patterns: bool
) -> WeekFigures | None:
    """The figures; None if none of them may be told.

    Args:
        part: what was released of the week.
        k: smallest count that may be told at all.
        greet_within_s: minimum expectation.
        staff: whether the team is declared, and too small for finer cells.
        patterns: whether an agreement permits service patterns.
    """
    least = k if part.cells == 1 else max(k, part.largest)
    figures = _staff(part.tally, least, greet_within_s) if staff else WeekFigures()
    if patterns:
        told = _patterns(part.tally, least)
        figures = figures.model_copy(update={"patterns": told})
    return None if figures == WeekFigures() else figures


def _staff(tally: Tally, least: int, greet_within_s: float) -> WeekFigures:
    greeting, served = tally.greeting, tally.outcomes[Outcome.SERVED]
    in_time = _up_to(greeting, greet_within_s)
    known = greeting.total(Fate.EVENT) + greeting.total(Fate.LEFT)
    left, abandoned = tally.outcomes[Outcome.GREETED_ONLY], tally.outcomes[Outcome.ABANDONED]
    return WeekFigures(
        greeted_in_time=_split(in_time, known - in_time, least),
        left_greeted=_split(left, abandoned, least),
        flawless=_split(tally.flawless, tally.broken, least),
        recovered=_split(tally.recovered, tally.broken - tally.recovered, least),
        interrupted=_split(tally.interrupted, served - tally.interrupted, least),
        greeting_median_s=_median_s(greeting, least),
        interaction_median_s=_median_s(tally.interaction, least),
        attended_percent=_percent(tally.attended, tally.present),
    )


def _split(yes: int, no: int, least: int) -> Split | None:
    return Split(yes=yes, no=no) if min(yes, no) >= least else None


def _up_to(histogram: Histogram, limit_s: float) -> int:
    """Events in the buckets up to the one that holds `limit_s`."""
    last = bucket_index(limit_s, histogram.scale)
    events = histogram.counts.get(Fate.EVENT, {})
    return sum(count for index, count in events.items() if index <= last)


def _median_s(histogram: Histogram, least: int) -> tuple[float, float] | None:
    """Bounds of the bucket in which half of the events are reached."""
    events = histogram.at_scale(_MEDIAN_SCALE).counts.get(Fate.EVENT, {})
    total, passed = sum(events.values()), 0
    if total < 2 * least:
        return None
    for index, count in sorted(events.items()):
        passed += count
        if 2 * passed >= total:
            lower_s, upper_s = bucket_bounds_s(index, _MEDIAN_SCALE)
            return round(lower_s, 1), round(upper_s, 1)
    return None


def _percent(part: timedelta, whole: timedelta) -> int | None:
    if not whole:
        return None
    nearest = _STEP_PERCENT * round(100 * (part / whole) / _STEP_PERCENT)
    return min(max(nearest, _STEP_PERCENT), 100 - _STEP_PERCENT)


def _patterns(tally: Tally, least: int) -> Patterns | None:
    counts = {pattern: tally.patterns[pattern] for pattern in Pattern}
    if min(counts.values()) < least:
        return None
    return Patterns(**{pattern.value: count for pattern, count in counts.items()})
