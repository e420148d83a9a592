"""A small team's weeks: gathered from the cells that were let go of them, all points together."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from firmware_cfg.cells import Cell, Level
from server.simulating.calendar import Slot
from server.simulating.chain import PlannedStore
from server.simulating.joining import Joined
from server.simulating.releasing import Terms, week_of
from server.simulating.tally import Tally


@dataclass(slots=True)
class _Part:
    """What was let go of one point's week."""

    start: datetime
    end: datetime
    tally: Tally
    largest: int
    scale: int


class Weeks:
    """Weeks of a store since a device began to see it."""

    def __init__(self, store: PlannedStore) -> None:
        self._store = store
        self._asked = Terms(store.k, store.team_size).weekly_staff
        self._begun: datetime | None = None
        self._spans: dict[date, tuple[datetime, datetime]] = {}
        self._parts: dict[date, dict[str, _Part]] = {}

    def closed(self, slot: Slot) -> None:
        """A window was closed."""
        if not self._asked:
            return
        self._begun = self._begun or slot.start
        monday = _monday(slot)
        if monday not in self._spans:
            found = self._store.hours.week_span(monday)
            self._spans[monday] = found or (slot.start, slot.end)

    def add(self, point: str, joined: Joined, scale: int) -> None:
        """A cell was let go; one that is not of a single week is of none."""
        monday = next(
            (m for m, span in self._spans.items() if span[0] <= joined.start < span[1]), None
        )
        if monday is None or joined.end > self._spans[monday][1]:
            return
        visits = joined.tally.visits
        parts = self._parts.setdefault(monday, {})
        before = parts.get(point)
        if before is None:
            parts[point] = _Part(joined.start, joined.end, joined.tally, visits, scale)
            return
        before.end = joined.end
        before.tally = before.tally + joined.tally
        before.largest = max(before.largest, visits)
        before.scale = min(before.scale, scale)

    def over(self, until: datetime) -> Iterator[Cell]:
        """The weeks that ended by `until`, as far as they are whole and may be told of."""
        for monday in [m for m in self._spans if self._spans[m][1] <= until]:
            span = self._spans.pop(monday)
            parts = [
                one for one in self._parts.pop(monday, {}).values() if (one.start, one.end) == span
            ]
            if not parts or self._begun is None or self._begun > span[0]:
                continue
            tally = Tally()
            for one in parts:
                tally += one.tally
            largest, scale = max(one.largest for one in parts), min(one.scale for one in parts)
            cell = week_of(span, tally, largest, self._store.k, scale)
            if cell is not None:
                yield cell


def _monday(slot: Slot) -> date:
    monday = dict(slot.path)[Level.WEEK]
    if not isinstance(monday, date):
        raise TypeError("a week is named by its Monday")
    return monday
