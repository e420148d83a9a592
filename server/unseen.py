"""Opening time about which nothing came, though a device was to watch: it counts as not seen.

Devices send a window for all of their store's opening time, whatever they see; one that is dark
sends none. Time for which a window may still come, trials, and time that was taken out of the
figures do not count. An assignment without a beginning begins with the device's first window.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, func, or_, select

from server.amending import Kind, Rulings
from server.course import SETTLES_AFTER
from server.identity_file import ALWAYS
from server.periods import (
    LONGEST_WINDOW,
    MILLISECOND,
    Period,
    StoreTime,
    intersect,
    subtract,
    union,
)
from server.schema.cells import window
from server.schema.identity import assignment

HEARD_BEFORE = timedelta(days=40)
"""A device without a window for so long before a period is taken to begin in it."""
Unseen = Mapping[UUID, Sequence[Period]]
"""Of each point, in order."""


@dataclass(frozen=True, slots=True)
class Watch:
    """Points of a store, and what says when they should have been seen."""

    org_id: UUID
    point_ids: Collection[UUID]
    time: StoreTime
    rulings: Rulings


def unseen(connection: Connection, of: Watch, period: Period, now: datetime) -> Unseen:
    """Opening time inside `period` in which a device was to watch a point and no window came."""
    ends = min(period.end, now - SETTLES_AFTER)
    begins = max(period.start, of.rulings.confirmed_at or period.start)
    if begins >= ends:
        return dict.fromkeys(of.point_ids, ())
    asked = Period(begins, ends)
    sources = _sources(of)
    watched = _watched(connection, of.org_id, frozenset().union(*sources.values()), asked)
    names = {name for spans in watched.values() for name, _ in spans}
    always = any(span.start == ALWAYS for spans in watched.values() for _, span in spans)
    heard = Period(asked.start - HEARD_BEFORE if always else asked.start, asked.end)
    came = _received(connection, of.org_id, names, heard)
    opening = of.time.open_times(asked)
    found: dict[UUID, Sequence[Period]] = {}
    known: dict[tuple[tuple[str, Period], ...], list[Period]] = {}
    for point_id, own in sources.items():
        spans = tuple(sorted((span for at in own for span in watched.get(at, ())), key=_key))
        if spans not in known:
            due = [_due(name, span, came) for name, span in spans]
            received = [one for name in {name for name, _ in spans} for one in came.get(name, ())]
            known[spans] = subtract(intersect(opening, due), received)
        voids = [
            one.period
            for one in of.rulings.amendments
            if one.kind is Kind.VOID and one.is_about(point_id)
        ]
        found[point_id] = subtract(known[spans], voids)
    return found


def length_ms(periods: Iterable[Period]) -> int:
    """How long they are together."""
    return sum((one.end - one.start) // MILLISECOND for one in periods)


def length_in_ms(periods: Sequence[Period], during: Period) -> int:
    """How much of them lies in another period."""
    return length_ms(intersect(periods, [during])) if periods else 0


def _sources(of: Watch) -> dict[UUID, set[UUID]]:
    """The points whose devices watch each of them: itself and those merged into it, once each."""
    found: dict[UUID, set[UUID]] = {one: set() for one in of.point_ids}
    for one in {*of.point_ids, *of.rulings.merges}:
        last = one
        for _ in of.rulings.merges:
            merge = of.rulings.merges.get(last)
            last = last if merge is None else merge.into
        if last in found:
            found[last].add(one)
    return found


_Spans = list[tuple[str, Period]]


def _key(one: tuple[str, Period]) -> tuple[str, datetime]:
    return one[0], one[1].start


def _due(name: str, span: Period, came: Mapping[str, Sequence[Period]]) -> Period:
    """From when to when a device was to watch; one from always on, once it had begun."""
    if span.start > ALWAYS:
        return span
    heard = came.get(name)
    return Period(heard[0].start, span.end) if heard and heard[0].start < span.end else span


def _watched(
    connection: Connection, org_id: UUID, point_ids: Collection[UUID], period: Period
) -> dict[UUID, _Spans]:
    """Which devices watched each point, and when."""
    rows = connection.execute(
        select(
            assignment.c.point_id,
            assignment.c.device,
            assignment.c.valid_from,
            assignment.c.valid_to,
        ).where(
            assignment.c.org_id == org_id,
            assignment.c.point_id.in_(point_ids),
            assignment.c.valid_from < period.end,
            or_(assignment.c.valid_to.is_(None), assignment.c.valid_to > period.start),
        )
    )
    found: dict[UUID, _Spans] = {}
    for row in rows:
        ends = period.end if row.valid_to is None else min(row.valid_to, period.end)
        found.setdefault(row.point_id, []).append((row.device, Period(row.valid_from, ends)))
    return found


def _received(
    connection: Connection, org_id: UUID, devices: Collection[str], period: Period
) -> dict[str, list[Period]]:
    """The time of which windows of each device came, in order.

    Windows that meet are put together by the database: of a day there are then one or two rows.
    """
    device, start_at, end_at = window.c.device, window.c.start_at, window.c.end_at
    before = func.lag(end_at, type_=end_at.type).over(partition_by=device, order_by=start_at)
    after = func.lead(start_at, type_=end_at.type).over(partition_by=device, order_by=start_at)
    every = (
        select(device, start_at, end_at, before.label("before"), after.label("after"))
        .where(
            window.c.org_id == org_id,
            window.c.device.in_(devices),
            window.c.start_at > period.start - LONGEST_WINDOW,
            window.c.start_at < period.end,
        )
        .subquery()
    )
    begins = or_(every.c.before.is_(None), every.c.before < every.c.start_at)
    ends = or_(every.c.after.is_(None), every.c.after > every.c.end_at)
    rows = connection.execute(
        select(every).where(or_(begins, ends)).order_by(every.c.device, every.c.start_at)
    )
    found: dict[str, list[Period]] = {}
    since: dict[str, datetime] = {}
    for row in rows:
        if row.before is None or row.before < row.start_at:
            since[row.device] = row.start_at
        if row.after is None or row.after > row.end_at:
            found.setdefault(row.device, []).append(Period(since[row.device], row.end_at))
    return {name: union(periods) for name, periods in found.items()}
