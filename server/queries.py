"""What may be asked of the store of cells, within a caller's scope.

Figures come out of `server.suppression`; this module only finds the point, its store's time
and its device, and puts the answers together.
"""

import json
from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, Select, Text, select, type_coerce

from firmware_cfg.messages import Coverage, PointKind
from server.errors import NotFoundError
from server.periods import LONGEST_WINDOW, MILLISECOND, Period, StoreTime, subtract, union
from server.schema.cells import window
from server.schema.fleet import NEVER, device_status
from server.schema.identity import assignment, device, organisation, point, store
from server.scope import Scope
from server.suppression import PointRef

# As devices send them; one that is cut off says so itself, by its last will.
HEARTBEAT = timedelta(seconds=1800)
SILENT_AFTER = 3 * HEARTBEAT
_TOLD_AS_TEXT = ("opening", "closed", "special")


@dataclass(frozen=True, slots=True)
class StoreView:
    """A store; its figures are a trial until somebody has confirmed it.

    `ended_at`: since when it is closed for good.
    """

    org_id: UUID
    store_id: UUID
    name: str
    organisation: str
    time: StoreTime
    confirmed_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def is_trial(self) -> bool:
        """Whether its figures stand on its own page alone."""
        return self.confirmed_at is None


@dataclass(frozen=True, slots=True)
class PointView:
    """A service point or queue."""

    ref: PointRef
    store_id: UUID
    label: str
    kind: str

    @property
    def is_queue(self) -> bool:
        """Whether it is a queue."""
        return self.kind == PointKind.QUEUE


class Alive(StrEnum):
    """Whether a device is heard of: offline by its own word, silent after three heartbeats."""

    ONLINE = "online"
    OFFLINE = "offline"
    SILENT = "silent"
    NEVER_SEEN = "never_seen"


@dataclass(frozen=True, slots=True)
class DeviceView:
    """A device and its last sign of life; `retired_at`: since when it has had no work."""

    org_id: UUID
    device: str
    label: str
    store_id: UUID
    alive: Alive
    last_sign_at: datetime | None
    software: str | None
    faults: tuple[str, ...]
    clock: str | None
    retired_at: datetime | None = None

    @property
    def retired(self) -> bool:
        """Whether it was replaced, or taken out of service: nobody expects to hear of it."""
        return self.retired_at is not None


@dataclass(frozen=True, slots=True)
class CoverageRange:
    """Bounds of the share of time that was seen, in [0, 1].

    It is of the windows received, and of opening time without any though a device was to watch.
    """

    low: float
    high: float


def stores(
    connection: Connection, scope: Scope, after: UUID | None = None, limit: int = 100
) -> list[StoreView]:
    """Stores in the order of their ids, from the one after `after`."""
    query = _store_query(scope).order_by(store.c.store_id).limit(limit)
    if after is not None:
        query = query.where(store.c.store_id > after)
    return [_store(row) for row in connection.execute(query)]


def store_by_id(connection: Connection, scope: Scope, store_id: UUID) -> StoreView:
    """One store.

    Raises:
        NotFoundError: none of that id in `scope`.
    """
    row = connection.execute(_store_query(scope).where(store.c.store_id == store_id)).first()
    if row is None:
        raise NotFoundError(f"no store {store_id}")
    return _store(row)


def _store_query(scope: Scope) -> Select[Any]:
    clock = [type_coerce(store.c[name], Text).label(name) for name in _TOLD_AS_TEXT]
    own = [one for one in store.c if one.name not in _TOLD_AS_TEXT]
    query = select(*own, *clock, organisation.c.name.label("organisation")).join(
        organisation, organisation.c.org_id == store.c.org_id
    )
    return scope.limit(query, store)


def _store(row: Row[Any]) -> StoreView:
    told = [getattr(row, name) for name in _TOLD_AS_TEXT]
    return StoreView(
        org_id=row.org_id,
        store_id=row.store_id,
        name=row.name,
        organisation=row.organisation,
        time=replace(_clock(row.timezone, row.day_starts, *told)),
        confirmed_at=row.confirmed_at,
        ended_at=row.ended_at,
    )


