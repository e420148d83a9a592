"""Queues and counters in one figure: only where both are in it for the same time.

Whoever gives up before a counter is a visit of the queue. So a store's figures over time for
which its queue has no released cell would forget those who left, and those over time for which
its counters have none everybody else. Which cell covers which time is public.
"""

from collections.abc import Collection
from dataclasses import dataclass
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
    """A store's union as figures may be made of it: without any where it is of one kind alone.

    Queues need to be in it for nine tenths of the time that counters are in it.
    """
    waiting = _covered(union, queues.points)
    serving = _covered(union, union.runs.keys() - queues.points)
    if not (queues.watched or waiting):
        return union
    if not serving or 10 * _in_common(waiting, serving) < 9 * _length(serving):
        return union.withheld()
    return union


def _covered(union: Union, points: Collection[UUID]) -> Spans:
    return joined(span for one in points for span in union.covered_of(one))


def _length(spans: Spans) -> int:
    return sum(end - start for start, end in spans)


def _in_common(some: Spans, others: Spans) -> int:
    return _length(some) + _length(others) - _length(joined([*some, *others]))
