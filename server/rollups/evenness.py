"""Queues and counters in one figure: what of the queues is out of reach counts as missing.

Whoever gives up before a counter is a visit of the queue. So a store's figures over time for
which its queue has no released cell forget those who left, and those over time for which its
counters have none everybody else. How many those are, nobody is told; but a stretch of time
without a cell of its own holds fewer than k parties, joined perhaps to a cell that reaches over
the stretch's end, which most often holds not many more than k. So 2 k are taken to be missing,
a month: which cell covers which time is public, and so is that.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import Connection, exists, select

from firmware_cfg.messages import PointKind
from server.periods import Period, Spans, joined
from server.schema.identity import assignment, point
from server.unions import Union


@dataclass(frozen=True, slots=True)
class Queues:
    """The queues of a store, and whether a device watched one of them."""

    points: frozenset[UUID]
    watched: bool


MONTH_MS = 31 * 24 * 3_600_000
BEGINNING_MS, ENDING_MS = 0, 1 << 62
NONE = Queues(frozenset(), watched=False)


def queues_of(
    connection: Connection, org_id: UUID, stores: Collection[UUID], during: Period
) -> dict[UUID, Queues]:
    """The queues of stores that have some, watched at any time of a period or not."""
    watched = exists().where(
        assignment.c.org_id == point.c.org_id,
        assignment.c.point_id == point.c.point_id,
        assignment.c.valid_from < during.end,
        assignment.c.valid_to.is_(None) | (assignment.c.valid_to > during.start),
    )
    rows = connection.execute(
        select(point.c.store_id, point.c.point_id, watched.label("watched")).where(
            point.c.org_id == org_id,
            point.c.store_id.in_(stores),
            point.c.kind == PointKind.QUEUE.value,
        )
    )
    found: dict[UUID, Queues] = {}
    for row in rows:
        known = found.get(row.store_id, NONE)
        is_watched = known.watched or bool(row.watched)
        found[row.store_id] = Queues(known.points | {row.point_id}, is_watched)
    return found


def even(union: Union, queues: Queues) -> Union:
    """A store's union as figures may be made of it: it knows what of its queues is missing.

    Without any counter no figure is made: it would be of those who left alone.
    """
    waiting = _covered(union, queues.points)
    serving = _covered(union, union.runs.keys() - queues.points)
    if not (queues.watched or waiting):
        return union
    if not serving:
        return union.withheld()
    lacking = 2 * union.k * sum(_months(waiting, serving))
    names = {*union.parts, *union.missing}
    missing = {name: union.missing.get(name, 0) + lacking for name in names}
    return replace(union, missing=missing) if lacking else union


def _covered(union: Union, points: Collection[UUID]) -> Spans:
    return joined(span for one in points for span in union.covered_of(one))


def _months(some: Spans, others: Spans) -> Iterator[int]:
    """The stretches of `others` between two spans of `some`: of how many months, begun ones too."""
    ends = [BEGINNING_MS, *(end for _, end in some)]
    starts = [*(start for start, _ in some), ENDING_MS]
    for first, after in zip(ends, starts, strict=True):
        inside = [(max(a, first), min(b, after)) for a, b in others if a < after and b > first]
        if inside:
            yield (inside[-1][1] - inside[0][0] - 1) // MONTH_MS + 1