@lru_cache(maxsize=1024)
def _clock(timezone: str, day_starts: str, opening: str, closed: str, special: str) -> StoreTime:
    """A calendar by what the database has of it: many stores of a chain have the same."""
    told = (json.loads(one) for one in (opening, closed, special))
    return _time(timezone, day_starts, *told)


def time_of(row: Row[Any]) -> StoreTime:
    """The calendar of a store, from its row."""
    return _time(row.timezone, row.day_starts, row.opening, row.closed, row.special)


def _time(
    timezone: str,
    day_starts: str,
    opening: Mapping[str, Sequence[str]],
    closed: Sequence[str],
    special: Mapping[str, Sequence[str]],
) -> StoreTime:
    return StoreTime(
        zone=ZoneInfo(timezone),
        day_starts=time.fromisoformat(day_starts),
        opening={day: tuple(spans) for day, spans in opening.items()},
        closed=frozenset(date.fromisoformat(day) for day in closed),
        special={date.fromisoformat(day): tuple(spans) for day, spans in special.items()},
    )


def points(connection: Connection, of: StoreView) -> list[PointView]:
    """Points of a store, in the order of the identity file."""
    return [_point(row) for row in point_rows(connection, of)]


def point_rows(connection: Connection, of: StoreView) -> list[Row[Any]]:
    """The rows of a store's points, in the order of the identity file."""
    query = (
        select(point)
        .where(point.c.org_id == of.org_id, point.c.store_id == of.store_id)
        .order_by(point.c.position, point.c.slug)
    )
    return list(connection.execute(query))


def point_by_id(connection: Connection, scope: Scope, point_id: UUID) -> PointView:
    """One point.

    Raises:
        NotFoundError: none of that id in `scope`.
    """
    return _point(point_row(connection, scope, point_id))


def point_row(connection: Connection, scope: Scope, point_id: UUID) -> Row[Any]:
    """The row of one point.

    Raises:
        NotFoundError: none of that id in `scope`.
    """
    everywhere = select(point).join(organisation, organisation.c.org_id == point.c.org_id)
    query = scope.limit(everywhere.where(point.c.point_id == point_id), point)
    row = connection.execute(query).first()
    if row is None:
        raise NotFoundError(f"no point {point_id}")
    return row


def _point(row: Row[Any]) -> PointView:
    ref = PointRef(row.org_id, row.point_id)
    return PointView(ref, row.store_id, row.label, row.kind)


@dataclass(frozen=True, slots=True)
class Which:
    """Which devices are meant: those of some stores, of some names, or a part of the list."""

    store_ids: Collection[UUID] | None = None
    names: Collection[str] | None = None
    after: str | None = None
    limit: int | None = None

    def of(self, query: Select[Any]) -> Select[Any]:
        """`query`, for these alone."""
        if self.store_ids is not None:
            query = query.where(device.c.store_id.in_(self.store_ids))
        if self.names is not None:
            query = query.where(device.c.device.in_(self.names))
        if self.after is not None:
            query = query.where(device.c.device > self.after)
        return query if self.limit is None else query.limit(self.limit)


EVERY = Which()


def devices(
    connection: Connection,
    scope: Scope,
    now: datetime,
    store_id: UUID | None = None,
    which: Which = EVERY,
) -> list[DeviceView]:
    """Devices with their last sign of life, in the order of their ids."""
    same = (device_status.c.org_id == device.c.org_id) & (device_status.c.device == device.c.device)
    status = [column for column in device_status.c if column.name not in ("org_id", "device")]
    query = select(device, *status).outerjoin(device_status, same).order_by(device.c.device)
    if store_id is not None:
        query = query.where(device.c.store_id == store_id)
    query = which.of(scope.limit(query, device))
    return [_device(row, now) for row in connection.execute(query)]


