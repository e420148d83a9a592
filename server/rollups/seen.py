"""How much of the cells' time was seen: the windows that came of it, by band of coverage.

A window belongs to the cell, of the same device, in whose time it begins.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from firmware_cfg.messages import Coverage
from server.periods import LONGEST_WINDOW, MILLISECOND, Period
from server.released_cell import ReleasedCell
from server.schema.cells import window
from server.unions import Seen

NEAR = timedelta(days=2)
Windows = Mapping[str, Sequence[tuple[datetime, int, Coverage]]]
"""Of each device its windows in order: when they begin, how many milliseconds they have."""


def seen_of(
    connection: Connection, org_id: UUID, cells: Sequence[ReleasedCell]
) -> dict[UUID, Seen]:
    """What was seen of each of these cells, by their ids."""
    if not cells:
        return {}
    times = [
        and_(window.c.start_at >= one.start, window.c.start_at < one.end) for one in _near(cells)
    ]
    devices = {one.device for one in cells}
    return seen_in(_windows(connection, org_id, devices, or_(*times)), cells)


def seen_in(windows: Windows, cells: Sequence[ReleasedCell]) -> dict[UUID, Seen]:
    """The same, of windows that were read before."""
    return {one.cell_id: _seen(windows.get(one.device, ()), one.period) for one in cells}


def windows_about(
    connection: Connection, org_id: UUID, devices: Collection[str], period: Period
) -> Windows:
    """The windows of these devices that have time in common with `period`."""
    meets = and_(
        window.c.start_at > period.start - LONGEST_WINDOW,
        window.c.start_at < period.end,
        window.c.end_at > period.start,
    )
    return _windows(connection, org_id, devices, meets)


def _windows(
    connection: Connection, org_id: UUID, devices: Collection[str], when: ColumnElement[bool]
) -> Windows:
    rows = connection.execute(
        select(window.c.device, window.c.start_at, window.c.end_at, window.c.coverage)
        .where(window.c.org_id == org_id, window.c.device.in_(devices), when)
        .order_by(window.c.start_at)
    )
    found: dict[str, list[tuple[datetime, int, Coverage]]] = {}
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


def _seen(windows: Sequence[tuple[datetime, int, Coverage]], period: Period) -> Seen:
    seen: Counter[Coverage] = Counter()
    first = bisect_left(windows, period.start, key=lambda one: one[0])
    for number in range(first, len(windows)):
        start, length_ms, band = windows[number]
        if start >= period.end:
            break
        seen[band] += length_ms
    return dict(seen)
