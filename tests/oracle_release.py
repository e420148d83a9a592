"""What should be released, computed in another way: from the rows of `visits.jsonl`.

No tallies, no state, no incremental step: windows are listed quarter-hour by quarter-hour,
visits are put under them, units are folded as nested lists, and every figure of a cell is
counted from its rows. Written from docs/privacy.md and docs/metrics.md, and sharing no code
with `edge.windows` or `firmware_cfg.histogram`.

`released_cells` returns dictionaries of the shape of a wire cell (`Cell.model_dump_json`),
cells of a store's weeks among them; `week` is in these alone.

Each row must be as it was when its window closed: a visit that lasts longer than the
window's settling time after the window's end is to be given as a `still_present` row. Zones
whose offset is a multiple of 15 minutes, and opening hours away from clock changes.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.oracle_calendar import DAY, instant, windows
from tests.oracle_cells import cell
from tests.oracle_joining import Leaf, Presence, Row, fill, holding, released, spread
from tests.oracle_week import week_cells

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from firmware_cfg.site import Site


def released_cells(
    site: Site,
    rows: Iterable[Row],
    *,
    zero_utc: datetime,
    begins: datetime,
    now: datetime,
    passers_by: Iterable[tuple[str, float]] = (),
    presence: Iterable[Presence] = (),
) -> list[Row]:
    """Cells released by `now`, by point and start.

    Args:
        site: the site file in force.
        rows: rows of `visits.jsonl`.
        zero_utc: wall-clock time at t_s = 0.
        begins: when reporting began; windows that ended by then do not exist.
        now: windows that close after it have not been reported.
        passers_by: (point, arrived_s).
        presence: presence spans.
    """
    settle = timedelta(seconds=site.encounter.window_settle_s)
    listed = list(windows(site, begins - DAY, now + timedelta(days=8)))
    known = [leaf for leaf in listed if leaf[2] > begins]
    closed = [leaf for leaf in known if leaf[2] + settle <= now]
    following = known[len(closed)][0] if len(closed) < len(known) else None
    every_row, every_passer, every_span = list(rows), list(passers_by), list(presence)
    cells, by_point = [], []
    for point, kind in _points(site):
        leaves = [Leaf(path, start, end) for path, start, end in closed]
        fill(site, leaves, [r for r in every_row if _point(r) == point], zero_utc)
        for where, arrived_s in every_passer:
            if where == point:
                for leaf in holding(site, leaves, instant(zero_utc, arrived_s)):
                    leaf.passers += 1
        for span in every_span:
            if span.point == point:
                spread(site, leaves, span, zero_utc)
        groups = released(leaves, following, site.privacy.k)
        cells += [cell(site, point, kind, group) for group in groups]
        by_point.append((leaves, groups))
    if site.privacy.team_size in {1, 2}:
        week_of = [path[1] for path, _, _ in listed]
        cells += week_cells(site, by_point, Counter(week_of), following)
    return sorted(cells, key=lambda cell: (cell["point"], cell["start"]))


def _points(site: Site) -> list[tuple[str, str]]:
    return [(p.id, "service_point") for p in site.service_point] + [
        (q.id, "queue") for q in site.queue
    ]


def _point(row: Row) -> str:
    return str(row["service_point"] or row["queue"])