def _device(row: Row[Any], now: datetime) -> DeviceView:
    sign_at = None if row.last_sign_at == NEVER else row.last_sign_at
    return DeviceView(
        org_id=row.org_id,
        device=row.device,
        label=row.label,
        store_id=row.store_id,
        alive=alive_at(sign_at, now, said_goodbye=row.online is False),
        last_sign_at=sign_at,
        software=row.software,
        faults=tuple(row.faults or ()),
        clock=row.clock,
        retired_at=row.retired_at,
    )


def alive_at(sign_at: datetime | None, now: datetime, *, said_goodbye: bool) -> Alive:
    """Whether a device is heard of, from its last sign of life."""
    if sign_at is None:
        return Alive.NEVER_SEEN
    if said_goodbye:
        return Alive.OFFLINE
    return Alive.SILENT if now - sign_at > SILENT_AFTER else Alive.ONLINE


def watching(
    connection: Connection, org_id: UUID, point_ids: Collection[UUID], period: Period
) -> dict[UUID, list[str]]:
    """The devices that watched each of these points during `period`, the latest first."""
    rows = connection.execute(
        select(assignment.c.point_id, assignment.c.device, assignment.c.valid_to)
        .where(
            assignment.c.org_id == org_id,
            assignment.c.point_id.in_(point_ids),
            assignment.c.valid_from < period.end,
        )
        .order_by(assignment.c.valid_from.desc(), assignment.c.device)
    )
    found: dict[UUID, dict[str, None]] = {one: {} for one in point_ids}
    for row in rows:
        if row.valid_to is None or row.valid_to > period.start:
            found[row.point_id][row.device] = None
    return {one: list(names) for one, names in found.items()}


def windows_of(
    connection: Connection, org_id: UUID, devices: Sequence[str], period: Period
) -> list[tuple[Period, Coverage]]:
    """The windows that `devices` sent about `period`, with their coverage."""
    rows = connection.execute(
        select(window.c.start_at, window.c.end_at, window.c.coverage).where(
            window.c.org_id == org_id,
            window.c.device.in_(devices),
            window.c.start_at > period.start - LONGEST_WINDOW,
            window.c.start_at < period.end,
            window.c.end_at > period.start,
        )
    )
    return [(Period(r.start_at, r.end_at), Coverage(r.coverage)) for r in rows]


def coverage_while(
    received: Sequence[tuple[Period, Coverage]], periods: Sequence[Period]
) -> CoverageRange | None:
    """Bounds of the mean coverage of `periods`: of the windows that meet them, and of none."""
    missing = subtract(periods, [one for one, _ in received])
    unseen_ms = sum((one.end - one.start) // MILLISECOND for one in missing)
    return coverage_range(windows_in(received, periods), unseen_ms)


def windows_in(
    received: Sequence[tuple[Period, Coverage]], periods: Sequence[Period]
) -> list[tuple[Period, Coverage]]:
    """The windows that meet `periods`."""
    disjoint = union(periods)
    ends = [one.end for one in disjoint]
    found = []
    for one in received:
        index = bisect_right(ends, one[0].start)
        if index < len(disjoint) and disjoint[index].start < one[0].end:
            found.append(one)
    return found


def coverage_range(
    received: Sequence[tuple[Period, Coverage]], unseen_ms: int = 0
) -> CoverageRange | None:
    """Bounds of the mean coverage, from the bands of the windows, weighted by their length."""
    lengths_ms: Counter[Coverage] = Counter()
    for period, band in received:
        lengths_ms[band] += (period.end - period.start) // MILLISECOND
    return coverage_of(lengths_ms, unseen_ms)


def coverage_of(seen: Mapping[Coverage, int], unseen_ms: int = 0) -> CoverageRange | None:
    """Bounds of the mean coverage, from the length of the windows in each band; none of none.

    `unseen_ms` is opening time about which no window came though one should have: 0 of it was seen.
    """
    total = sum(seen.values()) + unseen_ms
    if total == 0:
        return None
    bounds = [(length, *map(int, band.split("-"))) for band, length in seen.items()]
    low = sum(length * floor for length, floor, _ in bounds) / total
    high = sum(length * ceiling for length, _, ceiling in bounds) / total
    return CoverageRange(round(low / 100, 2), round(high / 100, 2))
