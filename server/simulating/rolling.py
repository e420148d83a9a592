"""The roll-ups of a store's cells, made in memory: the rows that the roll-up job would write.

`server.rollups.job` reads cells day by day and week by week, since they come day by day. Of a year
that is loaded at once it would read each many times.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from firmware_cfg.messages import Coverage
from server.ingest.rows import Row
from server.periods import MILLISECOND, Period, StoreTime, monday_of
from server.released_cell import ReleasedCell
from server.rollups.bodies import to_json
from server.rollups.calendar import Grain, hour_of
from server.unions import Seen, Union, merged_unions, union_of

Key = tuple[Grain, UUID, datetime, datetime]


def roll_ups(
    org_id: UUID,
    store_id: UUID,
    time: StoreTime,
    cells: Iterable[ReleasedCell],
    windows: Sequence[Row],
) -> list[Row]:
    """Rows of hours, days, weeks and spans of each point, and of the store's days and weeks."""
    seen = _Seen(windows)
    parts: dict[Key, list[Union]] = {}
    for one in cells:
        union = union_of(one, seen.of(one))
        for key in _keys(time, one):
            parts.setdefault(key, []).append(union)
    made = {key: merged_unions(found) for key, found in parts.items()}
    for key, found in _together(store_id, made).items():
        made[key] = merged_unions(found)
    return [_row(org_id, key, union) for key, union in made.items()]


def _keys(time: StoreTime, one: ReleasedCell) -> list[Key]:
    """The roll-ups of its point that a cell is in."""
    of, start = one.point_id, one.period.start
    day = time.trading_day(start)
    week = time.week_of(monday_of(day))
    keys = []
    if one.period.end <= week.end:
        keys.append((Grain.WEEK, of, week.start, week.end))
    whole = time.day_of(day)
    if one.period.end > whole.end:
        return [*keys, (Grain.SPAN, of, start, one.period.end)]
    hour = hour_of(time, start)
    if one.period.end <= hour.end:
        keys.append((Grain.HOUR, of, hour.start, hour.end))
    return [*keys, (Grain.DAY, of, whole.start, whole.end)]


def _together(store_id: UUID, made: dict[Key, Union]) -> dict[Key, list[Union]]:
    """The days and weeks of all points as those of the store."""
    found: dict[Key, list[Union]] = {}
    for (grain, _, start, end), union in made.items():
        if grain in (Grain.DAY, Grain.WEEK):
            found.setdefault((grain, store_id, start, end), []).append(union)
    return found


class _Seen:
    """The windows that came, by device, in order of time."""

    def __init__(self, windows: Sequence[Row]) -> None:
        self._windows: dict[str, list[tuple[datetime, int, Coverage]]] = {}
        for row in windows:
            length_ms = (row["end_at"] - row["start_at"]) // MILLISECOND
            one = (row["start_at"], length_ms, Coverage(row["coverage"]))
            self._windows.setdefault(row["device"], []).append(one)

    def of(self, cell: ReleasedCell) -> Seen:
        """What was seen of a cell's time."""
        windows = self._windows.get(cell.device, [])
        found: Counter[Coverage] = Counter()
        for start, length_ms, band in windows[_first(windows, cell.period) :]:
            if start >= cell.period.end:
                break
            found[band] += length_ms
        return dict(found)


def _first(windows: list[tuple[datetime, int, Coverage]], period: Period) -> int:
    return bisect_left(windows, period.start, key=lambda one: one[0])


def _row(org_id: UUID, key: Key, union: Union) -> Row:
    grain, subject_id, start, end = key
    return {
        "org_id": org_id,
        "subject_id": subject_id,
        "grain": grain.value,
        "start_at": start,
        "end_at": end,
        "cells": union.sums.cells,
        "visits": union.sums.visits,
        "body": to_json(union),
    }
