"""Who devices are: their organisation, and what their local ids stood for when.

Asked once in `FRESH` for each device, since a device's place hardly ever changes and its windows
come after the time that they are about. A device that nobody has claimed is asked about each
time, so that a claim counts at once.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import groupby
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, and_, select

from server.at_once import given, types_of
from server.periods import Period, StoreTime
from server.schema.columns import NO_ORGANISATION
from server.schema.identity import assignment, device, device_owner, point, store

FRESH = timedelta(seconds=5)
MOST_KNOWN = 100_000


@dataclass(frozen=True, slots=True)
class Watching:
    """What a local id of a device stood for, from `start` to `until`."""

    local_id: str
    point_id: UUID
    kind: str
    store_id: UUID
    store_time: StoreTime
    start: datetime
    until: datetime | None

    def during(self, period: Period) -> Period | None:
        """The part of `period` in which it did."""
        start = max(self.start, period.start)
        end = period.end if self.until is None else min(self.until, period.end)
        return Period(start, end) if start < end else None


@dataclass(frozen=True, slots=True)
class Claimed:
    """A device that an organisation has."""

    org_id: UUID
    watching: tuple[Watching, ...]

    def at(self, local_id: str, at: datetime) -> Watching | None:
        """What `local_id` stood for at an instant."""
        for one in self.watching:
            if (
                one.local_id == local_id
                and one.start <= at
                and (one.until is None or one.until > at)
            ):
                return one
        return None


Devices = dict[str, Claimed]


def org_of(devices: Devices, name: str) -> UUID:
    """The organisation of a device; `NO_ORGANISATION` where nobody has claimed it."""
    claimed = devices.get(name)
    return NO_ORGANISATION if claimed is None else claimed.org_id


class Directory:
    """Remembers for a while who devices are."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[datetime, Claimed]] = {}

    def find(self, connection: Connection, names: Collection[str], now: datetime) -> Devices:
        """Those of the named devices that somebody has claimed."""
        wanted = [name for name in sorted(names) if not self._is_fresh(name, now)]
        if wanted:
            if len(self._known) > MOST_KNOWN:
                self._known.clear()
                wanted = sorted(names)
            found = _claimed(connection, wanted)
            for name in wanted:
                self._known.pop(name, None)
            self._known |= {name: (now, claimed) for name, claimed in found.items()}
        return {name: self._known[name][1] for name in names if name in self._known}

    def _is_fresh(self, name: str, now: datetime) -> bool:
        found = self._known.get(name)
        return found is not None and abs(now - found[0]) < FRESH


def _claimed(connection: Connection, names: Collection[str]) -> Devices:
    asked = given(connection, types_of(device_owner, "device"), ((name,) for name in names))
    rows = connection.execute(
        select(device_owner.c.device, device_owner.c.org_id).join(
            asked.table, asked.c.device == device_owner.c.device
        ),
        asked.values,
    )
    owners = {str(row.device): row.org_id for row in rows}
    watching = dict(_watching(connection, owners))
    return {name: Claimed(org_id, watching.get(name, ())) for name, org_id in owners.items()}


def _watching(
    connection: Connection, owners: dict[str, UUID]
) -> Iterator[tuple[str, tuple[Watching, ...]]]:
    """What each device watches and watched."""
    types = types_of(device, "org_id", "device")
    asked = given(connection, types, ((org_id, name) for name, org_id in owners.items()))
    same = (assignment.c.org_id == asked.c.org_id) & (assignment.c.device == asked.c.device)
    at_point = and_(
        point.c.org_id == assignment.c.org_id, point.c.point_id == assignment.c.point_id
    )
    in_store = and_(store.c.org_id == point.c.org_id, store.c.store_id == point.c.store_id)
    rows = connection.execute(
        select(
            *assignment.c["device", "local_id", "point_id", "valid_from", "valid_to"],
            *point.c["kind", "store_id"],
            *store.c["timezone", "day_starts"],
        )
        .select_from(asked.table)
        .join(assignment, same)
        .join(point, at_point)
        .join(store, in_store)
        .order_by(assignment.c.device, assignment.c.valid_from),
        asked.values,
    )
    for name, of in groupby(rows, key=lambda row: str(row.device)):
        yield (
            name,
            tuple(
                Watching(
                    local_id=row.local_id,
                    point_id=row.point_id,
                    kind=row.kind,
                    store_id=row.store_id,
                    store_time=_store_time(row.timezone, row.day_starts),
                    start=row.valid_from,
                    until=row.valid_to,
                )
                for row in of
            ),
        )


def _store_time(timezone: str, day_starts: str) -> StoreTime:
    """As far as trading days depend on it."""
    return StoreTime(ZoneInfo(timezone), time.fromisoformat(day_starts), {}, frozenset())
