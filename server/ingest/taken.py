"""Time that cells have taken: those of one owner are disjoint (privacy rule 5)."""

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID


class Span(NamedTuple):
    """[start, end) of an owner: a point, or a device for its weeks."""

    org_id: UUID
    owner: UUID | str
    start: datetime
    end: datetime


@dataclass(slots=True)
class Taken:
    """Disjoint spans of each owner."""

    _starts: dict[tuple[UUID, UUID | str], list[datetime]] = field(default_factory=dict)
    _ends: dict[tuple[UUID, UUID | str], list[datetime]] = field(default_factory=dict)

    def add(self, span: Span) -> bool:
        """Take the time of `span`; False, and nothing changes, if some of it is taken.

        >>> from datetime import timedelta
        >>> hour, at = timedelta(hours=1), datetime(2026, 11, 16)
        >>> taken = Taken()
        >>> [taken.add(Span(UUID(int=1), "kiosk-1", at + n * hour, at + (n + 1) * hour))
        ...  for n in (0, 0.5, 1)]
        [True, False, True]
        """
        starts = self._starts.setdefault((span.org_id, span.owner), [])
        ends = self._ends.setdefault((span.org_id, span.owner), [])
        place = bisect_right(starts, span.start)
        if place > 0 and ends[place - 1] > span.start:
            return False
        if place < len(starts) and starts[place] < span.end:
            return False
        starts.insert(place, span.start)
        ends.insert(place, span.end)
        return True
