"""How much of the cells' time was seen: the windows that came of it, by band of coverage.

A window belongs to the cell, of the same device, in whose time it begins.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, and_, or_, select

from firmware_cfg.messages import Coverage
from server.periods import MILLISECOND, Period
from server.released_cell import ReleasedCell
from server.schema.cells import window
from server.unions import Seen

NEAR = timedelta(days=2)
_Windows = dict[str, list[tuple[datetime, int, Coverage]]]


def seen_of(
    connection: Connection, org_id: UUID, cells: Sequence[ReleasedCell]
) -> dict[UUID, Seen]:
    """What was seen of each of these cells, by their ids."""
    if not cells:
        return {}
    windows = _windows(connection, org_id, cells)
    return {one.cell_id: _seen(windows.get(one.device, []), one.period) for one in cells}


def _windows(connection: Connection, org_id: UUID, cells: Sequence[ReleasedCell]) -> _Windows:
    times = [
        and_(window.c.start_at >= one.start, window.c.start_at < one.end) for one in _near(cells)
    ]
    rows = connection.execute(
        select(window.c.device, window.c.start_at, window.c.end_at, window.c.coverage)
        .where(
            window.c.org_id == org_id,
            window.c.device.in_({one.device for one in cells}),
            or_(*times),
        )
        .order_by(window.c.start_at)
    )
    found: _Windows = {}
    for row in rows:
        length_ms = (row.end_at - row.start_at) // MILLISECOND
        found.setdefault(row.device, []).append((row.start_at, length_ms, Coverage(row.coverage)))
    return found


def _near(cells: Sequence[ReleasedCell]) -> list[Period]:
    """The time of the cells in a few stretches: those near one another are asked for at once."""
    found: list[Period] = []
    for one in sorted((one.period for one in cells), key=lambda period: period.start):
        if found and one.start - found[-1].end <= NEAR:
            found[-1] = Period(found[-1].start, max(found[-1].end, one.end))
        else:
            found.append(one)
    return found


def _seen(windows: list[tuple[datetime, int, Coverage]], period: Period) -> Seen:
    seen: Counter[Coverage] = Counter()
    first = bisect_left(windows, period.start, key=lambda one: one[0])
    for start, length_ms, band in windows[first:]:
        if start >= period.end:
            break
        seen[band] += length_ms
    return dict(seen)
