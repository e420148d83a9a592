"""The page of the fleet: each device's state, and what of the last day came from it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, select

from firmware_cfg.messages import Coverage
from server import queries
from server.periods import Period, intersect, subtract, union
from server.queries import Alive, CoverageRange, DeviceView, StoreView, coverage_range
from server.schema.cells import window
from server.schema.fleet import device_status
from server.schema.identity import device
from server.scope import Scope
from server.web.parts import Parts
from server.web.working import working

DEVICES_A_PAGE = 40
A_DAY = timedelta(days=1)
SETTLES_AFTER = timedelta(hours=2)
CERTIFICATE_SOON_DAYS = 30
DISK_LOW_MB = 500
WORST_FIRST = (Alive.SILENT, Alive.OFFLINE, Alive.NEVER_SEEN, Alive.ONLINE)
ALL = 1_000_000


@dataclass(frozen=True, slots=True)
class Vitals:
    """What a device's last heartbeat said, beside what `DeviceView` holds.

    Attributes:
        heard_at: when that heartbeat came.
        certificate_days: until its certificate ends, from now on; none: it has none.
        disk_free_mb: free on its disk.
        layers: what the kernel enforces.
    """

    heard_at: datetime | None = None
    certificate_days: int | None = None
    disk_free_mb: int | None = None
    layers: tuple[str, ...] = ()

    @property
    def certificate_ends_soon(self) -> bool:
        """Whether somebody should renew it."""
        return self.certificate_days is not None and self.certificate_days < CERTIFICATE_SOON_DAYS

    @property
    def disk_is_low(self) -> bool:
        """Whether little is left."""
        return self.disk_free_mb is not None and self.disk_free_mb < DISK_LOW_MB


@dataclass(frozen=True, slots=True)
class LastDay:
    """What of a day of opening time came from a device.

    Attributes:
        windows: how many windows came.
        missing_h: hours of opening time about which nothing came.
        blind: hours in which nothing could be measured, by reason.
        coverage: of the windows that came.
    """

    windows: int = 0
    missing_h: float = 0.0
    blind: Mapping[str, float] = field(default_factory=dict)
    coverage: CoverageRange | None = None


@dataclass(frozen=True, slots=True)
class FleetRow:
    """A device, its store, and all that is known of it."""

    device: DeviceView
    store: StoreView
    vitals: Vitals
    day: LastDay


@dataclass(frozen=True, slots=True)
class FleetPage:
    """Devices, those that need somebody first; `counts` by state, of all of them."""

    now: datetime
    period: Period
    counts: Mapping[Alive, int]
    faulty: int
    rows: tuple[FleetRow, ...]
    number: int
    last: int


def fleet_page(parts: Parts, scope: Scope, number: int = 1) -> FleetPage:
    """The devices that the caller may see, a page at a time."""
    now = parts.clock()
    period = Period(now - SETTLES_AFTER - A_DAY, now - SETTLES_AFTER)
    with parts.engine.connect() as connection:
        stores = {one.store_id: one for one in queries.stores(connection, scope, limit=ALL)}
        known = working(connection, scope, queries.devices(connection, scope, now))
        devices = [one for one in known if one.store_id in stores]
        devices.sort(key=lambda one: (_order(one), stores[one.store_id].name, one.device))
        last = max(1, -(-len(devices) // DEVICES_A_PAGE))
        number = min(max(1, number), last)
        page = devices[(number - 1) * DEVICES_A_PAGE : number * DEVICES_A_PAGE]
        vitals = _vitals(connection, page, now)
        received = _received(connection, page, period)
    rows = [
        FleetRow(
            one,
            stores[one.store_id],
            vitals.get((one.org_id, one.device), Vitals()),
            last_day(stores[one.store_id], received.get((one.org_id, one.device), []), period),
        )
        for one in page
    ]
    return FleetPage(
        now=now,
        period=period,
        counts=Counter(one.alive for one in devices),
        faulty=sum(bool(one.faults) for one in devices),
        rows=tuple(rows),
        number=number,
        last=last,
    )


def _order(one: DeviceView) -> tuple[int, bool]:
    return WORST_FIRST.index(one.alive), not one.faults


_Key = tuple[UUID, str]


def _vitals(
    connection: Connection, devices: Sequence[DeviceView], now: datetime
) -> dict[_Key, Vitals]:
    rows = connection.execute(
        select(device_status).where(
            device_status.c.org_id.in_({one.org_id for one in devices}),
            device_status.c.device.in_([one.device for one in devices]),
        )
    )
    return {(row.org_id, row.device): _vital(row, now) for row in rows}


def _vital(row: Row[Any], now: datetime) -> Vitals:
    days = row.certificate_days
    if days is not None and row.health_at is not None:
        days -= max(0, (now - row.health_at).days)
    return Vitals(row.health_at, days, row.disk_free_mb, tuple(row.kernel_layers or ()))


def _received(
    connection: Connection, devices: Sequence[DeviceView], period: Period
) -> dict[_Key, list[Row[Any]]]:
    same = (device.c.org_id == window.c.org_id) & (device.c.device == window.c.device)
    rows = connection.execute(
        select(window)
        .join(device, same)
        .where(
            window.c.org_id.in_({one.org_id for one in devices}),
            window.c.device.in_([one.device for one in devices]),
            window.c.start_at >= period.start - A_DAY,
            window.c.start_at < period.end,
            window.c.end_at > period.start,
        )
    )
    found: dict[_Key, list[Row[Any]]] = {}
    for row in rows:
        found.setdefault((row.org_id, row.device), []).append(row)
    return found


def last_day(store: StoreView, rows: Sequence[Row[Any]], period: Period) -> LastDay:
    """What came from a device about `period`, given the rows of its windows."""
    opening = store.time.open_times(period)
    times = [Period(row.start_at, row.end_at) for row in rows]
    blind: dict[str, list[Period]] = {}
    for row in rows:
        for one in row.invalid or ():
            span = Period(_instant(one["start"]), _instant(one["end"]))
            blind.setdefault(one["reason"], []).append(span)
    return LastDay(
        windows=len(rows),
        missing_h=_hours(subtract(opening, times)),
        blind={reason: _hours(intersect(opening, union(spans))) for reason, spans in blind.items()},
        coverage=coverage_range(
            [(Period(row.start_at, row.end_at), Coverage(row.coverage)) for row in rows]
        ),
    )


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _hours(periods: Sequence[Period]) -> float:
    return round(sum(one.length_s for one in periods) / 3600, 1)
